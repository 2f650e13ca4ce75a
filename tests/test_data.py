import csv
import json
import logging
from pathlib import Path

import datasets
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stance.data import SHIPPED, load_statements, read_batches, shipped_files, to_dataset_dict
from stance.errors import DataError, SchemaError
from stance.schema import COLUMNS, LABELS, BadRowsError

ROWS = [
    {"statement": "It is over.", "target": "le-touquet", "stance": "oppose"},
    {"statement": "Keep it.", "target": "ceta", "stance": "support"},
]


@pytest.fixture
def write(tmp_path):
    def write(name, content):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
        return path

    return write


def assumptions(source, **options):
    return load_statements(source, **options).attrs["assumptions"]


# --- sources ---


class Foreign:  # a frame of another library, such as polars
    def to_pandas(self):
        return pd.DataFrame(ROWS)


@pytest.mark.parametrize(
    "source",
    [
        ROWS,
        tuple(ROWS),
        (row for row in ROWS),
        pd.DataFrame(ROWS, index=[7, 7]),
        Foreign(),
        datasets.Dataset.from_list(ROWS),
        datasets.Dataset.from_list(ROWS[::-1]).select([1, 0]),
    ],
    ids=["list", "tuple", "generator", "frame", "foreign", "dataset", "selection"],
)
def test_whatever_the_source_the_frame_is_the_same(source):
    frame = load_statements(source)
    assert frame.to_dict("records") == ROWS
    assert list(frame.index) == [0, 1]
    assert frame.attrs == {"assumptions": []}


def test_the_source_is_not_changed():
    frame = pd.DataFrame({"text": ["a"], "label": ["FAVOR"], "target": [None]})
    before = frame.copy(deep=True)
    load_statements(frame, target="ceta")
    pd.testing.assert_frame_equal(frame, before)


def test_class_numbers_of_a_dataset_are_read_by_their_names():
    features = datasets.Features(
        {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["none", "against", "favor"])}
    )
    dataset = datasets.Dataset.from_dict({"text": ["a", "b", "c"], "label": [2, 1, 0]}, features=features)
    assert load_statements(dataset, target="ceta")["stance"].tolist() == ["support", "oppose", "neutral"]
    held_back = datasets.Dataset.from_dict({"text": ["a"], "label": [-1]}, features=features)
    assert load_statements(held_back, require_stance=False)["stance"].tolist() == [None]


def test_splits_are_put_together_and_named():
    splits = datasets.DatasetDict(train=datasets.Dataset.from_list(ROWS), test=datasets.Dataset.from_list(ROWS[:1]))
    assert load_statements(splits)["split"].tolist() == ["train", "train", "test"]


def test_bad_rows_of_splits_are_called_by_split():
    rows = [{**ROWS[0], "stance": "x"}]
    splits = datasets.DatasetDict(train=datasets.Dataset.from_list(ROWS), test=datasets.Dataset.from_list(rows))
    with pytest.raises(BadRowsError, match="test:1: stance is unknown: 'x'"):
        load_statements(splits)


@pytest.mark.parametrize("source", [3, None, {}, {"statement": "x"}, ["It is over."], [ROWS[0], "x"]])
def test_what_cannot_be_loaded_is_refused_with_what_can(source):
    with pytest.raises(DataError, match=f"cannot load statements from {type(source).__name__}; expected a path"):
        load_statements(source)


def test_a_folder_is_read_with_all_its_tables_in_order(write, tmp_path):
    pd.DataFrame([{**ROWS[0], "id": "3", "hard": True}]).to_parquet(write("sub/c.parquet", ""))
    write("b.csv", "text;label;target\nFirst;for;ceta\n")
    write("sub/B.JSONL", json.dumps({**ROWS[1], "id": 2}))
    for name in ("README.md", "targets.toml", "notes.txt", ".cache/x.csv", ".hidden.csv"):
        write(name, "not a table")
    frame = load_statements(tmp_path)
    assert frame["statement"].tolist() == ["First", "Keep it.", "It is over."]
    assert frame["id"].tolist() == [None, "2", "3"]
    assert frame["hard"].tolist() == [pd.NA, pd.NA, True]
    assert list(frame.columns) == ["id", "statement", "target", "stance", "hard"]


