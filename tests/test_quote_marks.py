"""Quotation marks: which open, which close, which are apostrophes, and what stands between them."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stance.quotes import extract_quotes
from stance.quoting.marks import Quoted, find_quoted


def inner(text):
    """Words in quotation marks, and offsets of strays."""
    quoted, strays = find_quoted(text, 0, len(text))
    return [text[q.inner_start : q.inner_end] for q in quoted], strays


PAIRS = [
    "“It is over,”",
    '"It is over,"',
    "'It is over,'",
    "‘It is over,’",
    "``It is over,''",
    "„It is over,“",
    "„It is over,”",
    "‟It is over,”",
    "«It is over,»",
    "« It is over, »",
    "«\u00a0It is over,\u00a0»",
    "«\u202fIt is over,\u202f»",
    "«\u2009It is over,\u2009»",
    "‹It is over,›",
    "‹\u00a0It is over,\u00a0›",
    "“\u200bIt is over,\u200b”",
    # closed by a mark of another make, as in a text that was typed over
    '“It is over,"',
    '"It is over,”',
    "‘It is over,'",
    "'It is over,’",
]


@pytest.mark.parametrize("quotation", PAIRS)
def test_marks_of_every_make_hold_what_stands_between(quotation):
    before, after = "Anna Reid said: ", " Then she left."
    text = before + quotation + after
    (quoted,), strays = find_quoted(text, 0, len(text))
    assert text[quoted.inner_start : quoted.inner_end] == "It is over,"
    assert text[quoted.start : quoted.end] == quotation
    assert quoted.closed
    assert not strays


@pytest.mark.parametrize("quotation", PAIRS)
@pytest.mark.parametrize(("language", "after"), [("en", " Anna Reid said."), ("fr", " a déclaré Anna Reid.")])
def test_statement_in_marks_of_every_make_is_found(language, after, quotation):
    (quote,) = extract_quotes(quotation + after, language=language)
    assert (quote.form, quote.text, quote.speaker) == ("direct", "It is over,", "Anna Reid")


TEXTS = [
    # several, and words between
    ("“One,” he said, “and two.” Then “three”.", ["One,", "and two.", "three"]),
    ("'One,' he said, 'and two.' Then 'three'.", ["One,", "and two.", "three"]),
    ('"One," he said, "and two." Then "three".', ["One,", "and two.", "three"]),
    # nested: the outermost
    ("“He told me ‘never’ and left.”", ["He told me ‘never’ and left."]),
    ("‘He told me “never” and left.’", ["He told me “never” and left."]),
    ("'He told me \"never\" and left.'", ['He told me "never" and left.']),
    ("\"He told me 'never' and left.\"", ["He told me 'never' and left."]),
    ("« Il m'a dit “jamais” hier. »", ["Il m'a dit “jamais” hier."]),
    ("« Il m'a dit « jamais » hier. »", ["Il m'a dit « jamais » hier."]),
    ("“He said “never” and left.”", ["He said “never” and left."]),
    # apostrophes
    ("The minister isn't ready and it's the others' turn.", []),
    ("The ministers' plan and the farmers' reply came out.", []),
    ("It’s the ministers’ plan, isn’t it?", []),
    ("Rock 'n' roll in the '90s, and give 'em hell.", []),
    ("'It isn't the ministers' plan,' he said.", ["It isn't the ministers' plan,"]),
    ("‘It isn’t the ministers’ plan,’ he said.", ["It isn’t the ministers’ plan,"]),
    ("He said: 'It's the farmers' turn.' The ministers' plan is dead.", ["It's the farmers' turn."]),
    ("He said: ‘It’s the farmers’ turn.’ Then ‘no’.", ["It’s the farmers’ turn.", "no"]),
    ("He said: 'Give 'em hell, don't you?'", ["Give 'em hell, don't you?"]),
    ("Aujourd'hui l'accord n'est plus d'actualité.", []),
    # feet and inches
    ("He is 6'2\" tall.", []),
    # French spacing within straight marks
    ('" Nous partons. "', ["Nous partons."]),
    ('Il a dit : " Nous partons. "', ["Nous partons."]),
    # empty
    ("He said “” and left.", []),
    ("He said “ ” and left.", []),
]


@pytest.mark.parametrize(("text", "expected"), TEXTS)
def test_words_in_marks(text, expected):
    assert inner(text)[0] == expected


UNCLOSED = [
    ("He said: “We will not sign.", "We will not sign."),
    ('He said: "We will not sign.', "We will not sign."),
    ("Il a dit : « Nous partons.", "Nous partons."),
    ("“We will not sign.", "We will not sign."),
    ("‘We will not sign.", "We will not sign."),
    # at the beginning of a paragraph, a mark that closes elsewhere takes a quotation up again
    ("» Nous partons.", "Nous partons."),
]


@pytest.mark.parametrize(("text", "expected"), UNCLOSED)
def test_mark_that_is_not_closed_reaches_to_the_end(text, expected):
    (quoted,), _ = find_quoted(text, 0, len(text))
    assert text[quoted.inner_start : quoted.inner_end] == expected
    assert quoted.end == len(text)
    assert not quoted.closed


STRAYS = [
    ("The plan” was dropped. He said: “No, never.”", ["No, never."], [8]),
    ("Le plan » a échoué. « Non », a-t-il dit.", ["Non"], [8]),
    ("He said “we go. She said “we stay.”", ["we stay."], [8]),
]


@pytest.mark.parametrize(("text", "expected", "strays"), STRAYS)
def test_stray_mark_spoils_nothing(text, expected, strays):
    assert inner(text) == (expected, strays)


def test_only_the_paragraph_is_searched():
    text = "He said “no. “One.” “Two.” and “more"
    start, end = text.index("“One"), text.index(" and")
    assert [q.inner_start for q in find_quoted(text, start, end)[0]] == [start + 1, text.index("Two")]
    assert find_quoted(text, start, start) == ([], [])


alphabet = st.one_of(
    st.sampled_from("“”„‟«»‹›‘’'\"`"),
    st.sampled_from("ab sS.,!?…:—-(\n\u00a0\u202f\u200b\x00\ud800"),
    st.sampled_from(["``", "''", " '", "' ", "' “", "said ", "isn't", "😀", "e\u0301"]),
    st.characters(),
)


@given(st.lists(alphabet, max_size=50).map("".join), st.data())
@settings(max_examples=500, deadline=None)
def test_what_is_found_is_in_order_nested_properly_and_apart(text, data):
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    quoted, strays = find_quoted(text, start, end)
    for q in quoted:
        assert start <= q.start < q.inner_start < q.inner_end <= q.end <= end
        assert q.closed is False or q.inner_end < q.end
        assert not {text[q.inner_start], text[q.inner_end - 1]} & set(" \t\n\r\u00a0\u202f\u2009\u200b")
    assert all(a.end <= b.start for a, b in pairwise(quoted))
    assert all(q.closed for q in quoted[:-1]), "one that is not closed reaches to the end"
    assert strays == sorted(set(strays))
    assert not any(q.start <= stray < q.end for q in quoted for stray in strays)
    assert find_quoted(text, start, end) == (quoted, strays)


def test_quoted_compares_by_value():
    assert find_quoted("“a”", 0, 3)[0] == [Quoted(0, 3, 1, 2, True)]
