"""What is wrong with a table of statements, found before anything is trained on it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from stance.duplicates import fold_text, near_duplicate_groups
from stance.errors import SchemaError
from stance.schema import COLUMNS, LABELS, REQUIRED
from stance.splits import statement_groups

SAME = 0.8  # overlap from which two statements should have one stance: they differ in a word or two
SKEW_COLUMNS = ("speaker", "country", "party", "role", "lang", "form", "length", "origin", "target")
NOTABLE, STRONG = 12.0, 25.0  # points; the first is the limit for statements written to train on
LENGTHS = (0, 60, 120, 180, 240, 360)  # characters, where each class of length begins
ROWS_FOR_SKEW = 30  # fewer tell skew from chance badly, in a table or on one target
FOLDS = 5
SHOWN = 5  # findings of each kind in the text; `to_dict` has all


@dataclass(frozen=True)
class Finding:
    """Rows that are one in some way: (table, row) each, counted from 1, and their stances in that order."""

    what: str
    rows: tuple[tuple[str, int], ...]
    stances: tuple[str | None, ...]


@dataclass(frozen=True)
class Offender:
    """A value that gives the stance away: `share` of its `n` rows have that stance."""

    value: str
    n: int
    stance: str
    share: float


@dataclass(frozen=True)
class Skew:
    """How well one column alone tells the stance, in all rows, those on one target or those that take sides.

    `points` is how far guessing each value's commonest stance, in cross-validation by groups, is right more
    often than guessing the commonest stance of all, in percentage points; `margin` is twice its standard
    error, or three times on one target, as many are tried; `offenders` are the values that give most away.
    """

    column: str
    target: str | None  # None: all targets
    sides_only: bool  # support against oppose, without neutral rows
    n: int
    n_values: int
    points: float
    margin: float
    offenders: tuple[Offender, ...]

    @property
    def name(self) -> str:
        """Return the column and which rows were measured, to read."""
        where = [f"on {self.target}"] if self.target else []
        where += ["support against oppose"] if self.sides_only else []
        return f"{self.column} ({', '.join(where)})" if where else self.column

    @property
    def flag(self) -> str | None:
        """Return "strong" from 25 points, "notable" from 12, None below or where it may be chance."""
        if self.points < NOTABLE or self.points <= self.margin:
            return None
        return "strong" if self.points >= STRONG else "notable"


@dataclass(frozen=True)
class Audit:
    """The faults of one or more tables; printed, it is a report in Markdown.

    Attributes
    ----------
    rows
        How many rows each table has.
    stances
        Rows with each stance, per table.
    missing
        Rows without a value, per column, where there are any.
    absent
        Known columns that no table has.
    duplicates
        Statements of one table with the same letters and digits in the same order.
    near_duplicates
        Statements of one table that overlap by half or more (see `near_duplicate_groups`), except pairs.
    conflicts
        Statements on one target that differ in a word or two at most and yet in stance, except pairs.
    leaks
        What stands in more than one table, by kind: empty with one table.
    skews
        Columns and how well they tell the stance; on one target or between sides only where flagged.
    notes
        What could not be measured, and why.
    """

    rows: dict[str, int]
    stances: dict[str, dict[str, int]]
    missing: dict[str, int]
    absent: tuple[str, ...]
    duplicates: tuple[Finding, ...]
    near_duplicates: tuple[Finding, ...]
    conflicts: tuple[Finding, ...]
    leaks: dict[str, tuple[Finding, ...]]
    skews: tuple[Skew, ...]
    notes: tuple[str, ...]

    @property
    def problems(self) -> list[str]:
        """Return what to look at, a line each, the worst first; empty if nothing was found."""
        counts = [(f"{kind} in more than one table", findings) for kind, findings in self.leaks.items()]
        counts += [
            ("label conflicts (nearly the same statement, different stances)", self.conflicts),
            ("groups of duplicates", self.duplicates),
            ("groups of near-duplicates", self.near_duplicates),
        ]
        lines = [f"{kind}: {len(findings):,}" for kind, findings in counts if findings]
        required = [column for column in REQUIRED if column in self.missing]
        lines += [f"rows without {column}: {self.missing[column]:,}" for column in required]
        flagged = [skew for skew in self.skews if skew.flag]
        lines += [f"{skew.name} tells the stance: {skew.points:+.0f} points ({skew.flag})" for skew in flagged]
        return lines

    def to_dict(self) -> dict[str, Any]:
        """Return all findings as lists, dicts, text and numbers, ready for `json.dumps`."""
        values = asdict(self)
        for skew, measured in zip(values["skews"], self.skews, strict=True):
            skew["flag"] = measured.flag
        return {"problems": self.problems, **values}

    def to_markdown(self) -> str:
        """Return a report to read, in a terminal too; of each kind of finding it shows the five largest."""
        total = sum(self.rows.values())
        tables = "1 table" if len(self.rows) == 1 else f"{len(self.rows)} tables"
        parts = [f"# Audit: {total:,} statements in {tables}"]
        parts += ["## To look at", _list(self.problems or ["nothing found"])]
        parts += ["## Stances", self._stances()]
        parts += ["## Missing values", self._missing(total)]
        kinds = {
            **{f"{kind.capitalize()} in more than one table": found for kind, found in self.leaks.items()},
            "Label conflicts": self.conflicts,
            "Duplicates": self.duplicates,
            "Near-duplicates": self.near_duplicates,
        }
        for title, findings in kinds.items():
            if findings:
                parts += [f"## {title}: {len(findings):,}", _show(findings, with_table=len(self.rows) > 1)]
        if self.skews:
            parts += [
                "## Skews",
                "How much more often a column alone is right than the commonest stance is, in points:",
                self._skews(),
            ]
        if self.notes:
            parts += ["## Not measured", _list(self.notes)]
        return "\n\n".join(parts) + "\n"

    __str__ = to_markdown

    def _stances(self) -> str:
        labels = list(dict.fromkeys(label for counts in self.stances.values() for label in counts))
        lines = []
        for table, n in self.rows.items():
            counts = [self.stances[table].get(label, 0) for label in labels]
            lines.append([table, f"{n:,}", *(f"{count:,} ({count / n:.0%})" for count in counts)])
        return _table(["table", "rows", *labels], lines)

    def _missing(self, total: int) -> str:
        lines = [[column, f"{n:,}", f"{n / total:.0%}"] for column, n in self.missing.items()]
        parts = [_table(["column", "rows", "share"], lines)] if lines else ["No column has gaps."]
        if self.absent:
            parts.append(f"Columns not there: {', '.join(self.absent)}.")
        return "\n\n".join(parts)

    def _skews(self) -> str:
        lines = []
        for skew in self.skews:
            most = "; ".join(f"{_shorten(o.value, 30)}: {o.share:.0%} {o.stance} of {o.n:,}" for o in skew.offenders)
            points = f"{skew.points:+.1f} ± {skew.margin:.1f}"
            lines.append([skew.name, f"{skew.n_values:,}", points, skew.flag or "", most])
        return _table(["column", "values", "points", "flag", "most telling values"], lines)


def audit(tables: Mapping[str, pd.DataFrame] | pd.DataFrame) -> Audit:
    """Look for duplicates, leaks, label conflicts, gaps and skews in one table or, by name, several.

    Rows of a table with a column `split` count as a table for each split. Only `statement` must be there;
    what cannot be measured without other columns, or with few rows, is passed over and noted. 5,000 rows take
    two seconds, 100,000 one to two minutes.

    >>> report = audit(pd.DataFrame({"statement": ["Keep it.", "Keep it!"], "stance": ["support", "oppose"]}))
    >>> report.conflicts[0].rows
    (('table', 1), ('table', 2))
    >>> report.problems[0]
    'label conflicts (nearly the same statement, different stances): 1'
    """
    named = {"table": tables} if isinstance(tables, pd.DataFrame) else dict(tables)
    frame = _gather(named)
    known = [column for column in COLUMNS if column in frame.columns]
    gaps = frame[known].isna().sum()
    said = frame[frame["statement"].notna()].copy()
    said["exact"] = pd.factorize(said["statement"].map(fold_text))[0]
    said["near"] = near_duplicate_groups(said["statement"])
    skews, notes = _measure_skews(said)
    return Audit(
        rows=_count(frame["table"]),
        stances={str(table): _count_stances(rows) for table, rows in frame.groupby("table", sort=False)},
        missing={column: int(gaps[column]) for column in known if gaps[column]},
        absent=tuple(column for column in COLUMNS if column not in known),
        duplicates=_largest_first(_finding(rows) for rows in _repeats(said, ["table", "exact"])),
        near_duplicates=_largest_first(
            _finding(rows) for rows in _repeats_nearly(said, ["table", "near"]) if not _is_one_pair(rows)
        ),
        conflicts=_largest_first(_finding(rows) for rows in _conflicting(said)),
        leaks=_leaks(said),
        skews=tuple(skews),
        notes=tuple(notes),
    )


def _gather(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return all rows under one another: known columns as text, blank as missing, with `table` and `row`."""
    parts = []
    for name, table in tables.items():
        if "statement" not in table.columns:
            raise SchemaError(f"no column 'statement' in {name}; the table has {list(table.columns)}")
        columns = [column for column in COLUMNS if column in table.columns]
        part = table[columns].apply(_as_text).reset_index(drop=True)
        part["table"] = name
        part["row"] = np.arange(1, len(part) + 1)
        if "split" in table.columns:
            split = _as_text(table["split"]).reset_index(drop=True)
            part["table"] = (split if len(tables) == 1 else name + ":" + split).fillna(name)
        parts.append(part)
    if not sum(map(len, parts)):
        raise SchemaError("no statements to audit; expected at least one row")
    return pd.concat([part for part in parts if len(part)], ignore_index=True)


