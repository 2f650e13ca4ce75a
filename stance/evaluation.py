"""How good a model is on real positions: scores with intervals, beside floors that read no text.

Intervals are 95 % percentile intervals of a bootstrap over events: what was said at one event stands or falls
together, so whole events are drawn, with replacement, never single rows. It matters where few events fill a
table; on the documented rows, some three statements an event, drawing rows gives 0.90 to 1.10 times the width
(TF-IDF + LinearSVC out of fold; macro-F1, accuracy, support against oppose).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any, NamedTuple, Self

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from stance.errors import SchemaError
from stance.schema import LABELS
from stance.splits import statement_groups

# Name in code and files: heading in tables and pictures.
METRICS = {
    "macro_f1": "macro-F1",
    "f1_support": "F1 of support",
    "f1_oppose": "F1 of oppose",
    "f1_neutral": "F1 of neutral",
    "accuracy": "accuracy",
    "mcc": "Matthews correlation",
    "support_oppose_accuracy": "support against oppose",
    "confident_accuracy": "accuracy on the surest 40 %",
    "ece": "expected calibration error",
    "brier": "Brier score",
    "coverage": "coverage (not abstained)",
    "precision": "precision where answered",
}
LOWER_IS_BETTER = frozenset({"ece", "brier"})
SLICES = ("lang", "form", "country", "hard")

SUPPORT, OPPOSE = LABELS.index("support"), LABELS.index("oppose")
CONFIDENT_SHARE = 0.4
CURVE_COVERAGES = np.linspace(0.05, 1.0, 20)
# Bins of equal mass (Nguyen & O'Connor 2015), not of equal width (Naeini et al. 2015, Guo et al. 2017): the
# likeliest of three labels is hardly ever below 0.4, and bins that are all but empty say nothing.
RELIABILITY_BINS = 10
ROWS_PER_BIN = 10
ROWS_PER_SLICE = 10  # a slice with fewer rows is counted, not scored
DRAWS_AT_ONCE = 4_000_000  # numbers held in memory while drawing events

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A number and the ends of its 95 % interval; None where it is not defined.

    Examples
    --------
    >>> print(Estimate(0.583, 0.541, 0.624))
    0.58 [0.54, 0.62]
    """

    value: float | None
    low: float | None
    high: float | None

    def __str__(self) -> str:
        """Two decimals, as in the tables."""
        if self.value is None:
            return "–"
        interval = "" if self.low is None or self.high is None else f" [{self.low:z.2f}, {self.high:z.2f}]"
        return f"{self.value:z.2f}{interval}"


@dataclass(frozen=True)
class Slice:
    """Scores on part of the rows; `metrics` is empty when there are too few rows to score."""

    n: int
    metrics: dict[str, Estimate]


@dataclass(frozen=True)
class ReliabilityBin:
    """Rows of similar confidence: how sure the model was of them on average, how often it was right."""

    n: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class RiskPoint:
    """Share of wrong labels among the share `coverage` of the rows that the model is surest of."""

    coverage: float
    risk: Estimate


