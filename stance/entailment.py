"""Stance without training: a network that was made for entailment says which hypotheses follow from a statement.

The hypotheses, such as "the speaker wants to keep {target}", stand in `hypotheses.toml`. Their scores are features
for a classifier (`EntailmentFeatures`), or give a verdict as they are (`ZeroShotClassifier`).
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import logsumexp, softmax
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from stance.abstention import Judgement, is_foreign, load_identifier
from stance.crossencoder import PairScorer
from stance.errors import ConfigError, ModelError, SchemaError
from stance.features import SENTENCE_MASKS, Masker, mask_persons
from stance.files import read_toml, shipped_path
from stance.hub import load_network
from stance.schema import LABELS
from stance.score_cache import ScoreCache, cache_folder, hash_pair
from stance.targets import Target, alias_pattern, read_targets, resolve_target, target_names

log = logging.getLogger("stance")

Floats = npt.NDArray[np.float64]

# Beyond these a text is cut. A name is cut by itself, so that what the hypothesis says of it stays.
MAX_STATEMENT_CHARS = 5_000
MAX_HYPOTHESIS_CHARS = 500
_MAX_NAME_CHARS = 200
_IDENTIFIED_CHARS = 1_000  # the beginning of a long text tells its language
_CHUNK = 1_024  # pairs scored at a time: an interrupted run loses no more than these
_SECONDS_BETWEEN_REPORTS = 2.0

_KEY = re.compile(r"[a-z][a-z0-9_]*")  # "end_or_change"; not "End", "2nd"
_LANGUAGE = re.compile(r"[a-z]{2}")  # "fr"; not "fra", "French"
_NOT_ENTAILED = frozenset({"not_entailment", "contradiction", "neutral"})


# --- hypotheses ---


@dataclass(frozen=True)
class Hypothesis:
    """A sentence that may follow from a statement: its key, the stance it speaks for, its text per language."""

    key: str
    stance: str
    texts: Mapping[str, str]

    def about(self, name: str, lang: str) -> str:
        """Sentence on the agreement of that name; of a name 200 characters are read.

        >>> read_hypotheses()[0].about("Abraham Accords", "en")
        'The speaker supports Abraham Accords.'
        """
        return self.texts[lang].replace("{target}", " ".join(name[:_MAX_NAME_CHARS].split()))


def read_hypotheses(path: str | Path | None = None) -> tuple[Hypothesis, ...]:
    """Hypotheses in the order of the file; without `path`, of the table that ships with the package.

    Raises `ConfigError` with all faults of the table at once.

    >>> [hypothesis.key for hypothesis in read_hypotheses() if hypothesis.stance == "neutral"]
    ['no_view']
    """
    file = shipped_path("hypotheses.toml", "stance/hypotheses.toml") if path is None else path
    table = read_toml(file, "hypotheses")
    faults = [fault for key, entry in table.items() for fault in _entry_faults(key, entry)]
    if not faults:
        languages = {key: sorted(set(entry) - {"stance"}) for key, entry in table.items()}
        expected = sorted(set().union(*languages.values()))
        faults = [
            f"{key}: has {found}, but others have {expected}" for key, found in languages.items() if found != expected
        ]
    if not table:
        faults.append("it is empty")
    if faults:
        raise ConfigError(f"bad hypotheses in {file}: {'; '.join(faults)}")
    return tuple(
        Hypothesis(key, entry["stance"], {lang: text for lang, text in entry.items() if lang != "stance"})
        for key, entry in table.items()
    )


def _entry_faults(key: str, entry: Any) -> list[str]:
    """List what is wrong with one table of the file."""
    if not isinstance(entry, dict):
        return [f"{key}: expected a table with a stance and texts, got {entry!r}"]
    faults = []
    if not _KEY.fullmatch(key):
        faults.append(f"{key!r}: a key has lower-case letters, digits and underscores")
    if entry.get("stance") not in LABELS:
        faults.append(f"{key}: stance must be one of {list(LABELS)}, got {entry.get('stance')!r}")
    texts = {lang: text for lang, text in entry.items() if lang != "stance"}
    if not texts:
        faults.append(f'{key}: expected a text per language, such as en = "The speaker supports {{target}}."')
    for lang, text in texts.items():
        if not _LANGUAGE.fullmatch(lang):
            faults.append(f"{key}: unknown key {lang!r}; expected stance and languages of two letters")
        elif not isinstance(text, str) or text.count("{target}") != 1:
            faults.append(f"{key}: {lang} must be a text with {{target}} in it, once; got {text!r}")
        elif len(text) > MAX_HYPOTHESIS_CHARS - _MAX_NAME_CHARS:
            faults.append(
                f"{key}: {lang} has {len(text)} characters; at most {MAX_HYPOTHESIS_CHARS - _MAX_NAME_CHARS} are read"
            )
    return faults


# --- features ---


class EntailmentFeatures(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Scores of hypotheses about the target, as features: how surely each follows from the statement.

    A score is the network's logit of entailment less the log of the summed exponentials of its other logits. That is
    the log-odds of entailment, whether the network tells two cases apart (entailment, not_entailment) or three
    (entailment, neutral, contradiction). A hypothesis is put in the language of the statement, with the name that the
    target has in it. Of the statement the network reads the names of persons masked, as they must not decide, but that
    of the target as it stands. Nothing is learnt: `fit` checks the settings and reads the network.

    Scores of pairs that are scored in batches differ by up to 1e-4 with the others of the batch: a model trained with
    these features is the same to that precision, and not to the last byte.

    Parameters
    ----------
    model : str or path
        A folder with a network for entailment, or its id "owner/name" on the hub; see `find_model`.
    hypotheses : path or sequence of Hypothesis, optional
        By default those that ship with the package.
    targets : mapping of slug to Target, optional
        Names of agreements; by default those that ship with the package. Other targets are named as given.
    cache : path or bool, optional
        File that keeps scores; by default `scores.sqlite` in `cache_folder()`, which any number of processes may
        use. To empty it, delete the file. False: keep none.
    n_jobs : int
        Threads; -1: one per core. Scores do not depend on their number.
    say : callable, optional
        Gets a line on the progress of long runs, every two seconds; by default it is logged at INFO.

    Attributes
    ----------
    hypotheses_ : tuple of Hypothesis
    targets_ : dict
    languages_ : tuple of str
        Languages that the hypotheses are in.
    network_fingerprint_ : str
        Of the network. One that has changed since is refused.
    fingerprint_ : str
        Of the network and the hypotheses: what the scores come from.
    """

    def __init__(
        self,
        model: str | Path,
        *,
        hypotheses: str | Path | Sequence[Hypothesis] | None = None,
        targets: Mapping[str, Target] | None = None,
        cache: str | Path | bool | None = None,
        n_jobs: int = 1,
        say: Callable[[str], object] | None = None,
    ) -> None:
        self.model = model
        self.hypotheses = hypotheses
        self.targets = targets
        self.cache = cache
        self.n_jobs = n_jobs
        self.say = say

    def fit(self, X: Any = None, y: Any = None) -> Self:
        """Check the settings and read the network; the data are not looked at."""
        given = self.hypotheses
        self.hypotheses_ = read_hypotheses(given) if given is None or isinstance(given, str | Path) else tuple(given)
        if not self.hypotheses_:
            raise ConfigError("no hypotheses: expected one or more")
        self.languages_ = tuple(
            lang for lang in self.hypotheses_[0].texts if all(lang in other.texts for other in self.hypotheses_)
        )
        if not self.languages_:
            raise ConfigError("the hypotheses have no language in common")
        self.targets_ = read_targets() if self.targets is None else dict(self.targets)
        self._loaded = load_network(self.model, max_chars=(MAX_STATEMENT_CHARS, MAX_HYPOTHESIS_CHARS))
        _find_entailment(self._loaded)
        self.network_fingerprint_ = self._loaded.fingerprint
        contents = [[one.key, one.stance, dict(one.texts)] for one in self.hypotheses_]
        asked = json.dumps([self.network_fingerprint_, contents], sort_keys=True)
        self.fingerprint_ = hashlib.sha256(asked.encode()).hexdigest()
        self._cache = ScoreCache(self._cache_path())
        return self

    def transform(self, X: Any) -> Floats:
        """Scores, shape (n_statements, n_hypotheses), columns in the order of `hypotheses_`.

        Parameters
        ----------
        X : DataFrame with `statement`, `target` and, where known, `lang`; or sequence of (statement, target)
            The language of other statements is identified, among those of the hypotheses. Of a statement 5,000
            characters are read; a missing one counts as empty.
        """
        check_is_fitted(self)
        frame = _to_frame(X)
        names = {target: self._names(target) for target in frame["target"].unique()}
        own = {target: alias_pattern(target_names(target, self.targets_)) for target in names}
        pairs = []
        for statement, target, lang in frame.itertuples(index=False, name=None):
            premise = mask_persons(statement[:MAX_STATEMENT_CHARS], SENTENCE_MASKS[1], keep=own[target])
            lang = lang if lang in self.languages_ else self._identify(premise)
            pairs += [(premise, hypothesis.about(names[target][lang], lang)) for hypothesis in self.hypotheses_]
        logits = self._score(pairs)
        at = _find_entailment(self._network)
        margins: Floats = logits[:, at] - logsumexp(np.delete(logits, at, axis=1), axis=1)
        return margins.reshape(len(frame), len(self.hypotheses_))

    def get_feature_names_out(self, input_features: Any = None) -> npt.NDArray[np.object_]:
        """Keys of the hypotheses, shape (n_hypotheses,)."""
        check_is_fitted(self)
        return np.array([hypothesis.key for hypothesis in self.hypotheses_], dtype=object)

    def __sklearn_tags__(self) -> Tags:
        """Return what scikit-learn asks about an estimator: this one takes texts, and missing ones as empty."""
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        tags.input_tags.allow_nan = True
        return tags

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the network and the cache: they are opened again where needed."""
        return {name: value for name, value in super().__getstate__().items() if name not in ("_loaded", "_cache")}

    @property
    def _network(self) -> PairScorer:
        if not hasattr(self, "_loaded"):
            network = load_network(self.model, max_chars=(MAX_STATEMENT_CHARS, MAX_HYPOTHESIS_CHARS))
            if network.fingerprint != self.network_fingerprint_:
                raise ModelError(f"the model {self.model} has changed since the features were fitted; fit them anew")
            self._loaded = network
        return self._loaded

    def _names(self, target: str) -> dict[str, str]:
        """Name of a target in each language; in one in which it has none, that of another."""
        slug = resolve_target(target, self.targets_)
        known = self.targets_[slug].names if slug in self.targets_ else {"": target}
        return {lang: known.get(lang, next(iter(known.values()))) for lang in self.languages_}

    def _identify(self, statement: str) -> str:
        """Likeliest language among those of the hypotheses."""
        if len(self.languages_) == 1:
            return self.languages_[0]
        ranked = load_identifier().rank(statement[:_IDENTIFIED_CHARS])  # all languages, the likeliest first
        return next((lang for lang, _ in ranked if lang in self.languages_), self.languages_[0])

    def _cache_path(self) -> Path | None:
        if isinstance(self.cache, str | Path):
            return Path(self.cache)
        return None if self.cache is False else cache_folder() / "scores.sqlite"

    def _score(self, pairs: Sequence[tuple[str, str]]) -> Floats:
        """Logits, shape (n_pairs, n_labels), from the cache where it has them; each pair is scored once."""
        unique = list(dict.fromkeys(pairs))
        width = len(self._network.labels)
        if not hasattr(self, "_cache"):
            self._cache = ScoreCache(self._cache_path())
        keys = [hash_pair(self.network_fingerprint_, *pair) for pair in unique]
        known = self._cache.read(keys, width)
        new = [number for number, key in enumerate(keys) if key not in known]
        progress = _Progress(len(new), self.say or log.info)
        for start in range(0, len(new), _CHUNK):
            part = new[start : start + _CHUNK]
            scores = self._network.score(
                [unique[number] for number in part], jobs=self.n_jobs, say=progress.after(start)
            )
            scored = {keys[number]: row for number, row in zip(part, scores, strict=True)}
            self._cache.write(scored)
            known |= scored
        rows = {pair: known[key] for pair, key in zip(unique, keys, strict=True)}
        return np.array([rows[pair] for pair in pairs], dtype=np.float64).reshape(len(pairs), width)


class _Progress:
    """Says how many pairs are scored, when some time has passed since it last did."""

    def __init__(self, total: int, say: Callable[[str], object]) -> None:
        self.total = total
        self.say = say
        self.last = time.monotonic()

    def after(self, before: int) -> Callable[[int], None]:
        def report(done: int) -> None:
            if time.monotonic() - self.last >= _SECONDS_BETWEEN_REPORTS:
                self.say(f"scored {before + done:,} of {self.total:,} pairs")
                self.last = time.monotonic()

        return report


def _to_frame(X: Any) -> pd.DataFrame:
    """Frame with the columns statement, target and lang, all texts; lang is "" where it is not known."""
    if isinstance(X, pd.DataFrame):
        missing = [name for name in ("statement", "target") if name not in X.columns]
        if missing:
            raise SchemaError(f"missing columns {missing}; expected statement and target, found {list(X.columns)}")
        frame = X.reindex(columns=["statement", "target", "lang"])
    else:
        rows = list(X) if isinstance(X, Iterable) and not isinstance(X, str | Mapping) else [X]
        if not all(isinstance(row, tuple | list | np.ndarray) and len(row) == 2 for row in rows):
            raise SchemaError(f"expected a table or a sequence of (statement, target), got {X!r:.60}")
        frame = pd.DataFrame(rows, columns=["statement", "target"], dtype=object).assign(lang=None)
    frame = frame.astype(object).where(frame.notna(), "")
    for row, (statement, target) in enumerate(zip(frame["statement"], frame["target"], strict=True), start=1):
        if not isinstance(statement, str):
            raise SchemaError(f"statement {row} is {statement!r:.60}; expected a text")
        if not isinstance(target, str) or not target.strip():
            raise SchemaError(f"the target of statement {row} is {target!r:.60}; expected the name of an agreement")
    return frame.assign(lang=frame["lang"].astype(str).str.lower().str[:2])


def _find_entailment(network: PairScorer) -> int:
    """Which of the network's scores is that of entailment, by the names in its configuration."""
    names = [re.sub(r"[\s-]+", "_", label.strip().lower()) for label in network.labels]
    if names.count("entailment") != 1 or not {*names} - {"entailment"} <= _NOT_ENTAILED or len({*names}) < len(names):
        raise ModelError(
            f"the labels of {network.folder} are {list(network.labels)}; expected 'entailment' and 'not_entailment', "
            "or 'entailment', 'neutral' and 'contradiction', in any order: is it a model for entailment (NLI)? If so, "
            "name its labels under id2label in its config.json, as its authors describe them"
        )
    return names.index("entailment")


