"""How well models do on every documented statement, each tried by a model that did not see it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd

from stance.config import TrainingConfig
from stance.errors import SchemaError
from stance.estimator import Candidate, Encoded, StanceClassifier
from stance.evaluation import Evaluation, Predictions, baselines, cross_evaluate, worst_errors
from stance.schema import LABELS, validate_statements
from stance.splits import Fold, agreement_folds, grouped_folds, statement_groups
from stance.targets import Target, read_targets, resolve_target
from stance.training import build_classifier

KNOWN = "known agreement, new event"
UNSEEN = "agreement never seen"


def cross_validate(
    frame: pd.DataFrame,
    config: TrainingConfig,
    *,
    targets: Mapping[str, Target] | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> tuple[dict[str, dict[str, Evaluation]], dict[str, pd.DataFrame], list[str]]:
    """Evaluations of this classifier, of each of its blocks alone and of the floors, on documented rows out of fold.

    Two questions are put: the main target at events that the model did not see, and agreements of which it saw no
    row. In each fold the settings are searched, the probabilities calibrated and the thresholds chosen anew, on
    the training part only. A block alone takes the settings that were chosen for all. The floors learn from the
    documented rows of the training part.

    Parameters
    ----------
    frame : DataFrame
        As `load_statements` gives it. Held-out rows are tried, too.
    say : function of str
        Told what is being done.

    Returns
    -------
    (results, errors, notes)
        As `reports.write_report` takes them.
    """
    table = read_targets() if targets is None else targets
    frame = validate_statements(frame)
    frame = frame.assign(target=[resolve_target(target, table) for target in frame["target"]])
    main = resolve_target(config.target, table) or str(frame["target"].value_counts().index[0])
    config = replace(config, target=main)
    authored = (
        frame["origin"].eq("authored").to_numpy(bool) if "origin" in frame.columns else np.zeros(len(frame), bool)
    )
    say(f"encoding {len(frame):,} statements …")
    prepared = _prepare(frame, config, table)
    results: dict[str, dict[str, Evaluation]] = {}
    errors: dict[str, pd.DataFrame] = {}
    notes = []
    for question in (KNOWN, UNSEEN):
        tried = frame["target"].eq(main).to_numpy(bool) == (question == KNOWN)
        rows = frame[tried & ~authored].reset_index(drop=True)
        further = frame[~tried & ~authored]
        extra = pd.concat([further, frame[authored]], ignore_index=True)
        apart = "target" if question == UNSEEN else None
        try:
            folds = _folds(question, rows, config)
        except SchemaError as error:
            notes.append(f"{question}: not measured: {error}.")
            continue
        chosen: list[Candidate] = []
        whole = _fit_predict(prepared, config, chosen, say=partial(_say_what, say, question))
        predictions, evaluation = cross_evaluate(whole, rows, folds, train_extra=extra, apart=apart)
        results[question] = {"the model": evaluation}
        errors[question] = worst_errors(rows, predictions.probabilities)
        for block in config.used_blocks if len(config.used_blocks) > 1 else ():
            only = replace(config, blocks=(block,), entailment=config.entailment if block == "entailment" else "")
            alone = _fit_predict(prepared, only, candidates=iter(chosen))
            _, evaluation = cross_evaluate(alone, rows, folds, train_extra=extra, apart=apart)
            results[question][f"only the {block} block"] = evaluation
        for name, floor in baselines().items():
            _, evaluation = cross_evaluate(floor, rows, folds, train_extra=further, apart=apart)
            results[question][name] = evaluation
        how = "that saw nothing of its event." if question == KNOWN else "that saw nothing on its agreement."
        notes.append(
            f"{question}: {len(rows):,} documented statements in {len(folds)} folds, each scored by a model {how}"
        )
    if not results:
        raise SchemaError(f"nothing to cross-validate: {' '.join(notes)}")
    return results, errors, notes


def _say_what(say: Callable[[str], None], what: str, text: str) -> None:
    say(f"{what}: {text}")


def _folds(question: str, rows: pd.DataFrame, config: TrainingConfig) -> list[Fold]:
    if rows.empty:
        raise SchemaError("there is no documented statement of that kind")
    if question == UNSEEN:
        return agreement_folds(rows, n_splits=config.folds, seed=config.seed)
    groups = statement_groups(rows)
    return grouped_folds(rows, rows["stance"], n_splits=config.folds, seed=config.seed, groups=groups)


class _Prepared(StanceClassifier):
    """Classifier that looks up what the blocks make of statements: no fold encodes them again."""

    place: Mapping[tuple[str, str], int]
    encoded: Encoded

    def _encode(
        self, statements: Sequence[str], targets: Sequence[str], jobs: int = 1, *, held_out: bool = True
    ) -> Encoded:
        at = [self.place[key] for key in zip(statements, targets, strict=True)]
        entailment, stance = self.encoded.entailment[at], self.encoded.stance[at]
        return Encoded(
            [self.encoded.texts[row] for row in at],
            self.encoded.embeddings[at],
            entailment if "entailment" in self.used_blocks else entailment[:, :0],
            stance if "stance" in self.used_blocks else 0.0 * stance,
        )


def _prepare(
    frame: pd.DataFrame, config: TrainingConfig, targets: Mapping[str, Target]
) -> Callable[[TrainingConfig], _Prepared]:
    """Maker of unfitted classifiers for parts of the frame."""
    statements, slugs = frame["statement"].tolist(), frame["target"].tolist()
    whole = build_classifier(config, targets=targets)
    whole.classes_ = np.unique(frame["stance"].to_numpy(str))
    encoded = whole._encode(statements, slugs, config.jobs)
    place = {key: row for row, key in enumerate(zip(statements, slugs, strict=True))}

    def build(settings: TrainingConfig) -> _Prepared:
        classifier = _Prepared(**build_classifier(settings, targets=targets).get_params())
        classifier.place, classifier.encoded = place, encoded
        return classifier

    return build


def _fit_predict(
    build: Callable[[TrainingConfig], _Prepared],
    config: TrainingConfig,
    chosen: list[Candidate] | None = None,
    *,
    candidates: Iterator[Candidate] | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Callable[[pd.DataFrame, pd.DataFrame], Predictions]:
    """Function of a training and a test frame, as `cross_evaluate` takes it.

    Parameters
    ----------
    chosen
        Takes the settings chosen in each fold.
    candidates
        Settings of each fold, instead of a search.
    """
    number = 0

    def fit_predict(train: pd.DataFrame, test: pd.DataFrame) -> Predictions:
        nonlocal number
        number += 1
        say(f"fold {number} of {config.folds}, {len(train):,} statements to learn from …")
        settings = config.with_values(next(candidates)._asdict()) if candidates is not None else config
        classifier = build(settings).fit(train)
        if chosen is not None:
            chosen.append(classifier.candidate_)
        judged = classifier.judge(test["statement"].tolist(), test["target"].tolist())
        probabilities = pd.DataFrame(judged.probabilities, columns=classifier.classes_)
        return Predictions(
            probabilities.reindex(columns=list(LABELS), fill_value=0.0).to_numpy(),
            np.array([reason is not None for reason in judged.reasons]),
        )

    return fit_predict
