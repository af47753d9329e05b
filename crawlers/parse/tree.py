"""A page as a tree, and the text of its parts. No network, no entities, at most 255 levels deep."""

from __future__ import annotations

import re
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

import lxml.html  # type: ignore[import-untyped]  # lxml publishes no types

from crawlers.charset import decode

HtmlElement: TypeAlias = Any

BREAKS = frozenset({"br", "p", "div", "li", "tr", "table", "blockquote", "h1", "h2", "h3", "h4", "h5", "h6", "section", "article", "dd", "dt", "pre", "hr"})
UNSEEN = frozenset({"script", "style", "noscript", "template", "textarea", "head", "title", "svg"})
DEFAULT_PORTS = {"http": 80, "https": 443}
WRAPPED = re.compile(r"<code[^>]*>\s*<!--(.*?)-->\s*</code>", re.DOTALL)
TRACKING = re.compile(r"^(utm_\w+|spm|from|share\w*|fbclid|gclid|scm|PHPSESSID|isappinstalled|_t)$", re.IGNORECASE)


def tree_of(body: bytes, content_type: str = "") -> HtmlElement:
    """Parse a page of any charset. libxml2 stops at level 255, so no page costs more than its length."""
    return tree_of_text(decode(body, content_type))


def tree_of_text(text: str) -> HtmlElement:
    """Parse markup that is text already; an empty page gives an empty tree."""
    parser = lxml.html.HTMLParser(encoding="utf-8", no_network=True, remove_pis=True, recover=True)
    markup = text.encode("utf-8", "replace").replace(b"\0", b"")
    return lxml.html.document_fromstring(markup if markup.strip() else b"<html></html>", parser=parser)


def text_of(element: HtmlElement | None, *, without: tuple[HtmlElement, ...] = ()) -> str:
    """The text as a reader sees it: blocks and <br> on lines of their own, scripts and hidden parts left out."""
    if element is None:
        return ""
    pieces: list[str] = []
    _gather(element, set(without), pieces, outermost=True)
    lines = (re.sub(r"[ \t\r\f\v\u00a0\u3000]+", " ", line).strip() for line in "".join(pieces).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _gather(element: HtmlElement, skip: set[HtmlElement], pieces: list[str], *, outermost: bool = False) -> None:
    tag = element.tag
    if isinstance(tag, str) and tag not in UNSEEN and element not in skip and not _hidden(element):
        breaks = tag in BREAKS
        if breaks:
            pieces.append("\n")
        if tag == "img" and (alt := element.get("alt", "")).startswith("[") and alt.endswith("]"):
            pieces.append(alt)  # emoticons carry their meaning in the alternative text
        pieces.append(_flat(element.text) if tag != "pre" else element.text or "")
        for child in element:
            _gather(child, skip, pieces)
        if breaks and tag != "br":
            pieces.append("\n")
    if not outermost:
        pieces.append(_flat(element.tail))


def _flat(text: str | None) -> str:
    return re.sub(r"[\r\n\t]+", " ", text) if text else ""


def _hidden(element: HtmlElement) -> bool:
    return "display:none" in element.get("style", "").replace(" ", "").lower()


def first(element: HtmlElement, path: str) -> HtmlElement | None:
    """The first element that ``path`` (XPath) finds below ``element``."""
    found = element.xpath(path)
    return found[0] if found else None


def value(element: HtmlElement, path: str) -> str:
    """The first string that ``path`` (XPath to text or attribute) finds, stripped; '' when none."""
    found = element.xpath(path)
    return str(found[0]).strip() if found else ""


def has_class(name: str) -> str:
    """An XPath condition: the class attribute holds the word ``name``."""
    return f"contains(concat(' ', normalize-space(@class), ' '), ' {name} ')"


def site_of(url: str) -> str:
    """The host of an address, with its port where that is not the scheme's own."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    host = f"[{host}]" if ":" in host else host
    return host if parts.port in (None, DEFAULT_PORTS.get(parts.scheme)) else f"{host}:{parts.port}"


def base_of(tree: HtmlElement, url: str) -> str:
    """What relative addresses of the page count from. A <base> that points to another site is not believed."""
    stated = urljoin(url, value(tree, "//base/@href")) if tree.xpath("//base/@href") else url
    return stated if site_of(stated) == site_of(url) else url


def join(base: str, href: str) -> str | None:
    """The absolute http(s) address of a link without its fragment, or None when it is no such thing."""
    try:
        url = urljoin(base, href.strip())
        parts = urlsplit(url)
        if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
            return None
        _ = parts.port
    except ValueError:
        return None
    return urlunsplit(parts._replace(fragment=""))


def with_query(url: str, **changes: str | int | None) -> str:
    """``url`` with parameters set, or dropped (None); the others stay in their order."""
    parts = urlsplit(url)
    pairs = [(name, held) for name, held in parse_qsl(parts.query, keep_blank_values=True) if name not in changes]
    pairs += [(name, str(new)) for name, new in changes.items() if new is not None]
    return urlunsplit(parts._replace(query=urlencode(pairs)))


def query_of(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))


def canonical(url: str) -> str:
    """One address for one page: host in lower case, no default port, no fragment, no tracking parameters."""
    parts = urlsplit(url)
    kept = [(name, held) for name, held in parse_qsl(parts.query, keep_blank_values=True) if not TRACKING.match(name)]
    return urlunsplit((parts.scheme.lower(), site_of(url), parts.path or "/", urlencode(kept), ""))
