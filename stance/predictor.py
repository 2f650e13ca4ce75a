"""Scoring new statements with a trained model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any, Self, overload

import numpy as np
import pandas as pd

from stance.abstention import Judgement, load_identifier
from stance.errors import ModelError, SchemaError
from stance.files import shipped_path
from stance.schema import LABELS
from stance.sentence_encoder import load_encoder
from stance.stance_encoder import load_stance_encoder
from stance.targets import Target, alias_pattern, target_names

if TYPE_CHECKING:  # scikit-learn loads while the encoder does: see `StancePredictor.load`
    from stance.entailment import EntailmentFeatures, ZeroShotClassifier
    from stance.estimator import StanceClassifier
    from stance.explanation import Contribution

# Statements judged at a time: memory stays the same for a table of any length.
_CHUNK = 4_096


@dataclass(frozen=True)
class Prediction:
    """What a model says of one statement.

    Attributes
    ----------
    statement, target : str
        As given; the target as its slug where it is a known agreement.
    stance : str or None
        "support", "oppose" or "neutral"; None when the model abstains.
    probabilities : dict
        Calibrated probability of each label. Where the model abstains it shows what the model makes of the text
        all the same.
    score : float
        P(support) - P(oppose), in [-1, 1].
    abstained : bool
    reason : str or None
        Why it abstains: "empty", "language", "off-topic" or "uncertain".
    """

    statement: str
    target: str
    stance: str | None
    probabilities: dict[str, float]
    score: float
    abstained: bool
    reason: str | None

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON, in the order of the command line's output."""
        return {
            "statement": self.statement,
            "target": self.target,
            "stance": self.stance,
            "abstained": self.abstained,
            "reason": self.reason,
            "score": self.score,
            "probabilities": self.probabilities,
        }


