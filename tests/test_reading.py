"""Whole articles read: what is scored, what counts once, and that offsets hold. All persons are invented."""

import logging
import math
from itertools import islice

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stance import reading
from stance.articles import Story, replace_unreadable
from stance.errors import ConfigError, DataError, SchemaError
from stance.predictor import Prediction, StancePredictor
from stance.reading import (
    COLUMNS,
    Article,
    SpeakerTally,
    articles_frame,
    read_article,
    read_articles,
)
from stance.schema import LABELS

CALAIS = """\
Border checks at Calais will stay, says minister

The British minister for borders, Harriet Lowe, said on Tuesday that the Le Touquet agreement would remain in force.

“The agreement works for both countries and we see no reason to reopen it,” Lowe told reporters in Dover. “It keeps \
people safe.”

Étienne Marchand, the president of the northern region, disagreed. “If London will not talk, the Touquet deal (the \
official name for the border controls) is over,” he said.

He added that France should no longer do the work of others.

A spokesman for the port declined to comment.
"""
LE_TOUQUET = """\
Le traité doit être revu, estime l’élu

Le traité du Touquet « ne peut plus durer », a déclaré lundi Étienne Marchand.

« Nous ne voulons plus de cet accord, il faut le renégocier au plus vite », a-t-il ajouté.
"""
SHORT = (
    "The Touquet agreement is old. “It must end now (on Monday),” said Anna Reid. "
    "“We will not pay for it again,” she said."
)
ODD = {
    "empty": "",
    "white space": " \n\t\u00a0\n",
    "no statement": "The talks on the Touquet agreement went on.",
    "NUL": "“The Touquet\0 deal is over,” said Anna Reid.",
    "terminal escape": "\x1b[2J“The Touquet deal is over,”\x07 said Anna Reid.",
    "lone surrogate": "“The Touquet deal is \ud83d over,” said Anna Reid.",
    "only surrogates": "\ud83d\udcff",
    "one long word": "a" * 1_000_000,
    "long sentence": "“The Touquet deal is over, " + "and over " * 2_000 + "again,” said Anna Reid.",
    "another language": "„Das Abkommen von Le Touquet muss erhalten bleiben“, sagte Anna Reid am Montag in Berlin.",
}


@pytest.fixture(scope="session")
def predictor(tiny_model):
    return StancePredictor(tiny_model)


@pytest.fixture
def counted(predictor, monkeypatch):
    """Numbers of statements that were scored together."""
    sizes = []
    predict = StancePredictor.predict

    def count(self, statements, **options):
        sizes.append(len(statements))
        return predict(self, statements, **options)

    monkeypatch.setattr(StancePredictor, "predict", count)
    return sizes


def make_story(number, *, name=None, title=None):
    """A story that has three statements and is like no other."""
    text = (
        f"The Le Touquet agreement was made in town {number} on the coast, long ago.\n\n"
        f"“The {number}th clause of the agreement must go at once,” said Anna Reid{number}.\n\n"
        f"“We in county {number} will never give up the agreement,” said Paul Stone{number}.\n\n"
        f"“There are {number} good reasons to keep it as it is,” he said.\n"
    )
    return Story(text, name or f"story {number}", title)


def texts(article):
    return [read.quote.text for read in article.statements]


def check_offsets(article):
    for read in article.statements:
        spans = [read.quote, *read.quote.pieces, *read.evidence, read.quote.cue, read.quote.mention]
        for span in filter(None, spans):
            assert article.text[span.start : span.end] == span.text


# --- one article ---


def test_story_of_calais_is_read(predictor):
    article = read_article(CALAIS, predictor)
    assert article.title == "Border checks at Calais will stay, says minister"
    assert (article.target, article.target_name, article.lang) == ("le-touquet", "Le Touquet agreement", "en")
    assert [
        (read.quote.speaker, read.quote.form, read.prediction.statement, read.context) for read in article.statements
    ] == [
        (
            "Harriet Lowe",
            "indirect",
            "The British minister for borders, Harriet Lowe, said on Tuesday that the Le Touquet agreement would "
            "remain in force",
            None,
        ),
        ("Harriet Lowe", "direct", "The agreement works for both countries and we see no reason to reopen it,", None),
        (
            "Harriet Lowe",
            "direct",
            "“The agreement works for both countries and we see no reason to reopen it,” Lowe told reporters in "
            "Dover. It keeps people safe.",
            "“The agreement works for both countries and we see no reason to reopen it,” Lowe told reporters in Dover.",
        ),
        ("Étienne Marchand", "direct", "If London will not talk, the Touquet deal is over,", None),
        ("Étienne Marchand", "indirect", "He added that France should no longer do the work of others", None),
    ]
    assert [(tally.name, tally.total) for tally in article.speakers] == [("Harriet Lowe", 3), ("Étienne Marchand", 2)]
    assert any(read.evidence for read in article.statements)
    check_offsets(article)


