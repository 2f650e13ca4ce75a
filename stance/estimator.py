"""The classifier: features, a logistic regression on them, calibration and the gates, as one estimator."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from joblib import Parallel, delayed
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.pipeline import FeatureUnion
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted
from threadpoolctl import threadpool_limits

from stance.abstention import Judgement, TopicGate, identify_languages, is_foreign
from stance.calibration import Calibration, adjust_shares, estimate_shares, fit_calibration
from stance.config import DEFAULT_BLOCKS, TrainingConfig, use_blocks
from stance.entailment import EntailmentFeatures
from stance.errors import ModelError, SchemaError
from stance.features import LEXICAL_MASKS, SENTENCE_MASKS, Masker, build_lexical
from stance.sentence_encoder import encode_sentences
from stance.splits import Fold, grouped_folds, statement_groups
from stance.stance_encoder import UNNAMED, load_stance_encoder
from stance.targets import Target, resolve_target

log = logging.getLogger("stance")

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# Kinds of targets that are calibrated apart: the main one, others that were trained on, and those never seen.
KINDS = ("main", "known", "unseen")
# An agreement counts as known when so many of its rows were trained on.
MIN_KNOWN_ROWS = 20
# What scores of hypotheses are multiplied with, so that regularisation weighs on them as it should beside embeddings.
_ENTAILMENT_SCALE = 0.3
# Fewer out-of-fold rows than this calibrate nothing.
_MIN_CALIBRATION_ROWS = 100


class OutOfFold(NamedTuple):
    """Answers about training rows by heads that did not see them: positions, probabilities, left unanswered."""

    rows: Ints
    probabilities: Floats
    abstained: npt.NDArray[np.bool_]


class Candidate(NamedTuple):
    """One combination of the settings that are searched."""

    C: float
    authored_weight: float
    sentence_weight: float
    stance_weight: float


@dataclass(frozen=True)
class _Rows:
    """Training rows, prepared once for all fits."""

    texts: list[str]
    embeddings: npt.NDArray[np.float32]
    entailment: Floats
    stance: Floats
    y: Ints
    documented: npt.NDArray[np.bool_]
    main: npt.NDArray[np.bool_]
    weight: Floats

    def weights(self, candidate: Candidate) -> Floats:
        return np.where(self.documented, self.weight, self.weight * candidate.authored_weight)

    def dense(self, at: Ints, sentence_weight: float) -> Floats:
        return _dense(self.embeddings[at], self.entailment[at], sentence_weight)


class Encoded(NamedTuple):
    """Statements as the blocks take them: masked texts, embeddings, and what the networks say.

    `entailment` has a column per hypothesis, `stance` one per class; either has none if its block is not in use.
    """

    texts: list[str]
    embeddings: npt.NDArray[np.float32]
    entailment: Floats
    stance: Floats


class StanceClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Classifier of statements about an agreement, with calibrated probabilities and reasons to abstain.

    Like `LogisticRegressionCV` it searches the settings for which it is given several values, by cross-validation
    in groups: what belongs to one event, contrast pair or near-duplicate stays on one side. Rows of the main
    target are tried by event, rows of other agreements by whole agreements, so that the search sees both kinds
    of question: a known agreement at a new event, and an agreement never seen. Only documented rows are tried;
    authored rows lend themselves to training as far as that helps. Probabilities are calibrated and the
    abstention threshold is chosen on the same out-of-fold answers, apart for the main target, other agreements that
    were trained on, and agreements never seen.

    Parameters
    ----------
    C, authored_weight, sentence_weight, stance_weight : float or sequence of float
        Inverse strength of regularisation; weight of rows whose `origin` is "authored" against 1 of others;
        weight of the sentence block beside the lexical one; weight of the stance encoder's logits, which are added to
        those of the head.
    blocks : sequence of str
        Any of "lexical", "sentence", "stance" and "entailment".
    entailment : str
        Folder or hub id of the model behind the block "entailment", which it adds. "": none.
    target : str
        Main target, which a statement without a target is about. "": the most frequent one.
    target_weight : float
        Weight of rows on the main target against 1 of other rows.
    targets : mapping of slug to Target, optional
        Names of agreements, to be masked. Without it only the target as given is.
    folds : int
        Number of folds.
    precision : float
        How often an answer should be right; the thresholds of abstention are chosen for it.
    random_state : int
        Seed of the folds.
    n_jobs : int
        Processes; the fitted classifier is the same whatever their number.

    Attributes
    ----------
    classes_ : array of str
        Labels, sorted.
    candidate_ : Candidate
        Settings that were chosen.
    search_ : list of dict
        Each combination tried, with its macro-F1 on known and on unseen agreements.
    calibrations_, shares_ : dict
        Each of `KINDS` to its Calibration, and to the shares of the classes in the rows that it was fitted to.
    out_of_fold_ : dict
        "known" (rows of the main target) and "unseen" (rows of other agreements) to OutOfFold.
    main_target_, known_targets_, languages_ : str, tuple of str, tuple of str
    """

    def __init__(
        self,
        *,
        C: float | Sequence[float] = 4.0,
        authored_weight: float | Sequence[float] = 0.3,
        sentence_weight: float | Sequence[float] = 1.0,
        stance_weight: float | Sequence[float] = 1.0,
        blocks: Sequence[str] = DEFAULT_BLOCKS,
        entailment: str = "",
        target: str = "",
        target_weight: float = 2.0,
        targets: Mapping[str, Target] | None = None,
        folds: int = 5,
        precision: float = 0.8,
        random_state: int = 0,
        n_jobs: int = 1,
    ) -> None:
        self.C = C
        self.authored_weight = authored_weight
        self.sentence_weight = sentence_weight
        self.stance_weight = stance_weight
        self.blocks = blocks
        self.entailment = entailment
        self.target = target
        self.target_weight = target_weight
        self.targets = targets
        self.folds = folds
        self.precision = precision
        self.random_state = random_state
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Fit to labelled statements.

        Parameters
        ----------
        X : DataFrame with `statement` and, if possible, `target`, `origin`, `event`, `pair`, `speaker`; or sequence
            of statements
        y : labels, shape (n_statements,); by default the column `stance` of `X`
        sample_weight : array, shape (n_statements,), optional
        """
        self._check_settings()
        frame = _to_frame(X)
        if y is None:
            if "stance" not in frame.columns:
                raise SchemaError("no labels: expected y, or a column 'stance' in X")
            y = frame["stance"]
        given = pd.Series(np.asarray(y, dtype=object).reshape(-1))
        if len(given) != len(frame):
            raise SchemaError(f"{len(given)} labels for {len(frame)} statements; expected one for each")
        if given.isna().any():
            raise SchemaError(f"{given.isna().sum()} of {len(frame)} statements have no label; leave them out")
        labels = given.to_numpy().astype(str)
        self.classes_, codes = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise SchemaError(
                f"all {len(frame)} statements have the stance {self.classes_.tolist()}; expected at least two"
            )
        self.n_features_in_ = 2  # a statement and its target
        frame = frame.assign(target=self._fill_targets(frame))
        with _one_thread():
            self._fit(frame, codes.astype(np.int64), sample_weight)
        return self

    def _check_settings(self) -> None:
        """Refuse what training could not use, as settings in a file are refused."""
        TrainingConfig(
            blocks=tuple(self.blocks),
            entailment=str(self.entailment),
            C=tuple(np.atleast_1d(self.C).tolist()),
            authored_weight=tuple(np.atleast_1d(self.authored_weight).tolist()),
            sentence_weight=tuple(np.atleast_1d(self.sentence_weight).tolist()),
            stance_weight=tuple(np.atleast_1d(self.stance_weight).tolist()),
            target_weight=self.target_weight,
            folds=self.folds,
            precision=self.precision,
        )

    def __sklearn_tags__(self) -> Tags:
        """Return what scikit-learn asks about an estimator: this one takes texts, and missing ones as empty."""
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        tags.input_tags.allow_nan = True
        tags.target_tags.required = False  # the column `stance` will do
        return tags

    def predict(self, X: Any) -> npt.NDArray[np.str_]:
        """Most probable label of each statement, shape (n_statements,), abstentions disregarded."""
        best = self.predict_proba(X).argmax(axis=1)
        return np.asarray(self.classes_[best])

    def predict_proba(self, X: Any) -> Floats:
        """Calibrated probabilities, shape (n_statements, n_classes), columns in the order of `classes_`."""
        check_is_fitted(self)  # before the main target is asked for
        frame = _to_frame(X)
        return self.judge(frame["statement"].tolist(), self._fill_targets(frame)).probabilities

    def judge(self, statements: Sequence[str], targets: Sequence[str], *, held_out: bool = True) -> Judgement:
        """Return probabilities and, per statement, the reason not to answer or None.

        `held_out` is what `StanceEncoder.score` takes.

        The first reason that applies is given: "empty", "language" (surely none that was trained on), "off-topic"
        (far from everything trained on), "uncertain" (below the threshold). The probabilities of such statements
        are what the model makes of them all the same.
        """
        check_is_fitted(self)
        self.require_networks()
        encoded = self._encode(statements, targets, held_out=held_out)
        kinds = np.array([self._kind(target) for target in targets], dtype=object)
        dense = _dense(encoded.embeddings, encoded.entailment, self._sentence_weight)
        logits = _block_logits(self.head_, self.lexical_, encoded.texts, dense, kinds == "main")
        logits = logits + self.candidate_.stance_weight * encoded.stance
        off_topic = self.topic_gate_.is_off_topic(encoded.embeddings)
        probabilities = np.empty_like(logits)
        uncertain = np.empty(len(logits), dtype=bool)
        for kind in KINDS:
            rows = kinds == kind
            if rows.any():
                calibration = self.calibrations_[kind]
                probabilities[rows], uncertain[rows] = self._settle(logits[rows], calibration)
        return Judgement(
            probabilities,
            [self._reason(statement, off_topic[row], uncertain[row]) for row, statement in enumerate(statements)],
        )

    def adjust(self, judgement: Judgement, targets: Sequence[str]) -> Judgement:
        """The same judgement for classes whose shares are those of these statements, not those of the training rows.

        The shares are estimated, apart for each of `KINDS`, from the statements that are on topic and in a language
        that is known: see `estimate_shares`. What is sure enough is decided anew.
        """
        probabilities, reasons = judgement.probabilities.copy(), list(judgement.reasons)
        kinds = np.array([self._kind(target) for target in targets], dtype=object)
        legible = np.array([reason in (None, "uncertain") for reason in reasons], dtype=bool)
        for kind in KINDS:
            at = np.flatnonzero((kinds == kind) & legible)
            if len(at):
                shares = self.shares_[kind]
                new = estimate_shares(probabilities[at], shares)
                probabilities[at] = adjust_shares(probabilities[at], shares, new)
                for row in at:
                    sure = probabilities[row].max() >= self.calibrations_[kind].threshold
                    reasons[row] = None if sure else "uncertain"
        return Judgement(probabilities, reasons)

    def _reason(self, statement: str, off_topic: bool, uncertain: bool) -> str | None:
        if not any(map(str.isalnum, statement)):
            return "empty"
        if is_foreign(statement, self.languages_):
            return "language"
        return "off-topic" if off_topic else "uncertain" if uncertain else None

    def _kind(self, target: str) -> str:
        return "main" if target == self.main_target_ else "known" if target in self.known_targets_ else "unseen"

    def resolve(self, target: object = None) -> str:
        """Slug of a target given by any of its names, or the text as it is; the main target where it is missing."""
        main: str = getattr(self, "main_target_", self.target)
        if target is None or target is pd.NA or target != target:  # NaN is not equal to itself
            return main
        return resolve_target(str(target).strip(), self.targets or {}) or main

    def find_names(self, statement: str, target: str) -> list[tuple[int, int]]:
        """Half-open offsets of the names that are masked: the target's and those of persons, in reading order."""
        return self._masker.find(statement, target)

    def _fill_targets(self, frame: pd.DataFrame) -> list[str]:
        """Slug (or text) of each row's target; the main one where none is given."""
        if "target" not in frame.columns:
            return [self.resolve()] * len(frame)
        given = frame["target"].astype(object).where(frame["target"].notna(), None)
        resolved = {text: self.resolve(text) for text in given.unique()}
        return [resolved[text] for text in given]

    def _encode(
        self, statements: Sequence[str], targets: Sequence[str], jobs: int = 1, *, held_out: bool = True
    ) -> Encoded:
        """Statements as the blocks of features in use take them."""
        masked = [self._masker.mask(s, t, LEXICAL_MASKS) for s, t in zip(statements, targets, strict=True)]
        sentences = [self._masker.mask(s, t, SENTENCE_MASKS) for s, t in zip(statements, targets, strict=True)]
        stance = np.zeros((len(statements), len(self.classes_)))
        if "stance" in self.used_blocks:
            encoder = load_stance_encoder()
            read = encoder.score(statements, targets, names=self.targets, held_out=held_out, jobs=-1)
            for column, label in enumerate(self.classes_):  # a class that the encoder does not know stays at 0
                if label in encoder.labels:
                    stance[:, column] = read[:, encoder.labels.index(label)]
        entailment = np.empty((len(statements), 0))
        if "entailment" in self.used_blocks:
            named = [target or UNNAMED for target in targets]
            table = pd.DataFrame({"statement": list(statements), "target": named})
            entailment = _ENTAILMENT_SCALE * self._entailment.transform(table)
        return Encoded(masked, encode_sentences(sentences, jobs=jobs), entailment, stance)

    def _fingerprints(self) -> dict[str, str]:
        """What tells the networks behind the blocks of scores from others."""
        found = {}
        if "stance" in self.used_blocks:
            found["stance"] = load_stance_encoder().fingerprint
        if "entailment" in self.used_blocks:
            found["entailment"] = self._entailment.fingerprint_
        return found

    def require_networks(self) -> None:
        """Raise `ModelError` if a network behind the blocks of scores is not the one that was trained with."""
        for name, now in self._fingerprints().items():
            if self.networks_[name] != now:
                what = "this package's stance encoder" if name == "stance" else f"the model {self.entailment}"
                raise ModelError(
                    f"{what} is not the one that the classifier was trained with: bring that one back, or train again"
                )

    @property
    def used_blocks(self) -> tuple[str, ...]:
        """Blocks of features, the one that `entailment` adds among them."""
        return use_blocks(self.blocks, str(self.entailment))

    @property
    def _entailment(self) -> EntailmentFeatures:
        if not hasattr(self, "_hypotheses"):
            self._hypotheses = EntailmentFeatures(str(self.entailment), targets=self.targets, n_jobs=-1).fit()
        return self._hypotheses

    @property
    def _masker(self) -> Masker:
        if not hasattr(self, "_compiled"):  # without a last underscore, which would mean that it is fitted
            self._compiled = Masker(self.targets or {})
        return self._compiled

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the compiled patterns and the network: they are made again where needed."""
        left = ("_compiled", "_hypotheses")
        return {name: value for name, value in super().__getstate__().items() if name not in left}

    @property
    def _sentence_weight(self) -> float:
        return self.candidate_.sentence_weight if "sentence" in self.used_blocks else 0.0

    def _fit(self, frame: pd.DataFrame, y: Ints, sample_weight: Any) -> None:
        self._compiled = Masker(self.targets or {})
        self.__dict__.pop("_hypotheses", None)
        counts = frame["target"].value_counts()
        self.main_target_ = resolve_target(self.target, self.targets or {}) or str(counts.index[0])
        self.languages_ = identify_languages(frame)
        authored = (frame["origin"] == "authored").to_numpy(bool) if "origin" in frame.columns else None
        documented = np.ones(len(frame), bool) if authored is None or authored.all() else ~authored
        main = (frame["target"] == self.main_target_).to_numpy(bool)
        weight = np.where(main, self.target_weight, 1.0)
        if sample_weight is not None:
            given = np.asarray(sample_weight, dtype=float)
            if given.shape != weight.shape or not (np.isfinite(given) & (given >= 0)).all():
                raise SchemaError(f"sample_weight must hold {len(frame)} numbers, 0 or more, one for each statement")
            weight = weight * given
        encoded = self._encode(frame["statement"].tolist(), frame["target"].tolist(), self.n_jobs)
        documented &= weight > 0  # a row of weight 0 is not there
        rows = _Rows(*encoded, y, documented, main, weight)
        self.n_hypotheses_ = encoded.entailment.shape[1]
        self.networks_ = self._fingerprints()
        counts = frame.loc[documented, "target"].value_counts()
        self.known_targets_ = tuple(sorted({*counts.index[counts >= MIN_KNOWN_ROWS], self.main_target_}))
        self._search(frame, rows, main)
        used = rows.weights(self.candidate_) > 0
        self.topic_gate_ = TopicGate.fit(encoded.embeddings[used])
        train = np.flatnonzero(used)
        union, block = _fit_lexical(rows, train) if "lexical" in self.used_blocks else (None, None)
        self.lexical_: FeatureUnion | None = union
        self.head_ = _fit_head(rows, train, self.candidate_, block, self._sentence_weight)
        self.n_iter_ = int(self.head_.n_iter_[0])

    def _search(self, frame: pd.DataFrame, rows: _Rows, main: npt.NDArray[np.bool_]) -> None:
        """Choose among the candidates, and calibrate, on documented rows out of fold."""
        candidates = [
            Candidate(*map(float, values))
            for values in product(
                *map(np.atleast_1d, (self.C, self.authored_weight, self.sentence_weight, self.stance_weight))
            )
        ]
        candidates = [c for c in candidates if len(np.unique(rows.y[rows.weights(c) > 0])) == len(self.classes_)]
        if not candidates:
            raise SchemaError(
                f"the statements with a weight above 0 do not have all of the stances {self.classes_.tolist()}: "
                "raise authored_weight or sample_weight, or leave the stance out"
            )
        self.search_: list[dict[str, Any]] = []
        groups = statement_groups(frame)
        whole = statement_groups(frame.assign(_whole=frame["target"].where(~main)), group_by="_whole")
        try:
            folds = self._documented_folds(frame, rows, whole)
        except SchemaError as error:
            log.warning("nothing to search or calibrate on: %s", error)
            self.candidate_ = candidates[0]
            plain = Calibration(1.0, (0.0,) * len(self.classes_), 0.0)
            self.calibrations_ = dict.fromkeys(KINDS, plain)
            self.shares_ = dict.fromkeys(KINDS, _shares(rows.y, len(self.classes_)))
            self.out_of_fold_ = {}
            return
        answers = self._out_of_fold(rows, folds, candidates)
        regimes = {"known": rows.documented & main, "unseen": rows.documented & ~main}
        regimes = {name: mask for name, mask in regimes.items() if mask.any()}
        for candidate in candidates:
            predicted = answers[candidate].argmax(axis=1)
            scores = {
                name: float(f1_score(rows.y[mask], predicted[mask], average="macro")) for name, mask in regimes.items()
            }
            self.search_.append({**candidate._asdict(), **scores, "mean": float(np.mean(list(scores.values())))})
        best = max(range(len(candidates)), key=lambda i: (round(self.search_[i]["mean"], 6), -i))
        self.candidate_ = candidates[best]
        logits = answers[self.candidate_]
        known = logits.copy()
        others = rows.documented & ~main
        if others.any():  # how sure the head is of an agreement that it does know, at a new event
            folds = self._documented_folds(frame, rows, groups)
            known[others] = self._out_of_fold(rows, folds, [self.candidate_])[self.candidate_][others]
        self.calibrations_, self.shares_ = self._calibrate(rows, known, logits, main)
        self.out_of_fold_ = {
            name: OutOfFold(np.flatnonzero(mask), *self._settle(values[mask], self.calibrations_[kind]))
            for name, kind, mask, values in (
                ("known", "main", rows.documented & main, known),
                ("unseen", "unseen", others, logits),
            )
            if mask.any()
        }

    def _settle(self, logits: Floats, calibration: Calibration) -> tuple[Floats, npt.NDArray[np.bool_]]:
        probabilities = calibration.probabilities(logits)
        return probabilities, probabilities.max(axis=1) < calibration.threshold

    def _documented_folds(self, frame: pd.DataFrame, rows: _Rows, groups: Ints) -> list[Fold]:
        """Folds that test documented rows and train on all rows that have nothing to do with those tested."""
        tried = np.flatnonzero(rows.documented)
        parts = grouped_folds(
            frame.iloc[tried],
            rows.y[tried],
            n_splits=self.folds,
            seed=self.random_state,
            groups=groups[tried],
        )
        tests = [tried[test] for _, test in parts]
        return [(np.flatnonzero(~np.isin(groups, groups[test])), test) for test in tests]

    def _out_of_fold(self, rows: _Rows, folds: list[Fold], candidates: list[Candidate]) -> dict[Candidate, Floats]:
        """Logits of the documented rows by heads that did not see them; other rows stay NaN."""
        answers = {c: np.full((len(rows.y), len(self.classes_)), np.nan) for c in candidates}
        batches: dict[float, list[Candidate]] = {}
        for candidate in candidates:  # candidates that share a vocabulary are fitted in one task
            batches.setdefault(candidate.authored_weight, []).append(candidate)
        tasks = [(fold, batch) for fold in folds for batch in batches.values()]
        lexical, sentence = "lexical" in self.used_blocks, "sentence" in self.used_blocks
        results = Parallel(n_jobs=self.n_jobs)(
            delayed(_fit_fold)(rows, train, test, batch, lexical, sentence, len(self.classes_))
            for (train, test), batch in tasks
        )
        for ((_, test), batch), logits in zip(tasks, results, strict=True):
            for candidate, values in zip(batch, logits, strict=True):
                answers[candidate][test] = values
        return answers

    def _calibrate(
        self, rows: _Rows, known: Floats, unseen: Floats, main: npt.NDArray[np.bool_]
    ) -> tuple[dict[str, Calibration], dict[str, Floats]]:
        """Calibration of each kind, and the shares of the classes in its rows; one with too few takes all rows."""
        documented, n_classes = rows.documented, len(self.classes_)
        fitted = {"known": fit_calibration(known[documented], rows.y[documented], precision=self.precision)}
        shares = {"known": _shares(rows.y[documented], n_classes)}
        for kind, logits, mask in (
            ("main", known, documented & main),
            ("unseen", unseen, documented & ~main),
        ):
            if mask.sum() >= _MIN_CALIBRATION_ROWS:
                fitted[kind] = fit_calibration(logits[mask], rows.y[mask], precision=self.precision)
                shares[kind] = _shares(rows.y[mask], n_classes)
            else:
                fitted[kind], shares[kind] = fitted["known"], shares["known"]
                log.warning(
                    "%d documented statements on %s: too few to calibrate apart, expected %d",
                    mask.sum(),
                    "the main target" if kind == "main" else "other agreements",
                    _MIN_CALIBRATION_ROWS,
                )
        return fitted, shares


def _shares(y: Ints, n_classes: int) -> Floats:
    """Shares of the classes, shape (n_classes,), one row added to each, so that none is 0."""
    counts = np.bincount(y, minlength=n_classes) + 1.0
    return np.asarray(counts / counts.sum())


def _fit_fold(
    rows: _Rows,
    train: Ints,
    test: Ints,
    candidates: list[Candidate],
    lexical: bool,
    sentence: bool,
    n_classes: int,
) -> list[Floats]:
    """Logits of the test rows by one head per candidate; these share an authored weight, hence a vocabulary."""
    answers = []
    texts = [rows.texts[row] for row in test]
    used = train[rows.weights(candidates[0])[train] > 0]
    with _one_thread():
        union, block = _fit_lexical(rows, used) if lexical else (None, None)
        for candidate in candidates:
            weight = candidate.sentence_weight if sentence else 0.0
            head = _fit_head(rows, used, candidate, block, weight)
            logits = _block_logits(head, union, texts, rows.dense(test, weight), rows.main[test])
            answers.append(_spread(logits, head.classes_, n_classes) + candidate.stance_weight * rows.stance[test])
    return answers


def _fit_lexical(rows: _Rows, train: Ints) -> tuple[FeatureUnion, Any]:
    """Fitted lexical block, and what it makes of the training texts."""
    texts = [rows.texts[row] for row in train]
    union = build_lexical(len(texts))
    return union, union.fit_transform(texts)


def _fit_head(
    rows: _Rows, train: Ints, candidate: Candidate, lexical: Any, sentence_weight: float
) -> LogisticRegression:
    """Head fitted to the training rows: to their lexical block, if any, beside the dense ones.

    Where there are rows on the main target and on others, each feature is there twice, the second time for the main
    target alone, so that it may have weights of its own as far as its rows ask for them (Daumé 2007, "Frustratingly
    Easy Domain Adaptation"). `coef_` then holds the weights for other targets and, after them, those for the main one.
    """
    dense = sparse.csr_matrix(rows.dense(train, sentence_weight))
    features = sparse.hstack([dense] if lexical is None else [lexical, dense], format="csr")
    main = rows.main[train]
    twice = main.any() and not main.all()
    width = features.shape[1]
    if twice:
        features = sparse.hstack([features, sparse.diags_array(main.astype(np.float64)) @ features], format="csr")
    head = LogisticRegression(C=candidate.C, max_iter=1000, tol=1e-3)
    if not width:  # the stance encoder alone
        head.classes_ = np.unique(rows.y[train])
        head.coef_ = np.zeros((len(head.classes_) if len(head.classes_) > 2 else 1, 0))
        head.intercept_, head.n_iter_ = np.zeros(len(head.coef_)), np.zeros(1, np.int64)
        return head
    head.fit(features, rows.y[train], sample_weight=rows.weights(candidate)[train])
    if twice:
        head.coef_[:, width:] += head.coef_[:, :width]
    # As they are saved, rows one after another: a loaded model answers to the last digit as the one that was fitted.
    head.coef_ = head.coef_.astype(np.float32).astype(np.float64, order="C")
    head.intercept_ = head.intercept_.astype(np.float32).astype(np.float64)
    return head


def _block_logits(
    head: LogisticRegression,
    union: FeatureUnion | None,
    texts: list[str],
    dense: Floats,
    main: npt.NDArray[np.bool_],
) -> Floats:
    """Logits, shape (n_statements, n_classes): one column per class, also where the head has one for two classes."""
    vectorizers = [] if union is None else [vectorizer for _, vectorizer in union.transformer_list]
    sizes = [len(vectorizer.vocabulary_) for vectorizer in vectorizers]
    # The first and the last `width` columns: the same ones in a head that has no weights apart for the main target.
    width = sum(sizes) + dense.shape[1]
    logits = np.tile(head.intercept_, (len(texts), 1))
    for at, coef in ((np.flatnonzero(~main), head.coef_[:, :width]), (np.flatnonzero(main), head.coef_[:, -width:])):
        if not len(at):
            continue
        chosen = [texts[row] for row in at]
        start = 0
        for vectorizer, size in zip(vectorizers, sizes, strict=True):
            logits[at] += _tfidf_product(vectorizer, chosen, coef[:, start : start + size])
            start += size
        logits[at] += dense[at] @ coef[:, start:].T
    return logits if logits.shape[1] > 1 else np.hstack([-logits / 2, logits / 2])


def _dense(embeddings: npt.NDArray[np.float32], entailment: Floats, sentence_weight: float) -> Floats:
    """Dense features of the head, shape (n_statements, n_features): embeddings, if they weigh, and hypotheses."""
    weighed = [sentence_weight * embeddings.astype(np.float64)] if sentence_weight else []
    return np.hstack([*weighed, entailment])


def _tfidf_product(vectorizer: TfidfVectorizer, texts: list[str], weights: Floats) -> Floats:
    """`vectorizer.transform(texts) @ weights.T`, several times as fast for one text: no checks, no sparse matrix."""
    analyze, column, idf = vectorizer.build_analyzer(), vectorizer.vocabulary_.get, vectorizer.idf_
    product = np.zeros((len(texts), len(weights)))
    for row, text in enumerate(texts):
        counts = Counter(map(column, analyze(text)))
        counts.pop(None, None)  # terms that are not in the vocabulary
        if counts:
            columns = np.fromiter(counts.keys(), dtype=np.int64, count=len(counts))
            values = (1.0 + np.log(np.fromiter(counts.values(), dtype=float, count=len(counts)))) * idf[columns]
            product[row] = weights[:, columns] @ (values / np.sqrt(values @ values))
    return product


def _spread(logits: Floats, classes: Ints, n_classes: int) -> Floats:
    """Columns for all classes; one that the head did not see lies far below the others."""
    spread = np.full((len(logits), n_classes), logits.min() - 10.0)
    spread[:, classes] = logits
    return spread


@contextmanager
def _one_thread() -> Iterator[None]:
    """Sums in one order: with more threads their last digits would differ from run to run."""
    with threadpool_limits(limits=1):
        yield


def _to_frame(X: Any) -> pd.DataFrame:
    """Frame with `statement` as text and, where there is one, `target`."""
    if isinstance(X, pd.DataFrame):
        if "statement" not in X.columns:
            raise SchemaError(f"no column 'statement'; the table has {list(X.columns)}")
        frame = X.reset_index(drop=True)
    else:
        values = np.asarray(X, dtype=object)
        if values.ndim == 0 or values.size != len(values):  # a text, mapping or iterator; several columns
            raise SchemaError(f"expected a table or a sequence of statements, got {X!r:.60}")
        frame = pd.DataFrame({"statement": values.reshape(-1)})
    texts = frame["statement"].where(frame["statement"].notna(), "").astype(object)
    for row, text in enumerate(texts, start=1):
        if not isinstance(text, str):
            raise SchemaError(f"statement {row} is {text!r:.60}; expected a text")
    return frame.assign(statement=texts)
