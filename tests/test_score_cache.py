import sqlite3
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from stance.errors import ConfigError
from stance.score_cache import ScoreCache, cache_folder


def test_kept_scores_of_another_shape_or_that_are_no_numbers_are_not_taken(tmp_path):
    cache = ScoreCache(tmp_path / "scores.sqlite")
    cache.write({b"a": np.array([1.0, 2.0]), b"b": np.array([1.0]), b"c": np.array([1.0, np.nan])})

    assert {key: row.tolist() for key, row in cache.read([b"a", b"b", b"c", b"d"], 2).items()} == {b"a": [1.0, 2.0]}


def test_several_writers_lose_nothing(tmp_path):
    path = tmp_path / "scores.sqlite"
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: ScoreCache(path).write({bytes([n, m]): np.ones(2) for m in range(50)}), range(20)))

    assert len(ScoreCache(path).read([bytes([n, m]) for n in range(20) for m in range(50)], 2)) == 1_000
    with sqlite3.connect(path) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()


@pytest.mark.parametrize("content", [b"a,b\n", b"statement,target\n" * 1_000])
def test_a_file_of_another_kind_is_refused_and_left_as_it_is(monkeypatch, tmp_path, content):
    monkeypatch.setenv("STANCE_CACHE", str(tmp_path / "cache"))
    file = tmp_path / "my.csv"
    file.write_bytes(content)
    cache = ScoreCache(file)

    with pytest.raises(ConfigError, match=r"my\.csv is not a cache of scores; expected a SQLite file"):
        cache.read([b"a"], 2)
    with pytest.raises(ConfigError, match=r"my\.csv is not a cache of scores"):
        cache.write({b"a": np.ones(2)})
    assert file.read_bytes() == content
    assert [path.name for path in tmp_path.iterdir()] == ["my.csv"]


@pytest.mark.parametrize(
    ("name", "content"),
    [("own.db", b""), ("own.db", b"SQLite format 3\0" + b"\xff" * 8_000), ("cache/scores.sqlite", b"torn" * 1_000)],
)
def test_an_empty_or_damaged_cache_is_begun_anew(monkeypatch, tmp_path, name, content):
    monkeypatch.setenv("STANCE_CACHE", str(tmp_path / "cache"))
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(content)
    ScoreCache(file).write({b"a": np.ones(2)})

    assert ScoreCache(file).read([b"a"], 2)[b"a"].tolist() == [1.0, 1.0]


@pytest.mark.skipif(sys.platform == "win32", reason="folders of other systems")
def test_the_cache_is_where_the_system_keeps_such_things(monkeypatch, tmp_path):
    monkeypatch.setenv("STANCE_CACHE", str(tmp_path / "cache"))
    own = cache_folder()
    monkeypatch.delenv("STANCE_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    xdg = cache_folder()
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))

    assert (own, xdg) == (tmp_path / "cache", tmp_path / "xdg" / "stance")
    assert cache_folder() == tmp_path / "home" / ".cache" / "stance"
