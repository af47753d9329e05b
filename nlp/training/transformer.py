"""Train a small transformer: ``python -m nlp.training.transformer --start FOLDER --out FOLDER --rows N``.

Goes on from its last checkpoint when it is started again (same arguments), on a CPU or a GPU. Every
``--save`` minutes it writes a checkpoint and prints the accuracy on development rows. ``--rows`` are the rows
of the whole run, over which the learning rate rises for 6 % and then falls to zero.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoTokenizer, BertForSequenceClassification

from incidents.now import monotonic
from nlp.sentiment.clean import EMOTICON, ends
from nlp.sentiment.reading import CLASSES
from nlp.training.floor import choices
from nlp.training.labelled import Row, labelled_file, rows
from nlp.training.mix import SHARES, Mix

WARM_UP = 0.06
SMOOTHING = 0.05
EMOTICONS_DROPPED = 0.5  # half of the time a text is read without its [泪] [怒]: the words must do
DEV_ROWS = 100  # of each source, for the figure that is printed while training
STATE = "state.pt"  # optimiser and counters; weights are safetensors beside it


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a run is asked to do."""

    start: Path
    out: Path
    rows: int
    tokens: int
    pieces: int
    rate: float
    save_minutes: float
    minutes: float
    seed: int
    frozen: bool
    mix: Mapping[str, float]


def main() -> int:
    plan = _plan()
    run = Run(plan, list(rows(labelled_file())))
    return run.go()


class Run:
    """One training run: model, optimiser and how many rows it has read."""

    def __init__(self, plan: Plan, labelled: Sequence[Row]) -> None:
        self.plan = plan
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.learn = [row for row in labelled if row.part == "train"]
        self.dev = _dev(labelled)
        self.allowed, self.targets = (torch.from_numpy(values) for values in choices(self.learn))
        source = plan.out if (plan.out / STATE).exists() else plan.start
        self.tokenizer: Any = AutoTokenizer.from_pretrained(plan.start, local_files_only=True)
        self.network = network(source).to(self.device)
        self.optimiser = torch.optim.AdamW(_groups(self.network, plan.frozen), lr=plan.rate)
        self.read = 0
        if source == plan.out:
            self._resume()

    def go(self) -> int:
        """Train until the rows, or the minutes of this call, are used up."""
        began = saved = monotonic()
        losses: list[float] = []
        seen = self.read
        for batch in self._mix().batches(after=self.read):
            if batch.rows >= self.plan.rows or monotonic() - began > 60 * self.plan.minutes:
                break
            losses.append(self._step(batch.places))
            self.read = batch.rows + len(batch.places)
            if monotonic() - saved > 60 * self.plan.save_minutes:
                self._save(losses, (self.read - seen) / (monotonic() - began))
                saved, losses = monotonic(), []
        self._save(losses, (self.read - seen) / (monotonic() - began))
        return 0

    def _mix(self) -> Mix:
        lengths = [len(ids) for ids in self._encode([row.text for row in self.learn])["input_ids"]]
        return Mix([row.domain for row in self.learn], lengths, self.plan.tokens, self.plan.seed, self.plan.mix)

    def _step(self, places: Sequence[int]) -> float:
        self.network.train()
        for group in self.optimiser.param_groups:
            group["lr"] = self.plan.rate * pace(self.read / self.plan.rows)
        dice = np.random.default_rng((self.plan.seed, self.read, 3))
        texts = [_without_emoticons(self.learn[at].text, dice) for at in places]
        logits = self._forward(texts)
        chosen = torch.tensor(places)
        loss = partial_loss(logits, self.allowed[chosen].to(self.device), self.targets[chosen].to(self.device))
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimiser.step()
        return float(loss.detach())

    def _forward(self, texts: Sequence[str]) -> torch.Tensor:
        encoded = self._encode(texts, padding=True, return_tensors="pt").to(self.device)
        with torch.autocast(self.device.type, torch.bfloat16):
            logits: torch.Tensor = self.network(**encoded).logits
        return logits.float()

    def _encode(self, texts: Sequence[str], **more: Any) -> Any:
        cut = [ends(text, self.plan.pieces) for text in texts]
        return self.tokenizer(cut, truncation=True, max_length=self.plan.pieces, **more)

    def _save(self, losses: Sequence[float], speed: float) -> None:
        self.plan.out.mkdir(parents=True, exist_ok=True)
        self.network.save_pretrained(self.plan.out)
        self.tokenizer.save_pretrained(self.plan.out)
        state = {"optimiser": self.optimiser.state_dict(), "read": self.read}
        torch.save(state, self.plan.out / f"{STATE}.new")
        (self.plan.out / f"{STATE}.new").replace(self.plan.out / STATE)
        figures = self.figures()
        loss = float(np.mean(losses)) if losses else math.nan
        line = {"read": self.read, "of": self.plan.rows, "loss": round(loss, 4), "rows_s": round(speed, 1), "dev": figures}
        with (self.plan.out / "progress.jsonl").open("a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")
        print(json.dumps(line), flush=True)

    def _resume(self) -> None:
        state = torch.load(self.plan.out / STATE, map_location=self.device, weights_only=True)
        self.optimiser.load_state_dict(state["optimiser"])
        self.read = state["read"]

    def figures(self) -> dict[str, float]:
        """Accuracy on development rows by source, among the classes that the annotators had."""
        self.network.eval()
        right: dict[str, list[bool]] = defaultdict(list)
        with torch.inference_mode():
            for begin in range(0, len(self.dev), 32):
                part = self.dev[begin : begin + 32]
                for row, logits in zip(part, self._forward([row.text for row in part]).tolist(), strict=True):
                    right[row.source].append(is_right(row, logits))
        return {source: round(100 * sum(hits) / len(hits), 1) for source, hits in sorted(right.items())}


