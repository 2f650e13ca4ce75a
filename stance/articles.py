"""News articles in: a text file, a folder of them, or a table with one article a row."""

from __future__ import annotations

import logging
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO

import pandas as pd

from stance.errors import DataError, SchemaError
from stance.tables import SUFFIXES, open_text, read_tables, reading

_LOG = logging.getLogger(__name__)
MAX_ARTICLE_CHARS = 5_000_000
_TEXT_NAMES = ("text", "article", "body", "content", "texte", "contenu", "maintext")
_TITLE_NAMES = ("title", "headline", "titre")
_KEPT = ("id", "date", "source", "url")
_TEXT_SUFFIXES = (".txt", ".text", ".md")
_SAID_SKIPS = 10  # stories that are said to be skipped, one by one; of more the number is said
_BATCH_ROWS = 100

# What no output can hold: half of an emoji, and NUL. The sign for it is as long, so that offsets hold.
_UNREADABLE = re.compile("[\x00\ud800-\udfff]")
# The beginning of a page of the web; matches "<!DOCTYPE html>", "<html lang='fr'>"; not "<b>Border</b> checks stay"
_WEB_PAGE = re.compile(r"\s*(?:<\?xml[^>]*>\s*)?<(?:!doctype\s+html|html)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Story:
    """An article before it is read: its text, and what is known of it."""

    text: str
    name: str
    title: str | None = None
    date: str | None = None
    source: str | None = None
    url: str | None = None


def load_stories(path: str | Path) -> Iterator[Story]:
    """Stories of a text file, of all text files and tables in a folder, or of a table, one at a time.

    A table (JSON Lines, JSON, CSV, TSV, Parquet) has a column `text` (or article, body, content, texte), and may
    have `id`, `title`, `date`, `source` and `url`. The path "-" is standard input: JSON Lines if it begins with
    ``{``, else the text of one article. Hidden files of a folder are left out. A story is called by its `id`, its
    `url`, or its file and row.

    A story that cannot be used is skipped and logged if there are others. Characters that no output can hold (NUL,
    half of a surrogate pair) are replaced by "\ufffd", one by one, so that offsets hold.

    Raises
    ------
    DataError
        If a file cannot be read, or there is no article in it that can be.
    SchemaError
        If a table has no column of texts.
    """
    skipped = _Skipped()
    empty = True
    for story in _read_path(path, skipped):
        empty = False
        yield story
    if empty:
        raise DataError(skipped.say_all(path))
    skipped.say_rest()


class _Skipped:
    """What could not be used; the first few are logged as soon as something can be."""

    def __init__(self) -> None:
        self.reasons: list[str] = []
        self._n = 0

    def add(self, reason: object) -> None:
        self._n += 1
        if self._n <= _SAID_SKIPS:
            self.reasons.append(str(reason))

    def say_all(self, path: str | Path) -> str:
        """Why there is nothing at all."""
        if self._n == 1:
            return self.reasons[0]
        place = "standard input" if str(path) == "-" else path
        return "; the first: ".join([f"no article in {place} can be read", *self.reasons[:1]])

    def say(self) -> None:
        for reason in self.reasons:
            _LOG.warning("skipped: %s", reason)
        self.reasons.clear()

    def say_rest(self) -> None:
        self.say()
        if self._n > _SAID_SKIPS:
            _LOG.warning("skipped: %d more", self._n - _SAID_SKIPS)


def _read_path(path: str | Path, skipped: _Skipped) -> Iterator[Story]:
    if str(path) == "-":
        if sys.stdin is None:
            raise DataError("there is no standard input")
        yield from _read_stream(sys.stdin.buffer, "standard input", skipped)
        return
    given, path = path, Path(path)
    if given == "":
        raise DataError("cannot read '': expected the path of a file or a folder")
    if path.is_dir():
        yield from _read_folder(path, skipped)
    elif path.exists() and not path.is_file():  # a pipe, which can be read only once
        with reading(str(path)), path.open("rb") as stream:
            yield from _read_stream(stream, path.name, skipped)
    else:
        yield from _read_file(path, str(path), path.name, skipped)


def _read_folder(folder: Path, skipped: _Skipped) -> Iterator[Story]:
    suffixes = (*_TEXT_SUFFIXES, *SUFFIXES)
    with reading(str(folder)):
        files = sorted(
            file
            for file in folder.rglob("*")
            if file.suffix.lower() in suffixes
            and not any(part.startswith(".") for part in file.relative_to(folder).parts)
            and file.is_file()
        )
    if not files:
        raise DataError(f"no articles in {folder}; expected files that end in {', '.join(suffixes)}")
    for file in files:
        try:
            for story in _read_file(file, str(file), str(file.relative_to(folder)), skipped):
                skipped.say()
                yield story
        except (DataError, SchemaError) as error:
            skipped.add(error)


def _read_stream(stream: BinaryIO, name: str, skipped: _Skipped) -> Iterator[Story]:
    """Stories of what can be read only once, by way of a file: the encoding must be known before the text."""
    head = stream.read(4 * MAX_ARTICLE_CHARS + 1)  # bytes: the longest article in any encoding, and one more
    is_table = head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{")
    with TemporaryDirectory() as folder:
        file = Path(folder, "articles.jsonl" if is_table else "article.txt")
        with file.open("wb") as copy:
            copy.write(head)
            if is_table:
                shutil.copyfileobj(stream, copy)
        yield from _read_file(file, name, name, skipped)


def _read_file(file: Path, source: str, name: str, skipped: _Skipped) -> Iterator[Story]:
    """Stories of a file; `source` is what errors call it, `name` what its stories are called by."""
    if file.suffix.lower() in SUFFIXES:
        yield from _read_table(file, source, name, skipped)
        return
    with reading(source), open_text(file, source, []) as stream:
        text = stream.read(MAX_ARTICLE_CHARS + 1)
    if "\0" in text:
        raise DataError(f"{source} has a NUL byte; expected the text of an article, in UTF-8")
    yield _make_story(text, name, source, {})


def _read_table(path: Path, source: str, table_name: str, skipped: _Skipped) -> Iterator[Story]:
    names = {*_TEXT_NAMES, *_TITLE_NAMES, *_KEPT}
    text = None  # each row of JSON Lines may have keys of its own: a batch may have none for the text
    for table in read_tables(
        path, source, [], is_column=lambda name: name.strip().lower() in names, batch_size=_BATCH_ROWS
    ):
        for problem in table.problems:
            skipped.add(f"{source}, {table.unit} {problem.row}, {problem.fault}")
        columns = {str(name).strip().lower(): name for name in table.frame.columns}
        text = next((columns[name] for name in _TEXT_NAMES if name in columns), text)
        if text is None and (len(table.frame) or not table.problems):
            expected = f"expected one of {list(_TEXT_NAMES)}, got {list(columns)}"
            raise SchemaError(f"{source} has no column of articles; {expected}")
        title = next((columns[name] for name in _TITLE_NAMES if name in columns), None)
        for number, row in zip(table.rows, table.frame.to_dict("records"), strict=True):
            known = {key: _read_cell(row.get(columns.get(key))) for key in _KEPT}
            name = known.pop("id") or known["url"] or f"{table_name}:{number}"
            known["title"] = _read_cell(row.get(title))
            try:
                yield _make_story(row.get(text), name, f"{source}, {table.unit} {number},", known)
            except DataError as error:
                skipped.add(error)
            else:
                skipped.say()


def _read_cell(value: Any) -> str | None:
    """Text of a cell, None if there is none."""
    if value is None or (pd.api.types.is_scalar(value) and pd.isna(value)):
        return None
    return str(value).strip() or None


def _make_story(text: Any, name: str, place: str, known: dict[str, str | None]) -> Story:
    """Checked story; `place` is what errors call it."""
    if not isinstance(text, str):
        if _read_cell(text) is not None:
            raise DataError(f"{place} has {text!r:.60}; expected the text of an article")
        text = ""
    if len(text) > MAX_ARTICLE_CHARS:
        raise DataError(f"{place} has more than {MAX_ARTICLE_CHARS:,} characters; expected one article")
    if not text.strip():
        raise DataError(f"{place} is empty; expected the text of an article")
    if _WEB_PAGE.match(text):
        raise DataError(f"{place} is a web page; expected the text of the article alone")
    shown = {key: value and replace_unreadable(value) for key, value in known.items()}
    return Story(replace_unreadable(text), replace_unreadable(name), **shown)


def replace_unreadable(text: str) -> str:
    """The text with "\ufffd" for each character that no output can hold; as long as it was."""
    return _UNREADABLE.sub("\ufffd", text)