# --- zero shot ---


def zero_shot_probabilities(
    scores: npt.ArrayLike, hypotheses: Sequence[Hypothesis], classes: Sequence[str] = LABELS
) -> Floats:
    """Probabilities, shape (n_statements, n_classes), from the scores of hypotheses, without training.

    The softmax of the mean score of each class's hypotheses. They are not calibrated: the order of the classes is
    worth more than the numbers.

    >>> zero_shot_probabilities([[2.0, -2.0, -2.0]], [Hypothesis(s, s, {}) for s in LABELS]).round(2).tolist()
    [[0.96, 0.02, 0.02]]
    """
    values = np.asarray(scores, dtype=np.float64)
    stances = np.array([hypothesis.stance for hypothesis in hypotheses], dtype=object)
    silent = [label for label in classes if label not in set(stances)]
    if silent:
        raise ConfigError(f"no hypothesis speaks for {silent}; expected one or more for each of {list(classes)}")
    means = np.column_stack([values[:, stances == label].mean(axis=1) for label in classes])
    return np.asarray(softmax(means, axis=1))


class ZeroShotClassifier:
    """Classifier for `StancePredictor` that never saw a labelled statement.

    Probabilities are those of `zero_shot_probabilities`: not calibrated. It abstains on texts without a letter or
    digit ("empty"), in a language that the hypotheses are not in ("language"), and where no class is probable enough
    ("uncertain"). It does not tell what is off topic. The names of persons are masked, as for `EntailmentFeatures`.

    Parameters
    ----------
    entailment : EntailmentFeatures
        Fitted here if it is not yet.
    target : str
        Agreement that a statement without a target is about, by any of its names.
    targets : mapping of slug to Target, optional
        By default those of `entailment`.
    threshold : float
        Least probability of an answer.

    Attributes
    ----------
    classes_ : array of str
        Labels, sorted.
    """

    def __init__(
        self,
        *,
        entailment: EntailmentFeatures,
        target: str,
        targets: Mapping[str, Target] | None = None,
        threshold: float = 0.5,
    ) -> None:
        if not 0 <= threshold <= 1:
            raise ConfigError(f"threshold must lie between 0 and 1; got {threshold}")
        if not target.strip():
            raise ConfigError("target must name an agreement; got an empty text")
        if targets is not None:
            entailment = clone(entailment).set_params(targets=targets)
        if not hasattr(entailment, "fingerprint_"):
            entailment.fit()
        self.entailment = entailment
        self.targets = entailment.targets_
        self.target = resolve_target(target.strip(), self.targets)
        self.threshold = threshold
        self.classes_ = np.array(sorted(LABELS))
        # Hypotheses that leave a class out are refused now, and not at the first statement.
        n_hypotheses = len(entailment.hypotheses_)
        zero_shot_probabilities(np.zeros((1, n_hypotheses)), entailment.hypotheses_, self.classes_.tolist())

    def resolve(self, target: object = None) -> str:
        """Slug of a target given by any of its names, or the text as it is; the main target where it is missing."""
        if target is None or target is pd.NA or target != target:  # NaN is not equal to itself
            return self.target
        return resolve_target(str(target).strip(), self.targets) or self.target

    def judge(self, statements: Sequence[str], targets: Sequence[str], *, held_out: bool = True) -> Judgement:
        """Return probabilities and, per statement, the reason not to answer or None; see `StanceClassifier.judge`.

        `held_out` changes nothing: no statement was learnt from.
        """
        scores = self.entailment.transform(list(zip(statements, targets, strict=True)))
        probabilities = zero_shot_probabilities(scores, self.entailment.hypotheses_, self.classes_.tolist())
        uncertain = probabilities.max(axis=1) < self.threshold
        return Judgement(probabilities, [self._reason(*case) for case in zip(statements, uncertain, strict=True)])

    def find_names(self, statement: str, target: str) -> list[tuple[int, int]]:
        """Half-open offsets of the names of the target and of persons, in reading order."""
        return self._masker.find(statement, target)

    @cached_property
    def _masker(self) -> Masker:
        return Masker(self.targets)

    def _reason(self, statement: str, uncertain: bool) -> str | None:
        if not any(map(str.isalnum, statement)):
            return "empty"
        if is_foreign(statement, self.entailment.languages_):
            return "language"
        return "uncertain" if uncertain else None
