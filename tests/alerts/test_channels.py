"""Contract tests against local fakes: what each answer of a provider means."""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from alerts import channels, post
from alerts.channels import Message, Outcome
from incidents import now
from incidents.errors import DeliveryError, DeliveryRefused, SettingsError
from tests.alerts.builders import HANG_S, OK, TAKEN, Provider, provider, says, settings_in

SAID = Message(key="k-1", title="◆橙 雾岛茶", markdown="### 橙", plain="橙", short="橙", link="https://room.example/ack/1", button="打开", mention="13800000001", values={"grade": "orange", "词": "虫"})


def channel(tmp_path: Path, fake: Provider, name: str = "ding", **changes: Any) -> channels.Channel:
    settings = settings_in(tmp_path, ding=fake.url, hook=fake.url, **changes)
    return channels.connect(settings.channel(name), settings)


def test_dingtalk_signs_and_mentions(tmp_path: Path) -> None:
    with provider(OK) as fake:
        assert channel(tmp_path, fake).send(SAID).outcome is Outcome.ACCEPTED
    query = {name: values[0] for name, values in parse_qs(urlsplit(fake.calls[0].path).query).items()}
    wanted = base64.b64encode(hmac.new(b"s3cret", f"{query['timestamp']}\ns3cret".encode(), hashlib.sha256).digest()).decode()
    assert query["sign"] == wanted and query["access_token"] == "t0ken"
    body = fake.calls[0].json()
    assert body["msgtype"] == "markdown" and body["at"]["atMobiles"] == ["13800000001"] and "@13800000001" in body["markdown"]["text"]


def test_dingtalk_sends_a_card_with_one_button_when_nobody_must_ring(tmp_path: Path) -> None:
    with provider(OK) as fake:
        channel(tmp_path, fake).send(replace(SAID, mention=None))
    card = fake.calls[0].json()["actionCard"]
    assert card["singleURL"] == SAID.link and card["singleTitle"] == "打开"


@pytest.mark.parametrize(("answer", "wanted"), [
    (says(310000, "sign not match"), Outcome.REFUSED), (says(300001), Outcome.REFUSED), (says(400102), Outcome.REFUSED), (says(-1), Outcome.LATER),
    (says(130101), Outcome.BANNED), (says(410100), Outcome.BANNED), (says(430102), Outcome.CONTENT), (says(430104), Outcome.CONTENT),
    ((200, {}, b"<html>gateway</html>"), Outcome.LATER), ((502, {}, b"bad gateway"), Outcome.LATER), ((404, {}, b"not found"), Outcome.REFUSED), ((429, {}, b""), Outcome.LATER),
])
def test_dingtalk_success_is_errcode_zero_and_nothing_else(tmp_path: Path, answer: Any, wanted: Outcome) -> None:
    with provider(answer) as fake:
        said = channel(tmp_path, fake).send(SAID)
    assert said.outcome is wanted and (said.wait == timedelta(minutes=10)) == (wanted is Outcome.BANNED)


def test_a_retry_after_is_read_and_cut(tmp_path: Path) -> None:
    with provider((429, {"Retry-After": "7"}, b""), (503, {"Retry-After": "999999"}, b"")) as fake:
        ding = channel(tmp_path, fake)
        assert ding.send(SAID).wait == timedelta(seconds=7)
        assert ding.send(SAID).wait == timedelta(hours=1)


@pytest.mark.parametrize("name", ["ding", "hook"])
@pytest.mark.parametrize("script", ["hang", "swallow"])
def test_no_answer_is_an_unknown_outcome(tmp_path: Path, name: str, script: str) -> None:
    began = now.monotonic()
    with provider(script) as fake, pytest.raises(DeliveryError) as told:
        channel(tmp_path, fake, name).send(SAID)
    assert not told.value.permanent and now.monotonic() - began < HANG_S


def test_nobody_listens(tmp_path: Path) -> None:
    with provider(OK) as fake:
        hook = channel(tmp_path, fake, "hook")
    with pytest.raises(DeliveryError):
        hook.send(SAID)


