"""A search written as a brand's rule: it finds what the narrowed search finds, and the settings file takes its line."""

from __future__ import annotations

import random
import tomllib
from pathlib import Path

import pytest

from incidents.query import Watchlist, parse
from incidents.query.rule import asks_sentiment, lines, rule
from incidents.settings import parse as settings_of
from tests.incidents.query.corpus import PLATFORMS, SOURCES, corpus, query


@pytest.mark.parametrize("seed", range(20))
def test_a_rule_finds_what_the_narrowed_search_finds(seed: int) -> None:
    rng = random.Random(seed)
    typed, source, platform = query(rng), rng.choice((None, *SOURCES)), rng.choice((None, *PLATFORMS))
    plain, narrowed = Watchlist({"": parse(typed)}), Watchlist({"": parse(rule(typed, source=source, platform=platform))})
    for fields in corpus(rng, 200):
        wanted = "" in plain.match(fields) and source in (None, fields.source) and platform in (None, fields.platform)
        assert ("" in narrowed.match(fields)) is wanted, typed


@pytest.mark.parametrize("typed", ["刹车 NEAR/10 失灵 NOT 招聘", '"good tea" OR 虫', "it's 茶", "标题：召回", "a\\b", '"""'])
def test_the_settings_file_takes_the_line_as_it_is(typed: str, tmp_path: Path) -> None:
    said = f'[[brands]]\nid = "tea"\nname = "茶"\n{lines(typed)}\n'
    assert tomllib.loads(said)["brands"][0]["query"] == typed
    if typed != '"""':  # no query: only the writing of it is looked at
        assert settings_of(tomllib.loads(said), tmp_path / "yujing.toml").brands[0].query == typed


def test_nothing_asked_for_is_no_rule() -> None:
    assert rule("  ") == "" and rule("", source="wb") == 'source:"wb"'


@pytest.mark.parametrize(("typed", "asks"), [("sentiment:negative", True), ("茶 -sentiment:negative", True), ("茶 (虫 OR 情感：正面)", True), ("茶 platform:weibo", False)])
def test_a_rule_that_asks_for_a_sentiment_is_known(typed: str, asks: bool) -> None:
    assert asks_sentiment(parse(typed)) is asks