def _as_text(column: pd.Series) -> pd.Series:
    text = column.astype("string").str.strip()
    return text.mask(text == "")


def _count(column: pd.Series) -> dict[str, int]:
    return {str(value): int(n) for value, n in column.value_counts(sort=False).items()}


def _count_stances(rows: pd.DataFrame) -> dict[str, int]:
    counts = _count(rows["stance"]) if "stance" in rows else {}
    return {label: counts[label] for label in sorted(counts, key=_label_order)}


def _label_order(label: str) -> tuple[int, str]:
    return (LABELS.index(label) if label in LABELS else len(LABELS), label)


def _repeats(rows: pd.DataFrame, columns: Sequence[str]) -> Iterator[pd.DataFrame]:
    """Yield the rows that agree in all columns, for each combination of values that occurs more than once."""
    if all(column in rows.columns for column in columns):
        rows = rows.dropna(subset=list(columns))
        rows = rows[rows.duplicated(list(columns), keep=False)]
        for _, group in rows.groupby(list(columns), sort=False):
            yield group


def _repeats_nearly(said: pd.DataFrame, columns: Sequence[str]) -> Iterator[pd.DataFrame]:
    """Yield the repeats in the columns, "near" among them, whose statements are not all the same."""
    different = said.drop_duplicates([*columns, "exact"])
    several = different[different.duplicated(columns)]
    for rows in _repeats(said[said["near"].isin(several["near"])], columns):
        if _differ(rows["exact"]):
            yield rows


