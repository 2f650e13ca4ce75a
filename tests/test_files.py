import errno
import os
import resource
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from stance import files
from stance.errors import ConfigError
from stance.files import open_atomically, read_once, read_toml, shipped_path, write_atomically


def names(folder):
    return sorted(entry.name for entry in folder.iterdir())


@pytest.mark.parametrize("content", ["l'été → «oui»\r\n", b"\x00\xff\r\n", ""])
def test_content_is_written_byte_for_byte(tmp_path, content):
    path = write_atomically(tmp_path / "file", content)
    assert path.read_bytes() == (content.encode() if isinstance(content, str) else content)
    assert names(tmp_path) == ["file"]


def test_old_file_is_replaced(tmp_path):
    (tmp_path / "file").write_text("a much longer old text")
    write_atomically(str(tmp_path / "file"), "new")
    assert (tmp_path / "file").read_text() == "new"


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_full_disk_leaves_the_old_file_and_no_other(tmp_path, monkeypatch, step):
    (tmp_path / "file").write_text("old")

    def no_space(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, step, no_space)
    with pytest.raises(OSError, match="No space left"):
        write_atomically(tmp_path / "file", "new")
    assert (tmp_path / "file").read_text() == "old"
    assert names(tmp_path) == ["file"]


def test_write_that_the_system_cuts_short_leaves_the_old_file(tmp_path):
    (tmp_path / "file").write_text("old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))  # no file may grow beyond this
    try:
        with pytest.raises(OSError, match="too large"):
            write_atomically(tmp_path / "file", b"x" * 1_000_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (tmp_path / "file").read_text() == "old"
    assert names(tmp_path) == ["file"]


def test_interruption_leaves_no_temporary_file(tmp_path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(tmp_path / "file", "new")
    assert names(tmp_path) == []


def test_symbolic_link_stays_and_its_file_changes(tmp_path):
    (tmp_path / "file").write_text("old")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    write_atomically(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_text() == "new"


def test_missing_folder_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        write_atomically(tmp_path / "absent" / "file", "new")


def test_new_file_has_the_usual_permissions(tmp_path):
    (tmp_path / "plain").write_text("x")
    write_atomically(tmp_path / "file", "x")
    assert (tmp_path / "file").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_device_is_written_and_stays_a_device(tmp_path):
    with open_atomically(os.devnull) as file:
        file.write(b"new")
    assert not os.path.isfile(os.devnull)


def test_pipe_is_written_and_stays_a_pipe(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_atomically(tmp_path / "pipe", "new")
        assert os.read(reader, 10) == b"new"
    finally:
        os.close(reader)
    assert (tmp_path / "pipe").is_fifo()


def test_error_names_the_file_that_was_asked_for(tmp_path):
    with pytest.raises(FileNotFoundError) as raised:
        write_atomically(tmp_path / "absent" / "file", "new")
    assert raised.value.filename == str(tmp_path / "absent" / "file")


def test_failure_while_writing_leaves_the_old_file(tmp_path):
    (tmp_path / "file").write_text("old")

    def write_half():
        with open_atomically(tmp_path / "file") as file:
            file.write(b"ha")
            raise ValueError("half")

    with pytest.raises(ValueError, match="half"):
        write_half()
    assert (tmp_path / "file").read_text() == "old"
    assert names(tmp_path) == ["file"]


@pytest.mark.parametrize("inside", [True, False])
def test_what_ships_is_inside_an_installed_package_or_in_the_checkout(monkeypatch, tmp_path, inside):
    package = tmp_path / "stance"
    shipped = package / "model" if inside else tmp_path / "models" / "le-touquet"
    shipped.mkdir(parents=True)
    monkeypatch.setattr(files, "files", lambda name: tmp_path / name)
    monkeypatch.setattr(files, "__file__", str(package / "files.py"))

    assert shipped_path("model", "models/le-touquet") == shipped


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "cannot read the settings in .*: No such file"), (b"a = ", "not a TOML file"), (b"\xff", "UTF-8")],
)
def test_toml_that_cannot_be_read_is_one_error(tmp_path, content, message):
    path = tmp_path / "settings.toml"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(ConfigError, match=message):
        read_toml(path, "settings")


def test_threads_that_ask_at_once_get_what_was_read_once():
    read = []

    def slowly():
        time.sleep(0.05)
        read.append(object())
        return read[-1]

    load = read_once(slowly)
    with ThreadPoolExecutor(8) as pool:
        given = list(pool.map(lambda _: load(), range(8)))

    assert len(read) == 1
    assert all(one is read[0] for one in given)
