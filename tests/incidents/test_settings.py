from __future__ import annotations

from pathlib import Path

import pytest

from incidents.errors import SettingsError
from incidents.settings import load


def written(folder: Path, text: str) -> Path:
    path = folder / "yujing.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(("text", "said"), [
    ('lissten = "127.0.0.1:1"', "did you mean 'listen'"),
    ('[[brands]]\nid = "a"\nname = "阿"\nanny = ["x"]', "did you mean 'any'"),
    ("[clok]\nspeed = 2.0", "did you mean 'clock'"),
    ('[[sources]]\nid = "s"\nname = "S"\nkind = "news"\nurl = "file:///etc/passwd"', "http:// or https://"),
    ('[[sources]]\nid = "s"\nname = "S"\nkind = "news"\nurl = "http://a/"\nevery = "5 minutes"', "5m"),
    ('[[people]]\nlogin = "lin"\nname = "林"\nchannels = ["dign"]', "dign"),
    ('[[sources]]\nid = "s"\nname = "S"\nkind = "news"\nurl = "http://a/"\nbrands = ["b"]', "'b'"),
    ("a = [", "not valid TOML"),
])
def test_a_wrong_key_or_value_is_an_error_that_says_what_to_do(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SettingsError) as found:
        load(written(tmp_path, text))
    assert said in str(found.value)


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"settings\.example\.toml"):
        load(tmp_path / "none.toml")


def test_defaults_work_and_paths_count_from_the_file(tmp_path: Path) -> None:
    settings = load(written(tmp_path, ""))
    assert settings.data == tmp_path / "data" and settings.grades.orange.acknowledge_within.total_seconds() == 900


def test_secrets_come_from_the_environment_or_a_private_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(written(tmp_path, 'secrets = "secrets.toml"'))
    file = tmp_path / "secrets.toml"
    file.write_text('ding = "from-file"')
    file.chmod(0o644)
    with pytest.raises(SettingsError, match="chmod 600"):
        settings.secret("secret:ding")
    file.chmod(0o600)
    assert settings.secret("secret:ding") == "from-file"
    monkeypatch.setenv("YUJING_SECRET_DING", "from-environment")
    assert settings.secret("secret:ding") == "from-environment" and settings.secret("plain") == "plain"
