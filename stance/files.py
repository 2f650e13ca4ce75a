"""Files: finding those that ship, reading settings and weights, and writing whole or not at all."""

import os
import secrets
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from importlib.resources import files
from pathlib import Path
from threading import Lock
from typing import Any, BinaryIO, TypeVar

from stance.errors import ConfigError

_T = TypeVar("_T")


def shipped_path(inside: str, checkout: str) -> Path:
    """Path of what ships: inside an installed package, or where it lies in a source checkout."""
    installed = Path(str(files("stance"))) / inside
    return installed if installed.exists() else Path(__file__).parents[1] / checkout


def read_toml(path: str | Path, what: str) -> dict[str, Any]:
    """Values of a TOML file; a `ConfigError` that says what was to be read if it cannot be."""
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read the {what} in {path}: {error.strerror or error}") from error
    except ValueError as error:  # not TOML, or not UTF-8
        raise ConfigError(f"{path} is not a TOML file in UTF-8: {error}") from error


def read_once(read: Callable[[], _T]) -> Callable[[], _T]:
    """The function, which reads at its first call and gives the same thing to all threads from then on.

    >>> calls = []
    >>> load = read_once(lambda: calls.append("read") or object())
    >>> load() is load(), calls
    (True, ['read'])
    """
    lock = Lock()
    kept: list[_T] = []

    @wraps(read)
    def load() -> _T:
        with lock:
            if not kept:
                kept.append(read())
            return kept[0]

    return load


@contextmanager
def open_atomically(path: str | Path) -> Iterator[BinaryIO]:
    """Binary file that takes the name `path` when the block ends well; on failure nothing is left of it.

    The bytes go to a temporary file beside the target, reach the disk, and only then take its name: the old file
    is untouched until then. The folder must exist. A device or a pipe, such as /dev/null, is written as it is.
    """
    path = Path(path)
    if path.exists() and not path.is_file() and not path.is_dir():
        with open(path, "wb") as file:
            yield file
        return
    path = path.resolve()  # through a symbolic link to the file it names: the link itself stays
    temporary = path.with_name(f".{path.name[:100]}.{secrets.token_hex(4)}.tmp")
    try:
        with open(temporary, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())  # a full disk may show only here
        os.replace(temporary, path)
    except OSError as error:
        if error.filename in (None, str(temporary)):
            error.filename = str(path)  # which the caller knows
        raise
    finally:
        temporary.unlink(missing_ok=True)


def write_atomically(path: str | Path, content: str | bytes) -> Path:
    """Path of the file that now holds `content`; see `open_atomically`. Text is written as UTF-8, line ends as given.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.mkdtemp()
    >>> write_atomically(f"{folder}/scores.json", "{}").read_text()
    '{}'
    """
    with open_atomically(path) as file:
        file.write(content.encode("utf-8") if isinstance(content, str) else content)
    return Path(path).resolve()
