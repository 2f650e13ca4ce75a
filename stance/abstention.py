"""When there is nothing to judge: empty texts, languages never trained on, texts on something else."""

from __future__ import annotations

from collections.abc import Collection
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

REASONS = ("empty", "language", "off-topic", "uncertain")

Floats = npt.NDArray[np.float32]

_N_CENTRES = 64
# Share of its own training statements that the topic gate may turn away.
_TURNED_AWAY = 0.01
# A language is taken for another one only when the identifier is sure: two words say too little.
_SURE = 0.6
_LEAST_SHARE = 0.05  # of the statements, for a language to count as trained on
_IDENTIFIED_CHARS = 1_000  # the beginning of a long text tells its language


def is_foreign(statement: str, languages: Collection[str]) -> bool:
    """Whether a statement is surely in none of the languages (ISO 639-1 codes).

    Identified by `py3langid` (Lui & Baldwin 2012, "langid.py"), which also knows text in no language at all.

    >>> is_foreign("Das Abkommen muss erhalten bleiben.", {"en", "fr"})
    True
    >>> is_foreign("Keep it.", {"en", "fr"})
    False
    """
    language, probability = load_identifier().classify(statement[:_IDENTIFIED_CHARS])
    return language not in languages and probability >= _SURE


_LOCK = Lock()
_LOADED: list[Any] = []


def load_identifier() -> Any:
    """The language identifier, read once for all threads; it takes half a second."""
    with _LOCK:
        if not _LOADED:
            from py3langid.langid import MODEL_FILE, LanguageIdentifier

            _LOADED.append(LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True))
        return _LOADED[0]


class TopicGate:
    """Tells statements on what the model was trained on from recipes: by their nearness to training statements.

    Parameters
    ----------
    centres : array of float32, shape (n_centres, n_dimensions)
        Unit vectors: the middles of clusters of training embeddings.
    nearest : float
        Least cosine to one of them.
    """

    def __init__(self, centres: Floats, nearest: float) -> None:
        self.centres = centres
        self.nearest = nearest

    @classmethod
    def fit(cls, embeddings: Floats, *, seed: int) -> TopicGate:
        """Gate for the topics of these embeddings (unit vectors, shape (n_statements, n_dimensions))."""
        from sklearn.cluster import KMeans  # only training needs it

        n_centres = min(_N_CENTRES, max(1, len(embeddings) // 10))
        middles = KMeans(n_centres, n_init=1, random_state=seed).fit(embeddings).cluster_centers_
        centres = (middles / np.linalg.norm(middles, axis=1, keepdims=True)).astype(np.float32)
        nearest = np.quantile((embeddings @ centres.T).max(axis=1), _TURNED_AWAY)
        return cls(centres, float(nearest))

    def is_off_topic(self, embeddings: Floats) -> npt.NDArray[np.bool_]:
        """Whether each embedding is far from everything trained on, shape (n_statements,)."""
        far: npt.NDArray[np.bool_] = (embeddings @ self.centres.T).max(axis=1) < self.nearest
        return far


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