def test_bad_rows_of_a_folder_are_reported_at_once_by_file_and_line(write, tmp_path):
    write("a.csv", "statement,target,stance\na,ceta,support\nb,ceta,x\n")
    write("b/c.jsonl", '{"statement": \n' + json.dumps({**ROWS[0], "target": None}))
    with pytest.raises(BadRowsError) as caught:
        load_statements(tmp_path)
    assert {problem[:2] for problem in caught.value.problems} == {
        ("a.csv:3", "stance"),
        (f"{Path('b/c.jsonl')}:1", "row"),
        (f"{Path('b/c.jsonl')}:2", "target"),
    }


def test_a_file_of_a_folder_that_lacks_a_column_is_named(write, tmp_path):
    write("a.csv", "statement,target,stance\na,ceta,support\n")
    write("b.csv", "statement,stance\na,support\n")
    with pytest.raises(SchemaError, match=r"missing columns \['target'\] in b\.csv.*or give one target for all"):
        load_statements(tmp_path)


CARD = """---
license: cc-by-4.0
configs:
- config_name: rest
  data_files: b.csv
- config_name: main
  default: true
  data_files: {files}
---
# A card
"""


@pytest.mark.parametrize(
    "files",
    ["a/*.csv", "[a/one.csv, a/two.csv]", "[{split: train, path: a/one.csv}, {split: test, path: [a/two.csv]}]"],
)
def test_a_folder_with_a_dataset_card_is_read_by_its_default_configuration(files, write, tmp_path):
    for name in ("a/one.csv", "a/two.csv", "b.csv"):
        write(name, f"statement,target,stance\nFrom {name}.,t,oppose\n")
    write("README.md", CARD.format(files=files))

    assert load_statements(tmp_path)["statement"].tolist() == ["From a/one.csv.", "From a/two.csv."]


CONFIG = "---\nconfigs:\n{configs}\n---\n"


@pytest.mark.parametrize(
    "configs",
    [
        "- {config_name: any, data_files: a/*.csv}",  # the only one
        "- {config_name: b, data_files: b.csv}\n- {config_name: default, data_files: a/one.csv}",
        "- {config_name: any, data_dir: a}",
    ],
)
def test_the_default_configuration_is_found_as_on_the_hub(configs, write, tmp_path):
    for name in ("a/one.csv", "b.csv"):
        write(name, f"statement,target,stance\nFrom {name}.,t,oppose\n")
    write("README.md", CONFIG.format(configs=configs))

    assert load_statements(tmp_path)["statement"].tolist() == ["From a/one.csv."]


@pytest.mark.parametrize(
    "card",
    [
        "# No card\n",
        "---\nA rule above the text.\n",
        "---\nlicense: mit\n---\n",
        "---\nconfigs:\n---\n",
        "---\nconfigs:\n- config_name: a\n---\n",
        CONFIG.format(configs="- {config_name: b, data_files: b.csv}\n- {config_name: c, data_files: c.csv}"),
    ],
)
def test_a_readme_that_names_no_default_leaves_the_folder_as_it_is(card, write, tmp_path):
    write("a.csv", "statement,target,stance\nKeep it.,t,support\n")
    write("README.md", card)

    assert len(load_statements(tmp_path)) == 1


@pytest.mark.parametrize(
    "files", ["{", "[{split: train}]", "7", "/etc/*.csv", "../*.csv", "https://a.b/c.csv", "'**/x/**/*.csv'"]
)
def test_a_card_that_cannot_be_read_is_named(files, write, tmp_path):
    write("a.csv", "statement,target,stance\nKeep it.,t,support\n")
    write("README.md", CARD.format(files=files))

    with pytest.raises(DataError, match=r"cannot read the dataset card .*README\.md"):
        load_statements(tmp_path)


@pytest.mark.parametrize("files", ["b.csv", "a.txt", "c/*.csv"])
def test_a_card_whose_files_are_not_there_is_not_passed_over(files, write, tmp_path):
    write("a.csv", "statement,target,stance\nNever train on me.,t,support\n")
    write("a.txt", "Keep it.")
    write("README.md", CONFIG.format(configs=f"- {{config_name: any, data_files: {files}}}"))

    with pytest.raises(DataError, match="there are no such tables beside it"):
        load_statements(tmp_path)