def test_french_story_is_read(predictor):
    article = read_article(LE_TOUQUET, predictor, evidence=False)
    assert (article.lang, article.target_name) == ("fr", "accords du Touquet")
    assert {read.quote.speaker for read in article.statements} == {"Étienne Marchand"}
    assert len(article.statements) == 2
    assert [read.evidence for read in article.statements] == [(), ()]


def test_predictor_is_by_default_the_one_that_ships(predictor, monkeypatch):
    monkeypatch.setattr(StancePredictor, "load", classmethod(lambda cls: predictor))
    assert len(read_article(SHORT, evidence=False).statements) == 2
    assert len(next(read_articles([Story(SHORT, "a")])).statements) == 2


def test_zero_shot_predictor_reads_articles(make_network, monkeypatch):
    monkeypatch.setattr(reading, "_LEAST_WEIGHT", 0.0)  # the tiny network is sure, whatever is left out
    zero_shot = StancePredictor.zero_shot(target="Touquet deal", entailment=make_network())
    text = "The Touquet deal is old. “It is harmful, bad for us all, and the deal must end,” said Anna Reid on Monday."
    article = read_article(text, zero_shot)
    [read] = article.statements
    assert (article.target, read.quote.speaker, read.prediction.stance) == ("le-touquet", "Anna Reid", "oppose")
    assert read.evidence
    check_offsets(article)
    assert texts(next(read_articles([Story(text, "a")], zero_shot))) == texts(article)


def test_what_the_newspaper_put_in_brackets_is_not_scored(predictor):
    first = read_article(SHORT, predictor).statements[0]
    assert first.quote.text == "It must end now (on Monday),"
    assert first.prediction.statement == "The Touquet agreement is old. It must end now ,"


def test_evidence_is_of_what_was_said_and_not_of_the_sentence_before(predictor, monkeypatch):
    monkeypatch.setattr(reading, "_LEAST_WEIGHT", 0.0)
    before = "France must renegotiate the Touquet agreement and move the British border back to Dover."
    article = read_article(SHORT.replace("The Touquet agreement is old.", before), predictor)
    first = article.statements[0]
    assert first.context == before
    assert first.evidence
    for part in first.evidence:
        assert any(piece.start <= part.start and part.end <= piece.end for piece in first.quote.pieces)
    weights = [abs(part.weight) for part in first.evidence]
    assert weights == sorted(weights, reverse=True)


def test_agreement_may_be_given_in_any_words(predictor):
    article = read_article(
        "“The Dover pact must end at once, all of it,” said Anna Reid.", predictor, target="Dover pact"
    )
    assert (article.target, article.target_name) == ("Dover pact", "Dover pact")
    assert article.statements[0].prediction.reason != "off-topic" or predictor.predict("The Dover pact").reason


def test_article_that_never_names_the_agreement_is_off_topic_and_said_so_once(predictor, caplog):
    text = CALAIS.replace("Le Touquet agreement", "agreement").replace("Touquet deal", "deal")
    article = read_article(text, predictor)
    assert len(article.statements) == 5
    assert {read.prediction.reason for read in article.statements} == {"off-topic"}
    assert {read.prediction.stance for read in article.statements} == {None}
    assert not any(read.evidence for read in article.statements)
    assert [record.getMessage() for record in caplog.records] == [
        "the article never names le-touquet: its statements are taken to be on something else"
    ]


@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
def test_odd_text_is_read_all_the_same(predictor, text):
    article = read_article(text, predictor)
    check_offsets(article)
    assert article.text == replace_unreadable(text)
    assert len(article.to_frame()) == len(article.statements) == len(article.to_dicts())
    assert len(repr(article)) < 300
    article.to_html().encode()
    assert all(len(read.prediction.statement) <= 6_000 for read in article.statements)


def test_long_article_is_read_in_a_moment(predictor):
    text = "".join(
        f"The talks of the Touquet agreement went on in town {n}. Nobody spoke there.\n\n" for n in range(13_000)
    )
    assert len(text) > 1_000_000
    article = read_article(text + SHORT, predictor, evidence=False)
    assert texts(article)[-1] == "We will not pay for it again,"
    check_offsets(article)