@dataclass(frozen=True, repr=False)
class Evaluation:
    """Scores of one set of predictions.

    `metrics` has one `Estimate` for each of `METRICS`. They judge the likeliest label of every row; only
    `coverage` and `precision` heed abstention. `confusion` counts rows by true label (down) and predicted
    label (across), in the order of `LABELS`. `slices` is column → value → `Slice`. `floors` is filled by
    `evaluate` when it is given training rows.
    """

    n: int
    n_events: int
    metrics: dict[str, Estimate]
    slices: dict[str, dict[str, Slice]]
    confusion: tuple[tuple[int, ...], ...]
    reliability: tuple[ReliabilityBin, ...]
    risk_coverage: tuple[RiskPoint, ...]
    floors: dict[str, dict[str, Estimate]] = field(default_factory=dict)

    def __repr__(self) -> str:
        """Size and macro-F1; the rest is long."""
        score = self.metrics["macro_f1"]
        return f"<Evaluation of {self.n} statements at {self.n_events} events: macro-F1 {score}>"

    def to_frame(self) -> pd.DataFrame:
        """Return one row per metric, columns `value, low, high`; undefined numbers are NaN."""
        rows = {name: asdict(estimate) for name, estimate in self.metrics.items()}
        return pd.DataFrame.from_dict(rows, orient="index", columns=["value", "low", "high"], dtype=float)

    def to_dict(self) -> dict[str, Any]:
        """Return plain dicts, lists and numbers for JSON; undefined numbers are None."""
        as_lists = {name: [asdict(x) for x in getattr(self, name)] for name in ("reliability", "risk_coverage")}
        return asdict(self) | as_lists | {"confusion": [list(row) for row in self.confusion]}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Return the evaluation that `to_dict` turned into `values`."""
        return cls(
            n=values["n"],
            n_events=values["n_events"],
            metrics=_estimates(values["metrics"]),
            slices={
                column: {name: Slice(part["n"], _estimates(part["metrics"])) for name, part in parts.items()}
                for column, parts in values["slices"].items()
            },
            confusion=tuple(tuple(row) for row in values["confusion"]),
            reliability=tuple(ReliabilityBin(**x) for x in values["reliability"]),
            risk_coverage=tuple(RiskPoint(x["coverage"], Estimate(**x["risk"])) for x in values["risk_coverage"]),
            floors={name: _estimates(metrics) for name, metrics in values["floors"].items()},
        )


class Predictions(NamedTuple):
    """What a model says about the rows of a frame.

    `probabilities` has shape (n_rows, 3), columns in the order of `LABELS`. `abstained` is a mask of shape
    (n_rows,), or None for a model that always answers. `probabilistic` is False where the columns are only
    scores to be compared (margins of a support vector machine, one-hot labels): they have no calibration
    error and no Brier score.
    """

    probabilities: ArrayLike
    abstained: ArrayLike | None = None
    probabilistic: bool = True


def score_predictions(
    frame: pd.DataFrame,
    probabilities: ArrayLike,
    *,
    abstained: ArrayLike | None = None,
    probabilistic: bool = True,
    by: Sequence[str] = SLICES,
    n_bootstrap: int = 1000,
    seed: int = 0,
) -> Evaluation:
    """Return how good predictions for the rows of `frame` are; it needs the column `stance`.

    Parameters
    ----------
    frame
        `event` (within `target`) says which rows are drawn together; a row without one stands alone.
    probabilities, abstained, probabilistic
        As in `Predictions`.
    by
        Columns to score by value as well; those that `frame` lacks are passed over.

    Notes
    -----
    - F1 is undefined for a label that neither occurs nor is predicted; macro-F1 is the mean of the others.
    - Support against oppose: over rows that are one or the other, how often the right one has the higher
      probability; a tie counts a half.
    - Expected calibration error: of the likeliest label, ten bins of equal mass (fewer below 100 rows).
      Brier score: squared errors summed over the three labels, from 0 to 2.
    - The surest 40 % are those with the highest probability of a label, abstained or not.
    - Precision is the share of right labels among rows where the model did not abstain.

    Examples
    --------
    >>> frame = pd.DataFrame({"stance": ["support", "oppose", "neutral", "oppose"]})
    >>> probabilities = [[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.1, 0.5, 0.4], [0.1, 0.9, 0.0]]
    >>> scores = score_predictions(frame, probabilities, n_bootstrap=100)
    >>> scores.metrics["accuracy"].value, scores.confusion
    (0.75, ((1, 0, 0), (0, 2, 0), (0, 1, 0)))
    """
    rows = _check(frame, Predictions(probabilities, abstained, probabilistic))
    metrics, curve = _estimate(rows, n_bootstrap, seed)
    cells = np.bincount(rows.gold * len(LABELS) + rows.predicted, minlength=len(LABELS) ** 2)
    return Evaluation(
        n=len(rows.gold),
        n_events=rows.n_events,
        metrics=metrics,
        slices={column: _score_slices(frame[column], rows, n_bootstrap, seed) for column in by if column in frame},
        confusion=tuple(tuple(row) for row in cells.reshape(len(LABELS), len(LABELS)).tolist()),
        reliability=_bin_reliability(rows) if probabilistic else (),
        risk_coverage=curve,
    )


def compare(
    frame: pd.DataFrame,
    a: Predictions | ArrayLike,
    b: Predictions | ArrayLike,
    *,
    n_bootstrap: int = 1000,
    seed: int = 0,
) -> dict[str, Estimate]:
    """Return how much higher each metric is for `a` than for `b`, from the same draws of the same events.

    An interval without 0 says that the difference is more than the luck of the events.

    Examples
    --------
    >>> frame = pd.DataFrame({"stance": ["support", "oppose"] * 20})
    >>> right, wrong = [[1, 0, 0], [0, 1, 0]] * 20, [[0, 1, 0], [1, 0, 0]] * 20
    >>> print(compare(frame, right, wrong)["accuracy"])
    1.00 [1.00, 1.00]
    """
    pair = [_check(frame, x if isinstance(x, Predictions) else Predictions(x)) for x in (a, b)]
    values = [_measure(rows, np.ones((1, rows.n_events)))[0] for rows in pair]
    draws = [_replicate(rows, n_bootstrap, seed)[0] for rows in pair]
    return {
        name: _to_estimate(values[0][name][0] - values[1][name][0], draws[0][name] - draws[1][name]) for name in METRICS
    }


def evaluate(
    model: Any,
    frame: pd.DataFrame,
    *,
    train: pd.DataFrame | None = None,
    by: Sequence[str] = SLICES,
    n_bootstrap: int = 1000,
    seed: int = 0,
) -> Evaluation:
    """Return the scores of a fitted model on the labelled rows of `frame`, which it must not have seen.

    Parameters
    ----------
    model
        A predictor with `predict_frame` (its abstentions count), or a fitted scikit-learn classifier.
    train
        Rows that the model learnt from: the floors of `baselines` learn from them too, and their scores are
        kept in `Evaluation.floors`.
    by, n_bootstrap, seed
        As in `score_predictions`.
    """
    _gold(frame)  # say what is wrong with the table before the model works on it
    score = partial(score_predictions, frame, n_bootstrap=n_bootstrap, seed=seed)
    evaluation = score(**predict_scores(model, frame)._asdict(), by=by)
    if train is not None:
        for name, floor in baselines().items():
            scores = predict_scores(floor.fit(train, train["stance"]), frame)
            evaluation.floors[name] = score(**scores._asdict(), by=()).metrics
    return evaluation


def cross_evaluate(
    model: Any,
    frame: pd.DataFrame,
    folds: Iterable[tuple[ArrayLike, ArrayLike]],
    *,
    train_extra: pd.DataFrame | None = None,
    apart: str | None = None,
    n_jobs: int = 1,
    by: Sequence[str] = SLICES,
    n_bootstrap: int = 1000,
    seed: int = 0,
) -> tuple[Predictions, Evaluation]:
    """Return predictions for every row by a model that did not learn from its fold, and their scores.

    Parameters
    ----------
    model
        An unfitted scikit-learn classifier, cloned for each fold and fitted as `fit(train, train["stance"])`;
        or a function of a training and a test frame that returns `Predictions`, or just the pair
        (probabilities, abstained).
    folds
        Pairs of training and test positions; each row must be tested exactly once.
    train_extra
        Further rows to learn from. Those in one group with a test row (`statement_groups`) are left out.
    apart
        A column; extra rows that share its value with a test row are left out as well. `"target"` keeps a
        tested agreement unseen.
    n_jobs
        Folds run at the same time.
    """
    _gold(frame)
    parts = [(np.asarray(train, dtype=np.int64), np.asarray(test, dtype=np.int64)) for train, test in folds]
    tested = np.concatenate([np.empty(0, dtype=np.int64), *(test for _, test in parts)])
    if not np.array_equal(np.sort(tested), np.arange(len(frame))):
        raise SchemaError(f"each of the {len(frame)} rows must be tested in exactly one fold; check the folds")
    if any(np.intersect1d(train, test).size for train, test in parts):
        raise SchemaError("a fold trains on rows that it tests; check the folds")
    fit_predict = partial(_fit_predict, model) if hasattr(model, "fit") else model
    extra = _allowed_extra(frame, train_extra, [test for _, test in parts], apart)
    answers = Parallel(n_jobs=n_jobs)(
        delayed(fit_predict)(pd.concat([frame.iloc[train], more], ignore_index=True), frame.iloc[test])
        for (train, test), more in zip(parts, extra, strict=True)
    )
    predictions = _join([Predictions(*answer) for answer in answers], np.argsort(tested))
    scores = score_predictions(frame, **predictions._asdict(), by=by, n_bootstrap=n_bootstrap, seed=seed)
    return predictions, scores


def predict_scores(model: Any, frame: pd.DataFrame) -> Predictions:
    """Return what a fitted model says about the rows of `frame`, whichever way it can say it.

    A predictor with `predict_frame` gives probabilities and abstentions; otherwise `predict_proba`,
    `decision_function` or `predict` is used, the first that is there. A label that the model never saw comes
    last.
    """
    frame = frame.drop(columns="stance", errors="ignore")  # nothing to peek at, and a copy
    if hasattr(model, "predict_frame"):
        table = model.predict_frame(frame)
        columns = [f"p_{label}" for label in LABELS]
        return Predictions(table[columns].to_numpy(float), table["abstained"].to_numpy(bool))
    if hasattr(model, "predict_proba"):
        return Predictions(_reorder(model.predict_proba(frame), model.classes_, missing=0.0))
    if hasattr(model, "decision_function"):
        margins = np.asarray(model.decision_function(frame), dtype=float)
        if margins.ndim == 1:  # two labels: one margin, for the second
            margins = np.column_stack([-margins, margins])
        scores = _reorder(margins, model.classes_, missing=margins.min() - 1)
        return Predictions(scores, probabilistic=False)
    predicted = pd.Index(LABELS).get_indexer(pd.Index(model.predict(frame)))
    return Predictions(np.eye(len(LABELS))[predicted], probabilistic=False)


def worst_errors(frame: pd.DataFrame, probabilities: ArrayLike, *, n: int = 10) -> pd.DataFrame:
    """Return the `n` rows that were got wrong most confidently, with what was predicted instead."""
    rows = _check(frame, Predictions(probabilities))
    wrong = np.flatnonzero(rows.gold != rows.predicted)
    order = wrong[np.argsort(-rows.scores.max(axis=1)[wrong], kind="stable")][:n]
    table = frame.iloc[order].reindex(columns=["target", "statement", "stance"])
    table["predicted"] = np.array(LABELS)[rows.predicted[order]]
    for column, label in enumerate(LABELS):
        table[f"p_{label}"] = rows.scores[order, column]
    return table


class ShareFloor(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Probabilities that are the shares of the labels in the training rows: a floor that reads no text.

    Parameters
    ----------
    chain
        Groups of columns, from coarse to fine. The shares among rows with the same values there are drawn
        towards the coarser shares with the weight of one row; for an unseen value the coarser ones stand.

    Examples
    --------
    >>> frame = pd.DataFrame({"country": ["FR", "FR", "GB", "GB", "GB"]})
    >>> floor = ShareFloor((("country",),)).fit(frame, ["oppose", "oppose", "support", "support", "oppose"])
    >>> floor.predict(pd.DataFrame({"country": ["FR", "GB", "DE"]})).tolist()
    ['oppose', 'support', 'oppose']
    """

    def __init__(self, chain: tuple[tuple[str, ...], ...] = ()) -> None:
        self.chain = chain

    def fit(self, X: pd.DataFrame, y: ArrayLike) -> Self:
        """Count the labels."""
        self.classes_, codes = np.unique(np.asarray(y, dtype=str), return_inverse=True)
        labels = np.eye(len(self.classes_))[codes]
        self.shares_ = labels.mean(axis=0)
        self.counts_: list[dict[tuple[Any, ...], Floats]] = []
        for columns in self.chain:
            counts: dict[tuple[Any, ...], Floats] = {}
            for key, label in zip(_keys(X, columns), labels, strict=True):
                if key is not None:
                    counts[key] = counts.get(key, 0.0) + label
            self.counts_.append(counts)
        return self

    def predict_proba(self, X: pd.DataFrame) -> Floats:
        """Return the shares, shape (n_rows, n_labels), columns in the order of `classes_`."""
        shares = np.tile(self.shares_, (len(X), 1))
        none = np.zeros(len(self.classes_))
        for columns, counts in zip(self.chain, self.counts_, strict=True):
            found = np.array([none if key is None else counts.get(key, none) for key in _keys(X, columns)])
            found = found.reshape(shares.shape)
            shares = (found + shares) / (found.sum(axis=1, keepdims=True) + 1)
        return shares

    def predict(self, X: pd.DataFrame) -> NDArray[np.str_]:
        """Return the label with the largest share."""
        labels: NDArray[np.str_] = self.classes_[self.predict_proba(X).argmax(axis=1)]
        return labels


