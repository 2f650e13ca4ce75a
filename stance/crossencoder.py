"""Running a cross-encoder: a network that reads two texts at once and says how they go together."""

from __future__ import annotations

import hashlib
import inspect
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from joblib import cpu_count

from stance.errors import MissingExtraError, ModelError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# Where exports for ONNX Runtime lie, the best for a processor first.
ONNX_FILES = (
    "model_quantized.onnx",
    "onnx/model_quantized.onnx",
    "onnx/model_int8.onnx",
    "model.onnx",
    "onnx/model.onnx",
    "onnx/model_fp16.onnx",
)
SETTING_FILES = ("config.json", "tokenizer.json")
# Beyond these a text is cut: a name of an agreement is short, and a statement longer than this is no statement.
MAX_FIRST_CHARS = 300
MAX_SECOND_CHARS = 5_000
_MAX_TOKENS = 512
_MAX_BYTES = {"model": 2_000_000_000, "tokenizer": 50_000_000, "config": 5_000_000}
_BATCH = 32
_BATCH_TOKENS = 4_096  # base models take some 100 kB for a token as they go
_CHUNK = 1_024  # pairs that are cut into tokens at a time: these take more memory than the texts
_TRIAL = (("A", "B"), ("A long way to go", "and a longer one to read, from the first word of it to the last"))