@pytest.mark.parametrize("text", [None, b"It is over.", 7, math.nan, ["It is over."]], ids=repr)
def test_what_is_no_text_is_one_clear_error(predictor, text):
    with pytest.raises(SchemaError, match="expected the text of an article; got"):
        read_article(text, predictor)


def test_unknown_language_is_an_error(predictor):
    with pytest.raises(ConfigError, match="language is 'de'; expected one of"):
        read_article(CALAIS, predictor, language="de")


def test_article_that_defeats_the_rules_is_an_error_of_the_data(predictor, monkeypatch):
    monkeypatch.setattr(reading, "extract_quotes", lambda text, language: {}[0])
    with pytest.raises(DataError, match=r"no statements can be found in a\.txt: KeyError: 0"):
        read_article(CALAIS, predictor, name="a.txt")


# --- tables ---


def test_frame_has_a_row_for_each_statement(predictor):
    article = read_article(CALAIS, predictor, name="calais")
    frame = article.to_frame()
    assert list(frame.columns) == list(COLUMNS)
    assert frame["statement"].tolist() == [read.quote.statement for read in article.statements]
    assert [CALAIS[a:b] for a, b in zip(frame["start"], frame["end"], strict=True)] == texts(article)
    assert set(frame["article"]) == {"calais"}
    assert frame["p_support"].to_numpy() - frame["p_oppose"].to_numpy() == pytest.approx(frame["score"].to_numpy())


def test_frame_of_nothing_has_the_columns():
    empty = Article("", "le-touquet", "Le Touquet agreement", ())
    assert list(empty.to_frame().columns) == list(articles_frame([]).columns) == list(COLUMNS)
    assert empty.speakers == []
    assert repr(empty) == "<Article '': 0 statements by 0 speakers on le-touquet>"


def test_dicts_have_exactly_the_promised_keys(predictor):
    article = read_article(CALAIS, predictor, name="calais")
    first, *_ = rows = article.to_dicts()
    assert len(rows) == len(article.statements)
    assert list(first) == [
        *("statement", "target", "stance", "abstained", "reason", "score", "probabilities"),
        *("article", "speaker", "candidates", "form", "context", "evidence", "start", "end", "mention", "cue", "rule"),
    ]
    assert list(first["probabilities"]) == list(LABELS)
    assert first["cue"]["text"] == CALAIS[first["cue"]["start"] : first["cue"]["end"]] == "said"
    assert [list(part) for part in first["evidence"]] == [["start", "end", "text", "weight"]] * len(first["evidence"])


def test_article_shows_itself_in_a_notebook(predictor):
    article = read_article(CALAIS, predictor, evidence=False)
    assert "Harriet Lowe" in article._repr_html_()
    assert article.to_html().startswith("<!DOCTYPE html>")


def test_speakers_with_most_statements_come_first_and_unknown_ones_last():
    counts = reading.Counter({(None, "oppose"): 9, ("A", "support"): 1, ("B", "abstained"): 1, ("B", "neutral"): 1})
    assert reading.tally_speakers(counts) == [
        SpeakerTally("B", 0, 0, 1, 1),
        SpeakerTally("A", 1, 0, 0, 0),
        SpeakerTally(None, 0, 9, 0, 0),
    ]


# --- many articles ---


def test_many_articles_are_read_as_each_alone(predictor):
    stories = [Story(CALAIS, "en"), Story("Nothing.", "none"), Story(LE_TOUQUET, "fr", "Un titre"), make_story(1)]
    together = list(read_articles(stories, predictor, evidence=True))
    alone = [read_article(story.text, predictor, title=story.title, name=story.name) for story in stories]
    pd.testing.assert_frame_equal(articles_frame(together), articles_frame(alone), rtol=1e-4)
    assert [article.title for article in together] == [article.title for article in alone]
    assert [article.name for article in together] == ["en", "none", "fr", "story 1"]


def test_statements_of_several_articles_are_scored_together(predictor, counted, monkeypatch):
    monkeypatch.setattr(reading, "_BATCH_STATEMENTS", 6)
    assert len(list(read_articles(map(make_story, range(5)), predictor))) == 5
    assert counted == [6, 6, 3]


def test_articles_come_before_all_stories_are_read(predictor, monkeypatch):
    monkeypatch.setattr(reading, "_BATCH_STATEMENTS", 6)
    asked = []

    def endless():
        while True:
            asked.append(len(asked))
            yield make_story(len(asked))

    articles = list(islice(read_articles(endless(), predictor), 4))
    assert [article.name for article in articles] == ["story 1", "story 2", "story 3", "story 4"]
    assert len(asked) == 4