def baselines() -> dict[str, Any]:
    """Return unfitted classifiers to stand beside a model, by name.

    Three that read no text: the most common label, that of the target, that of the speaker's country (within
    the target where it was seen). And what one would try first: TF-IDF of words and characters with a linear
    support vector machine, as scikit-learn sets them up.
    """
    tfidf = ColumnTransformer(
        [
            ("words", TfidfVectorizer(ngram_range=(1, 2)), "statement"),
            ("characters", TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5)), "statement"),
        ]
    )
    return {
        "majority": ShareFloor(),
        "majority per target": ShareFloor((("target",),)),
        "nationality only": ShareFloor((("country",), ("target", "country"))),
        "TF-IDF + LinearSVC": make_pipeline(tfidf, LinearSVC(random_state=0)),
    }


@dataclass(frozen=True)
class _Rows:
    """Checked labels and scores; `event` numbers the events from 0."""

    gold: NDArray[np.int64]
    scores: Floats
    abstained: NDArray[np.bool_] | None
    probabilistic: bool
    event: NDArray[np.int64]

    @property
    def predicted(self) -> NDArray[np.int64]:
        return np.asarray(self.scores.argmax(axis=1), dtype=np.int64)

    @property
    def n_events(self) -> int:
        return int(self.event.max()) + 1

    def take(self, positions: NDArray[np.int64]) -> "_Rows":
        return _Rows(
            self.gold[positions],
            self.scores[positions],
            None if self.abstained is None else self.abstained[positions],
            self.probabilistic,
            pd.factorize(self.event[positions])[0].astype(np.int64),
        )


