"""Recipes, noise and other languages get no answer; real positions do."""

import json
import random
import string
from pathlib import Path

import pandas as pd
import pytest

from stance.abstention import TopicGate, identify_languages, is_foreign
from stance.features import SENTENCE_MASKS, Masker
from stance.sentence_encoder import encode_sentences
from stance.targets import read_targets

FIXTURES = Path(__file__).parent / "fixtures"
DATA = Path(__file__).parents[1] / "data"
TRAINED = ("en", "fr")


def read(path: Path) -> pd.DataFrame:
    return pd.DataFrame(map(json.loads, path.read_text(encoding="utf-8").splitlines()))


def encode(texts, target="le-touquet"):
    masker = Masker(read_targets())
    return encode_sentences([masker.mask(text, target, SENTENCE_MASKS) for text in texts])


@pytest.fixture(scope="module")
def gate() -> TopicGate:
    """A gate that saw statements on Le Touquet only."""
    rows = pd.concat([read(DATA / "le-touquet" / f"{name}.jsonl").iloc[::3] for name in ("documented", "authored")])
    return TopicGate.fit(encode(rows["statement"]))


def test_off_topic_texts_are_turned_away(gate):
    texts = read(FIXTURES / "off_topic.jsonl")
    away = gate.is_off_topic(encode(texts["text"]))
    assert away[texts["kind"] == "recipe"].all()
    assert away.mean() >= 0.93


def test_positions_on_agreements_never_seen_are_let_in(gate):
    rows = read(DATA / "agreements" / "documented.jsonl").iloc[::4]
    assert gate.is_off_topic(encode(rows["statement"])).mean() <= 0.08


def test_the_same_statements_make_the_same_gate(gate):
    embeddings = encode(["Keep the deal.", "Scrap it.", "The minister declined to comment."])
    first, second = TopicGate.fit(embeddings), TopicGate.fit(embeddings)
    assert (first.weights == second.weights).all()
    assert first.intercept == second.intercept


def test_other_languages_are_foreign():
    rows = read(FIXTURES / "other_languages.jsonl")
    assert rows["text"].map(lambda text: is_foreign(text, TRAINED)).all()


@pytest.mark.parametrize(
    "text",
    [
        "Questo accordo non funziona.",
        "Hay que mantener el acuerdo.",
        "Hay que renegociar el tratado.",
        "É preciso renegociar o tratado.",
        "Cal renegociar el tractat.",
        "Acordul trebuie păstrat.",
        "Umowa musi zostać.",
        "この協定は維持すべきだ。",
        "DAS ABKOMMEN MUSS ERHALTEN BLEIBEN.",
    ],
)
def test_a_short_statement_in_another_language_is_foreign(text):
    assert is_foreign(text, TRAINED)


@pytest.mark.parametrize(
    "text",
    [
        "Giorgia Meloni backs the deal with Tirana.",
        "Ursula von der Leyen hails Mercosur.",
        "Recep Tayyip Erdoğan will honour the deal, says Çavuşoğlu.",
        "Sinn Féin welcomes it.",
        "Carles Puigdemont salue l'accord.",
        "Matteo Salvini dit non au MES.",
        "STOP MERCOSUR",
        "Vive Schengen !",
        "",
        "…",
    ],
)
def test_foreign_names_make_no_statement_foreign(text):
    assert not is_foreign(text, TRAINED)


@pytest.fixture(scope="module")
def statements() -> pd.Series:
    return pd.concat([read(path)["statement"].iloc[::2] for path in sorted(DATA.glob("*/*.jsonl"))])


def test_no_shipped_statement_is_foreign_in_whole_or_in_capitals(statements):
    assert not statements.map(lambda text: is_foreign(text, TRAINED)).any()
    assert not statements.map(lambda text: is_foreign(text.upper(), TRAINED)).any()


def test_hardly_any_first_five_words_of_a_statement_are_foreign(statements):
    beginnings = statements.map(lambda text: " ".join(text.split()[:5]))
    assert beginnings.map(lambda text: is_foreign(text, TRAINED)).mean() < 0.003


def test_what_is_foreign_depends_on_the_languages():
    assert is_foreign("L'accord doit être renégocié sans attendre.", ("en",))
    assert not is_foreign("Das Abkommen muss erhalten bleiben.", ("de", "en"))


def test_nothing_is_foreign_where_the_language_is_not_known():
    assert not is_foreign("Das Abkommen muss erhalten bleiben.", ("zz",))


def test_the_beginning_of_a_long_text_tells_its_language():
    english = "The agreement protects our border and should be kept as it is. " * 16
    assert not is_foreign(english + "Das Abkommen muss weg. " * 1_000, TRAINED)


@pytest.mark.parametrize("text", ["Keep Touquet.", "Scrap it.", "Non.", "Le Touquet", "KEEP THE DEAL"])
def test_two_words_say_too_little_to_be_foreign(text):
    assert not is_foreign(text, TRAINED)


def test_random_characters_get_no_answer(gate):
    draw = random.Random(0)
    signs = string.ascii_lowercase + string.digits + "!?#%&*  "
    texts = ["".join(draw.choices(signs, k=draw.randint(5, 60))) for _ in range(200)]
    foreign = pd.Series([is_foreign(text, TRAINED) for text in texts])
    assert (foreign | gate.is_off_topic(encode(texts))).mean() >= 0.97


def test_languages_are_those_of_a_twentieth_of_the_rows():
    frame = pd.DataFrame({"statement": ["."] * 100, "lang": ["en"] * 60 + ["fr-FR"] * 37 + ["de"] * 3})
    assert identify_languages(frame) == ("en", "fr")


def test_languages_are_identified_where_no_column_tells():
    frame = pd.DataFrame({"statement": ["We will keep the agreement as it stands.", "Nous garderons cet accord."]})
    assert identify_languages(frame) == ("en", "fr")
