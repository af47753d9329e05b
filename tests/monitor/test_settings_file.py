from __future__ import annotations

from pathlib import Path

import pytest

from incidents.errors import Refused, SettingsError
from incidents.settings import load
from monitor import settings_file

TEXT = '''# ours
[[sources]]
id = "a"  # the first
name = "A"
kind = "news"
url = "http://a.example/"

# ---- who
[[brands]]
id = "tea"
name = "茶"
any = ["茶"]

[[sources]]
id = "b"
name = "B"
kind = "news"
url = "http://b.example/"
paused = false  # was: holidays
'''


def written(folder: Path, text: str = TEXT) -> Path:
    path = folder / "yujing.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_table_is_appended_and_every_old_line_stays_where_it_was(tmp_path: Path) -> None:
    path = written(tmp_path)
    settings = settings_file.add_table(path, "sources", {"id": "c", "name": '引"号', "kind": "news", "url": "http://c.example/", "brands": ["tea"], "tier": None})
    assert path.read_text(encoding="utf-8").startswith(TEXT) and settings.source("c").name == '引"号' and settings.source("c").brands == ("tea",)


def test_a_list_of_inline_tables_grows_in_place(tmp_path: Path) -> None:
    path = written(tmp_path, 'sources = [{ id = "a", name = "A", kind = "news", url = "http://a.example/" }]  # ours\n')
    settings_file.add_table(path, "sources", {"id": "c", "name": "C", "kind": "news", "url": "http://c.example/"})
    settings_file.set_key(path, "sources", "c", "paused", True)
    assert [(one.id, one.paused) for one in load(path).sources] == [("a", False), ("c", True)] and "# ours" in path.read_text(encoding="utf-8")


def test_one_key_changes_and_comments_stay(tmp_path: Path) -> None:
    path = written(tmp_path)
    settings_file.set_key(path, "sources", "a", "paused", True)
    settings_file.set_key(path, "sources", "b", "paused", True)
    text = path.read_text(encoding="utf-8")
    assert [one.paused for one in load(path).sources] == [True, True] and 'id = "a"  # the first\npaused = true\n' in text and "paused = true  # was: holidays" in text


def test_what_cannot_be_used_changes_nothing(tmp_path: Path) -> None:
    path = written(tmp_path)
    with pytest.raises(SettingsError, match="did you mean 'tea'"):
        settings_file.add_table(path, "sources", {"id": "c", "name": "C", "kind": "news", "url": "http://c.example/", "brands": ["tee"]})
    assert path.read_text(encoding="utf-8") == TEXT and [one.name for one in tmp_path.iterdir()] == ["yujing.toml"]


def test_a_header_inside_a_long_string_is_not_taken_for_one(tmp_path: Path) -> None:
    path = written(tmp_path, '[[brands]]\nid = "t"\nname = """\n[[sources]]\nid = "x"\n"""\nany = ["t"]\n\n[[sources]]\nid = "a"\nname = "A"\nkind = "news"\nurl = "http://a.example/"\n')
    before = path.read_text(encoding="utf-8")
    with pytest.raises(Refused, match="edit it there"):
        settings_file.set_key(path, "sources", "a", "paused", True)
    assert path.read_text(encoding="utf-8") == before


def test_the_file_keeps_its_mode_and_a_link_stays_a_link(tmp_path: Path) -> None:
    real = written(tmp_path)
    real.chmod(0o640)
    link = tmp_path / "link.toml"
    link.symlink_to(real)
    settings_file.set_key(link, "sources", "a", "paused", True)
    assert link.is_symlink() and real.stat().st_mode & 0o777 == 0o640 and load(real).source("a").paused