def _check(frame: pd.DataFrame, predictions: Predictions) -> _Rows:
    gold = _gold(frame)
    scores = np.asarray(predictions.probabilities, dtype=float)
    expected = (len(frame), len(LABELS))
    if scores.shape != expected:
        raise SchemaError(f"probabilities have shape {scores.shape}; expected {expected}: {', '.join(LABELS)}")
    if not np.isfinite(scores).all():
        raise SchemaError("probabilities hold missing or infinite numbers; predict every row, then score")
    if predictions.probabilistic and (scores.min() < 0 or abs(scores.sum(axis=1) - 1).max() > 0.01):
        raise SchemaError("probabilities must be in [0, 1] and sum to 1; pass probabilistic=False for other scores")
    abstained = None if predictions.abstained is None else np.asarray(predictions.abstained, dtype=bool)
    if abstained is not None and abstained.shape != gold.shape:
        raise SchemaError(f"abstained has shape {abstained.shape}; expected {gold.shape}")
    return _Rows(gold, scores, abstained, predictions.probabilistic, _events(frame))


def _gold(frame: pd.DataFrame) -> NDArray[np.int64]:
    if "stance" not in frame:
        raise SchemaError(f"no column 'stance' to score against; the columns are {list(frame.columns)}")
    if frame.empty:
        raise SchemaError("no rows to score; expected at least one labelled statement")
    gold = pd.Index(LABELS).get_indexer(pd.Index(frame["stance"])).astype(np.int64)
    if (gold < 0).any():
        bad = np.flatnonzero(gold < 0)
        raise SchemaError(
            f"stance must be one of {', '.join(LABELS)}; it is not in {bad.size} rows, at positions "
            f"{bad[:5].tolist()}: {frame['stance'].iloc[bad[:5]].tolist()}"
        )
    return gold


