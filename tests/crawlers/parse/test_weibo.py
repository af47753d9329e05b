import json
from datetime import UTC, datetime
from typing import Any

import pytest

from crawlers.parse.weibo import bid_to_mid, longtext_of, mid_to_bid, parse_weibo, plain
from incidents.model import Health

AT = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
URL = "https://m.weibo.cn/api/container/getIndex?containerid=1076031&page=2"
HOST = "weibo:m.weibo.cn:"


def post(mid: str = "5301234567890123", **more: Any) -> dict[str, Any]:
    return {"id": mid, "mid": mid, "bid": "", "created_at": "Sat Nov 21 10:00:00 +0800 2026", "text": "星辰汽车<br />刹车失灵 <a href='/n/x'>@官方</a>",
            "reposts_count": 12, "comments_count": "1.2万", "attitudes_count": 0, "isLongText": False, "pics": {"0": {}, "1": {}},
            "user": {"id": 77, "screen_name": "车主", "followers_count": "3.4万", "follow_count": 9, "statuses_count": 5, "verified": True}, **more}


def cards(*posts: dict[str, Any], **more: Any) -> bytes:
    return json.dumps({"ok": 1, "data": {"cards": [{"card_type": 9, "mblog": p} for p in posts], **more}}, ensure_ascii=False).encode()


def test_a_post_with_all_its_fields() -> None:
    result = parse_weibo(cards(post()), URL, AT, source="s")
    (mention,), (snapshot,) = result.mentions, result.snapshots
    assert mention.text == "星辰汽车\n刹车失灵 @官方" and mention.published == datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
    assert mention.author and (mention.author.native_id, mention.author.followers, mention.author.verified) == ("77", 34_000, True)
    assert mention.revisit == "https://m.weibo.cn/statuses/show?id=5301234567890123"
    assert (snapshot.reposts, snapshot.comments, snapshot.likes, snapshot.views, snapshot.at) == (12, 12_000, 0, None, AT)


def test_posts_nested_in_card_groups_are_found_once() -> None:
    body = json.dumps({"ok": 1, "data": {"cards": [{"card_group": [{"mblog": post("1001")}, {"card_group": [{"mblog": post("1002")}, {"mblog": post("1001")}]}]}]}}).encode()
    assert [m.native_id for m in parse_weibo(body, URL, AT).mentions] == ["1001", "1002"]


def test_a_repost_comes_after_its_original_and_names_it_as_root() -> None:
    original, repost = parse_weibo(cards(post("1002", retweeted_status=post("1001"))), URL, AT).mentions
    assert (original.native_id, original.kind, repost.root, repost.kind) == ("1001", "post", "1001", "repost")


def test_an_original_that_is_gone_leaves_its_place_and_no_text() -> None:
    result = parse_weibo(cards(post("1002", retweeted_status={"id": "1001", "created_at": "x", "text": "抱歉，作者已删除", "user": None})), URL, AT)
    assert [m.native_id for m in result.mentions] == ["1002"] and result.mentions[0].root == "1001" and result.gone == {HOST + "1001"}


def test_a_capped_number_is_a_floor() -> None:
    strategy = {"apply_scenario_flag": 3, "display_text_min_number": 1_000_000, "display_text": "100万+"}
    capped, plain_one = parse_weibo(cards(post("1", reposts_count=1_000_000, number_display_strategy=strategy), post("2", reposts_count="100万+")), URL, AT).snapshots
    assert capped.reposts == plain_one.reposts == 1_000_000 and "reposts" in capped.floors and "reposts" in plain_one.floors
    assert "likes" not in capped.floors


def test_missing_counts_are_unknown_and_a_missing_user_is_no_author() -> None:
    result = parse_weibo(cards({"id": "9", "created_at": "昨天 23:03", "text": "只有字", "user": None}), URL, AT)
    assert result.snapshots == () and result.mentions[0].author is None and result.mentions[0].precision == "minute"


def test_long_text_is_followed_and_pinned_posts_are_marked() -> None:
    result = parse_weibo(cards(post("8", isLongText=True, isTop=1), post("7", title={"text": "置顶"})), URL, AT)
    assert result.follow[0].url == "https://m.weibo.cn/statuses/extend?id=8" and result.follow[0].kind == "longtext"
    assert result.mentions[0].flags >= {"truncated", "pinned"} and result.pinned == {HOST + "8", HOST + "7"}
    assert longtext_of(b'{"ok":1,"data":{"longTextContent":"\\u5168\\u6587<br/>\\u5728\\u6b64"}}') == "全文\n在此" and longtext_of(b"<html>") is None


