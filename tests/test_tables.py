import csv
import io
import json
import re
import sys
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stance.errors import DataError, SchemaError
from stance.tables import MAX_LINE_CHARS, read_tables

KNOWN = ("id", "statement", "target", "stance", "énoncé")


def read(path, batch_size=1000, source=None):
    notes = []
    tables = list(
        read_tables(
            path,
            source or path.name,
            notes,
            is_column=lambda name: name.lower() in KNOWN,
            batch_size=batch_size,
        )
    )
    records = [record for table in tables for record in table.frame.to_dict("records")]
    rows = [row for table in tables for row in table.rows]
    problems = [problem for table in tables for problem in table.problems]
    return records, rows, problems, notes


@pytest.fixture
def write(tmp_path):
    def write(name, content, encoding="utf-8"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return path

    return write


# --- CSV ---


@pytest.mark.parametrize(
    ("name", "content", "note"),
    [
        ("a.csv", "statement,stance\na; b,c\n", None),
        ("a.csv", 'statement;stance\n"a; b";c\n', "cells separated by ';'"),
        ("a.csv", "statement\tstance\na; b\tc\n", r"cells separated by '\t'"),
        ("a.tsv", "statement\tstance\na; b\tc\n", None),
    ],
)
def test_the_delimiter_is_told_by_the_header_and_an_unusual_one_is_said(write, name, content, note):
    records, rows, problems, notes = read(write(name, content))
    assert records == [{"statement": "a; b", "stance": "c"}]
    assert (rows, problems) == ([2], [])
    assert notes == ([note] if note else [])


def test_known_columns_count_for_more_than_many_columns(write):
    path = write("a.csv", "statement;stance;x,y,z,w,v\nIt is over;oppose;1\n")
    assert read(path)[0] == [{"statement": "It is over", "stance": "oppose", "x,y,z,w,v": "1"}]


def test_a_table_of_one_column_may_hold_commas_without_quotes(write):
    records, _, problems, _ = read(write("a.csv", 'statement\nHello, all; you\n"Well, yes"\n""\n\nEnd\n'))
    assert [record["statement"] for record in records] == ["Hello, all; you", "Well, yes", None, "End"]
    assert not problems


def test_rows_are_numbered_by_the_line_they_begin_on(write):
    content = 'statement,stance\n"two\nlines",x\n\n \n"a ""word""",y\r\n,\nlast,z'
    records, rows, problems, _ = read(write("a.csv", content))
    assert [record["statement"] for record in records] == ["two\nlines", 'a "word"', "last"]
    assert rows == [2, 6, 8]
    assert not problems


def test_a_header_may_span_lines_and_be_quoted(write):
    records, rows, _, _ = read(write("a.csv", '"Statement\n(as spoken)";"stance"\n"x;\ny";"z"\n'))
    assert records == [{"Statement\n(as spoken)": "x;\ny", "stance": "z"}]
    assert rows == [3]


def test_rows_that_do_not_fit_the_header_are_all_reported(write):
    path = write("a.csv", "statement,stance\na\nb,c\nd,e,f\ng,h,,\n")
    records, rows, problems, _ = read(path)
    assert [record["statement"] for record in records] == ["b", "g"]
    assert rows == [3, 5]
    assert problems == [
        (2, "row", "does not fit the header: 1 cells for 2 columns"),
        (4, "row", "does not fit the header: 3 cells for 2 columns"),
    ]


def test_a_quotation_mark_never_closed_is_reported_where_it_opens(write):
    path = write("a.csv", 'statement,stance\n"a, b",c\n"d,e\n"f, g",h\n"i",j\nk,"l\n')
    _, rows, problems, _ = read(path)
    assert rows[0] == 2
    assert problems[0].row == 3
    assert problems[-1].fault == "opens a quotation mark and never closes it"


def test_quotation_marks_of_a_table_without_quoting_are_text(write):
    path = write("a.tsv", 'id\tstatement\n1\t"It is over" - me\n2\t"Unclosed\n3\tPlain\n4\tEnd "\n')
    records, _, problems, notes = read(path)
    assert [record["statement"] for record in records] == ['"It is over" - me', '"Unclosed', "Plain", 'End "']
    assert not problems
    assert notes == ["quotation marks read as text"]


def test_one_bad_quotation_mark_does_not_make_the_others_text(write):
    path = write("a.csv", 'id,statement\n1,"A" b\n2,"C"\n3,"D"\n')
    records, _, problems, notes = read(path)
    assert [record["statement"] for record in records] == ["C", "D"]
    assert [problem.row for problem in problems] == [2]
    assert not notes


def test_a_quoted_cell_longer_than_the_part_looked_at_is_read(write):
    path = write("a.csv", "statement,stance\n" + '"a, b",c\n' * 3 + '"' + "x\n" * 600_000 + '",d\ne,f\n')
    records, rows, problems, notes = read(path)
    assert (len(records), rows[-1], problems, notes) == (5, 600_006, [], [])


def test_columns_without_a_name_are_left_out_and_it_is_said(write):
    frame = pd.DataFrame({"statement": ["a"], "stance": ["b"]})
    records, _, _, notes = read(write("a.csv", frame.to_csv()))
    assert records == [{"statement": "a", "stance": "b"}]
    assert notes == ["columns without a name left out"]


def test_a_column_that_is_there_twice_is_refused(write):
    with pytest.raises(SchemaError, match=r"a\.csv has the columns \['statement'\] more than once"):
        read(write("a.csv", "statement,stance, statement\na,b,c\n"))


@pytest.mark.parametrize(
    ("content", "message"),
    [("\n\n", "the header of a.csv is missing"), ('"statement,x\n', "the header .* opens a quotation mark")],
)
def test_a_table_needs_a_header(write, content, message):
    with pytest.raises(DataError, match=message):
        read(write("a.csv", content))


def test_a_header_alone_is_a_table_without_rows(write):
    (table,) = read_tables(write("a.csv", "statement,x\n"), "a.csv", [], is_column=KNOWN.__contains__)
    assert list(table.frame.columns) == ["statement", "x"]
    assert table.frame.empty


def test_the_limit_of_the_csv_module_is_put_back(write):
    before = csv.field_size_limit()
    path = write("a.csv", f"statement,x\n{'y' * (before + 1)},z\nend,z\n")
    tables = read_tables(path, "a.csv", [], is_column=KNOWN.__contains__, batch_size=1)
    assert len(next(tables).frame["statement"][0]) == before + 1
    assert csv.field_size_limit() == before  # also while reading is under way
    tables.close()


def test_a_cell_that_swallows_the_file_is_refused(write, monkeypatch):
    monkeypatch.setattr("stance.tables.MAX_LINE_CHARS", 1000)
    path = write("a.csv", 'statement,x\na,b\n"c,d\n' + "e,f\n" * 500)
    with pytest.raises(DataError, match=r"a\.csv, line 3: a quotation mark is opened and never closed"):
        read(path)


# --- encodings and lines ---

FRENCH = "statement,x\nIl a été « assumé\xa0», voilà\xa0! L’État,café\n"


@pytest.mark.parametrize(
    ("encoding", "note"),
    [
        ("utf-8", None),
        ("utf-8-sig", None),
        ("utf-16", "read as utf-16"),
        ("cp1252", "read as cp1252"),
    ],
)
@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.txt"])
def test_text_is_the_same_in_every_encoding(write, name, encoding, note):
    text = "Il a été «\xa0assumé\xa0» — voilà\xa0! L’État, pour 10\xa0€"
    content = {
        "a.csv": f'statement,x\n"{text}",b\n',
        "a.jsonl": f'{{"statement": "{text}"}}\n',
        "a.txt": text,
    }
    records, _, problems, notes = read(write(name, content[name], encoding))
    assert records[0]["statement"] == text
    assert not problems
    assert notes == ([note] if note else [])


def test_emoji_and_right_to_left_text_survive(write):
    text = "الاتفاق انتهى 👩‍👩‍👧 ‏שלום\u202e"
    assert read(write("a.csv", f"statement,x\n{text},y\n"))[0][0]["statement"] == text


@pytest.mark.parametrize("other", ["déjà", "l’accord", "c'est fini 😀", "договор", "協定書"])
def test_mixed_encodings_are_refused_with_the_first_line_at_fault(write, other):
    content = b"statement,x\n" + other.encode() + b",y\nz,y\n" + "été,y\n".encode("cp1252") * 2
    with pytest.raises(DataError, match=r"a\.csv mixes encodings: line 4 is not UTF-8"):
        read(write("a.csv", content))
    lines = content.splitlines(keepends=True)
    with pytest.raises(DataError, match=r"mixes encodings: line 2 is not UTF-8"):
        read(write("a.csv", b"".join([lines[0], *lines[:0:-1]])))


def test_bytes_of_no_known_encoding_are_refused_with_their_line(write):
    with pytest.raises(DataError, match=r"a\.csv, line 3: neither UTF-8 nor cp1252"):
        read(write("a.csv", b"statement,x\na,b\n\x81\x8d,c\n"))


def test_a_cut_file_in_utf_16_is_refused(write):
    with pytest.raises(DataError, match=r"cannot read a\.csv: it is not the utf-16"):
        read(write("a.csv", FRENCH.encode("utf-16")[:-1]))


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.json", "a.txt"])
def test_a_nul_byte_is_refused_with_its_line(write, name):
    with pytest.raises(DataError, match=rf"{name}, line 2: has a NUL byte"):
        read(write(name, '{"statement": "a"}\n{"statement": "\0"}\n'))


def test_utf_16_without_its_mark_is_refused_as_nul_bytes(write):
    with pytest.raises(DataError, match="line 1: has a NUL byte"):
        read(write("a.csv", "statement,x\n".encode("utf-16-le")))


def test_a_line_of_ten_megabytes_is_read_and_an_endless_one_refused(write, monkeypatch):
    line = json.dumps({"statement": "x" * 10_000_000})
    path = write("a.jsonl", line + "\n")
    assert len(read(path)[0][0]["statement"]) == 10_000_000
    assert MAX_LINE_CHARS > 10_000_000
    monkeypatch.setattr("stance.tables.MAX_LINE_CHARS", 1_000_000)
    with pytest.raises(DataError, match=r"a\.jsonl, line 1: longer than 1,000,000 characters"):
        read(path)


def test_huge_lines_make_small_batches(write, monkeypatch):
    monkeypatch.setattr("stance.tables._BATCH_CHARS", 1000)
    path = write("a.txt", ("x" * 600 + "\n") * 4 + "y\n")
    tables = read_tables(path, "a.txt", [], is_column=KNOWN.__contains__)
    assert [list(table.rows) for table in tables] == [[1, 2], [3, 4], [5]]


def test_batches_are_as_long_as_asked_and_the_last_may_be_shorter(write):
    path = write("a.txt", "a\nb\nc\nd\n")
    for size, lengths in [(1, [1] * 4), (2, [2, 2]), (3, [3, 1]), (9, [4])]:
        tables = read_tables(path, "a.txt", [], is_column=KNOWN.__contains__, batch_size=size)
        assert [len(table.frame) for table in tables] == lengths


# --- JSON ---


def test_lines_that_are_no_whole_object_are_all_reported(write):
    lines = [
        '{"statement": "a", "id": 1}',
        '{"statement": "b", "i',
        "[1, 2]",
        "",
        '{"statement": "c", "statement": "d"}',
        '{"n": ' + "1" * 5000 + "}",
        "[" * 200_000,
        '{"statement": "e", "id": 123456789012345678901234567890}',
    ]
    records, rows, problems, _ = read(write("a.jsonl", "\r\n".join(lines)))
    assert [record["id"] for record in records] == [1, 123456789012345678901234567890]
    assert rows == [1, 8]
    assert [problem.row for problem in problems] == [2, 3, 5, 6, 7]
    assert problems[0].fault == "is not a whole JSON object: Unterminated string starting at character 20"
    assert problems[1].fault == "is not a JSON object: list"
    assert problems[2].fault == "cannot be read: it has ['statement'] more than once"


def test_whole_numbers_stay_whole_beside_rows_that_lack_them(write):
    records, *_ = read(write("a.ndjson", '{"id": 1, "statement": "a"}\n{"statement": "b"}\n'))
    assert repr(records[0]["id"]) == "1"


@pytest.mark.parametrize("content", ['[{"statement": "a"}, 3]', '\n [\n{"statement": "a"},\n3]'])
def test_a_json_list_is_read_by_items(write, content):
    records, rows, problems, _ = read(write("a.json", content))
    assert records == [{"statement": "a"}]
    assert rows == [1]
    assert problems == [(2, "row", "is not a JSON object: int")]


def test_a_json_file_may_hold_json_lines(write):
    assert read(write("a.json", '{"statement": "a"}\n{"statement": "b"}\n'))[1] == [1, 2]


def test_half_a_json_list_is_refused(write):
    with pytest.raises(DataError, match=r"a\.json is not a whole JSON list of objects"):
        read(write("a.json", '[{"statement": "a"},'))


# --- Parquet, standard input, no file ---


def test_parquet_is_read_in_batches_without_turning_numbers_into_floats(tmp_path):
    frame = pd.DataFrame({"id": pd.array([2**60 + 1, None, 3], dtype="Int64"), "statement": ["a", None, "c"]})
    frame.to_parquet(tmp_path / "a.parquet")
    records, rows, _, _ = read(tmp_path / "a.parquet", batch_size=2)
    assert records[0]["id"] == 2**60 + 1
    assert rows == [1, 2, 3]


def test_parquet_without_rows_keeps_its_columns(tmp_path):
    pd.DataFrame({"statement": pd.Series([], dtype=str)}).to_parquet(tmp_path / "a.parquet")
    (table,) = read_tables(tmp_path / "a.parquet", "a.parquet", [], is_column=KNOWN.__contains__)
    assert list(table.frame.columns) == ["statement"]


def test_a_broken_parquet_file_is_refused_on_one_line(write):
    with pytest.raises(DataError, match=r"^a\.parquet is not a whole Parquet file: [^\n]*$"):
        read(write("a.parquet", b"PAR1 and no more"))


class Stdin(io.TextIOWrapper):
    def __init__(self, content):
        super().__init__(io.BytesIO(content), encoding="ascii")


@pytest.mark.parametrize(
    ("content", "statements"),
    [
        ("\ufeffIl a été\n\nKeep it, all.".encode(), ["Il a été", "", "Keep it, all."]),
        (b'{"statement": "a"}\n{"statement": "b"}', ["a", "b"]),
        (b"", []),
    ],
)
def test_standard_input_is_lines_of_text_or_json_in_utf_8(monkeypatch, content, statements):
    monkeypatch.setattr(sys, "stdin", Stdin(content))
    records, *_ = read(Path("-"), source="-")
    assert [record["statement"] for record in records] == statements
    assert not sys.stdin.closed


def test_standard_input_in_another_encoding_is_refused_with_its_line(monkeypatch):
    monkeypatch.setattr(sys, "stdin", Stdin(b"a\nb\nIl a \xe9t\xe9\n"))
    with pytest.raises(DataError, match="-, line 3: is not UTF-8"):
        read(Path("-"), source="-")


def test_standard_input_may_be_replaced_by_any_text_stream(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("a\nb\n"))
    assert [record["statement"] for record in read(Path("-"), source="-")[0]] == ["a", "b"]


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.parquet", "a.txt"])
def test_an_empty_file_is_refused(write, name):
    with pytest.raises(DataError, match=f"{name} is empty"):
        read(write(name, ""))


def test_an_unknown_suffix_is_refused_with_those_that_are_known(write):
    with pytest.raises(DataError, match=r"cannot tell the format of a\.xlsx .*\.csv, .*\.parquet"):
        read(write("a.xlsx", "x"))


def test_a_file_that_cannot_be_opened_is_refused(write, monkeypatch):
    path = write("a.csv", "statement\n")

    def deny(*args, **options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(path), "open", deny)
    with pytest.raises(DataError, match=r"cannot read a\.csv: Permission denied"):
        read(path)


cells = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


@settings(deadline=None)
@given(
    rows=st.lists(st.tuples(cells, cells), min_size=1),
    delimiter=st.sampled_from(",;\t"),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    batch_size=st.integers(1, 4),
)
def test_what_csv_writes_is_read_back(tmp_path_factory, rows, delimiter, encoding, batch_size):
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.writer(file, delimiter=delimiter, quoting=csv.QUOTE_ALL)
        writer.writerows([("statement", "stance"), *rows])
    records, _, problems, notes = read(path, batch_size)
    kept = [tuple(cell or None for cell in row) for row in rows if any(cell.strip() for cell in row)]
    assert [tuple(record.values()) for record in records] == kept
    assert not problems
    assert not [note for note in notes if re.search("quotation|name", note)]
