from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from alerts.channels import Message
from alerts.escalation import telling
from alerts.templates import render, safe
from incidents.lifecycle import acknowledge
from incidents.model import Grade, Incident, Reason
from tests.alerts.builders import BRIEF, MINUTE, T0, incident_in, ledger_of, row, settings_in


@cache
def opened(grade: Grade = Grade.ORANGE) -> Incident:
    with TemporaryDirectory() as folder:
        settings = settings_in(Path(folder))
        ledger = ledger_of(settings)
        incident = incident_in(ledger, settings, grade)
        ledger.close()
        return incident


def rendered(tmp_path: Path, incident: Incident | None = None, quoted: bool = True, **changes: object) -> Message:
    return render(row(**changes), incident or opened(), settings_in(tmp_path, public_url="https://room.example/"), T0 + MINUTE, quoted=quoted)


def test_the_lock_screen_says_who_what_and_how_many(tmp_path: Path) -> None:
    assert rendered(tmp_path).title == "◆橙 雾岛茶喝出虫子，两…，15:00 约 4,000 转发"
    assert len(rendered(tmp_path, reason=Reason.STEP, body={**BRIEF, "title": "很长的标题" * 9}).title) <= 30


def test_the_chat_text_reads_as_designed(tmp_path: Path) -> None:
    chat = rendered(tmp_path)
    said = chat.markdown
    for line in ("### ◆ 橙 · 重大｜雾岛茶", "> “喝到一半看见虫子在动” 首帖 微博 09:00", "**15:00 约 4,000 次转发**（80%：1,900–9,500），现在 92",
                 "**为何现在** 首次达到橙：涉及人身安全（身体不适或中毒），4 条提到", "**已告知** 林叙。没人接手，10:15 找沈禾", "**看不见** 茶友论坛（被拦截，自 09:30）"):
        assert line in said
    assert chat.link == "https://room.example/ack/2026-1120-01"


@pytest.mark.parametrize("reason", [one for one in Reason if one not in (Reason.BLIND, Reason.DEAD_LETTER, Reason.DRIFT, Reason.STANDSTILL)])
@pytest.mark.parametrize("grade", [Grade.BLUE, Grade.YELLOW, Grade.ORANGE, Grade.RED])
def test_every_reason_reads_and_fits(tmp_path: Path, reason: Reason, grade: Grade) -> None:
    said = rendered(tmp_path, opened(grade), reason=reason, grade=grade, body={**BRIEF, "clocks": ["facts"]})
    assert len(said.title) <= 30 and len(said.short) <= 70 and said.short.endswith("/ack/2026-1120-01")
    assert "{" not in said.markdown and "None" not in said.markdown and reason.value not in said.markdown


def test_a_brief_with_almost_nothing_in_it_still_makes_an_alert(tmp_path: Path) -> None:
    said = rendered(tmp_path, body={"at": T0.isoformat()})
    assert "雾岛茶喝出虫子" in said.title and "为何现在" in said.markdown


def test_who_has_it_replaces_who_is_next(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    ledger = ledger_of(settings)
    incident = incident_in(ledger, settings)
    ledger.incidents.apply(acknowledge(incident, "lin", Grade.ORANGE, telling(settings), T0), T0)
    taken = ledger.incidents.one(incident.id)
    said = rendered(tmp_path, taken, reason=Reason.REPEAT)
    assert "**在谁手里** 林叙，10:00 接手" in said.markdown and said.button == "打开看看" and "事件仍在进行" in said.markdown


def test_only_orange_and_red_ring_a_phone(tmp_path: Path) -> None:
    assert rendered(tmp_path).mention == "13800000001"
    assert rendered(tmp_path, grade=Grade.YELLOW).mention is None
    assert rendered(tmp_path, reason=Reason.RESOLVED).mention is None


NASTY = "[点我](http://evil.example/x) ![i](https://t.example/p.png) **粗** `码` <script>alert(1)</script> # 标题\n> 引"


def test_foreign_text_is_text(tmp_path: Path) -> None:
    said = rendered(tmp_path, body={**BRIEF, "title": NASTY, "quote": NASTY, "brand": NASTY})
    foreign = said.markdown.replace(str(said.link), "")
    assert "evil.example" not in foreign and "t.example" not in foreign and "<script" not in foreign and "](" not in foreign and "`" not in foreign
    assert len(safe("字" * 200)) == 40


def test_the_quote_free_variant_holds_no_foreign_words(tmp_path: Path) -> None:
    said = rendered(tmp_path, quoted=False)
    for form in (said.title, said.markdown, said.plain, said.short, str(said.values)):
        assert "虫" not in form and "腹泻" not in form
    assert "雾岛茶" in said.title and "15:00 约 4,000 次转发" in said.markdown


def test_a_blind_source_and_a_dead_letter_have_words_of_their_own(tmp_path: Path) -> None:
    blind = {"at": T0.isoformat(), "source": "茶友论坛", "source_id": "f", "health": "auth_required", "since": T0.isoformat(), "detail": "login page"}
    said = render(row(incident_id=None, reason=Reason.BLIND, body=blind), None, settings_in(tmp_path), T0 + MINUTE)
    assert said.title == "看不见了：茶友论坛" and "需要登录，自 10:00" in said.markdown and said.link is None
    dead = {"at": T0.isoformat(), "person": "shen", "channel": "ding", "answer": "errcode 310000", "handed_to": None, "brand": "雾岛茶", "title": "虫子"}
    said = render(row(incident_id=None, reason=Reason.DEAD_LETTER, body=dead), None, settings_in(tmp_path), T0)
    assert said.title == "预警没有送到：沈禾 · ding" and "请您转告" in said.markdown