@pytest.mark.parametrize(
    "header", ["a: &a [1]\nb: [*a, *a]\n", "license: mit\n" * 6000], ids=["aliases that multiply", "without an end"]
)
def test_a_card_that_would_cost_much_to_read_is_refused(header, write, tmp_path):
    write("README.md", f"---\n{header}---\n")

    with pytest.raises(DataError, match="its header has aliases, or no end"):
        load_statements(tmp_path)


def test_a_snapshot_of_the_hub_whose_files_are_links_is_read(write, tmp_path):
    blob = write("blobs/1f", "statement,target,stance\nKeep it.,t,support\n")
    write("snapshot/README.md", CONFIG.format(configs="- {config_name: any, data_files: a.csv}"))
    (tmp_path / "snapshot" / "a.csv").symlink_to(blob)

    assert load_statements(tmp_path / "snapshot")["statement"].tolist() == ["Keep it."]


@pytest.mark.parametrize("name", SHIPPED)
def test_what_is_shipped_is_loaded_by_its_name(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lines = sum(len(file.read_text(encoding="utf-8").splitlines()) for file in shipped_files(name))

    assert len(load_statements(name)) == lines > 0


def test_a_file_of_that_name_goes_before_what_is_shipped(write, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write("agreements/a.csv", "statement,target,stance\nKeep it.,t,support\n")

    assert len(load_statements("agreements")) == 1


def test_a_dataset_dict_has_class_labels_and_gives_the_same_rows_back():
    rows = [
        {**ROWS[0], "label_2": "neutral", "hard": True, "split_time": "test", "phenomenon": "irony"},
        {**ROWS[1], "label_2": None, "hard": None, "split_time": "train", "phenomenon": None},
        {**ROWS[1], "statement": "Wait.", "split_time": None},
    ]
    frame = load_statements(rows)
    parts = to_dataset_dict(frame, "split_time")

    assert set(parts) == {"train", "test"}
    assert parts["test"].features["stance"].names == list(LABELS)
    assert parts["test"][0]["stance"] == LABELS.index("oppose")
    assert parts["test"][0]["label_2"] == LABELS.index("neutral")
    assert parts["train"][0]["label_2"] is None
    assert parts["test"][0]["phenomenon"] == "irony"
    again = load_statements(to_dataset_dict(frame))
    known = [column for column in frame.columns if column in COLUMNS]
    pd.testing.assert_frame_equal(again[known], frame[known], check_dtype=False)


def test_a_dataset_dict_needs_the_column_to_split_by():
    with pytest.raises(SchemaError, match="no column 'split_time' to split by"):
        to_dataset_dict(load_statements(ROWS), "split_time")


def test_a_folder_without_tables_is_refused(write, tmp_path):
    write("README.md", "nothing")
    with pytest.raises(DataError, match=r"no tables in .*; expected files that end in \.csv"):
        load_statements(tmp_path)


@pytest.mark.parametrize("source", ["no.csv", "no/such.csv", Path("owner/name"), "a/b/c", "It is over."])
def test_a_path_that_does_not_exist_is_refused_without_asking_the_hub(source, monkeypatch):
    monkeypatch.setattr(datasets, "load_dataset", lambda name: pytest.fail("asked the hub"))
    with pytest.raises(DataError, match="there is no file or folder"):
        load_statements(source)


def test_a_path_that_cannot_be_one_is_refused():
    with pytest.raises(DataError, match=r"cannot read .*: File name too long"):
        load_statements("x" * 5000)


def test_a_hub_id_is_loaded_where_there_is_no_such_path(monkeypatch):
    asked = []

    def load_dataset(name):
        asked.append(name)
        return datasets.DatasetDict(train=datasets.Dataset.from_list(ROWS))

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    assert load_statements("owner/name-1.0")["split"].tolist() == ["train", "train"]
    assert asked == ["owner/name-1.0"]


def test_a_hub_that_cannot_be_reached_is_said_on_one_line(monkeypatch):
    def load_dataset(name):
        raise ConnectionError("no\nroute")

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    with pytest.raises(DataError, match=r"no file or folder 'owner/name', and .* hub \(no route\); check the name"):
        load_statements("owner/name")


# --- columns ---


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("text", "statement"),
        ("Énoncé", "statement"),
        ("DÉCLARATION", "statement"),
        (" Statement ", "statement"),
        ("topic", "target"),
        ("Sujet", "target"),
        ("Label", "stance"),
        ("étiquette", "stance"),
        ("Tweet_ID", "id"),
        ("langue", "lang"),
        ("auteur", "speaker"),
        ("Political Party", "party"),
        ("année", "date"),
        ("Label 2", "label_2"),
    ],
)
def test_columns_are_recognised_by_their_usual_names(theirs, ours):
    row = {**ROWS[0]}
    row[theirs] = row.pop(ours, "x")
    frame = load_statements([row])
    assert frame.loc[0, ours] == ROWS[0].get(ours, "x")
    assert frame.attrs["assumptions"] == [f"column {theirs!r} read as {ours}"]


