"""Nothing that belongs together may land on two sides, whatever the table looks like."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from stance.errors import ConfigError, SchemaError
from stance.splits import (
    agreement_folds,
    grouped_folds,
    split_by_agreement,
    split_by_time,
    split_statements,
    statement_groups,
)

WORDS = "keep scrap sign leave defend reopen border treaty minister wants today never port soon".split()


def jaccard(first, second):
    """Character-5-gram overlap, written independently of the code under test (ASCII words only)."""
    a, b = ({f" {t} "[i : i + 5] for i in range(len(t) - 2)} for t in (first, second))
    return len(a & b) / len(a | b)


def keys(part, *columns):
    present = part.dropna(subset=list(columns))
    return set(present[list(columns)].itertuples(index=False, name=None))


def links_between(first, second):
    """Everything that two tables share and must not: events, speakers' events, pairs, near-duplicates."""
    shared = []
    for columns in (("target", "event"), ("speaker", "event"), ("pair",)):
        shared += [(columns, key) for key in keys(first, *columns) & keys(second, *columns)]
    shared += [
        ("near-duplicate", a, b) for a in first["statement"] for b in second["statement"] if jaccard(a, b) >= 0.5
    ]
    return shared


@st.composite
def tables(draw):
    """Tables full of traps: shared events, pairs and speakers, copies, and copies with one word changed."""
    statements = []
    for _ in range(draw(st.integers(8, 20))):
        if statements and draw(st.integers(0, 3)) == 0:
            words = draw(st.sampled_from(statements)).split()
            words[draw(st.integers(0, len(words) - 1))] = draw(st.sampled_from(WORDS))
        else:
            words = draw(st.lists(st.sampled_from(WORDS), min_size=3, max_size=9))
        statements.append(" ".join(words))

    def column(values):
        return draw(st.lists(st.sampled_from(values), min_size=len(statements), max_size=len(statements)))

    gaps = [None] * 15
    return pd.DataFrame(
        {
            "statement": statements,
            "target": column(["le-touquet", "tpp", "kyoto", "schengen", "dublin", "prespa"]),
            "stance": column(["support", "oppose", "neutral"]),
            "speaker": column(["A", "B", None, None]),
            "event": column(["e1", "e2", "e3", *gaps]),
            "pair": column(["p1", "p2", *gaps]),
        }
    )


trap_settings = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])


@trap_settings
@given(tables(), st.integers(0, 3))
def test_no_event_pair_or_near_duplicate_straddles_a_split(frame, seed):
    try:
        splits = split_statements(frame, validation=0.2, test=0.2, seed=seed)
    except SchemaError:
        assume(False)
    for first, second in combinations((splits.train, splits.validation, splits.test), 2):
        assert links_between(first, second) == []


@trap_settings
@given(tables(), st.integers(0, 3))
def test_no_event_pair_or_near_duplicate_straddles_a_fold(frame, seed):
    try:
        folds = grouped_folds(frame, frame["stance"], n_splits=3, seed=seed)
    except SchemaError:
        assume(False)
    for train, test in folds:
        assert links_between(frame.iloc[train], frame.iloc[test]) == []


@trap_settings
@given(tables(), st.integers(0, 3))
def test_no_agreement_straddles_an_agreement_fold(frame, seed):
    try:
        folds = agreement_folds(frame, n_splits=2, seed=seed)
    except SchemaError:
        assume(False)
    for train, test in folds:
        assert not set(frame["target"].iloc[train]) & set(frame["target"].iloc[test])
        assert links_between(frame.iloc[train], frame.iloc[test]) == []


@trap_settings
@given(tables(), st.integers(0, 3))
def test_splits_are_disjoint_and_complete(frame, seed):
    try:
        splits = split_statements(frame, validation=0.2, test=0.2, seed=seed)
    except SchemaError:
        assume(False)
    together = pd.concat([splits.train, splits.validation, splits.test])
    pd.testing.assert_frame_equal(together.sort_index(), frame)


def unrelated(n, **columns):
    """A table of `n` statements that share no five characters, stances in turn."""
    letters = np.random.default_rng(0).permutation(list("abcdefghijklmnopqrstuvwxyz"))
    statements = [" ".join(np.random.default_rng(i).permutation(letters)) for i in range(n)]
    stances = ["support", "oppose", "neutral"] * n
    return pd.DataFrame({"statement": statements, "target": "le-touquet", "stance": stances[:n], **columns})


def test_one_targets_event_is_one_group():
    frame = unrelated(4, target=["le-touquet", "le-touquet", "tpp", "tpp"], event=["summit", "summit", "summit", None])
    assert statement_groups(frame).tolist() == [0, 0, 1, 2]


