"""Fitting a classifier to a table of statements."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from stance.config import TrainingConfig
from stance.duplicates import fold_text
from stance.errors import ModelError, SchemaError
from stance.estimator import StanceClassifier
from stance.schema import REQUIRED, validate_statements
from stance.targets import Target, read_targets


def build_classifier(
    config: TrainingConfig | None = None, *, targets: Mapping[str, Target] | None = None
) -> StanceClassifier:
    """Unfitted classifier with the settings; the agreements it knows by name are those that ship unless given."""
    config = config or TrainingConfig()
    return StanceClassifier(
        C=config.C,
        authored_weight=config.authored_weight,
        sentence_weight=config.sentence_weight,
        stance_weight=config.stance_weight,
        blocks=config.blocks,
        entailment=config.entailment,
        target=config.target,
        target_weight=config.target_weight,
        targets=read_targets() if targets is None else targets,
        folds=config.folds,
        precision=config.precision,
        random_state=config.seed,
        n_jobs=config.jobs,
    )


def train(
    frame: pd.DataFrame,
    config: TrainingConfig | None = None,
    *,
    targets: Mapping[str, Target] | None = None,
) -> StanceClassifier:
    """Classifier fitted to labelled statements, a scikit-learn estimator.

    The same rows, settings and package versions give the same classifier, to the last byte when it is saved. Rows in
    another order give a slightly different one: they are drawn into other folds, and sums are taken in another order.

    Parameters
    ----------
    frame : DataFrame
        As `load_statements` gives it.
    config : TrainingConfig, optional
    targets : mapping of slug to Target, optional
        Agreements and their names; by default the table that ships with the package.

    Returns
    -------
    StanceClassifier
        Its `training_` says what it was trained on: number of rows, their SHA-256 in this order, and the settings;
        `seen_` has a fingerprint of every statement, by which `is_seen` tells them again.
    """
    config = config or TrainingConfig()
    rows = training_rows(validate_statements(frame), config)
    classifier = build_classifier(config, targets=targets).fit(rows)
    classifier.seen_ = np.unique(fingerprints(rows["statement"]))
    classifier.training_ = {
        "rows": len(rows),
        "sha256": _hash_rows(rows),
        # The number of processes does not shape the model.
        "config": {name: value for name, value in config.to_dict().items() if name != "jobs"},
    }
    return classifier


def training_rows(frame: pd.DataFrame, config: TrainingConfig) -> pd.DataFrame:
    """Rows to train on: all but those whose event or `id` is held out."""
    if not config.hold_out:
        return frame
    marks = frame[[column for column in ("event", "id") if column in frame.columns]]
    missing = sorted(set(config.hold_out) - set(marks.to_numpy().ravel()))
    if missing:
        raise SchemaError(f"hold_out names {missing}: no statement has that event or id")
    return frame[~marks.isin(config.hold_out).any(axis=1)].reset_index(drop=True)


def fingerprints(statements: Iterable[str]) -> npt.NDArray[np.uint64]:
    """A number per statement that is the same for statements that differ only in case, accents or punctuation."""
    digests = (hashlib.sha256(fold_text(text).encode(errors="surrogatepass")).digest()[:8] for text in statements)
    return np.array([int.from_bytes(digest, "big") for digest in digests], dtype=np.uint64)


def is_seen(classifier: object, statements: Iterable[str]) -> npt.NDArray[np.bool_]:
    """Whether the classifier was trained on each of the statements, shape (n_statements,).

    Only a classifier that `train` made can tell; any other raises `ModelError`.
    """
    seen = getattr(classifier, "seen_", ())
    if not len(seen):
        raise ModelError("this classifier does not say what it was trained on: make it with stance.train")
    return np.isin(fingerprints(statements), seen)


def _hash_rows(rows: pd.DataFrame) -> str:
    """SHA-256 of what training reads of the rows, in their order."""
    columns = [*REQUIRED, *(c for c in ("lang", "speaker", "event", "pair", "origin") if c in rows.columns)]
    digest = hashlib.sha256()
    for values in rows[columns].itertuples(index=False):
        digest.update(repr(tuple(values)).encode())
    return digest.hexdigest()
