"""Splits and folds that never put what belongs together on two sides."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from stance.duplicates import linked_groups, near_duplicate_groups
from stance.errors import ConfigError, SchemaError

# Statements that agree in all columns of an entry belong together. An event is one only for its target: a
# summit day touches many agreements, and joining them would chain much of a table into one group.
LINKS = (("target", "event"), ("speaker", "event"), ("pair",))

_DATE = r"\d{4}(-\d\d(-\d\d)?)?"  # "2016", "2016-08", "2016-08-30"; not "30/08/2016"

Fold = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]


@dataclass(frozen=True)
class Splits:
    """Three tables without a row, an event, a contrast pair or a near-duplicate in common."""

    train: pd.DataFrame
    validation: pd.DataFrame
    test: pd.DataFrame


def statement_groups(
    frame: pd.DataFrame, *, group_by: str | None = None, near_duplicates: npt.NDArray[np.int64] | None = None
) -> npt.NDArray[np.int64]:
    """Return a number per row, the same for rows that belong together, shape (n_rows,).

    Together are: rows of one target's event, one speaker's event, one contrast pair, near-duplicates (see
    `near_duplicate_groups`), and rows linked through others. `group_by` names one more column whose values
    stay whole, such as "speaker" or "target". Missing or empty values link nothing; absent columns are passed
    over. `near_duplicates` saves searching for them if they are known already.

    >>> frame = pd.DataFrame({"statement": ["Keep it.", "End the deal!", "Wait."], "pair": ["a", "a", None]})
    >>> statement_groups(frame)
    array([0, 0, 1])
    """
    if "statement" not in frame.columns:
        raise SchemaError(f"no column 'statement' to group by; the table has {list(frame.columns)}")
    links = [link for link in LINKS if all(column in frame.columns for column in link)]
    if "target" not in frame.columns and "event" in frame.columns:
        links.append(("event",))
    if group_by is not None:
        if group_by not in frame.columns:
            raise SchemaError(f"no column {group_by!r} to group by; the table has {list(frame.columns)}")
        links.append((group_by,))
    if near_duplicates is None:
        near_duplicates = near_duplicate_groups(frame["statement"].fillna("").astype(str))
    numberings = [near_duplicates, *(_numbers(frame[list(link)]) for link in links)]
    left = np.concatenate([_first_rows(numbers) for numbers in numberings])
    return linked_groups(len(frame), left, np.tile(np.arange(len(frame)), len(numberings)))


def split_statements(
    frame: pd.DataFrame,
    *,
    validation: float = 0.15,
    test: float = 0.15,
    seed: int = 0,
    group_by: str | None = None,
) -> Splits:
    """Split a labelled table into training, validation and test rows with about the same shares of stances.

    `validation` and `test` are shares of the rows, met as nearly as whole groups (see `statement_groups`)
    allow; 0 leaves that table empty. Rows keep their index and order. The same table and seed give the same
    split.
    """
    shares = np.array([1 - validation - test, validation, test])
    if min(validation, test) < 0 or shares[0] <= 0:
        raise ConfigError(
            f"validation={validation} and test={test}; expected shares of the rows, each at least 0, together below 1"
        )
    _require_stance(frame)
    groups = statement_groups(frame, group_by=group_by)
    part = _assign(groups, frame["stance"], shares, seed)
    return Splits(*(frame[part == number] for number in range(3)))


def grouped_folds(
    frame: pd.DataFrame,
    y: Sequence[Any] | npt.ArrayLike | pd.Series,
    *,
    n_splits: int = 5,
    seed: int = 0,
    groups: npt.ArrayLike | None = None,
) -> list[Fold]:
    """Return `n_splits` pairs (training rows, test rows) of sorted row positions, for scikit-learn's `cv`.

    Each row is tested once; the shares of the values of `y` are about the same in all folds. Groups come from
    `statement_groups` unless given, which saves time when folds are drawn repeatedly.
    """
    labels = pd.Series(np.asarray(y))
    if len(labels) != len(frame):
        raise SchemaError(f"{len(labels)} labels for {len(frame)} statements; expected one for each")
    if n_splits < 2:
        raise ConfigError(f"n_splits is {n_splits}; expected 2 or more")
    if labels.nunique() < 2:
        raise SchemaError(
            f"the {len(frame)} statements have the stances {list(labels.unique())}; expected at least two"
        )
    numbers = statement_groups(frame) if groups is None else np.asarray(groups)
    part = _assign(numbers, labels, np.full(n_splits, 1 / n_splits), seed)
    folds = [(np.flatnonzero(part != fold), np.flatnonzero(part == fold)) for fold in range(n_splits)]
    for train, _ in folds:
        lost = set(labels) - set(labels.iloc[train])
        if lost:
            raise SchemaError(
                f"all statements with stance {sorted(map(str, lost))} fall into one of {n_splits} folds and "
                "leave its training part without any: try fewer folds or add unrelated statements"
            )
    return folds


def agreement_folds(frame: pd.DataFrame, *, n_splits: int = 5, seed: int = 0) -> list[Fold]:
    """Return folds as `grouped_folds` does in which every test target is new to the training rows.

    Targets joined by a pair, a speaker's event or near-duplicates are kept together as one.
    """
    _require_stance(frame)
    groups = statement_groups(frame, group_by="target")
    return grouped_folds(frame, frame["stance"], n_splits=n_splits, seed=seed, groups=groups)


def split_by_time(frame: pd.DataFrame, *, test: float = 0.3) -> pd.Series:
    """Return "train", "test" or None per row: of each target the rows up to some day, and those after it.

    The day is chosen target by target so that about the share `test` of its rows comes later. A date may be a
    day, a month or a year; a row on whose side of the day its date leaves doubt, one without a date, and one
    that belongs together with rows of the other side (see `statement_groups`) is in neither part. A target
    whose rows all have the same date has no test rows.

    >>> frame = pd.DataFrame({"statement": ["Keep it.", "End the deal!", "Wait and see."], "target": "t"})
    >>> split_by_time(frame.assign(date=["2003-02", "2016-08-30", "2014"])).tolist()
    ['train', 'test', 'train']
    """
    for column in ("target", "date"):
        if column not in frame.columns:
            raise SchemaError(f"no column {column!r} to split by; the table has {list(frame.columns)}")
    if not 0 < test < 1:
        raise ConfigError(f"test={test}; expected a share of the rows, between 0 and 1")
    dates = frame["date"].astype("string")
    known = dates.str.fullmatch(_DATE).fillna(False).to_numpy(bool)
    if not known.any():
        raise SchemaError("no row has a date; expected YYYY, YYYY-MM or YYYY-MM-DD as text")
    first, last = _bounds(dates.where(known, ""))
    part = np.full(len(frame), None, dtype=object)
    for at in frame.groupby("target", sort=False).indices.values():
        rows = np.asarray(at)[known[np.asarray(at)]]
        if not len(rows):
            continue
        cut = min(np.unique(last[rows]), key=lambda day: abs((first[rows] > day).mean() - test))
        part[rows[last[rows] <= cut]] = "train"
        part[rows[first[rows] > cut]] = "test"
    groups = statement_groups(frame)
    sides = pd.Series(part)
    part[sides.groupby(groups).transform("nunique").to_numpy() > 1] = None
    return pd.Series(part, index=frame.index, dtype=object)


def split_by_agreement(frame: pd.DataFrame, *, parts: int = 4, seed: int = 0, keep: str | None = None) -> pd.Series:
    """Return "train" or "test" per row: of `parts` parts of the targets, whole each, one is for testing.

    Targets joined by a pair, a speaker's event or near-duplicates stay together; the target `keep` is trained on.
    """
    if keep is not None and not frame["target"].eq(keep).any():
        raise SchemaError(f"no row has the target {keep!r} that is to be kept for training")
    tests = [rows for _, rows in agreement_folds(frame, n_splits=parts, seed=seed)]
    free = [rows for rows in tests if keep is None or not frame["target"].iloc[rows].eq(keep).any()]
    part = np.full(len(frame), "train", dtype=object)
    part[free[0]] = "test"
    return pd.Series(part, index=frame.index, dtype=object)


def _bounds(dates: pd.Series) -> tuple[npt.NDArray[np.str_], npt.NDArray[np.str_]]:
    """Return the first and the last day, as text that sorts, that each date may mean."""
    first = [date + "-01-01"[len(date) - 4 :] for date in dates]
    last = [date + "-12-31"[len(date) - 4 :] for date in dates]
    return np.array(first), np.array(last)


def _require_stance(frame: pd.DataFrame) -> None:
    if "stance" not in frame.columns:
        raise SchemaError(f"no column 'stance' to balance by; the table has {list(frame.columns)}")


def _numbers(columns: pd.DataFrame) -> npt.NDArray[np.int64]:
    """Return a number per row, the same for equal rows; one with a missing or empty value equals no other."""
    gap = (columns.isna() | (columns.astype(str) == "")).any(axis=1).to_numpy()
    numbers = columns.groupby(list(columns.columns), sort=False, dropna=False).ngroup().to_numpy(np.int64)
    return np.where(gap, len(columns) + np.arange(len(columns)), numbers)


def _first_rows(numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return for each row the first row with the same number."""
    first, inverse = np.unique(numbers, return_index=True, return_inverse=True)[1:]
    rows: npt.NDArray[np.int64] = first[inverse]
    return rows


