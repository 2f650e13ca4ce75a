"""Why a verdict: what each part of a statement adds to its score."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from stance.entailment import ZeroShotClassifier
from stance.estimator import StanceClassifier

# Words with what hangs on them: "doesn't", "l'accord", "cross-Channel", also with accents as characters of their own
_WORD = re.compile(r"\w[\w\u0300-\u036f]*(?:['’‘ʼ-]\w[\w\u0300-\u036f]*)*")
# More spans than these are joined to neighbours. The text is judged once without each span, so that the second
# number is what a long text costs: it takes no longer than a page.
_MAX_SPANS = 200
_MAX_JUDGED_CHARS = 500_000
_MIN_SPANS = 10


@dataclass(frozen=True)
class Contribution:
    """A span of a statement and what it adds to the score, P(support) - P(oppose).

    `statement[start:end] == text`; `weight` is above 0 where the span speaks for support, below 0 where it speaks
    for opposition.
    """

    start: int
    end: int
    text: str
    weight: float


def explain(
    classifier: StanceClassifier | ZeroShotClassifier, statement: str, target: str | None = None
) -> list[Contribution]:
    """Contributions of all spans of the statement, in reading order.

    A span is a word, or a name that the model does not read word by word; in texts of more than some 2,500 characters
    it is several neighbours. Its weight is the score of the
    statement less the score without the span ("occlusion": Li, Monroe & Jurafsky 2016, "Understanding Neural
    Networks through Representation Erasure"), so it counts for all blocks of features and is what the model does,
    not a guess about it. Weights do not add up to the score: words act together.
    """
    target = classifier.resolve(target)
    spans = _spans(classifier, statement, target)
    variants = [statement, *(statement[:start] + statement[end:] for start, end in spans)]
    probabilities = classifier.judge(variants, [target] * len(variants), held_out=False).probabilities
    columns = {label: column for column, label in enumerate(classifier.classes_)}
    score = np.zeros(len(variants))
    for label, sign in (("support", 1.0), ("oppose", -1.0)):
        if label in columns:
            score += sign * probabilities[:, columns[label]]
    return [
        Contribution(start, end, statement[start:end], float(score[0] - without))
        for (start, end), without in zip(spans, score[1:], strict=True)
    ]


def _spans(classifier: StanceClassifier | ZeroShotClassifier, statement: str, target: str) -> list[tuple[int, int]]:
    """Half-open offsets of names and words, or of neighbours of them, in reading order, none overlapping."""
    names = classifier.find_names(statement, target)
    spans = list(names)
    for match in _WORD.finditer(statement):
        if not any(start < match.end() and match.start() < end for start, end in names):
            spans.append(match.span())
    spans.sort()
    most = min(_MAX_SPANS, max(_MIN_SPANS, _MAX_JUDGED_CHARS // max(1, len(statement))))
    step = -(-len(spans) // most) or 1
    return [(part[0][0], part[-1][1]) for part in (spans[i : i + step] for i in range(0, len(spans), step))]
