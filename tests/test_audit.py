import json

import numpy as np
import pandas as pd
import pytest

from stance.audit import audit
from stance.errors import SchemaError
from stance.schema import COLUMNS

LETTERS = np.array(list("abcdefghijklmnopqrstuvwxyz"))


def unrelated(n, **columns):
    """A table of `n` statements that share no five characters, stances in turn."""
    statements = [" ".join(np.random.default_rng(i).permutation(LETTERS)) for i in range(n)]
    stances = ["support", "oppose", "neutral"] * n
    return pd.DataFrame({"statement": statements, "target": "le-touquet", "stance": stances[:n], **columns})


def rows(findings):
    return [finding.rows for finding in findings]


def test_a_sound_table_gives_no_problems():
    report = audit(unrelated(60, country=["FR", "UK"] * 30))
    assert report.problems == []
    assert "- nothing found" in str(report)


def test_duplicates_are_told_from_near_duplicates():
    frame = pd.DataFrame(
        {
            "statement": [
                "The port wants the controls to stay where they are.",
                "The port wants the controls to stay where they are!",
                "The mayor asked for another meeting in the autumn.",
                "The mayor asked for another meeting in the spring.",
                "No comment.",
            ]
        }
    )
    report = audit(frame)
    assert rows(report.duplicates) == [(("table", 1), ("table", 2))]
    assert rows(report.near_duplicates) == [(("table", 3), ("table", 4))]
    assert report.duplicates[0].what == "The port wants the controls to stay where they are."


def test_duplicates_across_tables_are_leaks_and_not_duplicates():
    train, test = (
        unrelated(4),
        unrelated(4).iloc[[2, 3]].assign(statement=lambda f: f["statement"].str.upper()),
    )
    report = audit({"train": train, "test": test})
    assert rows(report.leaks["duplicates"]) == [(("train", 3), ("test", 1)), (("train", 4), ("test", 2))]
    assert report.duplicates == ()
    assert report.problems == ["duplicates in more than one table: 2"]
    assert "(rows train 3 neutral, test 1 neutral)" in str(report)


@pytest.mark.parametrize(
    ("kind", "columns", "what"),
    [
        ("events", {"event": "summit"}, "le-touquet / summit"),
        ("speakers' events", {"event": "summit", "speaker": "A. Minister"}, "A. Minister / summit"),
        ("contrast pairs", {"pair": "p1"}, "p1"),
    ],
)
def test_what_no_split_may_separate_is_a_leak(kind, columns, what):
    frame = unrelated(3, **columns, split=["train", "train", "test"])
    found = audit(frame).leaks[kind]
    assert rows(found) == [(("train", 1), ("train", 2), ("test", 3))]
    assert found[0].what == what


def test_an_event_leaks_without_targets_too():
    frame = unrelated(2, event="summit", split=["train", "test"]).drop(columns="target")
    assert audit(frame).leaks["events"][0].what == "summit"


def test_near_duplicates_across_splits_are_leaks():
    frame = pd.DataFrame(
        {
            "statement": [
                "The treaty works and must be kept.",
                "The treaty works and should be kept.",
                "Later, perhaps.",
            ],
            "split": ["train", "test", None],
        }
    )
    report = audit(frame)
    assert rows(report.leaks["near-duplicates"]) == [(("train", 1), ("test", 2))]
    assert report.near_duplicates == ()
    assert report.rows == {"train": 1, "test": 1, "table": 1}


def test_splits_of_several_tables_are_named_after_both():
    frame = unrelated(2, split=["train", "test"])
    assert list(audit({"a": frame, "b": unrelated(1)}).rows) == ["a:train", "a:test", "b"]


KEEP = "The minister told the deputies that the treaty of Le Touquet must be kept for good."
SCRAP = "The minister told the deputies that the treaty of Le Touquet must be ended for good."


