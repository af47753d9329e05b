import pytest

from crawlers.charset import decode

TEXT = "上周买的星辰汽车产品出现异响，客服一直推诿，希望大家注意。編號：0004 镕堃㛃"
PAGE = '<html><head>{meta}<title>消费投诉</title></head><body>{text}</body></html>'
GB = ['<meta charset="gbk">', '<meta http-equiv="Content-Type" content="text/html; charset=gb2312" />', "", '<meta charset="utf-8">']


@pytest.mark.parametrize("meta", GB)
@pytest.mark.parametrize("header", ["", "text/html", "text/html; charset=utf-8", "text/html; charset=GBK", "text/html; charset=ISO-8859-1"])
def test_gb18030_with_without_and_with_wrong_declaration(meta: str, header: str) -> None:
    page = PAGE.format(meta=meta, text=TEXT * 3)
    assert decode(page.encode("gb18030"), header) == page


@pytest.mark.parametrize("meta", [*GB, '<meta charset="big5">'])
@pytest.mark.parametrize("header", ["", "text/html; charset=gb2312"])
def test_utf8_that_declares_something_else(meta: str, header: str) -> None:
    page = PAGE.format(meta=meta, text=TEXT)
    assert decode(page.encode(), header) == page


def test_big5_that_says_so() -> None:
    page = '<html><head><meta charset="big5"></head><body>{}</body></html>'.format("上週買的汽車產品出現異響，客服一直推諉")
    assert decode(page.encode("big5hkscs"), "text/html") == page


def test_one_spoilt_byte_spoils_one_character() -> None:
    body = PAGE.format(meta='<meta charset="utf-8">', text=TEXT * 5).encode()
    assert TEXT in decode(body[:200] + b"\xff" + body[200:])


def test_a_page_cut_inside_a_character_is_still_utf8() -> None:
    assert decode("客服一直推诿".encode()[:-1]).startswith("客服一直推")


@pytest.mark.parametrize("body", [b"", b"\xff\xfe\xfd", b"\x00" * 50, bytes(range(256))])
def test_any_bytes_give_text(body: bytes) -> None:
    assert isinstance(decode(body), str)