@pytest.mark.parametrize(("more", "following"), [
    ({}, "page=3"), ({"cardlistInfo": {"since_id": 4912}}, "since_id=4912"), ({"cardlistInfo": {"page": 3}}, "page=3"), ({"cardlistInfo": {"page": None}}, None)])
def test_the_next_page_by_cursor_or_number(more: dict[str, Any], following: str | None) -> None:
    found = parse_weibo(cards(post(), **more), URL, AT).next_page
    assert (found is None) if following is None else (found is not None and following in found and "containerid=1076031" in found)


def test_comments_carry_both_cursors_and_their_root() -> None:
    body = json.dumps({"ok": 1, "data": {"data": [{"id": "55", "created_at": "刚刚", "text": "我也是", "like_count": 3, "total_number": 1, "user": {"id": 1}}], "max_id": 1389, "max_id_type": 0}}).encode()
    result = parse_weibo(body, "https://m.weibo.cn/comments/hotflow?id=1001&mid=1001&max_id_type=0", AT)
    assert (result.mentions[0].kind, result.mentions[0].root, result.snapshots[0].likes) == ("comment", "1001", 3)
    assert result.next_page and "max_id=1389" in result.next_page and "max_id_type=0" in result.next_page


def test_one_post_shown_alone_has_no_next_page() -> None:
    body = json.dumps({"ok": 1, "data": post("1001")}).encode()
    result = parse_weibo(body, "https://m.weibo.cn/statuses/show?id=1001", AT)
    assert result.snapshots[0].key == HOST + "1001" and result.next_page is None


def test_the_ajax_shape_of_weibo_com() -> None:
    body = json.dumps({"ok": 1, "data": {"list": [{"idstr": "5301234567890123", "id": 5301234567890123, "mblogid": "z0", "created_at": "Sat Nov 21 10:00:00 +0800 2026", "text_raw": "原文", "text": "<a>x</a>", "reposts_count": 1, "pic_infos": {}}], "since_id": ""}}).encode()
    (mention,) = parse_weibo(body, "https://weibo.com/ajax/statuses/mymblog?uid=1&page=1", AT).mentions
    assert mention.text == "原文" and mention.revisit == "https://weibo.com/ajax/statuses/show?id=5301234567890123"


@pytest.mark.parametrize(("body", "status", "health"), [
    (b"<html><title>Sina Visitor System</title>passport.weibo.com</html>", 200, Health.AUTH_REQUIRED),
    ("<html>请完成安全验证</html>".encode(), 200, Health.BLOCKED),
    (b"", 432, Health.BLOCKED),
    (b'{"ok":-100,"url":"https://passport.weibo.cn/signin/login"}', 200, Health.AUTH_REQUIRED),
    (b'{"ok":0,"errno":"1","msg":"\xe8\xaf\xb7\xe7\x99\xbb\xe5\xbd\x95"}', 200, Health.AUTH_REQUIRED),
    (b"<html>hello</html>", 200, Health.CHANGED), (b"{broken", 200, Health.CHANGED), (b"[" * 100_000, 200, Health.CHANGED),
    (b'{"v":3,"feed":[]}', 200, Health.CHANGED), (b'{"ok":1,"data":{"cards":[{"mblog":{"id":"x","created_at":1,"text":""}}]}}', 200, Health.CHANGED),
    (b'{"ok":0,"msg":"\xe8\xbf\x99\xe9\x87\x8c\xe8\xbf\x98\xe6\xb2\xa1\xe6\x9c\x89\xe5\x86\x85\xe5\xae\xb9"}', 200, None), (b'{"ok":1,"data":{"cards":[]}}', 200, None)])
def test_what_stands_in_place_of_a_feed(body: bytes, status: int, health: Health | None) -> None:
    result = parse_weibo(body, URL, AT, status=status)
    assert result.health is health and result.warnings and not result.mentions


def test_a_deleted_post_is_gone() -> None:
    result = parse_weibo('{"ok":0,"msg":"抱歉，此微博已被作者删除"}'.encode(), "https://m.weibo.cn/statuses/show?id=1001", AT)
    assert result.gone == {HOST + "1001"} and result.health is None


def test_mid_and_bid() -> None:
    assert mid_to_bid("3501756485200075") == "z0JH2lOMb" and bid_to_mid("z0JH2lOMb") == "3501756485200075"


def test_emoticons_keep_their_names_and_the_full_text_link_goes() -> None:
    assert plain('气死<span class="url-icon"><img alt="[怒]" src="x"></span> ...<a href="/status/1">全文</a>') == "气死[怒] ..."