def test_the_exact_name_wins_and_the_other_column_is_kept():
    frame = load_statements([{**ROWS[0], "text": "other", "Statement": "third"}])
    assert frame.loc[0, ["statement", "text", "Statement"]].tolist() == ["It is over.", "other", "third"]


def test_our_name_in_another_spelling_wins_over_a_synonym():
    frame = load_statements([{"text": "other", "STATEMENT": "a", "target": "ceta", "stance": "support"}])
    assert frame.loc[0, ["statement", "text"]].tolist() == ["a", "other"]


def test_two_columns_for_one_name_are_refused_with_the_way_out():
    rows = [{"text": "a", "quote": "b", "target": "ceta", "stance": "support"}]
    with pytest.raises(SchemaError, match=r"\['text', 'quote'\] .* the statement; .*columns=\{'text': 'statement'\}"):
        load_statements(rows)
    frame = load_statements(rows, columns={"quote": "statement"})
    assert frame.loc[0, ["statement", "text"]].tolist() == ["b", "a"]


def test_a_column_named_by_the_caller_takes_the_place_of_ours():
    frame = load_statements([{**ROWS[0], "expert": "support"}], columns={"expert": "stance"})
    assert frame.to_dict("records") == [{**ROWS[0], "stance": "support"}]
    assert "column 'stance' left out: another was named in its place" in frame.attrs["assumptions"]


def test_columns_may_be_exchanged():
    frame = load_statements(
        [{"statement": "ceta", "target": "Keep it.", "stance": "support"}],
        columns={"statement": "target", "target": "statement"},
    )
    assert frame.to_dict("records") == [ROWS[1]]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"absent": "stance"}, r"has no columns \['absent'\] to rename; it has \['statement'"),
        ({"stance": "opinion"}, "columns can be read as each of"),
        ({"stance": "target", "statement": "target"}, "columns can be read as each of"),
    ],
)
def test_columns_that_make_no_sense_are_refused(columns, message):
    with pytest.raises(SchemaError, match=message):
        load_statements(ROWS, columns=columns)


def test_a_column_named_by_the_caller_tells_the_delimiter(write):
    path = write("a.csv", "What they said, in full;Side, if any\nIt is over;against\n")
    columns = {"What they said, in full": "statement", "Side, if any": "stance"}
    assert load_statements(path, columns=columns, target="ceta")["stance"].tolist() == ["oppose"]


def test_a_column_that_is_there_twice_is_refused():
    frame = pd.DataFrame([["a", "b"]], columns=["stance", "stance"])
    with pytest.raises(SchemaError, match=r"the table has the columns \['stance'\] more than once"):
        load_statements(frame)


def test_names_that_are_no_text_are_left_alone():
    frame = load_statements(pd.DataFrame(ROWS).assign(**{"extra": 1}).rename(columns={"extra": 5}))
    assert list(frame.columns) == ["statement", "target", "stance", 5]


# --- labels ---


@pytest.mark.parametrize(
    ("label", "words"),
    [
        ("support", "FAVOR Favour in_favor pro for supports AGREE pour soutien favorable"),
        ("oppose", "AGAINST con contra opposes disagree Contre opposition défavorable DÉFAVORABLE s'oppose"),
        ("neutral", "NONE none Neutre neither Neutral"),
    ],
)
def test_label_words_are_recognised_and_said(label, words):
    for word in words.split():
        frame = load_statements([{**ROWS[0], "stance": f" {word} "}])
        assert frame["stance"].tolist() == [label]
        assert frame.attrs["assumptions"] == [f"stance {word!r} read as {label}"]


