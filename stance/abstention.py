"""When there is nothing to judge: empty texts, languages never trained on, texts on something else."""

from __future__ import annotations

import json
from collections.abc import Collection
from importlib.resources import files
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from stance.files import read_once
from stance.sentence_encoder import encode_sentences

REASONS = ("empty", "language", "off-topic", "uncertain")

Floats = npt.NDArray[np.float32]

# Least probability of being on topic. Measured on held-out rows: it turns away 1.0 % of documented positions on
# agreements never seen, none on Le Touquet, and lets 1.7 % of 120 other off-topic texts pass (no recipe among them).
_LEAST_ON_TOPIC = 0.6
# How many times as likely another language must be. At 50, none of the shipped statements is taken for another
# language, 0.1 % of their first five words, and 3 % of short statements full of foreign names; all of
# tests/fixtures/other_languages.jsonl are, and 93 % of statements of about five words in 34 languages: what passes is
# Catalan and Italian, which share such words with French.
_TIMES_AS_LIKELY = 50.0
_LEAST_SHARE = 0.05  # of the statements, for a language to count as trained on
_IDENTIFIED_CHARS = 1_000  # the beginning of a long text tells its language


class Judgement(NamedTuple):
    """What the classifier says of statements: probabilities, shape (n, n_classes), and reasons not to answer."""

    probabilities: npt.NDArray[np.float64]
    reasons: list[str | None]


def is_foreign(statement: str, languages: Collection[str]) -> bool:
    """Whether a statement is far more likely to be in another language than in one of these (ISO 639-1 codes).

    Likelihoods, and not how sure the identifier is of one language: neighbours such as Catalan and Occitan share
    what is sure of both together, and a single word says nothing of any. Identified by `py3langid` (Lui & Baldwin
    2012, "langid.py"); where it knows none of the languages, nothing is foreign.

    >>> is_foreign("Das Abkommen muss erhalten bleiben.", {"en", "fr"})
    True
    >>> is_foreign("Keep it.", {"en", "fr"})
    False
    """
    ranked = load_identifier().rank(statement[:_IDENTIFIED_CHARS])  # all languages with their likelihoods, best first
    ours = max((likelihood for language, likelihood in ranked if language in languages), default=1.0)
    return bool(ranked[0][1] > _TIMES_AS_LIKELY * ours)


@read_once
def load_identifier() -> Any:
    """The language identifier, read once for all threads; it takes half a second."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


class TopicGate:
    """Tells statements such as the model was trained on from recipes, weather and football.

    A logistic regression on sentence embeddings, of the training statements against 120 texts on other things that
    ship with the package (`off_topic.jsonl`).

    Parameters
    ----------
    weights : array of float32, shape (n_dimensions,)
    intercept : float
        A statement is off topic where its embedding's product with the weights, plus this, is below 0.
    """

    def __init__(self, weights: Floats, intercept: float) -> None:
        self.weights = weights
        self.intercept = intercept

    @classmethod
    def fit(cls, embeddings: Floats) -> TopicGate:
        """Gate for the topics of these embeddings (unit vectors, shape (n_statements, n_dimensions))."""
        from sklearn.linear_model import LogisticRegression  # only training needs it

        others = encode_sentences(_read_off_topic())
        y = np.repeat([1, 0], [len(embeddings), len(others)])
        head = LogisticRegression(class_weight="balanced", max_iter=1000).fit(np.vstack([embeddings, others]), y)
        least = float(np.log(_LEAST_ON_TOPIC / (1 - _LEAST_ON_TOPIC)))
        return cls(head.coef_[0].astype(np.float32), float(np.float32(head.intercept_[0] - least)))

    def is_off_topic(self, embeddings: Floats) -> npt.NDArray[np.bool_]:
        """Whether each embedding is unlike what was trained on, shape (n_statements,)."""
        off: npt.NDArray[np.bool_] = embeddings @ self.weights + self.intercept < 0
        return off


def _read_off_topic() -> list[str]:
    lines = (files("stance") / "off_topic.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["text"] for line in lines]


def identify_languages(frame: pd.DataFrame) -> tuple[str, ...]:
    """Languages (ISO 639-1) of at least a twentieth of the statements, by the column `lang` or else identified.

    >>> identify_languages(pd.DataFrame({"statement": ["Keep it."], "lang": ["en"]}))
    ('en',)
    """
    if "lang" in frame.columns and frame["lang"].notna().any():
        languages = frame["lang"].dropna().astype(str).str.lower().str[:2]
    else:
        languages = pd.Series([load_identifier().classify(s[:_IDENTIFIED_CHARS])[0] for s in frame["statement"]])
    shares = languages.value_counts(normalize=True)
    return tuple(sorted(shares.index[shares >= _LEAST_SHARE]))
