"""Articles in: which texts of files, folders and tables become stories, and what is said of the others."""

import io
import json
import os
import sys
from threading import Thread

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stance import articles
from stance.articles import Story, load_stories
from stance.errors import DataError, SchemaError

TEXT = "Border checks stay\n\nThe talks went on. “It is over,” said Anna Reid.\n"


@pytest.fixture
def as_stdin(monkeypatch):
    def give(content: bytes):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))

    return give


def write(path, *rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def load(path):
    return [(story.name, story.text) for story in load_stories(path)]


@pytest.mark.parametrize(
    "content",
    [TEXT.encode(), b"\xef\xbb\xbf" + TEXT.encode(), TEXT.encode("cp1252"), TEXT.encode("utf-16")],
    ids=["UTF-8", "BOM", "cp1252", "UTF-16"],
)
@pytest.mark.parametrize("name", ["story.txt", "story", "story.2016"])
def test_text_file_is_one_story_as_it_stands(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    assert load(tmp_path / name) == [(name, TEXT)]


def test_line_ends_are_kept_so_that_offsets_hold(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"Title\r\n\r\nIt is over.\r\n")
    assert load(tmp_path / "a.txt") == [("a.txt", "Title\r\n\r\nIt is over.\r\n")]


def test_folder_is_read_in_order_without_hidden_and_other_files(tmp_path):
    for name in ("b.txt", "a/z.md", "a/.git/c.txt", ".d.txt", "e.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    write(tmp_path / "a" / "t.jsonl", {"text": "One."}, {"text": "Two.", "id": 7})
    assert load(tmp_path) == [("a/t.jsonl:1", "One."), ("7", "Two."), ("a/z.md", "a/z.md"), ("b.txt", "b.txt")]


@pytest.mark.parametrize("column", ["text", "article", "Body", " content ", "texte"])
def test_table_has_its_texts_under_usual_names(tmp_path, column):
    assert load(write(tmp_path / "t.jsonl", {column: " It is over. "})) == [("t.jsonl:1", " It is over. ")]


@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl", "json", "parquet"])
def test_all_kinds_of_tables_give_the_same_stories(tmp_path, suffix):
    frame = pd.DataFrame({"id": ["x", None], "text": [TEXT, "Keep it."], "headline": ["Checks stay", None]})
    frame = frame.assign(url=[None, "http://y"], date=["2016-02-03", None], source="The Paper")
    path = tmp_path / f"t.{suffix}"
    if suffix == "parquet":
        frame.to_parquet(path)
    elif suffix.startswith("json"):
        frame.to_json(path, orient="records", lines=suffix == "jsonl")
    else:
        frame.to_csv(path, index=False, sep="," if suffix == "csv" else "\t")
    assert list(load_stories(path)) == [
        Story(TEXT, "x", "Checks stay", "2016-02-03", "The Paper"),
        Story("Keep it.", "http://y", source="The Paper", url="http://y"),
    ]


def test_standard_input_is_one_article_or_json_lines(as_stdin):
    as_stdin(TEXT.encode("cp1252"))
    assert load("-") == [("standard input", TEXT)]
    as_stdin(b'\xef\xbb\xbf\n{"text": "One."}\n{"text": "Two."}\n')
    assert load("-") == [("standard input:2", "One."), ("standard input:3", "Two.")]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
def test_pipe_is_read_like_a_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    writer = Thread(target=(tmp_path / "pipe").write_text, args=(TEXT,))
    writer.start()
    assert load(tmp_path / "pipe") == [("pipe", TEXT)]
    writer.join()


@given(st.text(min_size=1).filter(str.strip))
def test_what_no_output_can_hold_is_replaced_one_by_one(text):
    story = articles._make_story(f"a{text}", text, "here", {"title": text})
    shown = story.text[1:]
    assert story.name == story.title == shown
    assert shown.encode().decode() == shown
    assert "\0" not in shown
    assert len(shown) == len(text)
    assert all(a == b or b == "\ufffd" for a, b in zip(text, shown, strict=True))


# --- what cannot be read ---


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        ("a.txt", b"", "a.txt is empty"),
        ("a.txt", b" \n\t\n", "a.txt is empty"),
        ("a.txt", b"It is\0over", "NUL"),
        ("a.txt", bytes(range(256)), "neither UTF-8 nor cp1252"),
        ("a.txt", b"<!DOCTYPE html>\n<p>It is over.", "web page"),
        ("a.txt", b"\n<HTML lang='en'>", "web page"),
        ("a.jsonl", b"", "a.jsonl is empty"),
        ("a.jsonl", b'{"text": ""}', "line 1, is empty"),
        ("a.jsonl", b'{"text": 7}', "line 1, has 7; expected the text"),
        ("a.jsonl", b'{"text": ["a", "b"]}', "expected the text"),
        ("a.jsonl", b"{", "line 1, is not a whole JSON object"),
        ("a.jsonl", b'{"text": null}\n{"text": " "}\n', r"no article .* the first: .*line 1, is empty"),
        ("a.csv", b"text\n", "no article in .*a.csv"),
        ("a.parquet", b"PAR1", "Parquet"),
    ],
)
def test_file_without_an_article_is_an_error_that_says_why(tmp_path, name, content, fault):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=fault):
        load(tmp_path / name)