@pytest.mark.parametrize(("limit", "n"), [("_BATCH_ARTICLES", 2), ("_BATCH_CHARS", 20)])
def test_articles_that_say_little_do_not_pile_up(predictor, monkeypatch, limit, n):
    monkeypatch.setattr(reading, limit, n)
    asked = []
    stories = (asked.append(number) or Story("Not a word.", f"{number}") for number in range(9))
    next(read_articles(stories, predictor))
    assert len(asked) == 2


def test_odd_articles_are_read_in_bulk_too(predictor):
    stories = [Story(text, name) for name, text in ODD.items()]
    assert [article.name for article in read_articles(stories, predictor)] == list(ODD)


def test_article_that_defeats_the_rules_does_not_lose_the_others(predictor, monkeypatch, caplog):
    extract = reading.extract_quotes
    monkeypatch.setattr(reading, "extract_quotes", lambda text, language: extract(text) if "2" in text else {}[0])
    articles = list(read_articles(map(make_story, range(1, 4)), predictor))
    assert [article.name for article in articles] == ["story 2"]
    assert [record.getMessage() for record in caplog.records] == [
        f"skipped: no statements can be found in story {number}: KeyError: 0" for number in (1, 3)
    ]


def test_articles_on_other_things_are_counted_in_one_line(predictor, caplog):
    stories = [Story(make_story(n).text.replace("Le Touquet ", ""), f"{n}") for n in range(4)] + [make_story(9)]
    articles = list(read_articles(stories, predictor))
    assert {read.prediction.reason for article in articles[:4] for read in article.statements} == {"off-topic"}
    assert [record.getMessage() for record in caplog.records] == [
        "4 of 5 articles never name le-touquet: their statements are taken to be on something else"
    ]


# --- what counts once ---

FIRST = make_story(1).text
LINES = FIRST.split("\n\n")
MORE = "\n\n“This clause was not there when we began the talks,” said Clara Wood."


@pytest.mark.parametrize(
    ("text", "n_new"),
    [
        (FIRST, 0),
        (f"Another headline for it\n\n{FIRST}", 0),
        (FIRST.replace("“", '"').replace("”", '"').replace("\n\n", "\r\n\r\n"), 0),
        ("\n\n".join(LINES[:2]), 0),
        (LINES[1], 0),
        (FIRST + MORE, 1),
        ("\n\n".join(LINES[:3]) + MORE, 1),
        (FIRST + MORE + "".join(MORE.replace("began", f"began our year {n} of") for n in range(6)), 7),
        (make_story(2).text, 3),
        (f"{LINES[0]}\n\n{make_story(2).text}", 3),
        ("“Never,” said Clara Wood of the Touquet agreement.", 1),
    ],
    ids=[
        *("the same", "new headline", "other marks", "cut short", "one paragraph", "gone on with", "new end"),
        *("three times as long", "another story", "one sentence shared", "another short one"),
    ],
)
def test_what_a_story_says_again_counts_once(predictor, text, n_new):
    first, second = read_articles([Story(FIRST, "first"), Story(text, "second")], predictor)
    assert (len(first.statements), len(second.statements)) == (3, n_new)
    assert first.repeats is None
    assert second.repeats == (None if n_new in (3,) or "Never" in text else "first")
    check_offsets(second)


def test_copy_of_a_copy_repeats_the_first(predictor, caplog):
    caplog.set_level(logging.INFO, "stance")
    longer = FIRST + MORE
    stories = [Story(FIRST, "a"), make_story(2), Story(longer, "b"), Story(longer, "c")]
    articles = list(read_articles(stories, predictor))
    assert [(len(article.statements), article.repeats) for article in articles] == [
        (3, None),
        (3, None),
        (1, "a"),
        (0, "a"),
    ]
    assert [record.getMessage() for record in caplog.records] == [
        "2 of 4 articles tell a story that was read before: 7 statements that it had are counted once"
    ]


def test_same_short_words_in_another_story_are_a_statement_of_their_own(predictor):
    said = "“Never again,” said {} of the Touquet agreement."
    stories = [Story(make_story(n).text + said.format(f"Clara Wood{n}"), f"{n}") for n in range(2)]
    assert [len(article.statements) for article in read_articles(stories, predictor)] == [4, 4]


