"""Any text classifier in Hugging Face layout: a local folder, or a hub id that the user named.

Only safetensors are read, no code of the model's repository is run, and the network is asked only for a hub id.
The one file that imports torch and transformers.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer
from transformers.utils import logging as untyped_logging

from incidents.errors import ModelError
from nlp.sentiment.clean import ends, model_text
from nlp.sentiment.places import find
from nlp.sentiment.reading import Ask, Reading, alarms, by_domain, normalised, unreadable

CALIBRATION = "yujing.json"  # written by nlp.training.calibrate beside its weights: temperatures, offsets, operating points
PADDED = 2048  # pieces of one batch, padding counted: sorted by length this is 2.6 × as fast as batches of 32
PIECES = 128
UNCHOSEN_ALARM = 0.35  # P(negative) for models without a calibration of ours: below ½ because recall matters more
PRIOR = (0.361, 0.407, 0.232)  # as the floor's: class shares averaged over the labelled three-class sources

NEGATIVE = frozenset({"negative", "neg", "负面", "消极", "负向", "负", "差评", "very negative", "n"})
NEUTRAL = frozenset({"neutral", "neu", "中性", "中立", "中", "objective"})
POSITIVE = frozenset({"positive", "pos", "正面", "积极", "正向", "正", "好评", "very positive", "p"})
BY_COUNT = {2: (0, 2), 3: (0, 1, 2), 5: (0, 0, 1, 2, 2)}  # unnamed labels, in the rising order that authors use

log = logging.getLogger(__name__)
transformers_logging: Any = untyped_logging


class Transformer:
    """A classifier with two, three or five labels (five: stars; the middle one is neutral).

    A model with two labels knows no neutral: its P(neutral) is 0, and the log says so when it is loaded.
    """

    def __init__(self, model: str, threads: int | None = None, *, fast: bool = False) -> None:
        """Load a folder or hub id; ``fast`` multiplies in bfloat16 where the processor can (see ``fast_type``).

        Raises:
            ModelError: not there, no safetensors, labels that are no sentiment, or a head that was never trained.
        """
        if threads:
            torch.set_num_threads(threads)
        place, from_hub = find(model)
        self._tokenizer, self._network = _loaded(place, from_hub, fast_type() if fast else torch.float32)
        self._classes = classes(self._network.config.id2label)
        self._calibration = _calibration(place, from_hub)
        self._name = f"{Path(place).name if not from_hub else place}@{_version(place, from_hub, self._network)}"
        if 1 not in self._classes:
            log.warning("The model %s has no neutral label: it will never say neutral.", model)

    @property
    def name(self) -> str:
        return self._name

    def read(self, asked: Sequence[Ask]) -> list[Reading]:
        texts = [model_text(ask.text) for ask in asked]
        reasons = [unreadable(text) for text in texts]
        logits = dict(self._logits({at: text for at, text in enumerate(texts) if reasons[at] is None}))
        return [self._reading(ask, why, logits.get(at)) for at, (ask, why) in enumerate(zip(asked, reasons, strict=True))]

    def logits(self, texts: Sequence[str]) -> list[list[float]]:
        """Raw logits of cleaned texts, for calibration."""
        found = dict(self._logits(dict(enumerate(texts))))
        return [found[at].tolist() for at in range(len(texts))]

    def _reading(self, ask: Ask, why: str | None, logits: torch.Tensor | None) -> Reading:
        if logits is None:
            return Reading(probabilities=normalised(PRIOR), alarm=False, abstains=why)
        offsets = by_domain(self._calibration["offsets"], ask.domain)
        cooled = logits / by_domain(self._calibration["temperature"], ask.domain)
        shares = torch.softmax(cooled + torch.tensor(offsets), dim=0).tolist()
        sums = [0.0, 0.0, 0.0]
        for place, share in zip(self._classes, shares, strict=True):
            sums[place] += share
        probabilities = normalised(sums)
        return Reading(probabilities=probabilities, alarm=alarms(probabilities, by_domain(self._calibration["alarm"], ask.domain)))

    def _logits(self, texts: Mapping[int, str]) -> Iterator[tuple[int, torch.Tensor]]:
        longest = int(self._calibration["pieces"])
        cut = {at: ends(text, longest) for at, text in texts.items()}
        for batch in batches({at: len(text) for at, text in cut.items()}):
            encoded = self._tokenizer(
                [cut[at] for at in batch], truncation=True, max_length=longest, padding=True, return_tensors="pt"
            )
            with torch.inference_mode():
                outputs = self._network(**encoded).logits.float()
            yield from zip(batch, outputs, strict=True)


def classes(labels: Mapping[int, str]) -> tuple[int, ...]:
    """For each label of a model the class that it means: 0 negative, 1 neutral, 2 positive.

    Knows common names in English and Chinese, ``1 star`` … ``5 stars`` and, by their number, ``LABEL_0`` … or digits.

    Raises:
        ModelError: the labels are no sentiment.
    """
    names = [str(labels[at]).strip().casefold() for at in range(len(labels))]
    named = [_class(name) for name in names]
    if all(place is not None for place in named) and {0, 2} <= set(named):
        return tuple(place for place in named if place is not None)
    unnamed = all(re.fullmatch(r"(?:label_|class_)?\d(?: ?stars?|星)?", name) for name in names)
    if unnamed and len(names) in BY_COUNT:
        return BY_COUNT[len(names)]
    raise ModelError(f"The labels of the model are no sentiment: {', '.join(names[:8])}.")


def batches(lengths: Mapping[int, int]) -> Iterator[list[int]]:
    """Texts of like length together, at most PADDED characters of padded length in one batch."""
    batch: list[int] = []
    for at in sorted(lengths, key=lambda place: -lengths[place]):
        if batch and (len(batch) + 1) * (lengths[batch[0]] + 2) > PADDED:
            yield batch
            batch = []
        batch.append(at)
    if batch:
        yield batch


def fast_type() -> torch.dtype:
    """bfloat16 where the processor multiplies it (1.9 × as fast here), else float32. With bfloat16 a logit moves by
    about 0.003, also by what else is in the batch."""
    return torch.bfloat16 if torch.ops.mkldnn._is_mkldnn_bf16_supported() else torch.float32


def _class(name: str) -> int | None:
    for place, known in enumerate((NEGATIVE, NEUTRAL, POSITIVE)):
        if name in known:
            return place
    return None


def _loaded(place: str, from_hub: bool, numbers: torch.dtype) -> tuple[Any, Any]:
    before = transformers_logging.get_verbosity()
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    try:
        tokenizer = AutoTokenizer.from_pretrained(place, local_files_only=not from_hub, trust_remote_code=False)
        network, found = AutoModelForSequenceClassification.from_pretrained(
            place, local_files_only=not from_hub, trust_remote_code=False, use_safetensors=True, output_loading_info=True,
            dtype=numbers,
        )
    except (OSError, ValueError, KeyError, RuntimeError, ImportError) as error:
        raise ModelError(f"The model {place} cannot be loaded: {str(error).splitlines()[0] if str(error) else error!r}") from error
    finally:
        transformers_logging.set_verbosity(before)
    if found["missing_keys"]:
        raise ModelError(f"The model {place} is no trained classifier: it has no {sorted(found['missing_keys'])[0]}.")
    network.eval()
    return tokenizer, network


def _calibration(place: str, from_hub: bool) -> Mapping[str, Any]:
    unknown = {"temperature": {"unknown": 1.0}, "offsets": {"unknown": 0.0}, "alarm": {"unknown": UNCHOSEN_ALARM}, "pieces": PIECES}
    path = Path(place) / CALIBRATION
    if from_hub or not path.exists():
        return unknown
    try:
        return {**unknown, **json.loads(path.read_text(encoding="utf-8"))}
    except (OSError, ValueError) as error:
        raise ModelError(f"The calibration {path} cannot be read: {error}.") from error


def _version(place: str, from_hub: bool, network: Any) -> str:
    if from_hub:
        return str(getattr(network.config, "_commit_hash", None) or "unknown")[:8]
    digest = hashlib.sha256()
    for path in sorted(Path(place).glob("*.safetensors")):
        with path.open("rb") as weights:
            for chunk in iter(lambda: weights.read(1 << 20), b""):
                digest.update(chunk)
    return digest.hexdigest()[:8]
