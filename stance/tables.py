"""The rows of a table in a file, as they stand there, with the lines they came from.

Nothing is known here of statements: what the columns and labels mean is told by `data`.
"""

import codecs
import contextlib
import csv
import io
import itertools
import json
import logging
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TextIO

import pandas as pd

from stance.errors import DataError, SchemaError
from stance.schema import Problem

logger = logging.getLogger("stance")

SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".parquet")
"""How the names of tables end."""

MAX_LINE_CHARS = 2**25
"""The longest line or cell that is read at all (33 million): a file that has a longer one is no table."""

_BATCH_CHARS = 2**25  # a batch ends here even if its rows are few, so that huge lines do not add up
_HEAD_CHARS = 2**20  # how much of a file is looked at to tell its delimiter and its use of quotation marks
_ONE_COLUMN = "\x1f"  # delimiter of a table with one column, whose lines may hold commas

# UTF-8 bytes that cp1252 text hardly ever holds: "Ã©" (é), "â€™" (’), an emoji, two letters in a row of
# another alphabet. Not "é\xa0»", which French cp1252 text is full of and which by accident is UTF-8 too.
_UTF8_BYTES = re.compile(
    rb"[\xc2-\xc5][\x80-\xbf]|\xe2\x80[\x90-\xba]|\xe2\x82\xac|\xf0\x9f[\x80-\xbf]{2}"
    rb"|(?:[\xc6-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}){2}"
)
_ESCAPED_BYTE = re.compile("[\udc80-\udcff]")  # what "surrogateescape" makes of a byte that is not UTF-8


class Table(NamedTuple):
    """Rows as they were found, and those that could not be read."""

    source: str
    unit: str  # what `rows` counts: "line" or "row"
    frame: pd.DataFrame
    rows: Sequence[int | str]
    problems: list[Problem]


def note_assumption(notes: list[str], source: str, note: str) -> None:
    """Keep and log what was assumed about a source, once."""
    if note not in notes:
        notes.append(note)
        logger.info("%s: %s", source, note)


def read_tables(
    path: Path,
    source: str,
    notes: list[str],
    *,
    is_column: Callable[[str], bool],
    batch_size: int = 10_000,
) -> Iterator[Table]:
    """Yield the rows of a file in batches, at least one, in constant memory (a JSON list is read whole).

    The suffix tells the format: one of `SUFFIXES`, or ".txt" for one statement per line. The path "-" is
    standard input in UTF-8: JSON Lines if it begins with ``{``, else text. Cells of a CSV are text or None.

    Parameters
    ----------
    source
        What errors call the file.
    notes
        What was assumed is added here.
    is_column
        Whether a name is one that a header may hold: that tells its delimiter.
    """
    suffix = path.suffix.lower()
    if source != "-" and suffix not in (*SUFFIXES, ".txt"):
        expected = ", ".join((*SUFFIXES, ".txt"))
        raise DataError(f"cannot tell the format of {source} from its name; expected one that ends in {expected}")
    with reading(source):
        if source != "-" and path.stat().st_size == 0:
            raise DataError(f"{source} is empty")
        if suffix == ".parquet":
            yield from _read_parquet(path, source, batch_size)
            return
        with open_text(path, source, notes) as file:
            lines = _check_lines(file, source)
            header: list[str] = []
            unit = "line"
            if suffix in (".csv", ".tsv"):
                header, records = _read_csv(lines, source, suffix, is_column, notes)
            else:
                start = [next(lines, "")]
                while suffix == ".json" and start[-1].isspace():
                    start.append(next(lines, ""))
                first = start[-1]
                lines = itertools.chain(filter(None, start), lines)
                if suffix == ".json" and first.lstrip().startswith("["):
                    unit, records = "row", _read_json_list(lines, source)
                elif suffix == ".txt" or (source == "-" and not first.startswith("{")):
                    header, records = ["statement"], _read_text(lines)
                else:
                    records = _read_json_lines(lines)
            yield from _batch(records, source, unit, batch_size, header)