def network(folder: Path) -> Any:
    """The classifier in ``folder``, its head new when the folder holds only an encoder. Dropout 0.1."""
    labels = dict(enumerate(CLASSES))
    return BertForSequenceClassification.from_pretrained(
        folder, local_files_only=True, use_safetensors=True, num_labels=len(CLASSES), id2label=labels,
        label2id={name: at for at, name in labels.items()}, attn_implementation="sdpa",
    )


def pace(done: float) -> float:
    """The share of the learning rate after this share of the run: a linear rise, then a linear fall."""
    return done / WARM_UP if done < WARM_UP else max(0.0, (1 - done) / (1 - WARM_UP))


def partial_loss(logits: torch.Tensor, allowed: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Mean of −log P(targets | allowed), with label smoothing over the allowed classes (see nlp.training.partial)."""
    closed = torch.finfo(logits.dtype).min
    among = torch.log_softmax(logits.masked_fill(allowed == 0, closed), dim=1)
    right = torch.logsumexp(among.masked_fill(targets == 0, closed), dim=1)
    spread = (among.masked_fill(allowed == 0, 0.0)).sum(dim=1) / allowed.sum(dim=1)
    return -((1 - SMOOTHING) * right + SMOOTHING * spread).mean()


def is_right(row: Row, logits: Sequence[float]) -> bool:
    """The largest allowed class is the label; of a partial label P(negative) must fall on the right side of ½."""
    if row.scheme == "partial":
        powers = [math.exp(value - max(logits)) for value in logits]
        return (powers[0] * 2 > sum(powers)) == (row.label == "negative")
    return max(row.allowed, key=lambda at: logits[at]) in row.targets


def _without_emoticons(text: str, dice: np.random.Generator) -> str:
    if "[" not in text or dice.random() >= EMOTICONS_DROPPED:
        return text
    return EMOTICON.sub("", text) or text


def _groups(model: Any, frozen: bool) -> list[dict[str, Any]]:
    """Frozen embeddings halve the cost; no weight decay on biases and norms."""
    if frozen:
        model.bert.embeddings.requires_grad_(False)
    named = [(name, values) for name, values in model.named_parameters() if values.requires_grad]
    plain = [values for name, values in named if values.ndim < 2]
    decayed = [values for name, values in named if values.ndim >= 2]
    return [{"params": decayed, "weight_decay": 0.01}, {"params": plain, "weight_decay": 0.0}]


def _dev(labelled: Sequence[Row]) -> list[Row]:
    taken: dict[str, list[Row]] = defaultdict(list)
    for row in labelled:
        if row.part == "dev" and len(taken[row.source]) < DEV_ROWS:
            taken[row.source].append(row)
    return [row for part in taken.values() for row in part]


def _plan() -> Plan:
    parser = argparse.ArgumentParser(prog="python -m nlp.training.transformer", description=__doc__)
    parser.add_argument("--start", type=Path, required=True, help="folder of the pretrained start (nlp.training.start)")
    parser.add_argument("--out", type=Path, required=True, help="folder of checkpoint and result")
    parser.add_argument("--rows", type=int, default=400_000, help="rows of the whole run")
    parser.add_argument("--tokens", type=int, default=1536, help="padded pieces of a batch")
    parser.add_argument("--pieces", type=int, default=128, help="longest text, in characters and in pieces")
    parser.add_argument("--rate", type=float, default=1e-4, help="highest learning rate")
    parser.add_argument("--save", dest="save_minutes", type=float, default=5, help="minutes between checkpoints")
    parser.add_argument("--minutes", type=float, default=1e9, help="stop this call after so many minutes")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--all", dest="frozen", action="store_false", help="train the embeddings too")
    parser.add_argument("--mix", type=_mix, default=SHARES, metavar="weibo=.35,news=.25,…", help="shares of the domains")
    return Plan(**vars(parser.parse_args()))


def _mix(text: str) -> dict[str, float]:
    parts = [part.split("=") for part in text.split(",")]
    return {name: float(share) for name, share in parts}


if __name__ == "__main__":
    sys.exit(main())