def test_an_event_without_targets_is_one_group():
    frame = unrelated(3, event=["summit", "other", "summit"]).drop(columns="target")
    assert statement_groups(frame).tolist() == [0, 1, 0]


def test_one_speakers_event_is_one_group_across_targets():
    frame = unrelated(3, target=["le-touquet", "tpp", "tpp"], event="summit", speaker=["A", "A", "B"])
    assert statement_groups(frame.assign(event=["summit", "summit", "later"])).tolist() == [0, 0, 1]


@pytest.mark.parametrize("missing", [None, "", np.nan, pd.NA])
def test_missing_values_link_nothing(missing):
    frame = unrelated(3, event=[missing] * 3, pair=[missing] * 3, speaker=[missing] * 3)
    assert statement_groups(frame).tolist() == [0, 1, 2]


def test_groups_need_no_column_but_the_statement():
    assert statement_groups(pd.DataFrame({"statement": ["Keep it all.", "End it.", "Keep it all!"]})).tolist() == [
        0,
        1,
        0,
    ]


def test_known_near_duplicates_are_taken_as_given():
    known = np.array([0, 1, 0])
    assert statement_groups(unrelated(3), near_duplicates=known).tolist() == [0, 1, 0]


def test_group_by_keeps_the_values_of_a_column_whole():
    frame = unrelated(4, speaker=["A", "B", "A", None])
    assert statement_groups(frame, group_by="speaker").tolist() == [0, 1, 0, 2]
    splits = split_statements(frame, validation=0, test=0.5, group_by="speaker")
    assert not keys(splits.train, "speaker") & keys(splits.test, "speaker")


def test_splits_have_the_wanted_sizes_and_shares_of_stances():
    frame = unrelated(300, event=[f"e{i // 4}" for i in range(300)])
    splits = split_statements(frame, validation=0.1, test=0.2)
    assert [len(splits.train), len(splits.validation), len(splits.test)] == pytest.approx([210, 30, 60], abs=4)
    for part in (splits.train, splits.validation, splits.test):
        assert part["stance"].value_counts(normalize=True).to_numpy() == pytest.approx(1 / 3, abs=0.05)


def test_a_share_of_zero_leaves_its_table_empty_with_its_columns():
    frame = unrelated(10)
    splits = split_statements(frame, validation=0, test=0.3)
    assert splits.validation.empty
    assert list(splits.validation.columns) == list(frame.columns)
    assert len(splits.test) == 3


def test_folds_test_every_row_once_and_hold_every_stance():
    frame = unrelated(100, event=[f"e{i // 3}" for i in range(100)])
    folds = grouped_folds(frame, frame["stance"], n_splits=5)
    assert sorted(np.concatenate([test for _, test in folds]).tolist()) == list(range(100))
    for train, test in folds:
        assert sorted([*train, *test]) == list(range(100))
        assert len(test) == pytest.approx(20, abs=3)
        assert frame["stance"].iloc[test].value_counts(normalize=True).to_numpy() == pytest.approx(1 / 3, abs=0.1)


