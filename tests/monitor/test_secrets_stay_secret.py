"""Secrets are planted in every place that takes one, the whole product runs with them, and no file and no line that it leaves holds one."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from incidents import now
from incidents.model import Grade, Reason, Receiver
from incidents.settings import load
from incidents.store.ledger import Ledger, open_ledger
from tests.alerts.builders import BRIEF, provider, says
from tests.crawlers.sites import Forum, Site, serving
from tests.monitor.product import Product, wait_for

PLANTED = {"robot": "R0B0T-t0ken-8841", "sign": "SECplanted5572", "hook": "hook-k3y-1903", "cookie": "SUB=c00kie-7716", "es": "es-passw0rd-6620"}
PASSWORD = "planted-口令-39471105"
SETTINGS = """
listen = "127.0.0.1:{page}"
secrets = "secrets.toml"
archive = "elastic+http://reader:secret%3Aes@127.0.0.1:9/yujing"
allow_hosts = ["{site}", "{robot}"]
models = {{ sentiment = "floor" }}
brands = [{{ id = "cars", name = "星辰", any = ["星辰"] }}]
sources = [{{ id = "bbs", name = "论坛", kind = "discuz", url = "http://{site}/forum.php?mod=forumdisplay&fid=2", delay = 0, cookie = "secret:cookie" }}]
channels = [{{ id = "ding", kind = "dingtalk", url = "secret:url", secret = "secret:sign" }}, {{ id = "hook", kind = "webhook", url = "secret:url", secret = "secret:hook" }}]
people = [{{ login = "lin", name = "林叙", roles = ["duty", "admin"], channels = ["ding", "hook"] }}]
"""


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def written(folder: Path, site: str, robot: str) -> Path:
    address = robot.removeprefix("http://").split("/")[0]
    path = folder / "yujing.toml"
    path.write_text(SETTINGS.format(page=free_port(), site=site, robot=address), encoding="utf-8")
    kept = {**PLANTED, "url": f"http://{address}/robot/send?access_token={PLANTED['robot']}"}
    (folder / "secrets.toml").write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in kept.items()), encoding="utf-8")
    (folder / "secrets.toml").chmod(0o600)
    return path


def alert(ledger: Ledger, channel: str) -> None:
    world = now.world()
    ledger.outbox.add(incident_id=None, grade=Grade.RED, reason=Reason.FIRST, receiver=Receiver(person="lin", channel=channel), body=BRIEF, due_at=world, world=world, key=channel)


def yujing(folder: Path, *arguments: str, said: str = "") -> str:
    done = subprocess.run([sys.executable, "-m", "monitor.cli", *arguments], cwd=folder, env={**os.environ, "YUJING_SETTINGS": str(folder / "yujing.toml")}, input=said,
                          capture_output=True, text=True, timeout=60)
    return done.stdout + done.stderr


def held(folder: Path, said: str) -> set[str]:
    """``file: secret`` wherever one stands, the two files of the operator apart."""
    files = {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file() and file.name not in ("secrets.toml", "yujing.toml")}
    return {f"{name}: {secret}" for name, content in {**files, "said": said.encode()}.items() for secret in (*PLANTED.values(), PASSWORD) if secret.encode() in content}


@pytest.mark.slow
def test_no_log_no_answer_and_no_file_holds_a_secret(tmp_path: Path) -> None:
    refusal = says(300001, f"token is not exist access_token={PLANTED['robot']}&sign={PLANTED['sign']}")
    with provider(refusal) as robot, serving(Site(Forum(threads={2: 1, 1: 0}).answer)) as site:
        path = written(tmp_path, site.host, robot.url)
        ledger = open_ledger(load(path))
        ledger.people.sync(load(path).people)
        alert(ledger, "ding")
        alert(ledger, "hook")
        said = yujing(tmp_path, "people", "password", "lin", said=f"{PASSWORD}\n")
        product = Product(command=["run"], folder=tmp_path, environment={"YUJING_SETTINGS": str(path)}).start()
        try:
            wait_for(lambda: len(robot.calls) >= 2 and len(site.pages()) >= 2, 60, "alerts were tried and the forum was read")
            said += yujing(tmp_path, "doctor") + yujing(tmp_path, "doctor", "--json") + yujing(tmp_path, "policy", "check")
        finally:
            product.stop()
        said += yujing(tmp_path, "backup", "b") + yujing(tmp_path, "archive", "rebuild")
    assert any(PLANTED["robot"] in call.path for call in robot.calls)  # they were used
    logs = {file.name: file.read_text(encoding="utf-8") for file in (tmp_path / "data" / "logs").iterdir()}
    assert set(logs) >= {"crawl-1.log", "judge.log", "tell.log", "show.log"} and "alert=" in logs["tell.log"]
    assert held(tmp_path, said + product.said) == set()


def test_the_search_for_secrets_finds_one(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text(f"x {PLANTED['hook']} y", encoding="utf-8")
    assert held(tmp_path, PASSWORD) == {f"a.log: {PLANTED['hook']}", f"said: {PASSWORD}"}