@pytest.mark.parametrize(
    ("statements", "stances", "columns", "n_conflicts"),
    [
        ([KEEP, KEEP], ["support", "oppose"], {}, 1),
        ([KEEP, KEEP.upper()], ["support", "oppose"], {"pair": "p1"}, 1),
        ([KEEP, SCRAP], ["support", "oppose"], {}, 1),
        ([KEEP, SCRAP], ["support", "oppose"], {"pair": "p1"}, 0),
        ([KEEP, SCRAP], ["support", "oppose"], {"pair": ["p1", None]}, 1),
        ([KEEP, KEEP], ["support", "support"], {}, 0),
        ([KEEP, KEEP], ["support", None], {}, 0),
        ([KEEP, KEEP], ["support", "oppose"], {"target": ["le-touquet", "tpp"]}, 0),
        ([KEEP, KEEP], ["support", "oppose"], {"target": [None, None]}, 1),
        ([KEEP, KEEP[:50]], ["support", "oppose"], {}, 0),
    ],
)
def test_conflicts_are_one_statement_with_two_stances(statements, stances, columns, n_conflicts):
    frame = pd.DataFrame({"statement": statements, "stance": stances, "target": "le-touquet"}).assign(**columns)
    conflicts = audit(frame).conflicts
    assert len(conflicts) == n_conflicts
    assert all(conflict.stances == tuple(stances) for conflict in conflicts)


def test_contrast_pairs_are_no_near_duplicates():
    frame = pd.DataFrame({"statement": [KEEP, SCRAP, KEEP + " Yes."], "pair": ["p1", "p1", None]})
    assert audit(frame[:2]).near_duplicates == ()
    assert len(audit(frame).near_duplicates) == 1


def test_blank_and_missing_values_are_counted_per_column():
    frame = unrelated(4, party=["LR", "", "  ", None], speaker=[np.nan, "A", pd.NA, "B"], country="FR")
    frame.loc[0, "stance"] = None
    frame.loc[1, "statement"] = " "
    report = audit(frame)
    assert report.missing == {"statement": 1, "stance": 1, "speaker": 2, "party": 3}
    assert set(report.absent) == set(COLUMNS) - {
        "statement",
        "target",
        "stance",
        "party",
        "speaker",
        "country",
    }
    assert report.problems == ["rows without statement: 1", "rows without stance: 1"]


def test_stances_are_counted_per_table_in_their_order():
    report = audit({"a": unrelated(4), "b": unrelated(1, stance=["unsure"])})
    assert list(report.stances["a"].items()) == [("support", 2), ("oppose", 1), ("neutral", 1)]
    assert report.stances["b"] == {"unsure": 1}
    assert "2 (50%)" in str(report)


def skew(report, name):
    return {found.name: found for found in report.skews}.get(name)


@pytest.mark.parametrize("column", ["speaker", "country", "party", "role", "lang", "form", "origin", "target"])
def test_a_column_that_tells_the_stance_is_flagged(column):
    frame = unrelated(90)
    frame[column] = frame["stance"].map({"support": "x", "oppose": "y", "neutral": "z"})
    found = skew(audit(frame), column)
    assert found.flag == "strong"
    assert found.points == pytest.approx(100 * 2 / 3, abs=1)
    assert {(o.value, o.n, o.stance, o.share) for o in found.offenders} == {
        ("x", 30, "support", 1.0),
        ("y", 30, "oppose", 1.0),
        ("z", 30, "neutral", 1.0),
    }


def test_length_that_tells_the_stance_is_flagged():
    frame = unrelated(60)
    frame["statement"] += np.where(frame["stance"] == "oppose", " and so on until the end of the page", "")
    found = skew(audit(frame), "length")
    assert found.flag is not None
    assert {o.value for o in found.offenders} == {"0-59", "60-119"}


def test_missing_values_that_tell_the_stance_are_flagged():
    frame = unrelated(60)
    frame["party"] = frame["stance"].map({"support": "LR", "oppose": None, "neutral": "LR"})
    found = skew(audit(frame), "party")
    assert ("(none)", 20, "oppose", 1.0) in {(o.value, o.n, o.stance, o.share) for o in found.offenders}
    assert found.flag is not None


