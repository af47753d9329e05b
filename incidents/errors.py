"""One error tree. ``permanent`` says whether trying again later can help."""

from __future__ import annotations


class YujingError(Exception):
    """Base of every error that the product raises on purpose.

    The message is a sentence that says what is wrong and what to do.
    """

    permanent = True


class SettingsError(YujingError):
    """The settings file cannot be used."""


class QueryError(YujingError):
    """A query cannot be read. ``position`` counts its code points from 0; the sentence counts from 1.

    ``code`` with ``values`` finds the same sentence in the readers' language (``query.error.CODE``).
    """

    def __init__(self, code: str, position: int, sentence: str, **values: object) -> None:
        super().__init__(f"The query cannot be read at character {position + 1}: {sentence}")
        self.code, self.position = code, position
        self.values: dict[str, object] = {"position": position + 1, **values}


class LedgerError(YujingError):
    """The ledger cannot be opened or is not ours to open."""


class LedgerBusy(LedgerError):
    """Another writer holds the ledger longer than we may wait."""

    permanent = False


class LedgerFull(LedgerError):
    """There is no room on the disk: what comes in waits, alerts go on in the reserve, all resumes by itself."""

    permanent = False


class LedgerFailed(LedgerError):
    """The disk reported an error while the ledger was written: this process must acknowledge nothing more."""


class LedgerDamaged(LedgerError):
    """The ledger's file is damaged, cut short or gone: restore a backup."""


class BackupRefused(YujingError):
    """A backup cannot be made here, or a file is not a whole, unaltered backup that this Yujing can read."""


class Conflict(YujingError):
    """Somebody changed the row since it was read: read again, decide again."""

    permanent = False


class LeaseLost(YujingError):
    """The lease ran out or was taken over; what was done under it must not be recorded."""

    permanent = False


class Refused(YujingError):
    """A rule forbids the action (role, missing evidence, open lines)."""


class SourceError(YujingError):
    """A source could not be read."""

    permanent = False


class ParseError(SourceError):
    """The page is not what the parser was written for."""

    permanent = True


class AddressRefused(SourceError):
    """The address is private, loopback or link-local and not named in ``allow_hosts``."""

    permanent = True


class ModelError(YujingError):
    """A model file is missing, altered or not of the kind that is accepted."""


class DeliveryError(YujingError):
    """A provider did not accept an alert."""

    permanent = False


class DeliveryRefused(DeliveryError):
    """A provider refused for good: the same message will be refused again."""

    permanent = True