class PairScorer(ABC):
    """What all cross-encoders have in common, whatever runs the network: configuration, tokens and batches."""

    labels: tuple[str, ...]
    max_tokens: int
    fingerprint: str
    _takes_cores = False  # whether what runs the network spreads one batch over the cores

    def __init__(self, folder: str | Path, max_chars: tuple[int, int]) -> None:
        self.folder = Path(folder)
        self.max_chars = max_chars
        contents = {name: _read(self.folder / name, name.partition(".")[0]) for name in SETTING_FILES}
        self._config = _read_config(contents["config.json"], self.folder / "config.json")
        self.labels = _read_labels(self._config, self.folder / "config.json")
        self._tokenizer = _read_tokenizer(contents["tokenizer.json"], self._config, self.folder)
        self._pad = _padding(self._tokenizer, self._config)
        self._digests = {name.partition(".")[0]: hashlib.sha256(content).digest() for name, content in contents.items()}

    def _prepare(self, weights: bytes, fixed_length: int | None = None) -> None:
        """Set up the rest, given a hash of the weights, once the network can run; try it on two pairs.

        Scores of networks that round to 8 bits as they go depend on which pairs are scored together: theirs are
        scored one by one, and so are those of networks that were exported for one pair at a time.
        """
        digests = {**self._digests, "model": weights}
        self.fingerprint = hashlib.sha256(b"".join(digests[name] for name in sorted(digests))).hexdigest()
        self._fixed_length = fixed_length
        self.max_tokens = fixed_length or _longest(self._config)
        try:
            self._tokenizer.enable_truncation(self.max_tokens, strategy="longest_first")
        except Exception as error:  # the library raises bare Exception
            raise ModelError(
                f"the network in {self.folder} reads {self.max_tokens} tokens, too few: {error}"
            ) from error
        encoded = self._tokenizer.encode_batch(list(_TRIAL))
        alone = np.concatenate([self._run([one]) for one in encoded])
        try:
            self._alone = not np.allclose(alone, self._run(encoded), atol=1e-4)
        except ModelError:
            self._alone = True

    def score(
        self,
        pairs: Sequence[tuple[str, str]],
        *,
        jobs: int = 1,
        say: Callable[[int], object] = lambda _: None,
    ) -> Floats:
        """Scores of the pairs before any softmax, shape (n_pairs, n_labels), columns in the order of `labels`.

        A pair's scores do not depend on the others beyond 1e-4, nor on `jobs`, the number of threads (-1: one per
        core). Of the texts `max_chars` characters are read, and of both together `max_tokens`. `say` is told, now
        and then, how many are done.
        """
        scores = np.empty((len(pairs), len(self.labels)))
        workers = 1 if self._takes_cores else cpu_count() if jobs < 0 else max(1, jobs)
        done = 0

        def run(batch: list[tuple[int, Any]]) -> tuple[list[int], Floats]:
            return [row for row, _ in batch], self._run([one for _, one in batch])

        with ThreadPoolExecutor(workers) as pool:
            for start in range(0, len(pairs), _CHUNK):
                encoded = self._tokenizer.encode_batch(list(map(self._cut, pairs[start : start + _CHUNK])))
                # Pairs of a length together: the shorter ones of a batch are filled up to the longest.
                ordered = sorted(enumerate(encoded, start), key=lambda numbered: len(numbered[1].ids))
                for rows, values in pool.map(run, self._batches(ordered)):
                    scores[rows] = values
                    done += len(rows)
                    say(done)
        return scores

    def _batches(self, ordered: Sequence[tuple[int, Any]]) -> Iterator[list[tuple[int, Any]]]:
        """Parts of the numbered pairs, shorter ones first, of one or more that fill no more memory than they may."""
        most = 1 if self._alone else _BATCH
        batch: list[tuple[int, Any]] = []
        for numbered in ordered:
            length = self._fixed_length or len(numbered[1].ids)
            if batch and (len(batch) == most or length * (len(batch) + 1) > _BATCH_TOKENS):
                yield batch
                batch = []
            batch.append(numbered)
        if batch:
            yield batch

    def _cut(self, pair: tuple[str, str]) -> tuple[str, str]:
        """Beginnings of the texts, without halves of characters, which the tokenizer would stop at."""
        first, second = (
            text[:most].encode("utf-8", "replace").decode() for text, most in zip(pair, self.max_chars, strict=True)
        )
        return first, second

    def _run(self, encoded: Sequence[Any]) -> Floats:
        length = self._fixed_length or max(len(one.ids) for one in encoded)
        ids = np.full((len(encoded), length), self._pad, np.int64)
        mask, kinds = np.zeros_like(ids), np.zeros_like(ids)
        for row, one in enumerate(encoded):
            n = len(one.ids)
            ids[row, :n], mask[row, :n], kinds[row, :n] = one.ids, 1, one.type_ids
        try:
            logits = self._logits({"input_ids": ids, "attention_mask": mask, "token_type_ids": kinds})
        except Exception as error:  # ONNX Runtime raises a dozen kinds, some derived from RuntimeError and some not
            raise ModelError(f"the network in {self.folder} failed: {_first_line(error)}") from error
        if logits.shape != (len(encoded), len(self.labels)):
            raise ModelError(
                f"the network in {self.folder} gives scores of shape {logits.shape} for {len(encoded)} pairs; its "
                f"config.json names {len(self.labels)} labels {list(self.labels)}"
            )
        if not np.isfinite(logits).all():
            raise ModelError(
                f"the network in {self.folder} gives scores that are no numbers; exports in 16 bits do so where they "
                "overflow: take one in 32 or 8 bits"
            )
        return np.asarray(logits, dtype=np.float64)

    @abstractmethod
    def _logits(self, inputs: dict[str, Ints]) -> npt.NDArray[Any]:
        """Scores of a batch; `inputs` are those that networks may take, each of shape (n_pairs, n_tokens)."""


class CrossEncoder(PairScorer):
    """Network in ONNX format that scores pairs of texts, with its tokenizer, from a folder in the hub's layout.

    The folder holds `config.json`, `tokenizer.json` and one of `ONNX_FILES`. Exports with fixed and with dynamic
    lengths will do, in 32, 16 or 8 bits. Weights in files of their own, beside the model, are not read.

    Parameters
    ----------
    folder : path
    max_chars : tuple of int
        Of a first and of a second text so many characters are read.

    Attributes
    ----------
    labels : tuple of str
        Names of the scores, in their order, from the configuration.
    max_tokens : int
        Longest pair that is read; of a longer one the end of the longer text is cut.
    fingerprint : str
        SHA-256 of the model, the tokenizer and the configuration: the same files give the same scores.

    Raises
    ------
    ModelError
        If a file is missing, too large, damaged, or does not go with the others.
    """

    def __init__(self, folder: str | Path, *, max_chars: tuple[int, int] = (MAX_FIRST_CHARS, MAX_SECOND_CHARS)) -> None:
        self._path = _find_network(Path(folder))
        super().__init__(folder, max_chars)
        content = _read(self._path, "model")
        self._session = _start(content, self._path)
        self._types = {node.name: node.type for node in self._session.get_inputs()}
        if "input_ids" not in self._types or not set(self._types) <= {"input_ids", "attention_mask", "token_type_ids"}:
            raise ModelError(
                f"{self._path} takes {sorted(self._types)}; expected input_ids and, perhaps, attention_mask and "
                "token_type_ids"
            )
        shape = next(node.shape for node in self._session.get_inputs() if node.name == "input_ids")
        fixed = shape[-1] if shape and isinstance(shape[-1], int) else None
        self._prepare(hashlib.sha256(content).digest(), fixed)

    def _logits(self, inputs: dict[str, Ints]) -> npt.NDArray[Any]:
        feed = {name: _as_type(inputs[name], kind) for name, kind in self._types.items()}
        return np.asarray(self._session.run(None, feed)[0])