def test_the_webhook_signs_time_and_body_and_names_the_alert(tmp_path: Path) -> None:
    with provider(TAKEN) as fake:
        assert channel(tmp_path, fake, "hook").send(SAID).outcome is Outcome.ACCEPTED
    call = fake.calls[0]
    digest = hmac.new(b"h00k", call.headers["x-yujing-timestamp"].encode() + b"." + call.body, hashlib.sha256).hexdigest()
    assert call.headers["x-yujing-signature"] == f"sha256={digest}" and call.headers["idempotency-key"] == "k-1"
    assert call.json() == {"grade": "orange", "词": "虫"}


@pytest.mark.parametrize(("status", "wanted"), [(200, Outcome.ACCEPTED), (202, Outcome.ACCEPTED), (302, Outcome.REFUSED), (400, Outcome.REFUSED), (410, Outcome.REFUSED), (408, Outcome.LATER), (500, Outcome.LATER)])
def test_the_webhook_believes_the_status(tmp_path: Path, status: int, wanted: Outcome) -> None:
    with provider((status, {"Location": "http://169.254.169.254/"} if status == 302 else {}, b"")) as fake:
        assert channel(tmp_path, fake, "hook").send(SAID).outcome is wanted
    assert len(fake.calls) == 1  # a redirect is not followed


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/x", "http://localhost:9/x", "http://169.254.169.254/latest", "http://[::1]:9/", "http://[::ffff:10.0.0.1]/", "file:///etc/passwd"])
def test_private_addresses_are_refused_for_good(tmp_path: Path, url: str) -> None:
    settings = settings_in(tmp_path, hook=url, allow_hosts=["127.0.0.1:1"])
    with pytest.raises(DeliveryRefused):
        channels.connect(settings.channel("hook"), settings).send(SAID)


def test_the_connection_goes_to_the_address_that_was_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names: list[str] = []
    real = post.socket.getaddrinfo

    def rebinding(host: str, *rest: Any, **more: Any) -> Any:
        if host != "hook.example":
            return real(host, *rest, **more)
        names.append(host)
        return real("127.0.0.1" if len(names) == 1 else "127.0.0.9", *rest, **more)

    with provider(TAKEN) as fake:
        monkeypatch.setattr(post.socket, "getaddrinfo", rebinding)
        settings = settings_in(tmp_path, hook=fake.url.replace("127.0.0.1", "hook.example"), allow_hosts=["hook.example"])
        answer = channels.connect(settings.channel("hook"), settings).send(SAID)
    assert answer.outcome is Outcome.ACCEPTED and names == ["hook.example"]
    assert fake.calls[0].headers["host"].startswith("hook.example:")


def test_no_token_reaches_a_log_or_an_answer(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), provider(OK, says(300001, "bad access_token=t0ken&sign=abc"), "swallow") as fake:
        ding = channel(tmp_path, fake)
        ding.send(SAID)
        said = ding.send(SAID).said
        with pytest.raises(DeliveryError) as told:
            ding.send(SAID)
    assert "t0ken" not in caplog.text + said + str(told.value) and "s3cret" not in caplog.text


def test_a_channel_that_cannot_be_set_up_says_why(tmp_path: Path) -> None:
    bad = [{"id": "ding", "kind": "pigeon"}, {"id": "hook", "kind": "webhook"}, {"id": "c", "kind": "webhook", "url": "http://h.example/", "secret": "secret:nowhere"}]
    settings = settings_in(tmp_path, channels=bad)
    for name in ("ding", "hook", "c"):
        with pytest.raises(SettingsError):
            channels.connect(settings.channel(name), settings)


def test_the_console_prints(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = settings_in(tmp_path, channels=[{"id": "ding", "kind": "console"}, {"id": "hook", "kind": "console"}])
    assert channels.connect(settings.channel("ding"), settings).send(SAID).outcome is Outcome.ACCEPTED
    assert "◆橙 雾岛茶" in capsys.readouterr().out


def test_every_channel_is_short() -> None:
    folder = Path(channels.__file__).parent
    assert {file.stem: n for file in folder.glob("*.py") if (n := len(file.read_text(encoding="utf-8").splitlines())) > 60 and file.stem != "__init__"} == {}
