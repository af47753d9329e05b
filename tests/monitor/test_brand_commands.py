from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from incidents import now
from incidents.errors import Refused, SettingsError
from incidents.settings import load
from incidents.store.ledger import open_ledger
from incidents.store.stored_text import texts_since
from monitor import cli
from monitor.brand_commands import add_brand, check_policy, try_brand
from tests.incidents.builders import mention, save, settings_in

TEXT = """# ours
[[brands]]
id = "wudao"
name = "雾岛茶"
any = ["雾岛茶"]
[[sources]]
id = "wb"
name = "微博"
kind = "weibo"
url = "http://127.0.0.1:9/"
[[channels]]
id = "ding"
kind = "console"
"""


def written(folder: Path) -> Path:
    path = folder / "yujing.toml"
    path.write_text(TEXT, encoding="utf-8")
    return path


def stored(path: Path) -> None:
    """Three texts that name 青禾 on two days, one of them of no brand that is watched; one too old."""
    ledger, at = open_ledger(load(path)), now.machine()
    ledger.sources.sync(load(path).sources, at)
    day = timedelta(days=1)
    save(ledger, mention("1", "青禾面包发霉", published=at), mention("2", "青禾和雾岛茶", published=at), mention("3", "青禾招聘", published=at - 2 * day), at=at)
    save(ledger, mention("4", "青禾", published=at - 30 * day), at=at - 30 * day)
    ledger.close()


def test_names_are_tried_on_everything_stored_of_any_brand_and_of_none(tmp_path: Path) -> None:
    path = written(tmp_path)
    stored(path)
    lines = add_brand(path, ["青禾"], brand_id="qinghe", none=["招聘"], query=None, only_try=True)
    today = now.shanghai(now.machine()).strftime("%m-%d")
    assert "3 条里，有 2 条提到 青禾" in lines[0] and f"  {today}  2" in lines and any("wb 2" in line for line in lines)
    assert path.read_text(encoding="utf-8") == TEXT


def test_a_query_counts_too_and_days_are_apart(tmp_path: Path) -> None:
    path = written(tmp_path)
    stored(path)
    ledger = open_ledger(load(path))
    brand = settings_in(tmp_path, brands=[{"id": "q", "name": "q", "query": "青禾 NOT 发霉"}]).brands[0]
    tried = try_brand(brand, texts_since(ledger.engine, now.machine() - timedelta(days=7)))
    assert tried.looked_at == 3 and list(tried.by_day.values()) == [1, 1] and tried.newest == ("青禾和雾岛茶", "青禾招聘")


def test_the_brand_is_written_and_what_is_left_to_do_is_said(tmp_path: Path) -> None:
    path = written(tmp_path)
    lines = add_brand(path, ["青禾", "QINGHE"], brand_id=None, none=[], query="青禾 NEAR/9 发霉", only_try=False)
    brand = load(path).brands[1]
    assert (brand.id, brand.any, brand.query) == ("brand", ("青禾", "QINGHE"), "青禾 NEAR/9 发霉") and path.read_text(encoding="utf-8").startswith("# ours")
    assert any("wb" in line for line in lines) and any("people add" in line for line in lines)


def test_without_a_file_one_is_begun_that_can_be_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("YUJING_SETTINGS", str(tmp_path / "yujing.toml"))
    assert cli.main(["brand", "add", "Qing He", "--none", "招聘"]) == 0
    settings = load(tmp_path / "yujing.toml")
    assert settings.brands[0].id == "qing-he" and settings.channels[0].kind == "console" and "source add" in capsys.readouterr().out
    assert cli.main(["policy", "check"]) == 1 and cli.main(["brand", "add"]) == 2


def test_what_cannot_be_used_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    path = written(tmp_path)
    with pytest.raises(Refused, match="已被占用"):
        add_brand(path, ["x"], brand_id="wudao", none=[], query=None, only_try=False)
    with pytest.raises(SettingsError, match="character"):
        add_brand(path, ["x"], brand_id="x", none=[], query="a AND (", only_try=False)
    assert path.read_text(encoding="utf-8") == TEXT


def test_the_policy_check_names_chains_faults_and_weak_points(tmp_path: Path) -> None:
    brands = [{"id": "wudao", "name": "雾岛茶", "any": ["雾岛茶"], "playbook": "food_safty"}]
    good, lines = check_policy(settings_in(tmp_path, brands=brands))
    said = "\n".join(lines)
    assert not good and "food_safty 不存在" in said and "橙 立即：duty → lin" in said and "! lin 没有手机号" in said
    assert check_policy(settings_in(tmp_path))[0]