def _assign(
    groups: npt.NDArray[np.int64], y: pd.Series, shares: npt.NDArray[np.float64], seed: int
) -> npt.NDArray[np.int64]:
    """Return a part per row; whole groups go, largest first, where their labels are most wanted."""
    parts = np.flatnonzero(shares > 0)
    names, group = np.unique(groups, return_inverse=True)
    too_few = (
        f"the {len(y)} statements form {len(names)} independent groups (events, pairs and near-duplicates "
        f"kept together), too few for {len(parts)} parts: ask for fewer or larger ones, or add statements"
    )
    if len(names) < len(parts):
        raise SchemaError(too_few)
    codes, labels = pd.factorize(y, use_na_sentinel=False)
    counts = np.zeros((len(names), len(labels)))
    np.add.at(counts, (group, codes), 1)
    totals = counts.sum(axis=0)
    shuffled = np.random.default_rng(seed).permutation(len(names))
    order = shuffled[np.argsort(-counts[shuffled].sum(axis=1), kind="stable")]
    lacking = shares[parts, None] * totals
    part = np.empty(len(names), dtype=np.int64)
    for number in order:
        count = counts[number]
        # How much the squared distance to the wanted counts changes, each label weighted by its rarity.
        best = int(np.argmin(((count - 2 * lacking) * count / totals**2).sum(axis=1)))
        lacking[best] -= count
        part[number] = parts[best]
    if len(np.unique(part)) < len(parts):
        raise SchemaError(too_few)
    return part[group]
