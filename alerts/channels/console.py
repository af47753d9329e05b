"""Prints the alert: for trying out, and for whoever reads logs."""

from __future__ import annotations

import sys

from alerts.channels import Answer, Channel, Message, Outcome
from incidents.settings import ChannelSettings, Settings


class Console:
    """Standard output is its own witness: flushed is accepted."""

    limited = False

    def send(self, message: Message) -> Answer:
        sys.stdout.write(f"{message.title}\n{message.plain}\n\n")
        sys.stdout.flush()
        return Answer(outcome=Outcome.ACCEPTED, said="printed")


def connect(_own: ChannelSettings, _settings: Settings) -> Channel:
    return Console()
