"""Nothing that belongs together may land on two sides, whatever the table looks like."""

from itertools import combinations

import pandas as pd
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from stance.errors import SchemaError
from stance.splits import agreement_folds, grouped_folds, split_statements

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
        ("near-duplicate", a, b)
        for a in first["statement"]
        for b in second["statement"]
        if jaccard(a, b) >= 0.5
    ]
    return shared


@st.composite
def tables(draw):
    """Tables full of traps: shared events, pairs and speakers, copies, and copies with one word changed."""
    statements = []
    for _ in range(draw(st.integers(8, 30))):
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


trap_settings = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])


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
