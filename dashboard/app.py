"""The ASGI application: Streamlit's pages, our plain pages, one gate around both."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import streamlit as st
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from streamlit import config

from dashboard import ack, desk, login, tongue
from dashboard.desk import Desk
from dashboard.gate import Gate
from dashboard.say import say
from incidents.errors import YujingError

log = logging.getLogger(__name__)

FRAME = Path(__file__).with_name("frame.py")
FONTS = ("'PingFang SC','HarmonyOS Sans SC','MiSans','Microsoft YaHei UI','Noto Sans SC','Noto Sans CJK SC',"
         "'Source Han Sans SC',system-ui,sans-serif")

# The palette of docs/look: paper and ink; colour is for grades and lateness, green is what we do.
LIGHT = dict(primaryColor="#0B665A", backgroundColor="#FAFAF8", secondaryBackgroundColor="#F2F2EE", textColor="#191B1F", borderColor="#E2E2DC",
             linkColor="#0B665A", redColor="#B4151B", orangeColor="#B45000", yellowColor="#8A6600", blueColor="#2763C4", greenColor="#0B665A", grayColor="#666B74")
DARK = dict(primaryColor="#4CC2AD", backgroundColor="#111316", secondaryBackgroundColor="#181B1F", textColor="#E9EAEC", borderColor="#2B2F36",
            linkColor="#4CC2AD", redColor="#FF7A76", orangeColor="#EF8B35", yellowColor="#E0B92E", blueColor="#6FA3F2", greenColor="#4CC2AD", grayColor="#9197A1")


def build(place: Desk) -> st.App:
    """The application over an opened desk; it becomes the process's own."""
    desk.sit(place)
    _configure(place)
    routes = [Route("/healthz", health), *ack.routes(), *login.routes(), *tongue.routes()]
    return st.App(FRAME, routes=routes, middleware=[Middleware(Gate)], on_script_error=said)


def said(error: Exception) -> bool:
    """A fault while a page is made: the log has it whole, the reader a sentence."""
    log.error("a page could not be made", exc_info=error)
    st.html(f'<div class="callout late" role="alert">{say("busy_reading" if isinstance(error, YujingError) else "fault")}</div>')
    return True


def health(_: Request) -> Response:
    """Open to anybody: says only that pages are answered."""
    return JSONResponse({"status": "ok", "name": say("product.name")})


def _configure(place: Desk) -> None:
    public = urlsplit(place.settings.public_url)
    for name, value in _options(public.hostname or "localhost").items():
        config.set_option(name, value, "dashboard/app.py")


def _options(host: str) -> dict[str, Any]:
    theme: dict[str, Any] = dict(baseFontSize=14, headingFontWeights=[600] * 6, baseRadius="4px", buttonRadius="4px", paddingTop="16px", font=FONTS)
    return {
        **{f"theme.{name}": value for name, value in theme.items()},
        **{f"theme.light.{name}": value for name, value in LIGHT.items()},
        **{f"theme.dark.{name}": value for name, value in DARK.items()},
        "client.toolbarMode": "minimal",
        "client.showErrorDetails": "none",  # the log has the traceback; a reader gets a sentence
        "browser.gatherUsageStats": False,
        "browser.serverAddress": host,
        "server.enableCORS": False,  # the gate compares Origin with Host for every route and the socket;
        "server.enableXsrfProtection": False,  # Streamlit's own check asks the internet for this machine's address
        "server.fileWatcherType": "none",
        "server.headless": True,
        "runner.magicEnabled": False,
        "global.suppressDeprecationWarnings": True,
    }
