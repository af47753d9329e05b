"""Documents with defaults, and a mention that a query can see as the document that an archive gets."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from incidents.query import Fields
from incidents.store.index import Document
from tests.incidents.builders import T0


def document(number: int, text: str = "雾岛茶", **changes: Any) -> Document:
    values: dict[str, Any] = dict(mention_id=number, version=1, gone=False, title="", text=text, author="", source="wb", platform="weibo",
                                  dated=T0 + timedelta(minutes=number), brands=("tea",), sentiments={"tea": "negative"}, stories=())
    return Document(**{**values, **changes})


def document_of(number: int, fields: Fields) -> Document:
    sentiments = {"tea": fields.sentiment} if fields.sentiment else {}
    return document(number, fields.text, title=fields.title, source=fields.source or "", platform=fields.platform or "", author=fields.author or "", sentiments=sentiments)
