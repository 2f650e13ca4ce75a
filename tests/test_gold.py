"""Statements of annotated articles are found and given to the right speakers; and the scorer sees when they are not."""

from dataclasses import replace
from functools import cache
from itertools import pairwise

import pytest
from gold_articles import (
    FORMS,
    GOLD,
    LANGUAGES,
    SETS,
    Article,
    Score,
    extract,
    main,
    read_article,
    read_gold,
    same_speaker,
    score_articles,
    spans_of,
)

from stance.quotes import Span

# A little below what is reached, so that a change that costs quality is seen and one that costs nothing passes.
LEAST_F1 = {
    "ordinary": {"direct": 0.95, "indirect": 0.78, "mixed": 0.90},
    "hard": {"direct": 0.95, "indirect": 0.82, "mixed": 0.90},
}
LEAST_SPEAKER = {"ordinary": 0.82, "hard": 0.78}
LEAST_OVERLAP = {"ordinary": 0.90, "hard": 0.84}  # else one statement over the whole article would do
MOST_WRONG = {"ordinary": 0.15, "hard": 0.17}  # a wrong name is worse than none

articles_of = cache(read_gold)


@cache
def score_of(name: str) -> Score:
    return score_articles(articles_of(name))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", SETS)
def test_statements_are_found(name, form):
    assert score_of(name)[form].f1 >= LEAST_F1[name][form]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", SETS)
def test_neither_language_is_much_worse(name, language):
    assert score_of(name)[language].f1 >= 0.88


@pytest.mark.parametrize("name", SETS)
def test_speakers_are_right(name):
    assert score_of(name)["all"].speaker >= LEAST_SPEAKER[name]


@pytest.mark.parametrize("name", SETS)
def test_few_statements_are_given_to_somebody_else(name):
    assert score_of(name)["all"].wrong <= MOST_WRONG[name]


@pytest.mark.parametrize("name", SETS)
def test_what_is_found_is_what_was_said(name):
    assert score_of(name)["all"].overlap >= LEAST_OVERLAP[name]


@pytest.mark.parametrize("name", SETS)
def test_every_span_slices_back(name):
    for article in articles_of(name):
        for quote in extract(article.text, article.language):
            assert article.text[quote.start : quote.end] == quote.text
            for span in spans_of(quote):
                assert article.text[span.start : span.end] == span.text


@pytest.mark.parametrize(("name", "articles", "statements"), [("ordinary", 44, 412), ("hard", 150, 1543)])
def test_annotations_are_sound(name, articles, statements):
    """Offsets within the text, no white space at an edge, nothing annotated twice."""
    gold = articles_of(name)
    assert len(gold) == articles
    assert sum(len(article.statements) for article in gold) == statements
    for article in gold:
        assert article.language in LANGUAGES
        numbers = sorted(statement.number for statement in article.statements)
        assert numbers == list(range(1, len(numbers) + 1)), article.name
        pieces = sorted(piece for statement in article.statements for piece in statement.pieces)
        assert all(end <= start for (_, end), (start, _) in pairwise(pieces)), article.name
        for statement in article.statements:
            assert statement.form in FORMS
            for start, end in filter(None, (*statement.pieces, statement.cue, statement.mention)):
                assert start < end
                assert article.text[start:end].strip(" \n") == article.text[start:end], article.name


def test_readme_tells_how_many_articles_there_are():
    text = (GOLD / "README.md").read_text(encoding="utf-8")
    for name in SETS:
        assert f"`{name}/`, {len(articles_of(name))} articles" in text


def test_developers_see_scores_and_misses(capsys):
    main(["ordinary"])
    out = capsys.readouterr().out
    assert out.startswith("ordinary: 44 articles\n")
    assert all(f"\n{key} " in out for key in (*FORMS, *LANGUAGES, "all"))
    assert " MISSED indirect …" in out
    assert " SPEAKER " in out


# --- the reader and the scorer themselves ---

TAGGED = """lang: en
style: a test
---
<sp n="1">Anna Reid, the mayor,</sp> <cue n="1">said</cue> <q n="1" form="indirect" by="Anna Reid">it was over</q>.

“<q n="2" form="direct" by="?">No,</q>” <cue n="2">came</cue> a voice, “<q n="2" form="direct" by="?">never.</q>”

Critics dismissed <q n="3" form="mixed" by="critics + a bank">the “plan”</q>.
"""


def tagged() -> Article:
    return read_article("tagged", TAGGED)


def perfect(text, language):
    """What an extractor that makes no mistake finds in `TAGGED`."""
    some = extract("“No,” said Anna Reid.", "en")[0]
    return [
        replace(
            some,
            start=statement.pieces[0][0],
            end=statement.pieces[-1][1],
            form=statement.form,
            speaker=statement.speaker,
            pieces=tuple(Span(start, end, text[start:end]) for start, end in statement.pieces),
        )
        for statement in tagged().statements
    ]


def changed(**changes):
    return lambda text, language: [replace(quote, **changes) for quote in perfect(text, language)]


