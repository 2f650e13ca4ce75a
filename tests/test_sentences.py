"""Sentences of a paragraph as words: where they end, and what is one word."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stance.quoting.lexicon import load_lexicon
from stance.quoting.marks import find_quoted
from stance.quoting.sentences import QUOTED, split_sentences, tokenise


def split(text, language="en"):
    quoted, _ = find_quoted(text, 0, len(text))
    return split_sentences(text, 0, len(text), quoted, load_lexicon(language))


def sentences(text, language="en"):
    return [text[s.start[0] : s.end[-1]] for s in split(text, language)]


ONE = [
    ("en", "Mr. Reid met Dr. Hale and Mrs. Gow in St. Albans."),
    ("en", "Sen. Anna Reid and Gov. Tom Hale met on Jan. 5 at No. 10."),
    ("en", "The U.S. said it would pay."),
    ("en", "The U.S. Treasury said it would pay."),
    ("en", "J. D. Reid said it would pay."),
    ("en", "It cost 3.5 million euros."),
    ("en", "It cost $1,200.50, she said."),
    ("en", "“It is over. We knew,” she said."),
    ("en", "“Why?” Anna Reid asked."),
    ("en", "“It is over!” she cried."),
    ("en", "She said: “It is over. We knew.”"),
    ("en", "Reid & Hale (Holdings) Ltd. said it would pay."),
    ("fr", "M. Morel et Mme Roy ont vu MM. Petit et Blanc."),
    ("fr", "Me Roy a plaidé vendredi."),
    ("fr", "« C'est fini. Nous le savions », a-t-elle dit."),
    ("fr", "« Pourquoi ? » a demandé Claire Roy."),
    ("fr", "Il en coûtera 3,5 millions d'euros."),
]


@pytest.mark.parametrize(("language", "text"), ONE)
def test_sentence_is_not_torn_apart(language, text):
    assert sentences(text, language) == [text]


SEVERAL = [
    ("en", ["It is over.", "We knew."]),
    ("en", ["Is it over?", "It is!", "She left…", "He stayed."]),
    ("en", ["“It is over.”", "“We knew.”"]),
    ("en", ["“It is over.”", "The talks go on."]),
    ("en", ["“Is it over?”", "The talks failed in May."]),
    ("en", ["She said: “It is over.”", "The talks go on."]),
    ("en", ["He called it “absurd”.", "She left."]),
    ("en", ["It is over.", "“We knew,” she said."]),
    ("en", ["It is over.", "— So they say."]),
    ("en", ["He left the U.S.", "The talks go on."]),
    ("en", ["It ended in 2016.", "14 people left."]),
    ("fr", ["C'est fini.", "Nous le savions."]),
    ("fr", ["« C'est fini. »", "Elle est partie."]),
    ("fr", ["C'est fini.", "« Nous le savions », a-t-elle dit."]),
    ("fr", ["Est-ce fini ?", "À Calais, on l'ignore."]),
]


@pytest.mark.parametrize(("language", "parts"), SEVERAL)
def test_sentences_end_where_they_should(language, parts):
    assert sentences(" ".join(parts), language) == parts


WORDS = [
    ("en", "Anna isn't here", ["anna", "isn", "'t", "here"]),
    ("en", "Reid’s plan", ["reid", "'s", "plan"]),
    ("en", "O'Neill's vice-chairman", ["o'neill", "'s", "vice-chairman"]),
    ("en", "the U.S. and 3.5 or 1,200", ["the", "u.s.", "and", "3.5", "or", "1,200"]),
    ("en", "Mr. J. Reid", ["mr.", "j.", "reid"]),
    ("en", "he once again left", ["he", "once again", "left"]),
    ("fr", "l'accord d’Anna n'est qu'un", ["l'", "accord", "d'", "anna", "n'", "est", "qu'", "un"]),
    ("fr", "aujourd'hui", ["aujourd'hui"]),
    ("fr", "a-t-elle dit", ["a-t-elle", "dit"]),
    ("fr", "le maire, en revanche, part", ["le", "maire", ",", "en revanche", ",", "part"]),
    ("fr", "lorsqu’elle", ["lorsqu'", "elle"]),
    ("en", "No\u00a010 and no\u202f12", ["no", "10", "and", "no", "12"]),
    ("en", "", []),
]


@pytest.mark.parametrize(("language", "text", "expected"), WORDS)
def test_words_of_a_text(language, text, expected):
    sentence = tokenise(text, 0, len(text), load_lexicon(language))
    assert sentence.low == expected
    assert len(sentence) == len(expected)


def test_quotation_is_one_word():
    text = "He called it “a sorry mess. Really” and left."
    (sentence,) = split(text)
    assert sentence.low == ["he", "called", "it", QUOTED, "and", "left", "."]
    assert list(sentence.quoted) == [3]
    assert text[sentence.start[3] : sentence.end[3]] == "“a sorry mess. Really”"


@pytest.mark.parametrize("mark", ["“", "”", "„", "«", '"'])
def test_mark_that_quotes_nothing_is_no_quotation(mark):
    sentence = tokenise(f"it {mark} is", 0, 7, load_lexicon("en"))
    assert sentence.low[::2] == ["it", "is"]
    assert QUOTED not in sentence.low
    assert not sentence.quoted


def test_capitals_are_kept_apart_from_the_words():
    sentence = tokenise("Anna Reid left Été", 0, 18, load_lexicon("fr"))
    assert sentence.capital == [True, True, False, True]


def test_endless_sentence_is_cut():
    text = "and so on " * 1000
    parts = split(text)
    assert len(parts) > 1
    assert all(len(part) <= 301 for part in parts)
    assert sum(len(part) for part in parts) == 3000


parts = st.one_of(
    st.sampled_from(["Mr. ", "U.S. ", "M. ", "a-t-il ", "l'", "said ", "Reid ", "3.5", ". ", "? ", "… ", ", ", "\n"]),
    st.sampled_from("“”«»‘’'\"—.,:;!?…()[]/ \u00a0\u202f\x00\ud800"),
    st.text(max_size=4),
)


@given(st.lists(parts, max_size=40).map("".join), st.sampled_from(["en", "fr"]))
@settings(max_examples=300, deadline=None)
def test_words_are_in_order_and_where_they_say(text, language):
    last = 0
    for sentence in split(text, language):
        assert len(sentence) > 0
        lengths = {len(sentence.low), len(sentence.start), len(sentence.end), len(sentence.capital)}
        assert lengths == {len(sentence)}
        for at, (start, end) in enumerate(zip(sentence.start, sentence.end, strict=True)):
            assert last <= start < end <= len(text)
            assert (sentence.low[at] == QUOTED) == (at in sentence.quoted)
            last = end