@pytest.mark.parametrize(("name", "content"), [("a.csv", "a,b\n1,2\n"), ("a.json", "[]"), ("a.jsonl", '{"x": 1}')])
def test_table_without_texts_is_an_error_that_names_its_columns(tmp_path, name, content):
    (tmp_path / name).write_text(content)
    with pytest.raises(SchemaError, match="no column of articles; expected one of"):
        load(tmp_path / name)


@pytest.mark.parametrize(("path", "fault"), [("", "cannot read ''"), ("absent", "No such file"), ("x.csv", "No such")])
def test_missing_file_is_an_error(tmp_path, monkeypatch, path, fault):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=fault):
        load(path)


def test_folder_without_articles_is_an_error(tmp_path):
    with pytest.raises(DataError, match=r"no articles in .*; expected files that end in \.txt"):
        load(tmp_path)
    (tmp_path / "a.txt").write_text(" ")
    (tmp_path / "b.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match=r"no article in .* the first: .*a\.txt is empty"):
        load(tmp_path)


def test_missing_standard_input_is_an_error(monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(DataError, match="no standard input"):
        load("-")


@pytest.mark.parametrize("name", ["a.txt", "a.jsonl", "-"])
def test_text_too_long_for_an_article_is_an_error(tmp_path, monkeypatch, as_stdin, name):
    monkeypatch.setattr(articles, "MAX_ARTICLE_CHARS", 100)
    content = b'{"text": "%s"}' % (b"a" * 101) if name == "a.jsonl" else b"a" * 1_000
    (tmp_path / name).write_bytes(content)
    as_stdin(content)
    with pytest.raises(DataError, match="more than 100 characters"):
        load("-" if name == "-" else tmp_path / name)


def test_bad_stories_among_good_ones_are_skipped_and_said(tmp_path, caplog):
    (tmp_path / "a.txt").write_text("")
    (tmp_path / "b.csv").write_text("a,b\n1,2\n")
    write(tmp_path / "c.jsonl", {"text": None}, {"text": "Keep it."}, {"body": 1})
    assert load(tmp_path) == [("c.jsonl:2", "Keep it.")]
    assert [record.getMessage().split(";")[0].removeprefix("skipped: ") for record in caplog.records] == [
        f"{tmp_path}/a.txt is empty",
        f"{tmp_path}/b.csv has no column of articles",
        f"{tmp_path}/c.jsonl, line 1, is empty",
        f"{tmp_path}/c.jsonl, line 3, is empty",
    ]


def test_of_many_bad_stories_the_number_is_said(tmp_path, caplog):
    load(write(tmp_path / "a.jsonl", {"text": "Keep it."}, *[{"text": ""}] * 500))
    messages = [record.getMessage() for record in caplog.records]
    assert len(messages) == 11
    assert messages[-1] == "skipped: 490 more"


def test_rows_without_a_text_do_not_end_a_long_table(tmp_path, monkeypatch):
    monkeypatch.setattr(articles, "_BATCH_ROWS", 2)
    path = write(tmp_path / "a.jsonl", {"text": "One."}, {"x": 1}, {"x": 1}, {"x": 1}, {"text": "Two."})
    assert load(path) == [("a.jsonl:1", "One."), ("a.jsonl:5", "Two.")]


def test_table_is_read_as_its_stories_are_asked_for(tmp_path, monkeypatch):
    monkeypatch.setattr(articles, "_BATCH_ROWS", 2)
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"text": "Keep it."}\n' * 2 + b"\0")
    stories = load_stories(path)
    assert [next(stories).text, next(stories).text] == ["Keep it."] * 2
    with pytest.raises(DataError, match="line 3: has a NUL byte"):
        next(stories)