@contextlib.contextmanager
def reading(source: str) -> Iterator[None]:
    """Turn what the operating system says of a file that cannot be read into a `DataError`."""
    try:
        yield
    except OSError as error:
        raise DataError(f"cannot read {source}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"cannot read {source}: it is not the {error.encoding} that it begins as") from error


def _batch(
    records: Iterable[tuple[int, dict[str, Any] | str]],
    source: str,
    unit: str,
    batch_size: int,
    header: list[str],
) -> Iterator[Table]:
    """Gather records, and the faults that stand for those that could not be read, into tables."""
    first, done = True, False
    records = iter(records)
    while not done:
        rows: list[int] = []
        cells: list[dict[str, Any]] = []
        problems: list[Problem] = []
        size = 0
        while len(cells) < batch_size and size < _BATCH_CHARS and not done:
            row, record = next(records, (0, None))
            if record is None:
                done = True
            elif isinstance(record, str):
                problems.append(Problem(row, "row", record))
            else:
                rows.append(row)
                cells.append(record)
                size += sum(len(cell) for cell in record.values() if isinstance(cell, str))
        if first or cells or problems:
            frame = pd.DataFrame(cells, columns=header or None, dtype=object)
            yield Table(source, unit, frame, rows, problems)
        first = False


# --- lines and encodings ---


@contextlib.contextmanager
def open_text(path: Path, source: str, notes: list[str]) -> Iterator[TextIO]:
    """Open a file in the encoding that it is in; "-" is standard input."""
    if source != "-":
        encoding = _find_encoding(path, source)
        if encoding != "utf-8-sig":
            note_assumption(notes, source, f"read as {encoding}")
        with path.open(encoding=encoding, newline="") as file:
            yield file
    elif isinstance(sys.stdin, io.TextIOWrapper):
        # As UTF-8 whatever the locale; a byte that is not is kept, to be reported with its line.
        file = io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8-sig", errors="surrogateescape", newline="")
        try:
            yield file
        finally:
            file.detach()  # else closing this would close standard input
    else:
        yield sys.stdin


def _find_encoding(path: Path, source: str) -> str:
    """Return "utf-8-sig" (UTF-8 with or without BOM), "utf-16" if there is its BOM, or "cp1252"."""
    with path.open("rb") as file:
        if file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            return "utf-16"
        file.seek(0)
        decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            while block := file.read(2**20):
                decoder.decode(block)
            decoder.decode(b"", final=True)
            return "utf-8-sig"
        except UnicodeDecodeError:
            file.seek(0)
        faulty, mixed = 0, False
        for number, line in enumerate(iter(lambda: file.readline(MAX_LINE_CHARS), b""), 1):
            mixed = mixed or _UTF8_BYTES.search(line) is not None
            faulty = faulty or (0 if _is_encoded(line, "utf-8") else number)
            if not mixed and not _is_encoded(line, "cp1252"):
                raise DataError(f"{source}, line {number}: neither UTF-8 nor cp1252; save the file as UTF-8")
        if mixed:
            raise DataError(f"{source} mixes encodings: line {faulty} is not UTF-8, as others are; save it as UTF-8")
        return "cp1252"


def _is_encoded(line: bytes, encoding: str) -> bool:
    try:
        line.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _check_lines(file: TextIO, source: str) -> Iterator[str]:
    """Yield the lines with their ends; one that no table has is an error that names it."""
    for number, line in enumerate(iter(lambda: file.readline(MAX_LINE_CHARS), ""), 1):
        if len(line) == MAX_LINE_CHARS:
            raise DataError(f"{source}, line {number}: longer than {MAX_LINE_CHARS:,} characters; is this a table?")
        if "\0" in line:
            raise DataError(f"{source}, line {number}: has a NUL byte; expected text, in UTF-8")
        if not line.isascii() and _ESCAPED_BYTE.search(line):
            raise DataError(f"{source}, line {number}: is not UTF-8")
        yield line


# --- formats ---


def _read_text(lines: Iterable[str]) -> Iterator[tuple[int, dict[str, Any] | str]]:
    for number, line in enumerate(lines, 1):
        yield number, {"statement": line.rstrip("\r\n")}


def _read_json_lines(lines: Iterable[str]) -> Iterator[tuple[int, dict[str, Any] | str]]:
    for number, line in enumerate(lines, 1):
        if line.isspace():
            continue
        try:
            record = json.loads(line.rstrip("\r\n"), object_pairs_hook=_refuse_repeats)
        except json.JSONDecodeError as error:
            yield (
                number,
                f"is not a whole JSON object: {error.msg.removesuffix(' at')} at character {error.pos + 1}",
            )
        except (ValueError, RecursionError) as error:
            yield number, f"cannot be read: {error}"
        else:
            yield number, record if isinstance(record, dict) else _no_object(record)


def _read_json_list(lines: Iterable[str], source: str) -> Iterator[tuple[int, dict[str, Any] | str]]:
    try:
        records = json.loads("".join(lines), object_pairs_hook=_refuse_repeats)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{source} is not a whole JSON list of objects: {error}") from error
    for number, record in enumerate(records, 1):
        yield number, record if isinstance(record, dict) else _no_object(record)


def _no_object(record: object) -> str:
    return f"is not a JSON object: {type(record).__name__}"


def _refuse_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"it has {sorted({name for name in names if names.count(name) > 1})} more than once")
    return record


def _read_parquet(path: Path, source: str, batch_size: int) -> Iterator[Table]:
    import pyarrow as pa
    from pyarrow import parquet

    start = 1
    try:
        with parquet.ParquetFile(path) as file:
            empty = [file.schema_arrow.empty_table()] if not file.metadata.num_rows else []
            for batch in itertools.chain(empty, file.iter_batches(batch_size)):
                frame = batch.to_pandas(integer_object_nulls=True)  # else a missing id makes floats of the others
                frame = frame.reset_index(drop=True)
                yield Table(source, "row", frame, range(start, start + len(frame)), [])
                start += len(frame)
    except pa.ArrowException as error:
        raise DataError(f"{source} is not a whole Parquet file: {error}") from error