class TransformersCrossEncoder(PairScorer):
    """Like `CrossEncoder`, for folders without an ONNX file: run by PyTorch, with the extra `transformers`.

    The folder holds `config.json`, `tokenizer.json` and weights in safetensors files. Others, which would be
    unpickled, and a model's own code are not read. `jobs` adds nothing: PyTorch takes the cores that it finds.

    Raises
    ------
    MissingExtraError
        If `torch` or `transformers` is not installed.
    ModelError
        If a file is missing, damaged, or does not go with the others.
    """

    _takes_cores = True

    def __init__(self, folder: str | Path, *, max_chars: tuple[int, int] = (MAX_FIRST_CHARS, MAX_SECOND_CHARS)) -> None:
        self._torch, transformers = import_transformers(str(folder))
        weights = choose_safetensors(list_files(Path(folder)))
        if not weights:
            raise ModelError(f"{folder} has no model.safetensors")
        super().__init__(folder, max_chars)
        try:
            network, loading = transformers.AutoModelForSequenceClassification.from_pretrained(
                str(folder),
                use_safetensors=True,
                trust_remote_code=False,
                local_files_only=True,
                output_loading_info=True,
            )
        except Exception as error:  # of the library's own, of PyTorch and of safetensors
            raise ModelError(f"transformers cannot read the network in {folder}: {_first_line(error)}") from error
        if loading["missing_keys"]:  # which the library would fill with random numbers
            missing = ", ".join(sorted(loading["missing_keys"])[:3])
            raise ModelError(f"the weights in {folder} are not those of a classifier: they lack {missing}")
        self._network = network.float().train(False)
        self._takes = set(inspect.signature(network.forward).parameters)
        digests = []
        for name in weights:
            with open(self.folder / name, "rb") as file:
                digests.append(hashlib.file_digest(file, "sha256").digest())
        self._prepare(hashlib.sha256(b"".join(digests)).digest())

    def _logits(self, inputs: dict[str, Ints]) -> npt.NDArray[Any]:
        feed = {name: self._torch.from_numpy(values) for name, values in inputs.items() if name in self._takes}
        with self._torch.inference_mode():
            return np.asarray(self._network(**feed).logits.numpy())


def import_transformers(model: str) -> tuple[Any, Any]:
    """The modules torch and transformers, or a `MissingExtraError` that says what they are needed for."""
    try:
        return import_module("torch"), import_module("transformers")
    except ImportError as error:
        raise MissingExtraError(
            f"{model} has no network for ONNX Runtime (one of {', '.join(ONNX_FILES)}), and its other weights need "
            f'{error.name}; pip install "stance-classifier[transformers]"'
        ) from error


def list_files(folder: Path) -> set[str]:
    """Names of the files of a model, as the hub writes them: those in the folder itself and in `onnx/`."""
    found = (*folder.glob("*"), *folder.glob("onnx/*"))
    return {path.relative_to(folder).as_posix() for path in found if path.is_file()}


def choose_onnx(names: Collection[str]) -> str | None:
    """The file for ONNX Runtime among those of a model, or None; of one with weights elsewhere another is sought.

    >>> choose_onnx(["onnx/model.onnx", "onnx/model.onnx_data", "onnx/model_fp16.onnx"])
    'onnx/model_fp16.onnx'
    """
    whole = (name for name in ONNX_FILES if not {f"{name}_data", f"{name}.data"} & set(names))
    return next((name for name in whole if name in names), None)


