from __future__ import annotations

import io
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from incidents.settings import load
from monitor import cli
from monitor.people import add_person
from monitor.processes import Stop
from monitor.supervisor import AlreadyRunning, PortTaken, Supervisor

SETTINGS = """# our settings
data = "data"
listen = "127.0.0.1:{port}"

[[brands]]
id = "tea"
name = "雾岛茶"
any = ["雾岛茶"]

[[channels]]
id = "ding"
kind = "console"

[[people]]
login = "lin"
name = "林叙"  # on duty
roles = ["duty"]
channels = ["ding"]
"""


def written(folder: Path, port: int = 8599) -> Path:
    path = folder / "yujing.toml"
    path.write_text(SETTINGS.format(port=port), encoding="utf-8")
    return path


def stopped() -> Stop:
    import threading

    stop = Stop(event=threading.Event())
    stop.event.set()
    return stop


def test_a_typo_in_the_settings_ends_with_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path)
    path.write_text(path.read_text() + "\nlisten_on = 1\n".replace("\nlisten_on", "\n[clock]\nsped"), encoding="utf-8")
    monkeypatch.setenv("YUJING_SETTINGS", str(path))
    assert cli.main(["run"]) == 2
    assert "did you mean 'speed'" in capsys.readouterr().err


def test_a_taken_port_is_said_before_anything_starts(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        path = written(tmp_path, other.getsockname()[1])
        with pytest.raises(PortTaken, match="listen"):
            Supervisor(settings=load(path), settings_path=path).run(stopped())
    assert not (tmp_path / "data" / "ledger.sqlite").exists()


def test_two_supervisors_in_one_folder(tmp_path: Path) -> None:
    path = written(tmp_path)
    first = Supervisor(settings=load(path), settings_path=path)
    first._take_folder()
    with pytest.raises(AlreadyRunning, match="already runs"):
        Supervisor(settings=load(path), settings_path=path).run(stopped())


def test_adding_a_person_keeps_the_comments(tmp_path: Path) -> None:
    path = written(tmp_path)
    settings = add_person(path, load(path), login="shen", name="沈禾", roles=["pr_head"], mobile="13800000002", channels=["ding"])
    text = path.read_text(encoding="utf-8")
    assert "# our settings" in text and "# on duty" in text and settings.people[1].mobile == "13800000002"


def test_a_person_that_cannot_be_used_changes_nothing(tmp_path: Path) -> None:
    from incidents.errors import SettingsError

    path = written(tmp_path)
    before = path.read_text(encoding="utf-8")
    with pytest.raises(SettingsError, match="nowhere"):
        add_person(path, load(path), login="shen", name="沈禾", roles=["pr_head"], mobile=None, channels=["nowhere"])
    assert path.read_text(encoding="utf-8") == before and len(list(tmp_path.glob("*.toml"))) == 1


def test_people_add_asks_for_a_password_and_link_prints_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("YUJING_SETTINGS", str(written(tmp_path)))
    monkeypatch.setattr(sys, "stdin", io.StringIO("一个足够长的口令12345\n"))
    assert cli.main(["people", "add", "shen", "--name", "沈禾", "--role", "coordinator", "--channel", "ding"]) == 0
    assert cli.main(["people", "link", "shen"]) == 0
    assert "/login/link?token=" in capsys.readouterr().out
    monkeypatch.setattr(sys, "stdin", io.StringIO("short\n"))
    assert cli.main(["people", "password", "shen"]) == 2


def test_help_of_every_command_loads_nothing_heavy() -> None:
    code = "import sys; from monitor import cli\ntry:\n cli.main(['score', '--help'])\nexcept SystemExit: pass\nprint(sorted(set(sys.modules) & {'torch', 'scrapy', 'streamlit', 'sqlalchemy', 'elasticsearch', 'sklearn'}))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]).stdout
    assert said.strip().endswith("[]")
