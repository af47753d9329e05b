"""Bytes to text: what the bytes are goes before what the page says they are.

Of nine UTF-8 pages that declare gb2312, a reader that believes the declaration spoils eight. Bytes that
decode as UTF-8 to the end are UTF-8 (text in GBK practically never does), then the declared charset is
tried strictly (every GB one as GB18030, their superset), then the bytes are judged by their statistics.
"""

from __future__ import annotations

import codecs
import re

from resiliparse.parse.encoding import detect_encoding

META = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([\w-]{2,20})|<\?xml[^>]{0,100}encoding\s*=\s*[\"']([\w-]{2,20})", re.IGNORECASE)
MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
HEAD = 4096  # browsers look for the declaration in the first kilobyte; pages put it later


def decode(body: bytes, content_type: str = "") -> str:
    """The text of a page. Bytes that fit no charset become U+FFFD; nothing is dropped.

    Args:
        body: the response's bytes, decompressed.
        content_type: the Content-Type header.
    """
    for mark, charset in MARKS:
        if body.startswith(mark):
            return body[len(mark) :].decode(charset, "replace")
    return body.decode(detect(body, content_type), "replace")


def detect(body: bytes, content_type: str = "") -> str:
    """The name of the codec that reads ``body``."""
    for charset in ("utf-8", *declared(body, content_type)):
        if _reads(body, charset):
            return charset
    found = _known(detect_encoding(body) or "")
    return found if found and found != "utf-8" else _less_damage(body)


def declared(body: bytes, content_type: str = "") -> tuple[str, ...]:
    """The charsets that the header and the page itself name, the header first."""
    named = [found[1] for found in re.finditer(r"charset\s*=\s*[\"']?([\w-]+)", content_type, re.IGNORECASE)]
    named += [(found[1] or found[2]).decode("ascii") for found in META.finditer(body[:HEAD])]
    return tuple(dict.fromkeys(known for name in named if (known := _known(name))))


def _known(name: str) -> str | None:
    name = name.strip().lower()
    if name in ("gb2312", "gbk", "gb18030", "gb_2312-80", "x-gbk", "hz-gb-2312", "chinese"):
        return "gb18030"
    if name in ("iso-8859-1", "latin-1", "windows-1252", "us-ascii", "ascii"):
        return None  # every byte decodes, so it proves nothing
    try:
        return codecs.lookup("big5hkscs" if name.startswith("big5") else name).name
    except LookupError:
        return None


def _reads(body: bytes, charset: str) -> bool:
    """True when ``body`` decodes, but for a character that was cut at the end."""
    try:
        codecs.getincrementaldecoder(charset)("strict").decode(body, final=False)
    except UnicodeDecodeError:
        return False
    return True


def _less_damage(body: bytes) -> str:
    """UTF-8 or GB18030, whichever leaves fewer marks of damage."""
    damage = {charset: body.decode(charset, "replace").count("\ufffd") for charset in ("utf-8", "gb18030")}
    return min(damage, key=lambda charset: damage[charset])