def _events(frame: pd.DataFrame) -> NDArray[np.int64]:
    """Return the number of each row's event within its target; a row without one gets its own."""
    if "event" not in frame:
        return np.arange(len(frame))
    events = frame["event"].astype(object)
    columns = [frame["target"].to_numpy(object)] if "target" in frame else []
    numbers = frame.groupby([*columns, events.to_numpy()], sort=False, dropna=False).ngroup().to_numpy(np.int64)
    alone = (events.isna() | (events == "")).to_numpy(bool)
    numbers = np.where(alone, len(frame) + np.arange(len(frame)), numbers)
    return pd.factorize(numbers)[0].astype(np.int64)


def _estimate(rows: _Rows, n_bootstrap: int, seed: int) -> tuple[dict[str, Estimate], tuple[RiskPoint, ...]]:
    """Return metrics and risk-coverage curve with their intervals."""
    values, risks = _measure(rows, np.ones((1, rows.n_events)))
    draws, drawn_risks = _replicate(rows, n_bootstrap, seed)
    # Drawing events adds the noise of a second sample to every bin, and noise only ever raises this error:
    # left alone, its interval may lie wholly above its value. The draws are moved back by their mean excess.
    with np.errstate(invalid="ignore"):
        excess = np.mean(draws["ece"]) - values["ece"][0]
        draws["ece"] = np.maximum(draws["ece"] - excess, 0.0)
    metrics = {name: _to_estimate(values[name][0], draws[name]) for name in METRICS}
    curve = tuple(
        RiskPoint(round(float(coverage), 6), _to_estimate(risks[0, i], drawn_risks[:, i]))
        for i, coverage in enumerate(CURVE_COVERAGES)
    )
    return metrics, curve


