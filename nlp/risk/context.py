"""Whether a hit is said as a fact: negation, refutation, imagined cases and questions, within its clause.

After NegEx (Chapman et al. 2001): a trigger before or after the term inside a bounded window, and a list of
false triggers. The expressions are in lexicon.toml under ``[context]``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from nlp.risk.lexicon import Hit, Pattern

CLAUSE_END = re.compile(r"[，。！？；,;!?\n…]|(?<!\d)\.(?!\d)")
SENTENCE_END = frozenset("。！？!?\n")
FRAME = 40  # characters on either side in which a whole sentence may be framed as an exercise or a story
WINDOW = 24  # characters looked at on either side; no trigger reaches further


def facts(text: str, hits: Sequence[Hit], context: Mapping[str, Pattern]) -> list[Hit]:
    """The hits that the text states, in the order of ``hits``."""
    taken_back: list[Hit] = []
    kept = []
    for hit in sorted(hits, key=lambda h: (h.start, -h.end)):
        before, after = _before(text, hit.start), _after(text, hit.end)
        if _denied(before, context) or _joins(text, hit, taken_back, context) or _unreal(text, before, after, hit, context):
            taken_back.append(hit)
        else:
            kept.append(hit)
    return kept


def _denied(before: str, context: Mapping[str, Pattern]) -> bool:
    found = context["denied"].search(before)
    if not found:
        return False
    return not context["not_denied"].search(before[: found.start() + 2]) or found[0].startswith(("没有任何", "未造成"))


def _joins(text: str, hit: Hit, taken_back: Sequence[Hit], context: Mapping[str, Pattern]) -> bool:
    """The hit touches one that was taken back: 不存在起火、爆炸; 没有人员伤亡."""
    return any(
        other.start <= hit.start and (hit.start < other.end or context["joins"].match(text[other.end : hit.start]))
        for other in taken_back[-4:]
    )


def _unreal(text: str, before: str, after: str, hit: Hit, context: Mapping[str, Pattern]) -> bool:
    if context["refuted"].match(after) or context["imagined"].search(before) or context["touching"].search(before):
        return True
    if context["asked"].search(after):
        return True
    if context["framed"].search(_sentence(text, hit)):
        return True
    return bool(context["goes_on"].search(after)) and _imagined_before(text, hit.start, context)


def _imagined_before(text: str, start: int, context: Mapping[str, Pattern]) -> bool:
    """The clause before that of the hit, in the same sentence, imagines something."""
    begin = start - len(_before(text, start))
    if begin == 0 or text[begin - 1] in SENTENCE_END:
        return False
    return bool(context["imagined"].search(_before(text, begin - 1)))


def _sentence(text: str, hit: Hit) -> str:
    """The sentence of the hit, at most FRAME characters on either side, without the hit itself."""
    before, after = text[max(0, hit.start - FRAME) : hit.start], text[hit.end : hit.end + FRAME]
    starts = [at for at, letter in enumerate(before) if letter in SENTENCE_END]
    ends = [at for at, letter in enumerate(after) if letter in SENTENCE_END]
    return before[starts[-1] + 1 if starts else 0 :] + " " + (after[: ends[0]] if ends else after)


def _before(text: str, start: int) -> str:
    """What stands in the clause before ``start``."""
    piece = text[max(0, start - WINDOW) : start]
    ends = [found.end() for found in CLAUSE_END.finditer(piece)]
    return piece[ends[-1] :] if ends else piece


def _after(text: str, end: int) -> str:
    """What stands in the clause after ``end``."""
    piece = text[end : end + WINDOW]
    found = CLAUSE_END.search(piece)
    return piece[: found.start()] if found else piece