def test_reader_takes_tags_out_and_keeps_what_they_held():
    article = tagged()
    first, second, third = article.statements
    assert "<" not in article.text
    assert [article.text[slice(*piece)] for piece in second.pieces] == ["No,", "never."]
    assert article.text[slice(*first.cue)] == "said"
    assert article.text[slice(*first.mention)] == "Anna Reid, the mayor,"
    assert (first.form, second.form, third.form) == ("indirect", "direct", "mixed")
    assert (first.speaker, second.speaker, third.speaker) == ("Anna Reid", None, "critics + a bank")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("It is over.", "no head"),
        ('lang: en\nstyle: a test\n---\n<cue n="1">said', "not closed"),
        ("lang: en\nstyle: a test\n---\nsaid</cue>", "closes nothing"),
        ('lang: en\nstyle: a test\n---\n<cue n="1">said</sp>', "closes nothing"),
        ("lang: en\nstyle: a test\n---\n<b>said</b>", "not known"),
    ],
)
def test_broken_annotation_is_an_error(content, why):
    with pytest.raises(ValueError, match=why):
        read_article("broken", content)


def test_perfect_extractor_scores_one():
    score = score_articles([tagged()], perfect)
    assert not score.misses
    for key in (*FORMS, "en", "all"):
        tally = score[key]
        assert (tally.precision, tally.recall, tally.f1, tally.speaker, tally.overlap) == (1, 1, 1, 1, 1), key
        assert tally.wrong == 0
    assert score["fr"].annotated == 0


def test_empty_extractor_scores_nothing():
    score = score_articles(articles_of("ordinary"), lambda text, language: [])
    for tally in score.tallies.values():
        assert (tally.precision, tally.recall, tally.f1, tally.speaker, tally.overlap) == (0, 0, 0, 0, 0)
    assert len(score.misses) == 412


def shifted(by):
    """What the package finds, every piece so many characters further on."""

    def extractor(text, language):
        return [
            replace(quote, pieces=tuple(Span(p.start + by, p.end + by, "") for p in quote.pieces))
            for quote in extract(text, language)
        ]

    return extractor


def test_extractor_beside_the_mark_scores_nothing():
    score = score_articles(articles_of("ordinary"), shifted(by=100_000))
    assert score["all"].extracted > 300
    assert score["all"].f1 == 0


def test_slightly_shifted_extractor_fails():
    score = score_articles(articles_of("ordinary"), shifted(by=40))
    assert score["all"].overlap < LEAST_OVERLAP["ordinary"] / 1.5
    assert score["all"].f1 < score_of("ordinary")["all"].f1


def test_whole_article_as_one_statement_fails():
    def whole(text, language):
        some = perfect(text, language)[0]
        return [replace(some, pieces=(Span(0, len(text), text),))]

    score = score_articles(articles_of("ordinary"), whole)
    assert score["all"].recall == 1
    assert score["all"].overlap < LEAST_OVERLAP["ordinary"] / 2


def test_wrong_speaker_counts_as_wrong():
    score = score_articles([tagged()], changed(speaker="Tom Hale"))["all"]
    assert (score.f1, score.speaker, score.wrong) == (1, 0, 1)


def test_no_speaker_counts_against_what_is_right_but_not_as_wrong():
    score = score_articles([tagged()], changed(speaker=None))["all"]
    assert score.speaker == pytest.approx(1 / 3)  # the one that a reader cannot tell either
    assert score.wrong == 0


def test_statement_of_another_form_counts_as_found_but_not_as_right_for_its_form():
    score = score_articles([tagged()], changed(form="direct"))
    assert score["indirect"].recall == 1
    assert score["indirect"].precision == 0
    assert score["direct"].extracted == 3


def test_what_nobody_said_lowers_precision():
    def chatty(text, language):
        quotes = perfect(text, language)
        return [*quotes, replace(quotes[0], pieces=(Span(0, 4, text[:4]),))]

    score = score_articles([tagged()], chatty)
    assert score["all"].precision == pytest.approx(3 / 4)
    assert score["all"].recall == 1
    assert [miss.split()[1] for miss in score.misses] == ["EXTRA"]


@pytest.mark.parametrize(
    ("annotated", "found"),
    [
        ("Anna Reid", "anna reid"),
        ("Anna Reid", "Mrs Reid"),
        ("Anna Reid", "Reid"),
        ("Reid", "Anna Reid"),
        ("Hélène Vasseur", "Mme Helene Vasseur"),
        ("the Home Office", "a Home Office"),
        ("le maire de Calais", "maire de Calais"),
        ("Aurore", "Aurore, 22 ans, étudiante"),
        ("a spokesman for the Home Office", "the Home Office"),
        ("Paris + Rome", "Paris et Rome"),
        ("Anna Reid + Tom Hale", "Hale + Reid"),
        (None, None),
    ],
)
def test_names_of_one_speaker(annotated, found):
    assert same_speaker(annotated, found)


@pytest.mark.parametrize(
    ("annotated", "found"),
    [
        ("Anna Reid", "Tom Reid"),
        ("Anna Reid", "Tom Hale"),
        ("Anna Reid", None),
        (None, "Anna Reid"),
        ("Anna Reid", ""),
        ("the", "a"),
        ("the ministry's chief spokesman for trade", "spokesman"),
        ("Anna Reid + Tom Hale", "Anna Reid"),
        ("Anna Reid", "Anna Reid + Tom Hale"),
        ("Anna Reid + Tom Hale", "Anna Reid + Ian Gow"),
        ("the European Commission", "the European Parliament"),
    ],
)
def test_names_of_different_speakers(annotated, found):
    assert not same_speaker(annotated, found)
