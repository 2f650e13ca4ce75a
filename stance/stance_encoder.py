"""The encoder that ships with the package: it reads a statement with its target, and says what stance it sees."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load as load_arrays

from stance.crossencoder import CrossEncoder
from stance.duplicates import fold_text
from stance.errors import ModelError
from stance.features import SENTENCE_MASKS, Masker
from stance.files import read_once, shipped_path
from stance.schema import LABELS
from stance.targets import Target, read_targets, resolve_target

Floats = npt.NDArray[np.float64]

HELD_OUT = "held_out.safetensors"
# What an agreement is called of which nothing is said.
UNNAMED = "the agreement"
# Of longer ones the rest is not read.
MAX_NAME_CHARS = 200
MAX_STATEMENT_CHARS = 5_000


class StanceEncoder:
    """Cross-encoder of a target's name and a statement whose names are masked, with logits for each stance.

    How it was made: `training/README.md`. It learnt from the statements that ship with the package, and a network
    knows by heart what it learnt. For these it therefore gives the scores of a network of the same kind that was
    trained without them: without their agreement, or, on the main agreement, without their event. They come with
    it. So a classifier may be trained on some shipped statements and tried on others. (What such a network saw was
    not always said before the statement: for a trial by time the figures flatter a little.)

    The agreements that ship are called and masked as in training, whatever names a classifier was given for them.

    Parameters
    ----------
    folder : path, optional
        By default the encoder that comes with the package.

    Raises
    ------
    ModelError
        If the folder is incomplete, damaged or holds another kind of model.
    """

    def __init__(self, folder: str | Path | None = None) -> None:
        folder = shipped_path("encoder_model", "models/encoder") if folder is None else Path(folder)
        self._network = CrossEncoder(folder, max_chars=(MAX_NAME_CHARS, MAX_STATEMENT_CHARS))
        if sorted(self._network.labels) != sorted(LABELS):
            raise ModelError(f"{folder} scores {list(self._network.labels)}; expected {sorted(LABELS)}")
        self.labels = self._network.labels
        self._keys, self._scores = _read_held_out(folder / HELD_OUT, len(self.labels))
        held = hashlib.sha256(self._keys.tobytes() + self._scores.tobytes()).hexdigest()
        self.fingerprint = hashlib.sha256(f"{self._network.fingerprint}{held}".encode()).hexdigest()
        self._targets = read_targets()
        self._masker = Masker(self._targets)

    def score(
        self,
        statements: Sequence[str],
        targets: Sequence[str],
        *,
        names: Mapping[str, Target] | None = None,
        held_out: bool = True,
        jobs: int = 1,
    ) -> Floats:
        """Logits, shape (n_statements, 3), columns in the order of `labels`, each row with a mean of 0.

        Parameters
        ----------
        statements, targets
            The target of each statement by its slug, any of its names, or in other words.
        names
            Names of agreements that do not ship.
        held_out
            Give statements that the encoder learnt from the scores of one that did not see them. False: ask the
            encoder itself, as for the parts of such a statement, which are compared with the whole.
        jobs
            As `CrossEncoder.score` takes it.
        """
        pairs = self.pairs(statements, targets, names)
        keys, first, again = np.unique(pair_keys(pairs), return_index=True, return_inverse=True)
        scores = np.empty((len(keys), len(self.labels)))
        places = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        known = (self._keys[places] == keys) & held_out
        scores[known] = self._scores[places[known]]
        scores[~known] = self._network.score([pairs[i] for i in first[~known]], jobs=jobs)
        centred: Floats = (scores - scores.mean(axis=1, keepdims=True))[again]
        return centred

    def pairs(
        self, statements: Sequence[str], targets: Sequence[str], names: Mapping[str, Target] | None = None
    ) -> list[tuple[str, str]]:
        """What the network reads: the first name of each target, and the statement with names masked."""
        others = Masker(names) if names else self._masker
        known = {target: resolve_target(target, self._targets) for target in set(targets)}
        read = []
        for statement, target in zip(statements, targets, strict=True):
            shipped = known[target] in self._targets
            slug, masker = (known[target], self._masker) if shipped else (target, others)
            named = masker.targets.get(resolve_target(slug, masker.targets))
            name = target if named is None else next(iter(named.names.values()), target)
            read.append((name.strip() or UNNAMED, masker.mask(statement, slug, SENTENCE_MASKS)))
        return read


def pair_keys(pairs: Sequence[tuple[str, str]]) -> npt.NDArray[np.uint64]:
    """A number per pair, the same for pairs that differ only in case, accents and punctuation."""
    digests = (
        hashlib.sha256(f"{fold_text(a)}\0{fold_text(b)}".encode(errors="surrogatepass")).digest()[:8] for a, b in pairs
    )
    return np.array([int.from_bytes(digest, "big") for digest in digests], dtype=np.uint64)


@read_once
def load_stance_encoder() -> StanceEncoder:
    """The encoder that comes with the package, read once for all threads."""
    return StanceEncoder()


def _read_held_out(path: Path, n_labels: int) -> tuple[npt.NDArray[np.uint64], Floats]:
    """Keys in ascending order and the scores of each."""
    if not path.is_file():
        raise ModelError(f"{path.parent} has no {HELD_OUT}: it is not a stance encoder, or not a whole one")
    try:
        arrays = load_arrays(path.read_bytes())
        keys, scores = arrays["keys"], arrays["scores"]
        fits = keys.dtype == np.uint64 and keys.ndim == 1 and len(keys) and scores.shape == (len(keys), n_labels)
        if not fits or not np.isfinite(scores).all() or (keys[1:] <= keys[:-1]).any():
            raise ValueError(f"keys {keys.dtype} {keys.shape}, scores {scores.dtype} {scores.shape}")
    except (OSError, KeyError, TypeError, ValueError, SafetensorError) as error:
        raise ModelError(f"{path} is damaged: {error}") from error
    return keys, scores.astype(np.float64)