def _conflicting(said: pd.DataFrame) -> Iterator[pd.DataFrame]:
    if "stance" not in said.columns:
        return
    labelled = said[said["stance"].notna() & said.duplicated("near", keep=False)].copy()
    labelled["same"] = near_duplicate_groups(labelled["statement"], threshold=SAME)
    labelled["about"] = labelled["target"].fillna("") if "target" in labelled.columns else ""
    for rows in _repeats(labelled, ["about", "same"]):
        if _differ(rows["stance"]) and (not _is_one_pair(rows) or rows["exact"].nunique() < len(rows)):
            yield rows


def _is_one_pair(rows: pd.DataFrame) -> bool:
    return "pair" in rows.columns and bool(rows["pair"].notna().all()) and not _differ(rows["pair"])


def _differ(column: pd.Series) -> bool:
    return bool((column != column.iloc[0]).any())


def _leaks(said: pd.DataFrame) -> dict[str, tuple[Finding, ...]]:
    """Return what stands in more than one table, by kind; kinds without a case are left out."""
    event = ["target", "event"] if "target" in said.columns else ["event"]
    kinds = {
        "duplicates": (_repeats(said, ["exact"]), None),
        "near-duplicates": (_repeats_nearly(said, ["near"]), None),
        "events": (_repeats(said, event), event),
        "speakers' events": (_repeats(said, ["speaker", "event"]), ["speaker", "event"]),
        "contrast pairs": (_repeats(said, ["pair"]), ["pair"]),
    }
    found = {
        kind: _largest_first(_finding(rows, columns) for rows in groups if _differ(rows["table"]))
        for kind, (groups, columns) in kinds.items()
    }
    return {kind: findings for kind, findings in found.items() if findings}


def _finding(rows: pd.DataFrame, columns: Sequence[str] | None = None) -> Finding:
    first = rows.iloc[0]
    stances = rows["stance"] if "stance" in rows.columns else [None] * len(rows)
    return Finding(
        what=" / ".join(str(first[column]) for column in columns) if columns else str(first["statement"]),
        rows=tuple((str(table), int(row)) for table, row in zip(rows["table"], rows["row"], strict=True)),
        stances=tuple(None if pd.isna(stance) else str(stance) for stance in stances),
    )


def _largest_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(findings, key=lambda finding: -len(finding.rows)))