class StancePredictor:
    """A trained model at work: statements in, verdicts with probabilities out.

    Examples
    --------
    >>> predictor = StancePredictor.load()
    >>> predictor.predict("").reason
    'empty'
    """

    def __init__(self, classifier: StanceClassifier | ZeroShotClassifier) -> None:
        foreign = sorted(set(classifier.classes_.tolist()) - set(LABELS))
        if foreign:
            raise ModelError(f"the model answers {foreign}; a predictor needs a model of {list(LABELS)}")
        self.classifier = classifier

    @classmethod
    def load(cls, folder: str | Path | None = None, *, entailment: str | Path | None = None) -> Self:
        """Predictor from a model folder; without one, from the model that comes with the package.

        `entailment` is the place of the entailment model, for a model that needs one: see `load_model`. Raises
        `ModelError` if the folder is incomplete, changed, foreign or of another format. Nothing is unpickled.
        """
        # At once, and while scikit-learn is imported. No daemons: an interpreter that ends while ONNX Runtime reads a
        # network takes the process down with it.
        for load_network in (load_encoder, load_stance_encoder, load_identifier):
            Thread(target=_warm_up, args=(load_network,)).start()
        from stance.persistence import load_model

        folder = shipped_path("model", "models/le-touquet") if folder is None else folder
        return cls(load_model(folder, entailment=entailment))

    @classmethod
    def zero_shot(
        cls,
        *,
        target: str,
        entailment: str | Path | EntailmentFeatures,
        targets: Mapping[str, Target] | None = None,
        threshold: float = 0.5,
    ) -> Self:
        """Predictor that needs no labelled statements: it asks an entailment model which hypotheses follow.

        Parameters
        ----------
        target
            Agreement that statements without a target are about.
        entailment
            Folder or hub id of a model of natural language inference, or features made with other hypotheses.
        targets
            Agreements and their names; by default those that ship.
        threshold
            Least probability of an answer. The probabilities are not calibrated: see `ZeroShotClassifier`.

        Raises
        ------
        ModelError
            If there is no such model, or it is not for entailment.
        """
        from stance.entailment import EntailmentFeatures, ZeroShotClassifier

        features = entailment if isinstance(entailment, EntailmentFeatures) else EntailmentFeatures(entailment)
        return cls(ZeroShotClassifier(entailment=features, target=target, targets=targets, threshold=threshold))

    @overload  # a text is a sequence of texts, too: the first signature that fits is meant
    def predict(self, statements: str, *, target: str | None = None) -> Prediction: ...  # type: ignore[overload-overlap]
    @overload
    def predict(self, statements: Iterable[str] | pd.DataFrame, *, target: str | None = None) -> list[Prediction]: ...
    def predict(
        self, statements: str | Iterable[str] | pd.DataFrame, *, target: str | None = None
    ) -> Prediction | list[Prediction]:
        """Prediction of a single text, or a list of predictions in the order of the statements.

        Parameters
        ----------
        statements
            One text; or a list, tuple, Series or array of texts; or a table with `statement` and, if it has one,
            `target`. A missing text counts as empty.
        target
            The agreement that the statements are about, by slug or any of its names, or any other agreement in
            your words. By default the table's, or the one that the model was trained for.
        """
        if isinstance(statements, str):
            return next(self._predict([statements], [self._target(target)]))
        texts, targets = self._read(statements, target)
        return list(self._predict(texts, targets))

    def predict_frame(
        self, frame: pd.DataFrame, *, target: str | None = None, adjust_shares: bool = False
    ) -> pd.DataFrame:
        """Copy of the frame with columns stance, p_support, p_oppose, p_neutral, score, abstained and reason.

        The column `target` holds the agreements as they were understood. A column `stance` that was there is kept
        as `stance_given`. The index stays as it is.

        With `adjust_shares` the probabilities are those for a set in which the stances have the shares that they
        have in this frame, as far as these can be told without labels: for a few hundred statements or more, all
        of which are to be judged. See `StanceClassifier.adjust`.
        """
        texts, targets = self._read(frame, target)
        # A table that was predicted before has the given stances aside already.
        kept = frame.copy() if "stance_given" in frame.columns else frame.rename(columns={"stance": "stance_given"})
        columns = {"target": targets, **self._columns(texts, targets, adjust_shares)}
        return kept.assign(**{name: pd.Series(values, index=frame.index) for name, values in columns.items()})

    def predict_batch(self, batch: Mapping[str, Sequence[Any]], *, target: str | None = None) -> dict[str, list[Any]]:
        """Columns for a batch of a `datasets.Dataset`: `dataset.map(predictor.predict_batch, batched=True)`."""
        texts, targets = self._read(pd.DataFrame(dict(batch)), target)
        return {name: list(values) for name, values in self._columns(texts, targets).items()}

    def explain(self, statement: str, *, target: str | None = None) -> list[Contribution]:
        """Spans of the statement with exact offsets and the signed weight of each; see `explain`."""
        from stance.explanation import explain

        return explain(self.classifier, statement, self._target(target))

    def names_target(self, text: str, target: str) -> bool:
        """Whether the text has a name of the agreement."""
        return alias_pattern(target_names(target, (self.classifier.targets or {}))).search(text) is not None

    def target_words(self, target: str) -> frozenset[str]:
        """Words of all names of the agreement, in lower case."""
        names = target_names(target, self.classifier.targets or {})
        return frozenset(word for name in names for word in name.lower().replace("’", " ").replace("'", " ").split())

    def target_name(self, target: str, language: str) -> str:
        """Name of the agreement in a language, or what it is called."""
        known = (self.classifier.targets or {}).get(target)
        return known.names.get(language, target) if known else target

    def _target(self, target: str | None) -> str:
        return self.classifier.resolve(target)

    def _read(self, statements: Any, target: str | None) -> tuple[list[str], list[str]]:
        """Texts and resolved targets of whatever was given."""
        if isinstance(statements, pd.DataFrame):
            if "statement" not in statements.columns:
                raise SchemaError(f"no column 'statement'; the table has {list(statements.columns)}")
            texts = statements["statement"].tolist()
            given = statements["target"].tolist() if target is None and "target" in statements.columns else None
        elif statements is None or isinstance(statements, Mapping | bytes):
            raise SchemaError(f"expected a text, a sequence of texts or a table; got {statements!r:.60}")
        else:
            texts, given = list(statements), None
        targets = [self._target(target)] * len(texts) if given is None else list(map(self.classifier.resolve, given))
        return [_to_text(text, row) for row, text in enumerate(texts, start=1)], targets

    def _judge(self, texts: list[str], targets: list[str]) -> Iterator[Judgement]:
        for start in range(0, len(texts), _CHUNK):
            yield self.classifier.judge(texts[start : start + _CHUNK], targets[start : start + _CHUNK])

    def _predict(self, texts: list[str], targets: list[str]) -> Iterator[Prediction]:
        row = 0
        for judgement in self._judge(texts, targets):
            for values, reason in zip(self._by_label(judgement), judgement.reasons, strict=True):
                probabilities = dict(zip(LABELS, values.tolist(), strict=True))
                stance = max(LABELS, key=probabilities.__getitem__)
                yield Prediction(
                    texts[row],
                    targets[row],
                    None if reason else stance,
                    probabilities,
                    probabilities["support"] - probabilities["oppose"],
                    reason is not None,
                    reason,
                )
                row += 1

    def _columns(self, texts: list[str], targets: list[str], adjust: bool = False) -> dict[str, Any]:
        parts = list(self._judge(texts, targets))
        n_classes = len(self.classifier.classes_)
        judged = Judgement(
            np.concatenate([np.empty((0, n_classes)), *(part.probabilities for part in parts)]),
            [reason for part in parts for reason in part.reasons],
        )
        if adjust:
            if not hasattr(self.classifier, "adjust"):
                raise ModelError("shares can be adjusted for a trained model only: this one learnt from no statements")
            judged = self.classifier.adjust(judged, targets)
        p = self._by_label(judged)
        reasons = np.array(judged.reasons, dtype=object)
        abstained = np.array([reason is not None for reason in reasons], dtype=bool)
        stance = np.array(LABELS, dtype=object)[p.argmax(axis=1)]
        stance[abstained] = None
        return {
            "stance": stance,
            **{f"p_{label}": p[:, column] for column, label in enumerate(LABELS)},
            "score": p[:, LABELS.index("support")] - p[:, LABELS.index("oppose")],
            "abstained": abstained,
            "reason": reasons,
        }

    def _by_label(self, judgement: Judgement) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Probabilities in the order of LABELS; 0 for a label that the model never saw."""
        p = np.zeros((len(judgement.probabilities), len(LABELS)))
        for column, label in enumerate(self.classifier.classes_):
            p[:, LABELS.index(label)] = judgement.probabilities[:, column]
        return p


def _warm_up(load: Callable[[], object]) -> None:
    with suppress(ModelError):  # which will be raised again where the network is needed, if it is
        load()


def _to_text(value: Any, row: int) -> str:
    if isinstance(value, str):
        return value
    if value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
        return ""
    raise SchemaError(f"statement {row} is {value!r}; expected a text")
