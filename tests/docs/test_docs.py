"""The documentation says what the product does, or the suite fails."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest

from alerts import channels
from incidents import i18n
from incidents.model import Health, OutboxState, Reason
from incidents.settings import Settings, parse
from monitor import cli, setting_findings

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")
MODULE = re.compile(r"`((?:crawlers|nlp|alerts|dashboard|incidents|monitor)/[\w./-]*)`")
MACHINE = re.compile(r"(?<![\w.])/(?:work|root|tmp|home)/")

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def commands(parser: argparse.ArgumentParser, before: str = "yujing") -> Iterator[str]:
    """Every command that can be given, as it is typed."""
    below = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    for action in below:
        for name, inner in action.choices.items():
            yield from commands(inner, f"{before} {name}")
    if not below:
        yield before


def test_every_command_is_documented_and_nothing_else() -> None:
    documented = set(re.findall(r"^### `(yujing [a-z ]+)`$", text("docs/commands.md"), re.MULTILINE))
    assert documented == set(commands(cli._parser()))


@every_page
def test_links_lead_somewhere(page: Path) -> None:
    local = [link for link in LINK.findall(page.read_text(encoding="utf-8")) if "://" not in link]
    assert [link for link in local if not (page.parent / link).exists()] == []


@every_page
def test_no_path_of_a_machine(page: Path) -> None:
    assert MACHINE.search(page.read_text(encoding="utf-8")) is None


def test_files_that_the_architecture_names_are_there() -> None:
    named = set(MODULE.findall(text("docs/architecture.md")))
    assert named and [name for name in sorted(named) if not (ROOT / name).exists()] == []


def options(parser: argparse.ArgumentParser, before: str = "yujing") -> Iterator[tuple[str, str]]:
    """(command, option) of every option but --help."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, inner in action.choices.items():
                yield from options(inner, f"{before} {name}")
        elif action.option_strings and "--help" not in action.option_strings:
            yield before, action.option_strings[-1]


def test_every_option_is_documented_under_its_command() -> None:
    page = text("docs/commands.md")
    parts = dict(re.findall(r"^### `(yujing [a-z ]+)`\n(.*?)(?=^### |^## |\Z)", page, re.MULTILINE | re.DOTALL))
    assert [(command, one) for command, one in options(cli._parser()) if not re.search(rf"{one}\b", parts[command])] == []


def test_the_table_of_every_setting_is_current() -> None:
    done = subprocess.run([sys.executable, "docs/settings_page.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"run: python docs/settings_page.py {done.stderr}"


def test_every_kind_of_source_and_channel_is_documented() -> None:
    page = text("docs/settings.md")
    named = (*setting_findings.source_kinds(), *channels.kinds())
    assert len(named) >= 6 and [kind for kind in named if f'"{kind}"' not in page] == []


def test_every_finding_of_the_doctor_has_words_in_three_languages() -> None:
    said = set(re.findall(r'(?:good|bad|note)\(\s*"\w+", "(\w+)"', "".join(text(f"monitor/{name}.py") for name in ("doctor", "setting_findings", "track_finding", "finding"))))
    assert len(said) > 20 and [(name, language) for name in said for language in i18n.LANGUAGES if f"doctor.{name}" not in i18n.catalogue(language)] == []


def test_every_settings_table_is_documented() -> None:
    page = text("docs/settings.md")
    for name in ("brands", "sources", "channels", "people", "quiet", "models", "retention", "clock", "grades"):
        assert name in Settings.model_fields and re.search(rf"`\[+{name}[\].]", page), name


def test_the_smallest_settings_can_be_used() -> None:
    first = re.findall(r"```toml\n(.*?)```", text("docs/settings.md"), re.DOTALL)[0]
    assert parse(tomllib.loads(first), ROOT / "yujing.toml").brands[0].any


@pytest.mark.parametrize("code", [*(h.value for h in Health), *(r.value for r in Reason), *(s.value for s in OutboxState)])
def test_states_and_reasons_are_in_the_glossary(code: str) -> None:
    assert f"`{code}`" in text("docs/glossary.md")


def test_roles_are_in_the_glossary_with_their_words() -> None:
    page = " ".join(text("docs/glossary.md").split())
    roles = {key.removeprefix("role."): word for key, word in i18n.catalogue().items() if key.startswith("role.")}
    assert [role for role, word in roles.items() if f"`{role}` {word}" not in page] == []


@pytest.mark.parametrize("family", ["harm", "escalation", "crowd", "issue", "nature", "noise"])
def test_names_that_scores_carry_are_in_the_glossary(family: str) -> None:
    lexicon = tomllib.loads((files("nlp.risk") / "lexicon.toml").read_text(encoding="utf-8"))
    names = set(lexicon[family]) - {"fact"}  # "fact" is a cue of `valid`, no name of its own
    assert [name for name in sorted(names) if f"`{name}`" not in text("docs/glossary.md")] == []


@pytest.mark.parametrize("name", ["README.md", "README.zh.md"])
def test_the_two_commands_stand_in_the_first_twenty_lines(name: str) -> None:
    begin = text(name).splitlines()[:20]
    assert any(line.startswith("make run") for line in begin) and any(line.startswith("make test") for line in begin)


def test_make_knows_what_the_pages_tell_to_type() -> None:
    told = {target for page in PAGES for target in re.findall(r"(?:^|`)make ([a-z-]+)", page.read_text(encoding="utf-8"), re.MULTILINE)}
    for target in sorted(told):
        assert subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, check=False).returncode == 0, target
