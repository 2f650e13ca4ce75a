"""Which words lead to a verdict: exact offsets, weights that are what the model does, long texts in bounded time."""

import re
import unicodedata

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from stance import estimator
from stance.estimator import StanceClassifier
from stance.explanation import Contribution, explain
from stance.targets import read_targets

TEXTS = [
    *("We keep it.", "Scrap it now!", "It works for Kent, so keep it.", "It has failed Calais: scrap it."),
    *("Ministers defend what works.", "End this bad deal.", "It serves our ports and works well.", "It failed us."),
    *("Nous défendons cet accord utile.", "Cet accord a échoué.", "Keep the controls.", "Tear it up, it failed."),
]
PIECES = st.one_of(
    st.sampled_from(
        [*"aeélT ’‘'“”«».,-–\n\t1\x00\u200f", "e\u0301", "👍", "👩\u200d🔬", "🇫🇷", "ß", "ﬁ", "İ", "ع", "字"]
    ),
    st.sampled_from(
        ["Le Touquet", "accords du Touquet", "Anne Dupont", "Mr O’Neill", "M. de la Tour", "n’est", "doesn't"]
    ),
    st.text(max_size=5),
)
STATEMENTS = st.lists(PIECES, max_size=40).map("".join)


def fit(labels):
    classifier = StanceClassifier(blocks=("lexical",), folds=2, target="le-touquet", targets=read_targets())
    return classifier.fit(TEXTS, labels)


@pytest.fixture(scope="module")
def lexical():
    return fit(["support", "oppose"] * 6)


@pytest.fixture
def unread(monkeypatch):
    """The encoder is not asked: a lexical model only needs it to see what is off topic."""
    monkeypatch.setattr(estimator, "encode_sentences", lambda texts, *, jobs=1: np.zeros((len(texts), 512), np.float32))


def spans(contributions):
    return [(part.start, part.end) for part in contributions]


def words(contributions):
    return [part.text for part in contributions]


def score(classifier, statement):
    probabilities = dict(zip(classifier.classes_, classifier.judge([statement], ["le-touquet"])[0][0], strict=True))
    return probabilities.get("support", 0.0) - probabilities.get("oppose", 0.0)


@given(statement=STATEMENTS)
@example(statement="L’accord du Touquet ? « N’est pas mort », dit Anne Dupont 👍🏽.")
@example(statement="e\u0301te\u0301 le\u200d Le\u00a0Touquet")
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_offsets_slice_back_in_order_and_leave_out_no_word(lexical, unread, statement):
    contributions = explain(lexical, statement)
    assert all(statement[part.start : part.end] == part.text and part.text for part in contributions)
    ends = [0, *(end for _, end in spans(contributions))]
    assert all(before <= start for before, (start, _) in zip(ends, spans(contributions), strict=False))
    covered = {place for start, end in spans(contributions) for place in range(start, end)}
    names = [statement[start:end] for start, end in lexical.find_names(statement, "le-touquet")]
    missed = [match.group() for match in re.finditer(r"\w", statement) if match.start() not in covered]
    # A name may end within a word that has more hanging on it ("Touquet-Paris"), which then has no span of its own.
    assert not missed or names
    assert all(np.isfinite(part.weight) and -2 <= part.weight <= 2 for part in contributions)


def test_weight_is_what_the_score_loses_without_the_span(tiny_model):
    statement = "We must keep the agreement, said Anne Dupont: it doesn’t fail us."
    whole = score(tiny_model, statement)
    contributions = explain(tiny_model, statement)
    for part in contributions:
        without = statement[: part.start] + statement[part.end :]
        assert part.weight == pytest.approx(whole - score(tiny_model, without), abs=1e-5)
    assert max(abs(part.weight) for part in contributions) > 0.001


def test_weights_are_the_same_every_time(tiny_model):
    statement = "Il faut dénoncer les accords du Touquet, et vite."
    assert explain(tiny_model, statement) == explain(tiny_model, statement, "accords du Touquet")
    assert explain(tiny_model, statement) == explain(tiny_model, statement, "le-touquet")


def test_words_speak_for_the_side_that_they_were_learnt_on(lexical):
    weight = {part.text: part.weight for part in explain(lexical, "It works, so keep it; or it failed, so scrap it.")}
    assert min(weight["keep"], weight["works"]) > 0.01
    assert max(weight["scrap"], weight["failed"]) < -0.01


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("The treaty doesn’t work.", ["The", "treaty", "doesn’t", "work"]),
        ("L’accord n'est pas mort", ["L’accord", "n'est", "pas", "mort"]),
        ("cross-Channel – talks…", ["cross-Channel", "talks"]),
        ("«Jamais!» 👍 100 %", ["Jamais", "100"]),
        (unicodedata.normalize("NFD", "L’été à Évian"), ["L’été", "à", "Évian"]),
        ("Keep Le Touquet, says Anne Dupont.", ["Keep", "Le Touquet", "says", "Anne Dupont"]),
        ("Revoir l’accord du Touquet ?", ["Revoir", "l’", "accord du Touquet"]),
        ("le traité du TOUQUET", ["le", "traité du TOUQUET"]),
        ("Mr O’Neill wants out", ["Mr O’Neill", "wants", "out"]),
        ("", []),
        (" ?! 👍 \n", []),
    ],
)
def test_a_span_is_a_word_or_a_whole_name(lexical, unread, statement, expected):
    found = [unicodedata.normalize("NFC", text) for text in words(explain(lexical, statement))]
    # What hangs on a name is no span of its own.
    assert found == [word for word in expected if word != "l’"]


def test_name_of_another_target_is_read_word_by_word(lexical, unread):
    statement = "They keep Le Touquet."
    assert words(explain(lexical, statement)) == ["They", "keep", "Le Touquet"]
    assert words(explain(lexical, statement, "tpp")) == ["They", "keep", "Le", "Touquet"]
    assert words(explain(lexical, "Keep the Stone Bridge pact.", "Stone Bridge pact")) == [
        "Keep",
        "the",
        "Stone Bridge pact",
    ]


@pytest.mark.parametrize("n_words", [1, 199, 200, 201, 400, 2_000, 20_000])
def test_long_text_is_judged_no_more_often_than_a_page(lexical, unread, monkeypatch, n_words):
    judged = []
    judge = StanceClassifier.judge

    def note(self, texts, targets, **options):
        judged.extend(texts)
        return judge(self, texts, targets, **options)

    monkeypatch.setattr(StanceClassifier, "judge", note)
    statement = "keep " * n_words
    contributions = explain(lexical, statement)
    assert len(contributions) <= 200
    assert contributions[0].start == 0
    assert contributions[-1].end == len(statement) - 1
    assert sum(map(len, judged)) <= max(600_000, 11 * len(statement))
    if n_words <= 200:
        assert words(contributions) == ["keep"] * n_words


@pytest.mark.parametrize(("labels", "sign"), [(["support", "neutral"], 1), (["neutral", "oppose"], -1)])
def test_label_that_the_model_lacks_adds_nothing(labels, sign):
    classifier = fit(labels * 6)
    statement = "It works."
    column = classifier.classes_.tolist().index(labels[0] if sign > 0 else labels[1])
    with_it, without = (
        classifier.judge([text], ["le-touquet"]).probabilities[0, column] for text in (statement, "It .")
    )
    assert explain(classifier, statement)[1] == Contribution(3, 8, "works", pytest.approx(sign * (with_it - without)))