def _measure_skews(said: pd.DataFrame) -> tuple[list[Skew], list[str]]:
    """Return the skews of the whole and those flagged of single targets, and what could not be measured."""
    if "stance" not in said.columns:
        return [], ["skews: there is no column 'stance'"]
    labelled = said[said["stance"].notna()].copy()
    if len(labelled) < ROWS_FOR_SKEW or labelled["stance"].nunique() < 2:
        return [], [
            f"skews: {len(labelled)} labelled rows with {labelled['stance'].nunique()} stances; "
            f"at least {ROWS_FOR_SKEW} rows and 2 stances are needed"
        ]
    classes = [f"{low}-{high - 1}" for low, high in pairwise(LENGTHS)] + [f"{LENGTHS[-1]}+"]
    labelled["length"] = np.take(classes, np.digitize(labelled["statement"].str.len(), LENGTHS) - 1)
    groups = statement_groups(labelled, near_duplicates=labelled["near"].to_numpy())
    folds = np.random.default_rng(0).permutation(groups.max() + 1)[groups] % FOLDS

    columns = [column for column in SKEW_COLUMNS if column in labelled.columns]
    skews = [skew for column in columns for skew in _measure_skew(labelled, column, folds)]
    sides = labelled["stance"].isin(["support", "oppose"]).to_numpy()
    parts: list[tuple[str | None, npt.NDArray[np.int64]]] = [(None, np.arange(len(labelled)))]
    if "target" in columns and len(labelled["target"].unique()) > 1:
        indices = labelled.groupby("target", sort=False).indices
        parts += [(str(target), np.asarray(at)) for target, at in indices.items()]
    for target, at in parts:
        for sides_only in (False, True):
            chosen = at[sides[at]] if sides_only else at
            new = len(chosen) < len(at) if sides_only else target is not None
            if new and len(chosen) >= ROWS_FOR_SKEW:
                for column in columns:
                    found = _measure_skew(labelled.iloc[chosen], column, folds[chosen], target, sides_only)
                    skews += [skew for skew in found if skew.flag]
    few = sum(len(at) < ROWS_FOR_SKEW for _, at in parts)
    return skews, [f"skews on {few:,} targets with fewer than {ROWS_FOR_SKEW} rows"] if few else []


def _measure_skew(
    rows: pd.DataFrame,
    column: str,
    folds: npt.NDArray[np.int64],
    target: str | None = None,
    sides_only: bool = False,
) -> Iterator[Skew]:
    """Yield the skew of the column, if it has more than one value; a missing value is one too."""
    value, names = pd.factorize(rows[column].fillna("(none)"))
    label, labels = pd.factorize(rows["stance"])
    if len(names) < 2:
        return
    counts = np.zeros((FOLDS, len(names), len(labels)))
    np.add.at(counts, (folds, value, label), 1)
    total = counts.sum(axis=0)
    commonest = int(total.sum(axis=0).argmax())
    training = total - counts
    training[:, :, commonest] += 0.5  # decides ties and values that the training part lacks
    guess = training.argmax(axis=2)
    right = np.take_along_axis(counts, guess[:, :, None], axis=2)[:, :, 0]
    gained = float(right[guess != commonest].sum())
    lost = float(counts[:, :, commonest][guess != commonest].sum())
    n = len(rows)
    points = (gained - lost) / n
    error = np.sqrt(max((gained + lost) / n - points**2, 0) / n)
    margin = (2 if target is None else 3) * float(error)

    share = total.sum(axis=0) / n
    excess = total - total.sum(axis=1, keepdims=True) * share
    stance = excess.argmax(axis=1)
    worst = np.argsort(-excess.max(axis=1), kind="stable")[:3]
    offenders = tuple(
        Offender(
            value=str(names[i]),
            n=int(total[i].sum()),
            stance=str(labels[stance[i]]),
            share=float(total[i, stance[i]] / total[i].sum()),
        )
        for i in worst
    )
    yield Skew(column, target, sides_only, n, len(names), 100 * points, 100 * margin, offenders)


def _show(findings: Sequence[Finding], *, with_table: bool) -> str:
    lines = []
    for finding in findings[:SHOWN]:
        rows = []
        for (table, row), stance in zip(finding.rows[:SHOWN], finding.stances, strict=False):
            rows.append(" ".join([*([table] if with_table else []), str(row), *([stance] if stance else [])]))
        if len(finding.rows) > SHOWN:
            rows.append(f"and {len(finding.rows) - SHOWN:,} more")
        lines.append(f"{_shorten(finding.what, 80)} (rows {', '.join(rows)})")
    if len(findings) > SHOWN:
        lines.append(f"and {len(findings) - SHOWN:,} more")
    return _list(lines)


def _shorten(text: str, length: int) -> str:
    text = " ".join(text.split())
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def _list(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _table(header: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table whose columns stand under one another in a terminal too."""
    cells = [header, *([cell.replace("|", "\\|") for cell in line] for line in lines)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    padded = [[cell.ljust(width) for cell, width in zip(line, widths, strict=True)] for line in cells]
    rows = [f"| {' | '.join(line)} |" for line in padded]
    return "\n".join([rows[0], f"|{'|'.join('-' * (width + 2) for width in widths)}|", *rows[1:]])
