"""Fixtures for several test modules: a small table of statements, a model trained on it, and its folder."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnx
import pandas as pd
import pytest
from huggingface_hub import constants as hub_constants
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.normalizers import Lowercase
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing

from stance.config import TrainingConfig
from stance.data import load_statements
from stance.persistence import save_model
from stance.training import train

DATA = Path(__file__).parents[1] / "data"
OTHERS = ("chagos-deal", "fiscal-compact", "schengen-agreement")


@pytest.fixture(scope="session")
def tiny_frame() -> pd.DataFrame:
    """Some 150 rows of the shipped tables: both languages, all stances, four agreements; copy it to change it."""
    main = load_statements(DATA / "le-touquet" / "documented.jsonl")
    others = load_statements(DATA / "agreements" / "documented.jsonl")
    authored = load_statements(DATA / "le-touquet" / "authored.jsonl")
    others = others[others["target"].isin(OTHERS)]
    # So many, however the shipped tables grow: other tests count them.
    parts = [main.iloc[::7].head(76), others.iloc[::3].head(53), authored.iloc[::84]]
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="session")
def tiny_model(tiny_frame):
    """Both blocks, one combination of settings, one process; its answers are poor."""
    config = TrainingConfig(target="le-touquet", C=(4.0,), authored_weight=(0.3,), folds=2, jobs=1)
    return train(tiny_frame, config)


@pytest.fixture(scope="session")
def tiny_folder(tiny_model, tmp_path_factory) -> Path:
    """The folder of the tiny model; copy it to change it."""
    return save_model(tiny_model, tmp_path_factory.mktemp("models") / "tiny")


# A language of a few words, and what each speaks for; hypotheses of both languages are in it.
TINY_WORDS = {
    "support": "supports keep useful good soutient conserver utile bon".split(),
    "oppose": "opposes end renegotiate harmful scrap bad oppose fin néfaste".split(),
    "neutral": "side position ferry noon midi".split(),
}


def make_tiny_network(
    folder: Path,
    *,
    labels: Sequence[str] = ("entailment", "not_entailment"),
    length: int | None = None,
    mixes_pairs: bool = False,
    file: str = "model.onnx",
    **config: object,
) -> Path:
    """Folder of a network for ONNX Runtime, in the layout of the hub, that tells whether two texts agree.

    It counts, per stance, the words of the first and of the second text. Its logits are 0, but for entailment: 4 times
    the product of the counts less 2. Given a `length` it takes that many tokens of one pair. One that mixes pairs adds
    1 to the scores of each where there are several.
    """
    words = {word: axis for axis, group in enumerate(TINY_WORDS.values()) for word in group}
    vocabulary = {word: number for number, word in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *words])}
    embeddings = np.zeros((len(vocabulary), len(TINY_WORDS)), np.float32)
    for word, axis in words.items():
        embeddings[vocabulary[word], axis] = 1.0
    entailed = np.array([[label.lower() == "entailment" for label in labels]], np.float32)
    make = onnx.helper.make_node
    nodes = [
        make("Gather", ["embeddings", "input_ids"], ["embedded"]),
        make("Cast", ["attention_mask"], ["read"], to=onnx.TensorProto.FLOAT),
        make("Cast", ["token_type_ids"], ["kind"], to=onnx.TensorProto.FLOAT),
        make("Mul", ["read", "kind"], ["second"]),
        make("Sub", ["read", "second"], ["first"]),
    ]
    for text in ("first", "second"):
        nodes += [
            make("Unsqueeze", [text, "two"], [f"{text}_mask"]),
            make("Mul", ["embedded", f"{text}_mask"], [f"{text}_words"]),
            make("ReduceSum", [f"{text}_words", "one"], [f"{text}_counts"], keepdims=0),
        ]
    nodes += [
        make("Mul", ["first_counts", "second_counts"], ["both"]),
        make("ReduceSum", ["both", "one"], ["agreement"], keepdims=1),
        make("MatMul", ["agreement", "weights"], ["product"]),
        make("Add", ["product", "bias"], ["plain"]),
        make("Shape", ["input_ids"], ["shape"]),
        make("Gather", ["shape", "zero"], ["pairs"]),
        make("Greater", ["pairs", "only"], ["several"]),
        make("Cast", ["several"], ["more"], to=onnx.TensorProto.FLOAT),
        make("Add", ["plain", "more"], ["mixed"]),
        make("Identity", ["mixed" if mixes_pairs else "plain"], ["logits"]),
    ]
    constants = {"embeddings": embeddings, "weights": 4.0 * entailed, "bias": -2.0 * entailed[0]}
    constants |= {"one": np.array([1]), "two": np.array([2]), "zero": np.array(0), "only": np.array(1)}
    shape = ["batch", "length"] if length is None else [1, length]
    graph = onnx.helper.make_graph(
        nodes,
        "tiny",
        [
            onnx.helper.make_tensor_value_info(name, onnx.TensorProto.INT64, shape)
            for name in ("input_ids", "attention_mask", "token_type_ids")
        ],
        [onnx.helper.make_tensor_value_info("logits", onnx.TensorProto.FLOAT, [shape[0], len(labels)])],
        [onnx.numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    (folder / file).parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, folder / file)

    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = Lowercase()
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(token, vocabulary[token]) for token in ("[CLS]", "[SEP]")],
    )
    tokenizer.enable_padding(pad_id=0, pad_token="[PAD]")
    tokenizer.save(str(folder / "tokenizer.json"))
    names = {str(number): label for number, label in enumerate(labels)}
    settings = {"id2label": names, "vocab_size": len(vocabulary), "pad_token_id": 0, **config}
    (folder / "config.json").write_text(json.dumps(settings), encoding="utf-8")
    return folder


@pytest.fixture
def own_cache(monkeypatch, tmp_path) -> None:
    """Neither the cache of the user who runs the tests nor the network."""
    monkeypatch.setenv("STANCE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(hub_constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(hub_constants, "HF_HUB_OFFLINE", True)


@pytest.fixture
def make_network(own_cache, tmp_path) -> Callable[..., Path]:
    """Makes a tiny network in a folder of that name; see `make_tiny_network`."""
    return lambda name="network", **options: make_tiny_network(tmp_path / name, **options)
