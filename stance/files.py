"""Writing a file whole or not at all."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


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
