"""Scores of pairs of texts, kept on disk."""

from __future__ import annotations

import hashlib
import logging
import os
import sqlite3
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from stance.errors import ConfigError

log = logging.getLogger("stance")

Floats = npt.NDArray[np.float64]
_T = TypeVar("_T")

_TABLE = "scores_1"  # the number is that of the format
_MOST_KEYS = 500  # in one question: SQLite takes at least 999
_MAGIC = b"SQLite format 3\0"  # the beginning of every SQLite file but an empty one
_SECONDS_TO_WAIT = 30.0  # for another process that is writing


def cache_folder() -> Path:
    """Folder for what can be made again: `STANCE_CACHE`, or a folder `stance` where the system keeps such things."""
    if own := os.environ.get("STANCE_CACHE"):
        return Path(own)
    if given := os.environ.get("LOCALAPPDATA" if sys.platform == "win32" else "XDG_CACHE_HOME"):
        return Path(given, "stance")
    try:
        return Path.home() / ".cache" / "stance"
    except RuntimeError as error:
        raise ConfigError("there is no home folder to keep scores in: set STANCE_CACHE to a folder") from error


class ScoreCache:
    """Scores of pairs on disk, in a SQLite file, for any number of processes; to empty it, delete the file.

    A cache is there to save time: where it cannot be used, a warning says so, once, and nothing is kept. A damaged
    file is set aside, under its name with `.damaged` at the end, and a new one begun. A file of another kind, unless
    it lies in `cache_folder()`, is left as it is: reading and writing raise `ConfigError`.

    Parameters
    ----------
    path : path or None
        The file, which need not be there; None: keep nothing.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path

    def read(self, keys: Sequence[bytes], width: int) -> dict[bytes, Floats]:
        """Scores, each of shape (width,), of those of the keys that are there."""

        def select(database: sqlite3.Connection) -> dict[bytes, Floats]:
            found: dict[bytes, bytes] = {}
            for start in range(0, len(keys), _MOST_KEYS):
                some = keys[start : start + _MOST_KEYS]
                question = f"SELECT key, scores FROM {_TABLE} WHERE key IN ({','.join('?' * len(some))})"
                found.update(database.execute(question, some).fetchall())
            scores = {key: np.frombuffer(value, dtype="<f8") for key, value in found.items() if len(value) == 8 * width}
            return {key: row for key, row in scores.items() if np.isfinite(row).all()}

        return self._try(select) or {}

    def write(self, scores: Mapping[bytes, Floats]) -> None:
        """Keep scores by their keys."""
        rows = [(key, row.astype("<f8").tobytes()) for key, row in scores.items()]
        self._try(lambda db: db.executemany(f"INSERT OR REPLACE INTO {_TABLE} VALUES (?, ?)", rows))

    def _try(self, work: Callable[[sqlite3.Connection], _T]) -> _T | None:
        """Result of the work on the file; None if there is no cache, or none that can be used."""
        for _ in range(2):  # with a damaged file, then with its successor
            if self.path is None:
                break
            try:
                with _open_database(self.path) as database:
                    return work(database)
            except (sqlite3.OperationalError, OSError) as error:  # locked, read-only, no space
                self._give_up(error)
            except sqlite3.DatabaseError as error:  # damaged, or another kind of file
                if not _is_ours(self.path):
                    raise ConfigError(
                        f"{self.path} is not a cache of scores; expected a SQLite file, or a name that no file has yet"
                    ) from error
                log.warning("the cache of scores %s is damaged (%s): set aside as *.damaged", self.path, error)
                try:
                    _set_aside(self.path)
                except OSError as problem:
                    self._give_up(problem)
        return None

    def _give_up(self, error: Exception) -> None:
        log.warning("scores are not kept: the cache %s cannot be used (%s)", self.path, error)
        self.path = None


@contextmanager
def _open_database(path: Path) -> Iterator[sqlite3.Connection]:
    """Connection to the file, made if need be; what was done is kept if the block ends well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path, timeout=_SECONDS_TO_WAIT)) as database, database:
        database.execute(f"CREATE TABLE IF NOT EXISTS {_TABLE} (key BLOB PRIMARY KEY, scores BLOB) WITHOUT ROWID")
        yield database


def _is_ours(path: Path) -> bool:
    """Tell whether a file that SQLite cannot read was a cache of scores, going by its beginning or its place."""
    try:
        with path.open("rb") as file:
            if file.read(len(_MAGIC)) in (_MAGIC, b""):
                return True
    except FileNotFoundError:  # another process has set it aside
        return True
    return path.resolve().is_relative_to(cache_folder().resolve())


def _set_aside(path: Path) -> None:
    path.with_name(f"{path.name}-journal").unlink(missing_ok=True)  # which belongs to the damaged file
    if path.exists():  # another process may have been faster
        os.replace(path, path.with_name(f"{path.name}.damaged"))


def hash_pair(fingerprint: str, first: str, second: str) -> bytes:
    """Key of the scores that a network of that fingerprint gives to the two texts."""
    return hashlib.sha256("\0".join((fingerprint, first, second)).encode(errors="surrogatepass")).digest()
