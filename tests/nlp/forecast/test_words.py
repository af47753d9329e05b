from __future__ import annotations

import re
from pathlib import Path

import pytest

from incidents.i18n import catalogue
from nlp import forecast

CODE = Path(forecast.__file__).parent
SOURCES = "\n".join(file.read_text(encoding="utf-8") for file in sorted(CODE.glob("*.py")))


@pytest.mark.parametrize(("class_name", "table"), [("ForecastReason", "forecast.reason"), ("Unusable", "forecast.abstain")])
def test_every_code_has_its_sentence_and_every_sentence_its_code(class_name, table):
    calls = re.findall(class_name + r"\(code=(\"\w+\".*)", SOURCES)
    codes = {code for call in calls for code in re.findall(r"\"(\w+)\"(?= if| else|,|\)|$)", call.split(", values")[0].split(", sentence")[0])}
    told = {key.removeprefix(f"{table}.") for key in catalogue() if key.startswith(f"{table}.")}
    assert codes == told