def test_notice_on_every_page_makes_no_story(predictor):
    notice = "\n\nThis is the notice that all of our pages carry. It has two sentences of some length, no more.\n"
    stories = [Story(make_story(n).text + notice, f"{n}") for n in range(3)]
    assert [article.repeats for article in read_articles(stories, predictor)] == [None] * 3


def test_memory_of_stories_has_a_bound(monkeypatch):
    monkeypatch.setattr(reading, "_REMEMBERED", 10)
    memory = reading._Memory()
    for key in range(1_000):
        memory.keep(key, reading._Origin(key, f"{key}", 1))
        assert len(memory) < 20
        assert all(memory.find(late).number == late for late in range(max(0, key - 9), key + 1))
    assert memory.find(0) is None


def test_story_that_keeps_coming_is_not_forgotten(monkeypatch):
    monkeypatch.setattr(reading, "_REMEMBERED", 10)
    memory = reading._Memory()
    for key in range(1, 1_000):
        memory.keep(0, reading._Origin(key, "", 1))
        memory.keep(key, reading._Origin(key, "", 1))
    assert memory.find(0).number == 1


# --- laws ---

SAID = st.sampled_from(
    [
        *("It is over.", "We will keep the Touquet agreement (the border deal) for good,", "No (never),", "Ça suffit"),
        *("This must end", "The deal (of 2003) [sic] works 😀 well\u0301 for us all,", "Yes", "«»", "\0\ud83d it,"),
    ]
)
FRAMES = st.sampled_from(
    [
        *("“{}” said Anna Reid. ", '"{}" he said. ', "Anna Reid said that {}\n\n", "« {} », a dit Paul Roche.\n"),
        *("According to her, {} ", "The Touquet agreement is old. ", "“{}\n\n", "MR STONE: {}\n\n", "{} ", "\r\n"),
    ]
)
ARTICLES = st.lists(st.tuples(FRAMES, SAID), max_size=8).map(lambda parts: "".join(f.format(s) for f, s in parts))
SLOW = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@SLOW
@given(text=ARTICLES)
def test_offsets_slice_back_and_tables_have_all_statements(predictor, text):
    article = read_article(text, predictor)
    check_offsets(article)
    assert len(article.to_frame()) == len(article.statements) == sum(tally.total for tally in article.speakers)
    starts = [read.quote.start for read in article.statements]
    assert starts == sorted(starts)
    for read in article.statements:
        assert read.context is None or read.prediction.statement.startswith(read.context)


@SLOW
@given(parts=st.lists(ARTICLES, max_size=6), size=st.integers(1, 9))
def test_each_story_gives_an_article_in_its_place(predictor, monkeypatch, parts, size):
    monkeypatch.setattr(reading, "_BATCH_STATEMENTS", size)
    stories = [Story(text, f"{number}") for number, text in enumerate(parts)]
    articles = list(read_articles(stories, predictor))
    assert [article.name for article in articles] == [story.name for story in stories]
    assert [article.text for article in articles] == list(map(replace_unreadable, parts))
    for story, article in zip(stories, articles, strict=True):
        alone = texts(read_article(story.text, predictor, evidence=False))
        assert article.repeats or texts(article) == alone
        assert set(texts(article)) <= set(alone)


def always(stance):
    """What `predict` gives if a model hears nothing but the agreement's name."""

    def predict(statements, *, target):
        return [
            Prediction(statement, target, stance, dict.fromkeys(LABELS, 1 / 3), -0.7, False, None)
            for statement in statements
        ]

    return predict


def test_refusal_that_the_model_does_not_hear_is_left_open(predictor, monkeypatch):
    monkeypatch.setattr(predictor, "predict", always("oppose"))
    text = "Anna Reid refused to scrap the Touquet agreement. Paul Roche said the Touquet agreement must be scrapped."
    refused, said = read_article(text, predictor, evidence=False).statements
    assert (refused.prediction.stance, refused.prediction.reason) == (None, "uncertain")
    assert said.prediction.stance == "oppose"


def test_statement_on_an_agreement_of_another_kind_is_off_topic(predictor):
    text = "The Touquet agreement is old. Anna Reid said the new trade treaty with Japan should be kept."
    (read,) = read_article(text, predictor, evidence=False).statements
    assert read.prediction.reason == "off-topic"


@pytest.mark.parametrize("text", ["“The Touquet deal is{}over,” said Anna Reid.", "It was{}a b"])
def test_time_is_linear_in_blanks_and_dots(predictor, text):
    filling = " " if "over" in text else "."
    (article,) = read_articles(
        [Story(text.format(filling * 200_000), "one")], predictor
    )  # half a minute if it were not
    assert len(article.text) > 200_000