@pytest.mark.parametrize("numbers", [[1, -1, 0], ["1", "-1", "0"], [1.0, -1.0, 0.0], ["1.0", "-1.0", "+0"]])
def test_one_minus_one_and_zero_are_labels(numbers):
    rows = [{"text": "a", "target": "ceta", "label": number} for number in numbers]
    assert load_statements(rows)["stance"].tolist() == ["support", "oppose", "neutral"]
    frame = pd.DataFrame(rows).assign(label=pd.array(numbers))
    assert load_statements(frame)["stance"].tolist() == ["support", "oppose", "neutral"]


@pytest.mark.parametrize("numbers", [[0, 1, 2], [0, 1], [1], ["0", "1", "2"], [-1, 0, 2]])
def test_numbers_that_may_mean_anything_are_refused(numbers):
    rows = [{"text": "a", "target": "ceta", "label": number} for number in numbers]
    with pytest.raises(SchemaError, match=r"numbers, which may mean anything: \[.*expected support, oppose"):
        load_statements(rows)


@pytest.mark.parametrize("word", ["comment", "discuss", "unrelated", "yes", "suport", "2", ["support"]])
def test_other_labels_are_bad_rows(word):
    with pytest.raises(BadRowsError) as caught:
        load_statements([ROWS[0], {**ROWS[1], "stance": word}, {**ROWS[1], "stance": None}])
    assert [problem[:2] for problem in caught.value.problems] == [(2, "stance"), (3, "stance")]


def test_a_missing_label_is_not_the_word_none():
    rows = [{**ROWS[0], "stance": label} for label in ("None", None, np.nan, "nan")]
    with pytest.raises(BadRowsError) as caught:
        load_statements(rows)
    assert [problem.row for problem in caught.value.problems] == [2, 3, 4]


def test_without_labels_a_row_may_lack_one_but_not_have_a_wrong_one():
    rows = [{"statement": "a", "label": "FAVOR"}, {"statement": ""}]
    assert load_statements(rows, require_stance=False)["stance"].tolist() == ["support", None]
    with pytest.raises(BadRowsError, match="'suport'"):
        load_statements([{"statement": "a", "label": "suport"}], require_stance=False)


# --- targets, rows, what is said ---


@pytest.mark.parametrize("targets", [{}, {"target": None}, {"target": " "}, {"topic": np.nan}])
def test_the_target_is_given_to_rows_without_one(targets):
    frame = load_statements([{"statement": "a", "stance": "support", **targets}], target="ceta")
    assert frame["target"].tolist() == ["ceta"]
    assert frame.attrs["assumptions"][-1] == "target 'ceta' given to rows without one"


def test_a_target_that_is_there_is_kept():
    frame = load_statements([*ROWS, {**ROWS[0], "target": None}], target="tpp")
    assert frame["target"].tolist() == ["le-touquet", "ceta", "tpp"]
    assert assumptions(ROWS, target="tpp") == []


def test_a_table_without_a_target_needs_one():
    with pytest.raises(SchemaError, match=r"missing columns \['target'\].*target="):
        load_statements([{"statement": "a", "stance": "support"}])


@pytest.mark.parametrize("source", [[], pd.DataFrame(ROWS).head(0)])
def test_a_table_without_rows_is_refused(source):
    with pytest.raises(SchemaError, match="the table has no rows"):
        load_statements(source)


def test_a_file_without_rows_is_refused(write):
    with pytest.raises(SchemaError, match=r"a\.csv has no rows"):
        load_statements(write("a.csv", "statement,target,stance\n"))


def test_faults_of_reading_and_of_content_are_reported_together_in_order(write):
    path = write("a.csv", "text,label,target\na,x,ceta\nb,for\n\nc,for,\n" + "d" * 10_000_000 + ",for,ceta\n")
    with pytest.raises(
        BadRowsError, match=r"a\.csv has 4 bad rows .*: line 2: stance .*; line 3: row does not"
    ) as caught:
        load_statements(path)
    assert [problem[:2] for problem in caught.value.problems] == [
        (2, "stance"),
        (3, "row"),
        (5, "target"),
        (6, "statement"),
    ]
    assert len(str(caught.value)) < 1000


def test_a_file_without_one_readable_row_reports_its_rows(write):
    with pytest.raises(BadRowsError, match="line 2: row is not a whole JSON object"):
        load_statements(write("a.jsonl", '{"statement": \n{"statement": '))


