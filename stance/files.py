"""Writing a file whole or not at all."""

import os
import secrets
from pathlib import Path


def write_atomically(path: str | Path, content: str | bytes) -> Path:
    """Path of the file that now holds `content`; on failure the old file is untouched, nothing else left.

    The bytes go to a temporary file beside the target, reach the disk, and only then take its name. Text is
    written as UTF-8 with its line ends as they are. The folder must exist.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.mkdtemp()
    >>> write_atomically(f"{folder}/scores.json", "{}").read_text()
    '{}'
    """
    path = Path(path).resolve()  # through a symbolic link to the file it names: the link itself stays
    temporary = path.with_name(f".{path.name[:100]}.{secrets.token_hex(4)}.tmp")
    try:
        with open(temporary, "xb") as file:
            file.write(content.encode("utf-8") if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())  # a full disk may show only here
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    return path
