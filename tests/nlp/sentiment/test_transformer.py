"""Any classifier in Hugging Face layout, tried with a tiny random BERT that the test saves."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from incidents.errors import ModelError
from nlp.sentiment.choose import load
from nlp.sentiment.reading import Ask, SentimentModel

transformers = pytest.importorskip("transformers")
torch = pytest.importorskip("torch")

from nlp.sentiment.transformer import batches, classes  # noqa: E402

THREE = {0: "negative", 1: "neutral", 2: "positive"}
TEXTS = ["太差了", "很好" * 200, "", "😡", "请问多少钱", "刹车失灵，没人管"]


def saved(folder: Path, labels: dict[int, str], *, safe: bool = True) -> Path:
    """A BERT of two layers whose words are single characters."""
    letters = sorted(set("".join(TEXTS)) - {"😡"})
    (folder / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters]), encoding="utf-8")
    transformers.BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    torch.manual_seed(1)
    config = transformers.BertConfig(
        vocab_size=len(letters) + 5, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=16,
        id2label=labels, label2id={name: at for at, name in labels.items()},
    )
    network = transformers.BertForSequenceClassification(config)
    network.save_pretrained(folder)
    if not safe:
        (folder / "model.safetensors").unlink()
        torch.save(network.state_dict(), folder / "pytorch_model.bin")
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> SentimentModel:
    return load(str(saved(tmp_path_factory.mktemp("three"), THREE)))


def test_it_reads_like_every_model(model: SentimentModel) -> None:
    readings = model.read([Ask(text=text) for text in TEXTS])
    assert all(abs(sum(reading.probabilities) - 1) < 1e-6 for reading in readings)
    assert [reading.abstains is None for reading in readings] == [True, True, False, False, True, True]
    assert len({reading.probabilities for reading in readings}) > 2


def test_batching_changes_nothing(model: SentimentModel) -> None:
    together = model.read([Ask(text=text) for text in TEXTS])
    alone = [model.read([Ask(text=text)])[0] for text in TEXTS]
    for one, other in zip(together, alone, strict=True):
        assert one.probabilities == pytest.approx(other.probabilities, abs=1e-5)


def test_the_name_holds_a_version(model: SentimentModel) -> None:
    name, _, version = model.name.partition("@")
    assert name.startswith("three")
    assert len(version) == 8


def test_calibration_beside_the_weights_is_used(tmp_path: Path) -> None:
    folder = saved(tmp_path, THREE)
    flat = {"temperature": {"unknown": 1e6}, "alarm": {"unknown": 0.9, "news": 0.1}}
    (folder / "yujing.json").write_text(json.dumps(flat))
    plain, news = load(str(folder)).read([Ask(text="太差了"), Ask(text="太差了", domain="news")])
    assert plain.probabilities == pytest.approx((1 / 3, 1 / 3, 1 / 3), abs=1e-3)
    assert (plain.alarm, news.alarm) == (False, True)


def test_two_labels_never_say_neutral(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    model = load(str(saved(tmp_path, {0: "Negative", 1: "Positive"})))
    assert model.read([Ask(text="很好")])[0].probabilities[1] == 0
    assert "no neutral label" in caplog.text


@pytest.mark.parametrize(
    ("labels", "meaning"),
    [
        (("Negative", "Positive"), (0, 2)), (("POS", "NEG", "NEU"), (2, 0, 1)), (("负面", "中性", "正面"), (0, 1, 2)),
        (("LABEL_0", "LABEL_1"), (0, 2)), (("LABEL_0", "LABEL_1", "LABEL_2"), (0, 1, 2)), (("0", "1", "2", "3", "4"), (0, 0, 1, 2, 2)),
        (("1 star", "2 stars", "3 stars", "4 stars", "5 stars"), (0, 0, 1, 2, 2)),
        (("Very Negative", "Negative", "Neutral", "Positive", "Very Positive"), (0, 0, 1, 2, 2)),
    ],
)
def test_labels_are_understood(labels: tuple[str, ...], meaning: tuple[int, ...]) -> None:
    assert classes(dict(enumerate(labels))) == meaning


@pytest.mark.parametrize("labels", [("sports", "politics"), ("LABEL_0",), ("LABEL_0", "LABEL_1", "LABEL_2", "LABEL_3"), ("neutral", "positive")])
def test_other_labels_are_refused(labels: tuple[str, ...]) -> None:
    with pytest.raises(ModelError, match="no sentiment"):
        classes(dict(enumerate(labels)))


def test_only_safetensors_are_read(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no \.safetensors file"):
        load(str(saved(tmp_path, THREE, safe=False)))


def test_a_model_without_a_head_is_refused(tmp_path: Path) -> None:
    folder = saved(tmp_path, THREE)
    transformers.BertForSequenceClassification.from_pretrained(folder).bert.save_pretrained(folder)
    with pytest.raises(ModelError, match="no trained classifier"):
        load(str(folder))


@pytest.mark.parametrize("name", ["nowhere", "./nowhere", "/nowhere/at/all", "a/b/c", ""])
def test_what_is_no_model_is_named(name: str) -> None:
    with pytest.raises(ModelError, match=r"There is no model|cannot be loaded|no \.safetensors"):
        load(name)


def test_batches_hold_every_text_once_and_stay_small() -> None:
    lengths = {at: 1 + at * 7 % 130 for at in range(300)}
    found = list(batches(lengths))
    assert sorted(at for batch in found for at in batch) == list(range(300))
    assert all(len(batch) * (max(lengths[at] for at in batch) + 2) <= 4096 for batch in found)