@pytest.mark.parametrize(("share", "flag"), [(0.6, "strong"), (0.28, "notable"), (0.0, None)])
def test_a_skew_is_graded_by_how_often_the_column_is_right(share, flag):
    frame = unrelated(300)
    random = np.random.default_rng(0)
    guess = random.choice(["support", "oppose", "neutral"], len(frame))
    frame["role"] = np.where(random.random(len(frame)) < share, frame["stance"], guess)
    assert skew(audit(frame), "role").flag == flag


def test_a_value_for_each_event_tells_nothing_about_others():
    events = [f"e{i // 3}" for i in range(90)]
    stances = np.repeat(["support", "oppose", "neutral"], 3)[np.arange(90) % 9]
    found = skew(audit(unrelated(90, event=events, role=events, stance=stances)), "role")
    assert found.points <= 0
    assert found.flag is None


def test_a_skew_between_sides_shows_under_many_neutral_rows():
    stances = ["support", "oppose", "neutral", "neutral", "neutral", "neutral"] * 30
    frame = unrelated(180, stance=stances, country=["UK", "FR"] * 90)
    report = audit(frame)
    assert skew(report, "country").flag is None
    assert skew(report, "country (support against oppose)").flag == "strong"


def test_a_skew_on_one_target_is_named():
    fair, skewed = unrelated(120).iloc[:80], unrelated(120).iloc[80:]
    fair = fair.assign(target="tpp", country=["FR", "UK"] * 40)
    skewed = skewed.assign(target="npt", country=skewed["stance"])
    few = unrelated(125).iloc[120:].assign(target="kyoto", country="JP")
    report = audit(pd.concat([fair, skewed, few]))
    assert skew(report, "country (on npt)").flag == "strong"
    assert skew(report, "country (on tpp)") is None
    assert report.notes == ("skews on 1 targets with fewer than 30 rows",)
    assert any(line.startswith("country (on npt) tells the stance: +") for line in report.problems)


def test_a_column_with_one_value_has_no_skew():
    assert skew(audit(unrelated(60, country="FR")), "country") is None


def test_three_rows_are_enough_for_all_but_skews():
    report = audit(unrelated(3))
    assert report.skews == ()
    assert report.notes == ("skews: 3 labelled rows with 3 stances; at least 30 rows and 2 stances are needed",)


def test_a_statement_column_is_enough():
    report = audit(pd.DataFrame({"statement": ["Keep it."]}))
    assert report.stances == {"table": {}}
    assert report.notes == ("skews: there is no column 'stance'",)
    assert "Audit: 1 statements in 1 table" in str(report)


def test_a_table_without_statements_is_refused():
    with pytest.raises(SchemaError, match="no column 'statement' in b; the table has"):
        audit({"a": unrelated(1), "b": pd.DataFrame({"text": ["x"]})})
    with pytest.raises(SchemaError, match="no statements to audit"):
        audit(unrelated(0))


def test_the_report_survives_json():
    frame = pd.concat([unrelated(60, country=["FR", "UK"] * 30, split="train"), unrelated(5, split="test")])
    report = audit(frame)
    values = json.loads(json.dumps(report.to_dict()))
    assert values["leaks"]["duplicates"][0]["rows"] == [["train", 1], ["test", 61]]
    assert values["skews"][0]["column"] == "country"
    assert values["skews"][0]["flag"] is None
    assert values["problems"] == report.problems


def test_the_text_shows_five_findings_and_counts_the_others():
    frame = pd.concat([unrelated(7)] * 7, ignore_index=True)
    text = str(audit(frame))
    assert "## Duplicates: 7" in text
    assert "and 2 more)" in text
    assert "\n- and 2 more\n" in text


def test_tables_line_up_and_escape_what_would_break_them():
    text = audit(unrelated(60, country=["F|R", "U|K"] * 30)).to_markdown()
    lines = [line for line in text.splitlines() if line.startswith("|") and "country" in line]
    assert r"F\|R" in lines[0]
    for block in text.split("\n\n"):
        if block.startswith("|"):
            assert len({len(line) for line in block.splitlines()}) == 1


def test_the_audit_leaves_the_table_as_it_was():
    frame = unrelated(40, country=["FR", None] * 20)
    before = frame.copy(deep=True)
    audit(frame)
    pd.testing.assert_frame_equal(frame, before)
