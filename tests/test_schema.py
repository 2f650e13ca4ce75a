import datetime
import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stance.errors import SchemaError
from stance.schema import (
    COLUMNS,
    LABELS,
    MAX_STATEMENT_CHARS,
    REQUIRED,
    BadRowsError,
    Problem,
    validate_statements,
)


def table(**changes):
    columns = {
        "statement": ["It is over.", "Keep it.", "We meet on Monday."],
        "target": ["le-touquet"] * 3,
        "stance": ["oppose", "support", "neutral"],
    }
    return pd.DataFrame(columns | changes)


def problems_of(frame, **options):
    with pytest.raises(BadRowsError) as caught:
        validate_statements(frame, **options)
    return caught.value.problems


def test_known_columns_come_first_in_order_and_others_are_kept():
    frame = table(votes=[1, 2, 3], party=["LR", "", None], id=[1, 2, 3])
    checked = validate_statements(frame)
    assert list(checked.columns) == ["id", "statement", "target", "stance", "party", "votes"]
    assert checked["votes"].dtype == "int64"


def test_what_is_missing_or_blank_is_none_and_numbers_and_dates_are_text():
    frame = table(
        id=[1.0, np.nan, 2.5],
        party=["LR", " ", pd.NA],
        date=[datetime.date(2016, 6, 29), pd.Timestamp("2018-01-16"), 2003],
    )
    checked = validate_statements(frame)
    assert checked["id"].tolist() == ["1", None, "2.5"]
    assert checked["party"].tolist() == ["LR", None, None]
    assert checked["date"].tolist() == ["2016-06-29", "2018-01-16", "2003"]


def test_numpy_scalars_are_read_as_the_numbers_they_are():
    checked = validate_statements(table(id=pd.Series([np.int64(7), np.float32(8), "x"], dtype=object)))
    assert checked["id"].tolist() == ["7", "8", "x"]


def test_hard_is_a_nullable_boolean():
    checked = validate_statements(table(hard=["TRUE", 0, None]))
    assert checked["hard"].dtype == "boolean"
    assert checked["hard"].tolist() == [True, False, pd.NA]
    assert problems_of(table(hard=["maybe", True, False])) == [Problem(1, "hard", "is neither true nor false: 'maybe'")]


def test_the_input_is_not_changed_and_its_index_and_notes_are_kept():
    frame = table(party=["LR", "", " PS "])
    frame.index = pd.Index(["a", "b", "b"])
    frame.attrs["assumptions"] = ["something"]
    before = frame.copy(deep=True)
    checked = validate_statements(frame)
    pd.testing.assert_frame_equal(frame, before)
    assert list(checked.index) == ["a", "b", "b"]
    assert checked.attrs == {"assumptions": ["something"]}
    assert checked["party"].tolist() == ["LR", None, "PS"]


def test_all_bad_rows_are_reported_at_once_in_the_order_of_the_rows():
    frame = table(
        statement=["It is over.", " \n", ["a", "list"]],
        target=[None, "le-touquet", "le-touquet"],
        stance=["maybe", "support", None],
    )
    assert problems_of(frame) == [
        (1, "target", "is empty"),
        (1, "stance", "is unknown: 'maybe' (expected support, oppose, neutral)"),
        (2, "statement", "is empty"),
        (3, "statement", "is not text: ['a', 'list']"),
        (3, "stance", "is empty"),
    ]


def test_rows_are_called_what_the_caller_calls_them():
    frame = table(stance=["oppose", "x", "y"])
    with pytest.raises(SchemaError, match=r"^my\.csv has 2 bad rows .*line 7: stance.*b\.csv:9: stance"):
        validate_statements(frame, source="my.csv", rows=[2, 7, "b.csv:9"], unit="line")


def test_the_message_counts_every_fault_and_spells_out_twenty():
    frame = pd.concat([table(stance=["x", "oppose", "neutral"])] * 23, ignore_index=True)
    with pytest.raises(BadRowsError, match=r"^the table has 23 bad rows \(23 × stance is unknown\)") as caught:
        validate_statements(frame)
    message = str(caught.value)
    assert message.count("row 1: ") == 1
    assert message.count("is unknown:") == 20
    assert message.endswith("and 3 more")
    assert "\n" not in message
    assert len(caught.value.problems) == 23


def test_bad_rows_survive_pickling():
    error = BadRowsError([Problem(3, "target", "is empty")], "my.csv", "line")
    copy = pickle.loads(pickle.dumps(error))
    assert str(copy) == str(error)
    assert copy.problems == error.problems


def test_a_missing_column_is_named_with_what_was_expected_and_found():
    message = r"missing columns \['target'\] in my\.csv; expected \['statement', .*found \['statement', 'stance'\]"
    with pytest.raises(SchemaError, match=message):
        validate_statements(table().drop(columns="target"), source="my.csv")


def test_a_column_that_is_there_twice_is_refused():
    frame = table()
    frame.columns = pd.Index(["statement", "stance", "stance"])
    with pytest.raises(SchemaError, match=r"columns \['stance'\] more than once"):
        validate_statements(frame, require=["statement"])


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("x" * (MAX_STATEMENT_CHARS + 1), "is longer than 100,000 characters: 100,001"),
        ("half \ud83d", "has half a character"),
        ("a\0b", "has a NUL character"),
        ({"text": "x"}, "is not text: {'text': 'x'}"),
        (b"bytes", "is not text"),
    ],
)
def test_a_statement_that_cannot_be_used_is_a_bad_row_with_or_without_labels(statement, fault):
    frame = table(statement=pd.Series([statement, "Keep it.", "x" * MAX_STATEMENT_CHARS], dtype=object))
    for require in (REQUIRED, ["statement"]):
        ((row, column, found),) = problems_of(frame, require=require)
        assert (row, column) == (1, "statement")
        assert found.startswith(fault)


def test_long_values_are_shortened_in_messages():
    ((_, _, fault),) = problems_of(table(stance=["z" * 5000, "support", "support"]))
    assert len(fault) < 120


def test_without_labels_a_missing_statement_is_the_empty_text():
    frame = pd.DataFrame({"statement": [None, "", " ", "Keep it."], "stance": [None, "", "support", None]})
    checked = validate_statements(frame, require=["statement"])
    assert checked["statement"].tolist() == ["", "", " ", "Keep it."]
    assert checked["stance"].tolist() == [None, None, "support", None]


def test_without_labels_an_unknown_stance_is_still_a_bad_row():
    frame = pd.DataFrame({"statement": ["Keep it."], "stance": ["suport"]})
    assert [problem.column for problem in problems_of(frame, require=["statement"])] == ["stance"]


def test_a_table_without_rows_is_valid():
    assert validate_statements(table().head(0)).empty


@settings(deadline=None)
@given(
    rows=st.lists(
        st.fixed_dictionaries(
            {
                "statement": st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
                "target": st.sampled_from(["le-touquet", " CETA ", "", None]),
                "stance": st.sampled_from([*LABELS, None]),
                "hard": st.sampled_from([True, False, None]),
                "year": st.integers(),
            }
        ),
        min_size=1,
    )
)
def test_validating_twice_is_validating_once(rows):
    once = validate_statements(pd.DataFrame(rows, dtype=object), require=["statement"])
    assert once["statement"].tolist() == [row["statement"] for row in rows]
    assert [name for name in once.columns if name in COLUMNS] == ["statement", "target", "stance", "hard"]
    pd.testing.assert_frame_equal(validate_statements(once, require=["statement"]), once)
