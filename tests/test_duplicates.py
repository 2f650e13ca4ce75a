from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stance import duplicates
from stance.duplicates import fold_text, linked_groups, near_duplicate_groups
from stance.errors import ConfigError


def shingles(text):
    padded = f" {fold_text(text)} ".ljust(5)
    return {padded[i : i + 5] for i in range(len(padded) - 4)}


def slow_groups(statements, threshold):
    """Compare all pairs and let the smaller number spread: the definition, without any shortcut."""
    groups = list(range(len(statements)))
    for i, j in combinations(range(len(statements)), 2):
        a, b = shingles(statements[i]), shingles(statements[j])
        if len(a & b) >= threshold * len(a | b) - 1e-9:
            old, new = max(groups[i], groups[j]), min(groups[i], groups[j])
            groups = [new if group == old else group for group in groups]
    return [sorted(set(groups)).index(group) for group in groups]


words = st.lists(st.sampled_from("keep scrap the a treaty traité Touquet ne pas 除 🚢".split()), max_size=8).map(
    " ".join
)


@settings(max_examples=80, deadline=None)
@given(st.lists(words | st.text(max_size=12), max_size=12), st.sampled_from([0.2, 0.3, 0.5, 0.7, 1.0]))
def test_the_fast_search_finds_what_comparing_all_pairs_finds(statements, threshold):
    assert near_duplicate_groups(statements, threshold=threshold).tolist() == slow_groups(statements, threshold)


def test_small_chunks_and_batches_change_nothing(monkeypatch):
    statements = [f"The minister said on day {i % 7} that port {i % 5} would keep {i}." for i in range(60)]
    whole = near_duplicate_groups(statements, threshold=0.8)
    monkeypatch.setattr(duplicates, "CHUNK", 50)
    monkeypatch.setattr(duplicates, "BATCH", 3)
    assert 1 < whole.max() + 1 < len(statements)
    np.testing.assert_array_equal(near_duplicate_groups(statements, threshold=0.8), whole)


@pytest.mark.parametrize(
    ("first", "second", "together"),
    [
        ("We will keep it.", "we will KEEP it", True),
        ("L’accord est caduc", "L'accord est caduc !", True),
        ("L'accord est dénoncé", "l'accord est denonce", True),
        (
            "The minister said that the treaty must be kept as it is.",
            "The minister said that the treaty must be scrapped as it is.",
            True,
        ),
        (
            "The minister said that the treaty must be kept as it is.",
            "Calais has carried this burden for long enough.",
            False,
        ),
        ("👍", "👎", False),
        ("👍", " 👍 ", True),
        ("", "Non.", False),
        ("不要离开", "不要 离开", False),
        ("Ja", "Ja.", True),
    ],
)
def test_near_duplicates_share_most_of_their_letters_in_order(first, second, together):
    groups = near_duplicate_groups([first, second])
    assert (groups[0] == groups[1]) is np.bool_(together)


@pytest.mark.parametrize("budget", [0, duplicates.BUDGET])
def test_variations_on_a_few_sentences_are_found_without_comparing_them_all(monkeypatch, budget):
    monkeypatch.setattr(duplicates, "BUDGET", budget)
    sentences = [
        "The minister said on day {} that the port of Calais would keep the treaty.",
        "Our border stays in Calais for {} more days, the minister promised.",
    ]
    groups = near_duplicate_groups([sentences[i % 2].format(i) for i in range(2000)])
    assert groups.tolist() == [0, 1] * 1000


def test_groups_are_numbered_in_the_order_of_first_appearance():
    statements = [
        "Scrap it at once, all of it.",
        "Wait.",
        "Scrap it at once, all of it!",
        "No comment today.",
    ]
    assert near_duplicate_groups(statements).tolist() == [0, 1, 0, 2]


def test_links_chain_through_a_third_statement():
    first = "the border stays where it is because it works"
    middle = "the border stays where it is, say the ports"
    last = "the border is not where it was, say the ports"
    assert near_duplicate_groups([first, last], threshold=0.4).tolist() == [0, 1]
    assert near_duplicate_groups([first, last, middle], threshold=0.4).tolist() == [0, 0, 0]


def test_no_statements_give_no_groups():
    assert near_duplicate_groups([]).shape == (0,)


@pytest.mark.parametrize("threshold", [0, -0.5, 1.01, float("nan")])
def test_a_threshold_out_of_range_is_refused(threshold):
    with pytest.raises(ConfigError, match="expected a number above 0"):
        near_duplicate_groups(["a"], threshold=threshold)


def test_folding_twice_changes_nothing_more():
    text = "  «ÉTÉ» — İstanbul, Straße_ﬁn… "
    assert fold_text(fold_text(text)) == fold_text(text) == "ete istanbul strasse fin"


def test_linked_items_share_a_number():
    assert linked_groups(5, np.array([0, 4]), np.array([3, 1])).tolist() == [0, 1, 2, 0, 1]
