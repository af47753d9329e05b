"""The script: readable, checked, and written so that no two texts repeat each other."""

from __future__ import annotations

import pytest

from incidents.errors import SettingsError
from monitor.drill import plot

LONGEST_SHARED = 11


def grams(text: str) -> set[str]:
    plain = "".join(text.split())
    many = LONGEST_SHARED + 1
    return {plain[start : start + many] for start in range(len(plain) - many + 1)}


def test_no_two_texts_share_twelve_characters_but_in_quotes_and_reposts() -> None:
    owner: dict[str, str] = {}
    for post in plot.load().posts:
        for gram in grams(post.own_text) | grams(post.title):
            assert owner.setdefault(gram, post.id) == post.id, f"{post.id} repeats {owner[gram]}: {gram}"


def test_a_repeated_sentence_would_be_found() -> None:
    assert grams("孩子半夜上吐下泻，现在人在儿童医院") & grams("听说孩子半夜上吐下泻，现在人在哪")


def test_what_a_repost_carries_along_stands_in_the_original() -> None:
    script = plot.load()
    for post in script.posts:
        if "//@" in post.text:
            name, _, carried = post.text.split("//@")[1].partition(":")
            original = script.post(post.repost_of or "")
            assert (name, carried in original.text) == (original.author, True), post.id


def test_the_crisis_keeps_to_its_times() -> None:
    script = plot.load()
    times = {name: script.post(name).at for name in ("lead", "f-lead", "n-first", "w-media", "w-notice", "w-calm")}
    assert times["lead"] <= 3 and times["f-lead"] <= 6 and times["n-first"] <= 40
    assert 60 <= times["w-media"] <= 80 and 170 <= times["w-notice"] <= 200 and times["w-calm"] >= 600


def test_every_site_has_ordinary_posts_from_before_the_origin() -> None:
    script = plot.load()
    assert all(sum(post.at < -60 for post in script.on(site)) >= 3 for site in ("weibo", "forum", "news"))
    assert 70 <= len(script.posts) <= 110


@pytest.mark.parametrize(("line", "said"), [
    ('reply_to = "nobody"', "not an earlier post"),
    ('colour = "red"', "colour"),
    ('quote = "没有说过"\nquote_of = "a"', "does not stand"),
])
def test_a_wrong_script_says_what_is_wrong(tmp_path, line: str, said: str) -> None:
    (tmp_path / "story.toml").write_text(
        'city = "x"\n[weibo]\nname = "w"\n[forum]\nname = "f"\nboard = "b"\n[news]\nname = "n"\noutlet = "o"\n', "utf-8")
    (tmp_path / "posts.toml").write_text(
        '[[posts]]\nid = "a"\nsite = "forum"\nat = 1\nauthor = "甲"\ntext = "你好"\n'
        f'[[posts]]\nid = "b"\nsite = "forum"\nat = 2\nauthor = "乙"\ntext = "在吗"\n{line}\n', "utf-8")
    with pytest.raises(SettingsError, match=said):
        plot.load(tmp_path)
