"""How well models do on every documented statement, each tried by a model that did not see it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from stance.config import TrainingConfig
from stance.errors import SchemaError
from stance.evaluation import Evaluation, baselines, cross_evaluate, worst_errors
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
    say: Callable[[str], None] = print,
) -> tuple[dict[str, dict[str, Evaluation]], dict[str, pd.DataFrame], list[str]]:
    """Evaluations of this classifier, of each of its blocks alone and of the floors, on documented rows out of fold.

    Two questions are put: the main target at events that the model did not see, and agreements of which it saw no
    row. In each fold the settings are searched, the probabilities calibrated and the thresholds chosen anew, on
    the training part only. The floors learn from the documented rows of the training part.

    Returns
    -------
    (results, errors, notes)
        As `reports.write_report` takes them.
    """
    frame = validate_statements(frame)
    table = read_targets() if targets is None else targets
    frame = frame.assign(target=[resolve_target(target, table) for target in frame["target"]])
    main = resolve_target(config.target, table) or str(frame["target"].value_counts().index[0])
    authored = (
        frame["origin"].eq("authored").to_numpy(bool) if "origin" in frame.columns else np.zeros(len(frame), bool)
    )
    documented = frame[~authored].reset_index(drop=True)
    is_main = documented["target"].eq(main).to_numpy(bool)
    results: dict[str, dict[str, Evaluation]] = {}
    errors: dict[str, pd.DataFrame] = {}
    notes = []
    for question, tried in ((KNOWN, is_main), (UNSEEN, ~is_main)):
        rows = documented[tried].reset_index(drop=True)
        try:
            folds = _folds(question, rows, config)
        except SchemaError as error:
            notes.append(f"{question}: not measured, because {error}.")
            continue
        further = documented[~tried]
        apart = "target" if question == UNSEEN else None
        results[question] = {}
        for name, blocks in _models(config).items():
            say(f"{question}: {name}, {len(folds)} folds …")

            def fit_predict(
                train: pd.DataFrame, test: pd.DataFrame, blocks: tuple[str, ...] = blocks
            ) -> tuple[np.ndarray[tuple[int, int], np.dtype[np.float64]], np.ndarray[tuple[int], np.dtype[np.bool_]]]:
                settings = replace(config, blocks=blocks, target=main)
                classifier = build_classifier(settings, targets=table).fit(train)
                judged = classifier.judge(test["statement"].tolist(), test["target"].tolist())
                p = np.zeros((len(test), len(LABELS)))
                for column, label in enumerate(classifier.classes_):
                    p[:, LABELS.index(label)] = judged.probabilities[:, column]
                return p, np.array([reason is not None for reason in judged.reasons])

            extra = pd.concat([further, frame[authored]], ignore_index=True)
            predictions, evaluation = cross_evaluate(fit_predict, rows, folds, train_extra=extra, apart=apart)
            results[question][name] = evaluation
            if name == "stance":
                errors[question] = worst_errors(rows, predictions.probabilities)
        for name, floor in baselines().items():
            _, evaluation = cross_evaluate(floor, rows, folds, train_extra=further, apart=apart, by=())
            results[question][name] = evaluation
        notes.append(
            f"{question}: {len(rows)} documented statements, {len(folds)} folds; each statement was scored by a model "
            + ("that saw nothing of its event." if question == KNOWN else "that saw nothing on its agreement.")
        )
    if not results:
        raise SchemaError(f"nothing to cross-validate: {' '.join(notes)}")
    return results, errors, notes


def _models(config: TrainingConfig) -> dict[str, tuple[str, ...]]:
    models: dict[str, tuple[str, ...]] = {"stance": config.blocks}
    if len(config.blocks) > 1:
        models |= {f"only the {block} block": (block,) for block in config.blocks}
    return models


def _folds(question: str, rows: pd.DataFrame, config: TrainingConfig) -> list[Fold]:
    if rows.empty:
        raise SchemaError("there is no documented statement of that kind")
    if question == UNSEEN:
        return agreement_folds(rows, n_splits=config.folds, seed=config.seed)
    groups = statement_groups(rows)
    return grouped_folds(rows, rows["stance"], n_splits=config.folds, seed=config.seed, groups=groups)