def choose_safetensors(names: Collection[str]) -> tuple[str, ...]:
    """The files with weights in safetensors format among those of a model: one, its parts, or none.

    >>> choose_safetensors(["model-2-of-2.safetensors", "model-1-of-2.safetensors", "pytorch_model.bin"])
    ('model-1-of-2.safetensors', 'model-2-of-2.safetensors')
    """
    if "model.safetensors" in names:
        return ("model.safetensors",)
    return tuple(sorted(name for name in names if name.startswith("model-") and name.endswith(".safetensors")))


def _find_network(folder: Path) -> Path:
    """Path of the model file in a folder that has all that is needed."""
    if not folder.is_dir():
        raise ModelError(f"no folder {folder}: expected one with config.json, tokenizer.json and model.onnx")
    names = list_files(folder)
    network = choose_onnx(names)
    missing = [name for name in SETTING_FILES if name not in names]
    if network is None:
        missing.append(f"one of {', '.join(ONNX_FILES)}")
    if missing or network is None:
        raise ModelError(f"{folder} is no model for ONNX Runtime: it has no {' and no '.join(missing)}")
    return folder / network


def _read(path: Path, kind: str) -> bytes:
    try:
        size, most = path.stat().st_size, _MAX_BYTES[kind]
        if size > most:
            raise ModelError(f"{path} has {size:,} bytes; at most {most:,} are read")
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror or error}") from error


def _read_config(content: bytes, path: Path) -> dict[str, Any]:
    try:
        config = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path} is not JSON: {error}") from error
    if not isinstance(config, dict):
        raise ModelError(f"{path} is not the configuration of a model: expected a JSON object")
    return config


def _read_labels(config: dict[str, Any], path: Path) -> tuple[str, ...]:
    names = config.get("id2label")
    if not isinstance(names, dict) or len(names) < 2:
        raise ModelError(f"{path} does not name its labels: expected id2label with two or more, got {names!r:.80}")
    try:
        ordered = [str(names[str(i)]) for i in range(len(names))]
    except KeyError as error:
        raise ModelError(f"{path}: id2label must number its labels from 0 on, got {sorted(names)}") from error
    return tuple(ordered)


def _read_tokenizer(content: bytes, config: dict[str, Any], folder: Path) -> Any:
    from tokenizers import Tokenizer

    path = folder / "tokenizer.json"
    try:
        tokenizer = Tokenizer.from_str(content.decode())
    except Exception as error:  # the library raises bare Exception
        raise ModelError(f"{path} is not a tokenizer: {_first_line(error)}") from error
    tokenizer.no_padding()
    known = config.get("vocab_size")
    if isinstance(known, int) and tokenizer.get_vocab_size() > known:
        raise ModelError(
            f"{path} does not go with the network: it has {tokenizer.get_vocab_size():,} tokens, and config.json says "
            f"{known:,}"
        )
    return tokenizer


def _start(content: bytes, path: Path) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # pairs are spread over threads instead: sums are taken in one order
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # see `PairScorer._run`
        raise ModelError(f"{path} is not a network that ONNX Runtime can read: {_first_line(error)}") from error


def _longest(config: dict[str, Any]) -> int:
    """Tokens of the longest pair; networks of RoBERTa's kind count their positions from 2."""
    positions = config.get("max_position_embeddings")
    if not isinstance(positions, int) or positions < 16:
        return _MAX_TOKENS
    return min(_MAX_TOKENS, positions - 2 if "roberta" in str(config.get("model_type", "")) else positions)


def _padding(tokenizer: Any, config: dict[str, Any]) -> int:
    given = config.get("pad_token_id")
    if isinstance(given, int):
        return given
    return next((i for t in ("[PAD]", "<pad>") if (i := tokenizer.token_to_id(t)) is not None), 0)


def _as_type(array: npt.NDArray[np.int64], kind: str) -> npt.NDArray[Any]:
    return array.astype(np.int32) if kind == "tensor(int32)" else array


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]