def test_the_seed_decides_the_split():
    frame = unrelated(60)
    first, again, other = (split_statements(frame, seed=seed).test.index.tolist() for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_folds_follow_the_order_of_rows_not_their_index():
    frame = unrelated(12)
    shuffled = frame.set_axis(range(100, 88, -1))
    for (_, test), (_, same) in zip(
        grouped_folds(frame, frame["stance"], n_splits=3),
        grouped_folds(shuffled, shuffled["stance"], n_splits=3),
        strict=True,
    ):
        np.testing.assert_array_equal(test, same)


def test_given_groups_are_used():
    frame = unrelated(12)
    groups = np.arange(12) // 3
    for train, test in grouped_folds(frame, frame["stance"], n_splits=2, groups=groups):
        assert not set(groups[train]) & set(groups[test])


@pytest.mark.parametrize(("validation", "test"), [(-0.1, 0.2), (0.2, -0.1), (0.5, 0.5), (1.5, 0)])
def test_shares_out_of_range_are_refused(validation, test):
    with pytest.raises(ConfigError, match="each at least 0, together below 1"):
        split_statements(unrelated(10), validation=validation, test=test)


@pytest.mark.parametrize("n_splits", [1, 0, -3])
def test_fewer_than_two_folds_are_refused(n_splits):
    with pytest.raises(ConfigError, match="expected 2 or more"):
        grouped_folds(unrelated(10), ["support", "oppose"] * 5, n_splits=n_splits)


def test_too_few_groups_are_refused_with_their_number():
    frame = unrelated(9, event=["e1"] * 3 + ["e2"] * 6)
    with pytest.raises(SchemaError, match=r"9 statements form 2 independent groups .* too few for 3 parts"):
        grouped_folds(frame, frame["stance"], n_splits=3)
    with pytest.raises(SchemaError, match="too few for 3 parts"):
        split_statements(frame)


def test_groups_too_large_for_the_shares_are_refused():
    with pytest.raises(SchemaError, match="too few for 3 parts"):
        split_statements(unrelated(3), validation=0.01, test=0.01)


def test_one_stance_only_is_refused():
    with pytest.raises(SchemaError, match=r"have the stances .*support.* expected at least two"):
        grouped_folds(unrelated(10), ["support"] * 10, n_splits=2)


def test_a_stance_that_training_would_lack_is_refused():
    frame = unrelated(8, stance=["support"] * 6 + ["oppose"] * 2, pair=[None] * 6 + ["p", "p"])
    with pytest.raises(SchemaError, match=r"stance .*oppose.* fall into one of 2 folds"):
        grouped_folds(frame, frame["stance"], n_splits=2)


def test_labels_of_another_length_are_refused():
    with pytest.raises(SchemaError, match="3 labels for 10 statements"):
        grouped_folds(unrelated(10), ["support"] * 3, n_splits=2)


def test_missing_columns_are_named():
    with pytest.raises(SchemaError, match="no column 'stance'"):
        split_statements(unrelated(10).drop(columns="stance"))
    with pytest.raises(SchemaError, match="no column 'statement'"):
        statement_groups(pd.DataFrame({"text": ["a"]}))
    with pytest.raises(SchemaError, match="no column 'party'"):
        split_statements(unrelated(10), group_by="party")


def test_agreement_folds_need_targets():
    with pytest.raises(SchemaError, match="no column 'target'"):
        agreement_folds(unrelated(10).drop(columns="target"), n_splits=2)


# --- by time and by agreement ---


def dated(*dates, **columns):
    statements = [f"{'abcdefghij'[row] * 9} {row}" for row in range(len(dates))]
    return pd.DataFrame({"statement": statements, "target": "t", "date": dates, **columns})


@pytest.mark.parametrize(
    ("dates", "parts"),
    [
        (["2001", "2002", "2003"], ["train", "train", "test"]),
        (["2003-02-04", "2003-02-05", "2003-02-03"], ["train", "test", "train"]),
        (["2003", "2003-05", "2002", "2001"], ["test", "test", "train", "train"]),
        (["2003-05-02", "2003", "2003-05-01", "2001"], ["test", None, "train", "train"]),  # before or after May?
        (["2003", "2003", "2003"], ["train", "train", "train"]),
        (["2003", None, "long ago", "2001"], ["test", None, None, "train"]),
    ],
)
def test_later_rows_are_for_testing(dates, parts):
    assert split_by_time(dated(*dates)).tolist() == parts


def test_each_target_has_a_day_of_its_own():
    frame = dated("2001", "2002", "2011", "2012").assign(target=["a", "a", "b", "b"])
    assert split_by_time(frame, test=0.5).tolist() == ["train", "test", "train", "test"]


def test_an_event_that_lasts_is_on_neither_side():
    frame = dated("2001", "2002-01-01", "2002-01-09", "2002-02-01", event=["a", "b", "b", "c"])
    assert split_by_time(frame, test=0.5).tolist() == ["train", None, None, "test"]


@pytest.mark.parametrize("test", [0, 1, -0.1])
def test_a_share_of_later_rows_lies_between_0_and_1(test):
    with pytest.raises(ConfigError, match="between 0 and 1"):
        split_by_time(dated("2001"), test=test)


def test_splitting_by_time_needs_dates():
    with pytest.raises(SchemaError, match="no column 'date'"):
        split_by_time(dated("2001").drop(columns="date"))
    with pytest.raises(SchemaError, match="no row has a date; expected YYYY"):
        split_by_time(dated("30/08/2016", None))


def test_a_target_to_keep_must_be_there():
    with pytest.raises(SchemaError, match="no row has the target 'nafta'"):
        split_by_agreement(dated("2001", stance="support"), keep="nafta")


def test_whole_agreements_are_held_out_but_not_the_one_to_keep():
    targets = np.repeat(list("abcdefgh"), 6)
    frame = pd.DataFrame(
        {
            "statement": [f"{target * 7} {number**5} {target * 3}" for number, target in enumerate(targets)],
            "target": targets,
            "stance": ["support", "oppose", "neutral"] * 16,
            "speaker": None,
            "event": None,
        }
    )
    for keep in "abcdefgh":
        part = split_by_agreement(frame, keep=keep)
        sides = part.groupby(frame["target"]).unique()
        assert sides.map(len).eq(1).all()
        assert sides[keep].tolist() == ["train"]
        assert 0 < (part == "test").mean() <= 0.5
