"""What a table of statements looks like: its columns, its labels and the rows that cannot be used."""

import datetime
import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from stance.errors import SchemaError

LABELS = ("support", "oppose", "neutral")
"""The stances, in the order in which reports and tables show them."""

COLUMNS = (
    "id", "statement", "target", "stance", "lang", "form", "speaker", "role", "country", "party", "date",
    "source", "event", "pair", "origin", "hard", "theme", "label_2",
)  # fmt: skip
"""The columns with a meaning here, in their order; any other column is kept as it is, after these."""

REQUIRED = ("statement", "target", "stance")
"""The columns that a table must have to train or evaluate."""

MAX_STATEMENT_CHARS = 100_000
"""The longest statement taken: some forty pages; a longer cell is a document, or a quote never closed."""

_MAX_SHOWN = 20  # bad rows spelled out in a message; all of them are in `problems`
_SURROGATE = re.compile("[\ud800-\udfff]")  # "\ud83d" alone, half of an emoji; not the whole "😀"
_TRUTH = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


class Problem(NamedTuple):
    """One fault in one row: the row's number (or "file:line"), the column and what is wrong there."""

    row: int | str
    column: str
    fault: str


class BadRowsError(SchemaError):
    """Rows of a table cannot be used; `problems` lists every fault and the message the first twenty.

    Examples
    --------
    >>> print(BadRowsError([Problem(4, "stance", "is unknown: 'maybe'")], "my.csv", "line"))
    my.csv has 1 bad row (1 × stance is unknown): line 4: stance is unknown: 'maybe'
    """

    def __init__(self, problems: Sequence[Problem], source: str, unit: str = "row") -> None:
        super().__init__(problems, source, unit)  # kept as args, so that the error survives pickling
        self.problems = list(problems)
        self.source = source
        self.unit = unit

    def __str__(self) -> str:
        """Word the faults on one line: how many of each kind, then where."""
        kinds = Counter(f"{p.column} {p.fault.partition(':')[0]}" for p in self.problems)
        counts = ", ".join(f"{count} × {kind}" for kind, count in kinds.most_common())
        shown = [
            f"{p.row if isinstance(p.row, str) else f'{self.unit} {p.row}'}: {p.column} {p.fault}"
            for p in self.problems[:_MAX_SHOWN]
        ]
        if len(self.problems) > _MAX_SHOWN:
            shown.append(f"and {len(self.problems) - _MAX_SHOWN} more")
        rows = len({p.row for p in self.problems})
        return f"{self.source} has {rows} bad row{'s' * (rows != 1)} ({counts}): {'; '.join(shown)}"


def validate_statements(
    frame: pd.DataFrame,
    *,
    require: Sequence[str] = REQUIRED,
    source: str = "the table",
    rows: Sequence[int | str] | None = None,
    unit: str = "row",
) -> pd.DataFrame:
    """Return a checked copy of a table of statements: known columns first, in order, then the others.

    Texts are `str`, and what is missing or blank is None; `hard` is a nullable boolean. The statement is
    kept to the character; the other known columns are stripped. Where `stance` is not required it may be
    missing, and so may the statement, which is then the empty text.

    Parameters
    ----------
    frame
        Is not changed. Its index is kept.
    require
        Columns that must be there and, for the three of `REQUIRED`, filled in every row.
    source
        What an error calls the table.
    rows
        What an error calls each row: its line in a file, say. Counted from 1 if not given.
    unit
        What `rows` counts: "row" or "line".

    Raises
    ------
    SchemaError
        If a column is missing or there twice.
    BadRowsError
        If rows cannot be used; it is a `SchemaError` and reports all of them.

    Examples
    --------
    >>> table = pd.DataFrame({"stance": ["oppose"], "statement": ["It is over."], "target": ["le-touquet"]})
    >>> list(validate_statements(table).columns)
    ['statement', 'target', 'stance']
    """
    twice = sorted({str(name) for name in frame.columns[frame.columns.duplicated()]})
    if twice:
        raise SchemaError(f"{source} has the columns {twice} more than once; give each column its own name")
    missing = [name for name in require if name not in frame.columns]
    if missing:
        found = [str(name) for name in frame.columns]
        raise SchemaError(f"missing columns {missing} in {source}; expected {list(require)}, found {found}")

    filled = {name for name in REQUIRED if name in require and (name != "statement" or "stance" in require)}
    columns = {}
    faults: list[tuple[int, str, str]] = []
    for name in (name for name in COLUMNS if name in frame.columns):
        cells = []
        for position, (value, blank) in enumerate(zip(frame[name], frame[name].isna(), strict=True)):
            cell, fault = _read_cell(None if blank else value, name)
            if fault is None and name in filled and not (cell and str(cell).strip()):
                fault = "is empty"
            if fault is not None:
                faults.append((position, name, fault))
            cells.append(cell)
        columns[name] = pd.Series(cells, frame.index, dtype="boolean" if name == "hard" else object)
    if faults:
        numbers = range(1, len(frame) + 1) if rows is None else rows
        faults.sort(key=lambda fault: fault[0])
        raise BadRowsError([Problem(numbers[at], name, fault) for at, name, fault in faults], source, unit)
    others = frame[[name for name in frame.columns if name not in COLUMNS]]
    checked = pd.concat([pd.DataFrame(columns, index=frame.index), others], axis="columns")
    checked.attrs = dict(frame.attrs)
    return checked


def _read_cell(value: object, column: str) -> tuple[str | bool | None, str | None]:
    """Return the cell as this package holds it, and what is wrong with it, if anything."""
    if value is None:
        return ("" if column == "statement" else None), None
    text = _as_text(value)
    if text is None:
        return None, f"is not text: {_shorten(value)}"
    if not text.isascii() and _SURROGATE.search(text):
        return None, "has half a character (a lone surrogate)"
    if "\0" in text:
        return None, "has a NUL character"
    if column == "statement":
        if len(text) > MAX_STATEMENT_CHARS:
            return None, f"is longer than {MAX_STATEMENT_CHARS:,} characters: {len(text):,}"
        return text, None
    text = text.strip()
    if not text:
        return None, None
    if column == "stance" and text not in LABELS:
        return None, f"is unknown: {_shorten(text)} (expected {', '.join(LABELS)})"
    if column == "hard":
        truth = _TRUTH.get(text.casefold())
        return truth, None if truth is not None else f"is neither true nor false: {_shorten(text)}"
    return text, None


def _as_text(value: object) -> str | None:
    """Return a number, date or text as text, and None for anything else; 2016.0 is "2016"."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, str):
        return str(value)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime.date):
        return value.isoformat().removesuffix("T00:00:00")
    return str(value) if isinstance(value, int | float) else None


def _shorten(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 40 else f"{shown[:39]}…"
