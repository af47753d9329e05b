import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from crawlers.parse.discuz import is_discuz, parse_discuz, thread_address, thread_id
from crawlers.parse.result import PageResult
from incidents.model import Health

PAGES = Path(__file__).parents[1] / "pages" / "discuz"
AT = datetime(2026, 11, 21, 20, 34, 48, tzinfo=UTC)
SITE = "http://bbs.example.com/forum.php"
SHARED = Path(os.environ.get("YUJING_SHARED", Path(__file__).parents[4] / "shared")) / "data/pages/forum-and-blog-engines/discuz"
needs_shared = pytest.mark.skipif(not SHARED.exists(), reason="the shared Discuz! pages are not here (YUJING_SHARED)")


def read(name: str, address: str, folder: Path = PAGES) -> PageResult:
    return parse_discuz((folder / name).read_bytes(), address, AT, source="bbs")


def page(inner: str) -> bytes:
    return f'<html><head><meta name="generator" content="Discuz! X3.5"></head><body>{inner}</body></html>'.encode()


def row(tid: int, *, kind: str = "normal", replies: str = "3", views: str = "88") -> str:
    return (f'<tbody id="{kind}thread_{tid}"><tr><th><a class="s xst" href="forum.php?mod=viewthread&amp;tid={tid}&amp;extra=page%3D1">题{tid}</a></th>'
            f'<td class="num"><a>{replies}</a><em>{views}</em></td></tr></tbody>')


def listing(*rows: str, after: str = "") -> bytes:
    return page(f'<div id="threadlist"><table>{"".join(rows)}</table></div>{after}')


def test_the_saved_list_reads_as_expected() -> None:
    expected = json.loads((PAGES / "forumdisplay_p1.expected.json").read_text("utf-8"))
    result = read("forumdisplay_p1.html", f"{SITE}?mod=forumdisplay&fid=2")
    assert [[f.url, f.key] for f in result.follow] == expected["follow"]
    assert [[s.key, s.comments, s.views] for s in result.snapshots] == expected["snapshots"]
    assert result.next_page == expected["next_page"] and result.health is None and not result.warnings


@pytest.mark.parametrize(("name", "address"), [("viewthread_t1", f"{SITE}?mod=viewthread&tid=1"), ("viewthread_t4_p2", f"{SITE}?mod=viewthread&tid=4&page=2")])
def test_the_saved_threads_read_as_expected(name: str, address: str) -> None:
    expected = json.loads((PAGES / f"{name}.expected.json").read_text("utf-8"))
    result = read(f"{name}.html", address)
    seen = [[m.native_id, m.root, m.title, m.text, m.quote, m.author and m.author.name, m.published and m.published.isoformat()] for m in result.mentions]
    assert seen == expected["mentions"]
    assert result.next_page == expected["next_page"]


@needs_shared
def test_every_thread_of_the_gold_list() -> None:
    gold = {row[0]: row for row in json.loads((SHARED / "gold.json").read_text("utf-8"))}
    for tid, (_, title, author, posted, _replies, _views) in gold.items():
        opener = read(f"viewthread_t{tid}.html", f"{SITE}?mod=viewthread&tid={tid}", SHARED).mentions[0]
        assert (opener.native_id, opener.title, opener.author and opener.author.name) == (f"t{tid}", title, author)
        assert opener.published == datetime.fromtimestamp(posted, UTC)
    listed = {s.key: s.comments for p in range(1, 5) for s in read(f"forumdisplay_p{p}.html", f"{SITE}?fid=2&page={p}", SHARED).snapshots}
    assert listed == {f"forum:bbs.example.com:t{tid}": row[4] for tid, row in gold.items()}


def test_a_pinned_thread_is_followed_and_marked() -> None:
    result = parse_discuz(listing(row(9, kind="stick"), row(4)), SITE, AT)
    assert result.pinned == {"forum:bbs.example.com:t9"} and len(result.follow) == 2


def test_a_rounded_count_is_a_floor_and_a_missing_one_unknown() -> None:
    (snapshot,) = parse_discuz(listing(row(4, replies="-", views="10万+")), SITE, AT).snapshots
    assert (snapshot.comments, snapshot.views, snapshot.floors) == (None, 100_000, {"views"})


def test_an_empty_forum_is_no_fault_and_an_unreadable_list_is() -> None:
    assert parse_discuz(listing("<tr><td>本版块或指定的范围内尚无主题</td></tr>"), SITE, AT).health is None
    assert parse_discuz(listing("<tr><td>新样式</td></tr>"), SITE, AT).health is Health.CHANGED


@pytest.mark.parametrize(("words", "health"), [("抱歉，您需要登录后才能继续本操作", Health.AUTH_REQUIRED), ("请完成安全验证，输入验证码", Health.BLOCKED), ("网站改版公告", Health.CHANGED)])
def test_a_notice_in_place_of_the_list(words: str, health: Health) -> None:
    assert parse_discuz(page(f'<div id="messagetext"><p>{words}</p></div>'), f"{SITE}?fid=2", AT).health is health


def test_a_deleted_thread_is_gone_and_the_source_is_well() -> None:
    result = parse_discuz(page('<div id="messagetext"><p>抱歉，指定的主题不存在或已被删除或正在被审核</p></div>'), f"{SITE}?mod=viewthread&tid=7", AT)
    assert result.gone == {"forum:bbs.example.com:t7"} and result.health is None


def test_gbk_pages_read_like_utf8_pages() -> None:
    body = (PAGES / "viewthread_t1.html").read_bytes()
    gbk = body.decode().replace('charset="utf-8"', 'charset="gbk"').encode("gb18030")
    address = f"{SITE}?mod=viewthread&tid=1"
    assert parse_discuz(gbk, address, AT, content_type="text/html; charset=gbk") == parse_discuz(body, address, AT)


def test_addresses_in_both_forms() -> None:
    assert thread_id("http://h/thread-77-3-1.html") == "77" == thread_id("http://h/forum.php?mod=viewthread&tid=77&page=3")
    assert thread_address("http://h/b/thread-77-3-2.html", 2) == "http://h/b/thread-77-2-1.html"
    assert thread_address("http://h/forum.php?mod=viewthread&tid=7&extra=page%3D1&page=3") == "http://h/forum.php?mod=viewthread&tid=7"


def test_the_base_of_another_host_is_not_followed() -> None:
    body = listing(row(4)).replace(b"<head>", b'<head><base href="http://evil.example/">')
    assert parse_discuz(body, SITE, AT).follow[0].url.startswith("http://bbs.example.com/")


def test_a_post_of_pictures_says_that_they_were_not_read() -> None:
    post = '<div id="post_5"><a id="postnum5">2#</a><em id="authorposton5">发表于 昨天&nbsp;23:03</em><div class="pcb"><td id="postmessage_5"><img aid="1" file="a.jpg"></td></div></div>'
    (mention,) = parse_discuz(page(f'<div id="postlist">{post}</div>'), f"{SITE}?mod=viewthread&tid=7&page=2", AT).mentions
    assert (mention.text, mention.flags, mention.root) == ("[图片]", {"pictures_unread"}, "t7")


@pytest.mark.parametrize("body", [b"", b"\xff\x00" * 99, b"<div>" * 50_000, b'{"ok":1}'])
def test_any_bytes_are_a_state_not_a_crash(body: bytes) -> None:
    assert parse_discuz(body, SITE, AT).health is Health.CHANGED


def test_the_engine_is_recognised() -> None:
    assert is_discuz((PAGES / "viewthread_t1.html").read_bytes()) and not is_discuz(b"<html>phpBB</html>")