def _replicate(rows: _Rows, n_bootstrap: int, seed: int) -> tuple[dict[str, Floats], Floats]:
    """Return `_measure` of `n_bootstrap` draws of as many events as there are; NaN if there is but one."""
    n = rows.n_events
    if n == 1 or n_bootstrap == 0:
        return {name: np.full(1, np.nan) for name in METRICS}, np.full((1, len(CURVE_COVERAGES)), np.nan)
    random = np.random.default_rng(seed)
    metrics, risks = [], []
    at_once = max(1, DRAWS_AT_ONCE // n)
    for start in range(0, n_bootstrap, at_once):
        size = min(at_once, n_bootstrap - start)
        drawn = random.integers(n, size=(size, n)) + n * np.arange(size)[:, None]
        times = np.bincount(drawn.ravel(), minlength=size * n).reshape(size, n).astype(float)
        part = _measure(rows, times)
        metrics.append(part[0])
        risks.append(part[1])
    return {name: np.concatenate([part[name] for part in metrics]) for name in METRICS}, np.concatenate(risks)


def _measure(rows: _Rows, times: Floats) -> tuple[dict[str, Floats], Floats]:
    """Return every metric, shape (n_draws,), and the risks at `CURVE_COVERAGES`.

    Event j counts `times[i, j]` times in draw i. Most metrics are made of sums over rows: they are summed
    within events once, then multiplied.
    """

    def total(per_row: Floats) -> Floats:
        sums = np.zeros((rows.n_events, per_row.shape[1]))
        np.add.at(sums, rows.event, per_row)
        return times @ sums

    k = len(LABELS)
    cells = total(np.eye(k * k)[rows.gold * k + rows.predicted]).reshape(-1, k, k)
    n = cells.sum(axis=(1, 2))
    hits = np.trace(cells, axis1=1, axis2=2)
    true, guessed = cells.sum(axis=2), cells.sum(axis=1)
    metrics = {name: np.full(len(times), np.nan) for name in METRICS}
    with np.errstate(divide="ignore", invalid="ignore"):
        f1 = 2 * np.diagonal(cells, axis1=1, axis2=2) / (true + guessed)
        metrics |= {f"f1_{label}": f1[:, i] for i, label in enumerate(LABELS)}
        metrics["macro_f1"] = np.nanmean(f1, axis=1)
        metrics["accuracy"] = hits / n
        metrics["mcc"] = _correlate(hits, n, true, guessed)
        sided = (rows.gold == SUPPORT) | (rows.gold == OPPOSE)
        lead = (rows.scores[:, SUPPORT] - rows.scores[:, OPPOSE]) * np.where(rows.gold == SUPPORT, 1, -1)
        right, of = total(np.column_stack([sided * (np.sign(lead) + 1) / 2, sided])).T
        metrics["support_oppose_accuracy"] = right / of
        if rows.probabilistic:
            errors = ((rows.scores - np.eye(k)[rows.gold]) ** 2).sum(axis=1, keepdims=True)
            metrics["brier"] = total(errors)[:, 0] / n
            bins = np.eye(RELIABILITY_BINS)[_bins(rows)]
            gaps = rows.scores.max(axis=1) - (rows.gold == rows.predicted)
            metrics["ece"] = abs(total(bins * gaps[:, None])).sum(axis=1) / n
        if rows.abstained is not None:
            answered = ~rows.abstained
            right, of = total(np.column_stack([answered & (rows.gold == rows.predicted), answered]).astype(float)).T
            metrics["coverage"], metrics["precision"] = of / n, right / of
    coverages = np.append(CURVE_COVERAGES, CONFIDENT_SHARE)
    accuracies = _accuracy_at(rows, times, coverages)
    metrics["confident_accuracy"] = accuracies[:, -1]
    return metrics, 1 - accuracies[:, :-1]


def _correlate(hits: Floats, n: Floats, true: Floats, guessed: Floats) -> Floats:
    """Return Matthews correlation for any number of labels; 0 if all have one label, as in scikit-learn."""
    numerator = hits * n - (true * guessed).sum(axis=1)
    product = (n**2 - (true**2).sum(axis=1)) * (n**2 - (guessed**2).sum(axis=1))
    return np.where(product > 0, numerator / np.sqrt(product), 0.0)


def _accuracy_at(rows: _Rows, times: Floats, coverages: Floats) -> Floats:
    """Return the accuracy on the surest share of the rows, shape (n_draws, n_coverages).

    Rows that are equally sure enter together, in proportion: their order in the file decides nothing.
    """
    confidence = rows.scores.max(axis=1)
    order = np.argsort(-confidence, kind="stable")
    right = (rows.gold == rows.predicted)[order]
    last = np.flatnonzero(np.append(np.diff(confidence[order]) != 0, True))  # end of each run of equals
    accuracy = np.empty((len(times), len(coverages)))
    for i, events in enumerate(times):
        weight = events[rows.event[order]]
        seen = np.append(0.0, np.cumsum(weight)[last])
        hits = np.append(0.0, np.cumsum(weight * right)[last])
        wanted = coverages * seen[-1]
        accuracy[i] = np.interp(wanted, seen, hits) / wanted
    return accuracy


def _bins(rows: _Rows) -> NDArray[np.int64]:
    """Return the equal-mass bin that each row's confidence falls in; equal confidences share one."""
    confidence = rows.scores.max(axis=1)
    n_bins = min(RELIABILITY_BINS, max(1, len(confidence) // ROWS_PER_BIN))
    edges = np.quantile(confidence, np.linspace(0, 1, n_bins + 1)[1:-1])
    return np.asarray(np.searchsorted(edges, confidence, side="left"), dtype=np.int64)


def _bin_reliability(rows: _Rows) -> tuple[ReliabilityBin, ...]:
    table = pd.DataFrame({"sure": rows.scores.max(axis=1), "right": rows.gold == rows.predicted})
    return tuple(
        ReliabilityBin(len(part), round(float(part["sure"].mean()), 6), round(float(part["right"].mean()), 6))
        for _, part in table.groupby(_bins(rows))
    )


def _score_slices(values: "pd.Series[Any]", rows: _Rows, n_bootstrap: int, seed: int) -> dict[str, Slice]:
    """Return scores per value, the most frequent first; rows without a value are left out."""
    known = values.reset_index(drop=True).map(_name_value, na_action="ignore")
    known = known[known.notna() & (known != "")]
    slices = {}
    for name, positions in sorted(known.groupby(known).indices.items(), key=lambda item: (-len(item[1]), item[0])):
        part = rows.take(known.index[positions].to_numpy(np.int64))
        enough = len(positions) >= ROWS_PER_SLICE
        slices[str(name)] = Slice(len(positions), _estimate(part, n_bootstrap, seed)[0] if enough else {})
    return slices


def _name_value(value: object) -> str:
    return {True: "yes", False: "no"}[bool(value)] if isinstance(value, bool | np.bool_) else str(value)


def _to_estimate(value: float, draws: Floats) -> Estimate:
    """Round to six decimals: enough for any use, and the same on every machine."""
    known = draws[np.isfinite(draws)]
    if not np.isfinite(value):
        return Estimate(None, None, None)
    if known.size == 0:
        return Estimate(round(float(value), 6), None, None)
    low, high = np.percentile(known, [2.5, 97.5])
    return Estimate(round(float(value), 6), round(float(low), 6), round(float(high), 6))


def _estimates(values: Mapping[str, Any]) -> dict[str, Estimate]:
    return {name: Estimate(**estimate) for name, estimate in values.items()}


def _reorder(scores: ArrayLike, classes: ArrayLike, *, missing: float) -> Floats:
    """Return the columns in the order of `LABELS`; a label without one gets `missing`."""
    table = pd.DataFrame(np.asarray(scores, dtype=float), columns=np.asarray(classes, dtype=str))
    return table.reindex(columns=list(LABELS), fill_value=missing).to_numpy(float)


def _keys(frame: pd.DataFrame, columns: tuple[str, ...]) -> list[tuple[Any, ...] | None]:
    """Return the values of each row in `columns`; None where one is missing."""
    if not set(columns) <= set(frame.columns):
        return [None] * len(frame)
    values = frame[list(columns)].astype(object)
    complete = (values.notna() & (values != "")).all(axis=1)
    return [
        row if whole else None for row, whole in zip(values.itertuples(index=False, name=None), complete, strict=True)
    ]


def _fit_predict(model: Any, train: pd.DataFrame, test: pd.DataFrame) -> Predictions:
    return predict_scores(clone(model).fit(train, train["stance"]), test)


def _allowed_extra(
    frame: pd.DataFrame, extra: pd.DataFrame | None, tests: list[NDArray[Any]], apart: str | None
) -> list[pd.DataFrame | None]:
    """Return for each fold the extra rows that have nothing to do with its test rows."""
    if extra is None or extra.empty:
        return [None] * len(tests)
    groups = statement_groups(pd.concat([frame, extra], ignore_index=True))
    own, further = groups[: len(frame)], groups[len(frame) :]
    allowed = [~np.isin(further, own[test]) for test in tests]
    if apart is not None:
        allowed = [
            keep & ~extra[apart].isin(frame[apart].iloc[test]).to_numpy(bool)
            for keep, test in zip(allowed, tests, strict=True)
        ]
    return [extra[keep] for keep in allowed]


def _join(parts: list[Predictions], order: NDArray[np.int64]) -> Predictions:
    """Return the predictions of all folds as one, in the order of the frame."""
    masks = [part.abstained for part in parts]
    return Predictions(
        np.concatenate([np.asarray(part.probabilities, dtype=float) for part in parts])[order],
        None if any(mask is None for mask in masks) else np.concatenate([np.asarray(m) for m in masks])[order],
        all(part.probabilistic for part in parts),
    )