def test_what_was_assumed_is_logged_and_kept_once(write, caplog):
    path = write("a.csv", "Texte;Étiquette\nNon;contre\nOui;pour\nNon;contre\n")
    with caplog.at_level(logging.INFO, logger="stance"):
        said = assumptions(path, target="ceta")
    assert said == [
        "cells separated by ';'",
        "column 'Texte' read as statement",
        "column 'Étiquette' read as stance",
        "stance 'contre' read as oppose",
        "stance 'pour' read as support",
        "target 'ceta' given to rows without one",
    ]
    assert [record.getMessage() for record in caplog.records] == [f"{path}: {note}" for note in said]


# --- streaming ---


def test_batches_are_the_rows_of_the_file_with_one_index(write):
    path = write("a.csv", "id,text,author\n" + "".join(f"{i},statement {i},x\n" for i in range(7)))
    batches = list(read_batches(path, batch_size=3, target="ceta"))
    assert [list(batch.index) for batch in batches] == [[0, 1, 2], [3, 4, 5], [6]]
    whole = load_statements(path, target="ceta", require_stance=False)
    pd.testing.assert_frame_equal(pd.concat(batches), whole, check_index_type=False)
    assert batches[0].attrs == whole.attrs


def test_a_bad_row_is_met_after_the_batches_before_it(write):
    path = write("a.jsonl", '{"text": "a"}\n' * 5 + '{"text": \n')
    batches = read_batches(path, batch_size=2)
    assert [len(next(batches)), len(next(batches))] == [2, 2]
    with pytest.raises(BadRowsError, match=r"a\.jsonl has 1 bad row .*line 6: row is not a whole JSON object"):
        next(batches)


def test_a_batch_without_the_statement_is_refused(write):
    with pytest.raises(SchemaError, match=r"missing columns \['statement'\] in .*a\.csv.*found \['what'\]"):
        list(read_batches(write("a.csv", "what\na\n")))
    (batch,) = read_batches(write("a.csv", "what\na\n"), columns={"what": "statement"})
    assert batch["statement"].tolist() == ["a"]


def test_what_is_to_be_scored_needs_no_stance_and_no_text(write):
    path = write("a.csv", "statement,stance,label\na,FAVOR,sports\n,2,x\nb,maybe,x\n")
    (batch,) = read_batches(path)
    assert batch["statement"].tolist() == ["a", "", "b"]
    assert batch["stance"].tolist() == ["support", None, None]
    assert batch["label"].tolist() == ["sports", "x", "x"]
    assert batch.attrs["assumptions"] == [
        "stance 'FAVOR' read as support",
        "stances that are not recognised left out",
    ]


def test_a_header_without_rows_gives_no_batches(write):
    assert list(read_batches(write("a.csv", "text\n"))) == []
    assert list(read_batches(write("a.jsonl", "\n"))) == []


# --- laws ---

text = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)
filled = text.filter(str.strip)
stripped = filled.map(str.strip)
frames = st.lists(
    st.fixed_dictionaries(
        {
            "id": stripped,
            "statement": filled,
            "target": stripped,
            "stance": st.sampled_from(LABELS),
            "speaker": st.none() | stripped,
            "hard": st.none() | st.booleans(),
        }
    ),
    min_size=1,
    max_size=5,
).map(lambda rows: load_statements(pd.DataFrame(rows, dtype=object)))


@settings(max_examples=20, deadline=None)  # it writes and reads five files, twice
@given(frame=frames)
def test_a_frame_written_and_loaded_is_the_same(frame, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables")
    frame.to_csv(folder / "a.csv", index=False, quoting=csv.QUOTE_ALL)  # else pandas leaves a "\r" bare
    frame.to_csv(folder / "a.tsv", index=False, quoting=csv.QUOTE_ALL, sep="\t")
    frame.to_json(folder / "a.jsonl", orient="records", lines=True)
    frame.to_json(folder / "a.json", orient="records", force_ascii=False)
    frame.to_parquet(folder / "a.parquet")
    for path in sorted(folder.iterdir()):
        loaded = load_statements(path)
        pd.testing.assert_frame_equal(loaded, frame)
        assert set(loaded.columns) <= set(COLUMNS)
        batches = [batch for batch in read_batches(path, batch_size=2)]
        pd.testing.assert_frame_equal(pd.concat(batches), frame, check_index_type=False)
    datasets_frame = load_statements(datasets.Dataset.from_pandas(frame, preserve_index=False))
    pd.testing.assert_frame_equal(datasets_frame, frame)
