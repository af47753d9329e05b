"""Three languages with the same keys; whose language is spoken when."""

from __future__ import annotations

import re
import string
import threading
from datetime import UTC, datetime, timedelta

import opencc
import pytest

from incidents import i18n
from incidents.i18n import LANGUAGES, catalogue, clock_time, span, words

MAY_BE_EMPTY = {"alert.tag.first", "line.blank", "unit.incident", "forecast.times", "list.sentence"}
ALIKE = str.maketrans("", "", "台裡裏群着了只里后面核准才游布占峰")  # written so in both, or a matter of taste


def fields(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name}


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_every_language_has_the_same_keys_and_placeholders(language: str) -> None:
    ours, theirs = catalogue(), catalogue(language)
    assert set(theirs) ^ set(ours) == set()
    assert [key for key in ours if fields(ours[key]) != fields(theirs[key])] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_sentence_is_empty(language: str) -> None:
    assert {key for key, sentence in catalogue(language).items() if not sentence.strip()} <= MAY_BE_EMPTY


def test_traditional_words_hold_no_simplified_characters() -> None:
    turn = opencc.OpenCC("s2t")
    wrong = {key: text for key, text in catalogue("zh-Hant").items() if turn.convert(text.translate(ALIKE)) != text.translate(ALIKE)}
    assert wrong == {}


def test_english_words_are_english() -> None:
    han = re.compile(r"[\u4e00-\u9fff]")
    named = {"product.name", "drill.begins", "search.example"}  # the product, the invented brand, a query in Chinese
    assert {key for key, text in catalogue("en").items() if han.search(text)} <= named


def test_a_page_speaks_its_reader_s_language_and_no_other_s() -> None:
    said: list[str] = []

    def reader(language: str) -> None:
        i18n.speak(language)
        said.append(words("nav.overview"))

    for language in LANGUAGES:
        one = threading.Thread(target=reader, args=(language,))
        one.start()
        one.join()
    assert said == ["态势", "態勢", "Overview"]
    assert words("nav.overview") == "态势"


def test_a_process_speaks_the_language_of_its_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(i18n, "_own", "zh-Hans")
    i18n.settle("en")
    noon = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)
    assert clock_time(noon - timedelta(days=1), noon) == "yesterday 12:00"
    assert span(timedelta(minutes=125)) == "2 h 5 min"
    i18n.speak("no-such-language")
    assert words("grade.red") == "Red"
