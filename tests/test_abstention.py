"""Recipes, noise and other languages get no answer; real positions do."""

import json
import random
import string
from pathlib import Path

import pandas as pd
import pytest

from stance.abstention import TopicGate, identify_languages, is_foreign
from stance.encoder import encode_sentences
from stance.features import SENTENCE_MASKS, Masker
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
    assert rows["text"].map(lambda text: is_foreign(text, TRAINED)).mean() >= 0.97


def test_english_and_french_are_not_foreign():
    rows = pd.concat([read(path) for path in sorted(DATA.glob("*/*.jsonl"))])
    assert rows["statement"].map(lambda text: is_foreign(text, TRAINED)).mean() < 0.003


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