def _read_csv(
    lines: Iterator[str], source: str, suffix: str, is_column: Callable[[str], bool], notes: list[str]
) -> tuple[list[str], Iterator[tuple[int, dict[str, Any] | str]]]:
    """Return the names of the columns and the records below them."""
    head: list[str] = []
    size = 0
    while size < _HEAD_CHARS and (line := next(lines, "")):
        head.append(line)
        size += len(line)
    usual = "\t" if suffix == ".tsv" else ","
    delimiter = _find_delimiter(head, source, usual if suffix == ".tsv" else ",;\t", is_column)
    if delimiter not in (_ONE_COLUMN, usual):
        note_assumption(notes, source, f"cells separated by {delimiter!r}")
    quoting = _find_quoting(head, source, delimiter, cut=size >= _HEAD_CHARS)
    if quoting == csv.QUOTE_NONE:
        note_assumption(notes, source, "quotation marks read as text")
    records = _read_cells(itertools.chain(head, lines), source, delimiter, quoting)
    _, header = next(records, (0, "is missing"))
    if isinstance(header, str):
        raise DataError(f"the header of {source} {header}")
    names = [name.strip() for name in header]
    repeated = sorted({name for name in names if name and names.count(name) > 1})
    if repeated:
        raise SchemaError(f"{source} has the columns {repeated} more than once; give each column its own name")
    if "" in names:  # the row numbers that pandas writes, or the empty columns of a spreadsheet
        note_assumption(notes, source, "columns without a name left out")
    return [name for name in names if name], _name_cells(records, names)


def _name_cells(
    records: Iterator[tuple[int, list[str] | str]], names: list[str]
) -> Iterator[tuple[int, dict[str, Any] | str]]:
    for line, cells in records:
        if isinstance(cells, str):
            yield line, cells
        elif len(names) > 1 and not any(map(str.strip, cells)):
            continue  # a row of separators, such as spreadsheets leave below a table
        elif len(cells) < len(names) or any(cells[len(names) :]):
            yield line, f"does not fit the header: {len(cells)} cells for {len(names)} columns"
        else:
            yield line, {name: cell or None for name, cell in zip(names, cells, strict=False) if name}


def _read_cells(
    lines: Iterable[str], source: str, delimiter: str, quoting: int
) -> Iterator[tuple[int, list[str] | str]]:
    """Yield the line where each row begins, with its cells or what is wrong; blank lines are left out."""
    reader = csv.reader(lines, delimiter=delimiter, quoting=quoting, strict=True)  # type: ignore[arg-type]
    while True:
        line = reader.line_num + 1
        try:
            with _long_cells():
                cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if "field limit" in str(error):
                raise DataError(f"{source}, line {line}: a quotation mark is opened and never closed") from error
            unclosed = "unexpected end" in str(error)
            yield (
                line,
                "opens a quotation mark and never closes it" if unclosed else f"cannot be read: {error}",
            )
        else:
            if cells:
                yield line, cells


@contextlib.contextmanager
def _long_cells() -> Iterator[None]:
    """Let the csv module read long cells; its limit is one for the whole process, and is put back."""
    before = csv.field_size_limit(MAX_LINE_CHARS)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _find_delimiter(head: list[str], source: str, candidates: str, is_column: Callable[[str], bool]) -> str:
    """Return the delimiter that finds the most known columns in the header, then the most columns."""
    best, most = _ONE_COLUMN, (0, 1)
    for delimiter in candidates:
        _, names = next(_read_cells(head, source, delimiter, csv.QUOTE_MINIMAL), (0, ""))
        if not isinstance(names, str) and len(names) > 1:
            found = (sum(map(is_column, names)), len(names))
            if found > most:
                best, most = delimiter, found
    return best


def _find_quoting(head: list[str], source: str, delimiter: str, *, cut: bool) -> int:
    """Return QUOTE_NONE where rows fit only if quotation marks are text, and these mostly enclose no cell."""
    rows = [cells for _, cells in _read_cells(head, source, delimiter, csv.QUOTE_MINIMAL)]
    if cut:
        rows = rows[:-1]  # the last one may go on below
    if not any(isinstance(cells, str) or len(cells) != len(rows[0]) for cells in rows):
        return csv.QUOTE_MINIMAL
    plain = [line.rstrip("\r\n").split(delimiter) for line in head if not line.isspace()]
    opened = [cell for cells in plain for cell in cells if cell.startswith('"')]
    enclosed = [cell for cell in opened if len(cell) > 1 and cell.endswith('"')]
    fits = len({len(cells) for cells in plain}) == 1 and '"' not in "".join(plain[0])
    return csv.QUOTE_NONE if fits and len(opened) > 2 * len(enclosed) else csv.QUOTE_MINIMAL
