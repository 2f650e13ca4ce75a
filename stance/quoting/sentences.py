"""Sentences of a paragraph as words, a whole quotation as one of them."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from stance.quoting.lexicon import Lexicon
from stance.quoting.marks import Quoted

_NAME_WORDS = frozenset(("May", "Will", "Le", "La", "Les", "Des", "Du"))  # behind another capital they are names
QUOTED = "“”"  # stands for a whole quotation among the words of a sentence; no word of a text is like it
PUNCTUATION = frozenset((*'.,;:!?…()[]—–-/“"»«', QUOTED))
DASHES = frozenset("—–-")
STOPS = frozenset(".!?…")

_MAX_WORDS = 300  # of a sentence: what goes on is no prose, and is cut

_ABBREVIATIONS = (
    r"(?:Mr|Mrs|Ms|Dr|Sen|Rep|Gov|Gen|Col|Capt|Sgt|Lt|Cmdr|Prof|Rev|Hon|St|Ste|Jr|Sr|No|Inc|Corp|Ltd|Co|Bros|vs|etc|Pr|Me|MM|M|Mgr|"
    r"Jan|Feb|Aug|Sept|Sep|Oct|Nov|Dec|Ave|Blvd|art|al|cf|env|approx|nos|pp|vol)\.(?=[\s\u00a0\u202f])"
)
# Numbers, "U.S.", initials and words; the elided words of French and the contractions of English apart
_WORDS = {
    "en": r"[OD]['’][A-Z][^\W_]+|[^\W_]+(?:[-‐‑][^\W_]+)*|['’](?:s|t|d|ll|re|ve|m)\b|[^\w\s]",
    "fr": r"[Aa]ujourd['’]hui|(?:[ldnsjmtcLDNSJMTC]|[Qq]u|jusqu|[Ll]orsqu|[Pp]uisqu|quoiqu)['’]"
    r"|[^\W_]+(?:[-‐‑][^\W_]+)*|[^\w\s]",
}


@cache
def _pattern(lexicon: Lexicon) -> re.Pattern[str]:
    """Pattern of a word; adverbs of several words are one."""
    adverbs = "|".join(
        " ".join("(?:" + "|".join(sorted(words)) + ")" for words in phrase).replace("'", "['’]")
        for phrase in lexicon.phrases["adverbs"]
    )
    return re.compile(
        rf"(?:{adverbs})\b|(?:[^\W\d_]\.){{2,}}|{_ABBREVIATIONS}|[A-Z]\.(?=\s?[A-Z])|\d+(?:[.,]\d+)*|{_WORDS[lexicon.language]}"
    )


def _fold(word: str) -> str:
    return word.lower().replace("’", "'") if len(word) > 1 else word.lower()


@dataclass(frozen=True)
class Sentence:
    """Words of a sentence in lower case, with their offsets; a quotation is one word, `QUOTED`."""

    low: list[str]
    start: list[int]
    end: list[int]
    capital: list[bool]
    quoted: dict[int, Quoted]

    def __len__(self) -> int:
        """How many words."""
        return len(self.low)

    def word(self, at: int) -> str:
        """The word at a position, "" outside the sentence."""
        return self.low[at] if 0 <= at < len(self.low) else ""


def split_sentences(article: str, start: int, end: int, quoted: list[Quoted], lexicon: Lexicon) -> list[Sentence]:
    """Sentences of a paragraph in order; none ends within a quotation."""
    low: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    capital: list[bool] = []
    inside: dict[int, Quoted] = {}
    find = _pattern(lexicon).finditer
    at = start
    for quotation in [*quoted, None]:
        stop = end if quotation is None else quotation.start
        for match in find(article, at, stop):
            word = match[0]
            starts.append(match.start())
            ends.append(match.end())
            capital.append(word[0].isupper())
            # Theresa May, Marine Le Pen, Will Hurd: no auxiliaries and articles
            named = word in _NAME_WORDS and low and (capital[-2] or low[-1] == ".") and low[-1] not in STOPS
            low.append(f"{_fold(word)}_" if named else _fold(word))
        if quotation is not None:
            inside[len(low)] = quotation
            starts.append(quotation.start)
            ends.append(quotation.end)
            capital.append(article[quotation.inner_start].isupper())
            low.append(QUOTED)
            at = quotation.end
    sentences = []
    first = 0
    places = list(inside)
    for stop in _sentence_ends(article, low, capital, inside, lexicon):
        here = places[bisect_left(places, first) : bisect_left(places, stop)]
        sentences.append(
            Sentence(
                low[first:stop],
                starts[first:stop],
                ends[first:stop],
                capital[first:stop],
                {place - first: inside[place] for place in here},
            )
        )
        first = stop
    return sentences


def tokenise(article: str, start: int, end: int, lexicon: Lexicon) -> Sentence:
    """Words between two offsets, whatever marks stand there."""
    matches = list(_pattern(lexicon).finditer(article, start, end))
    return Sentence(
        [_fold(m[0]) for m in matches],
        [m.start() for m in matches],
        [m.end() for m in matches],
        [m[0][0].isupper() for m in matches],
        {},
    )


def _sentence_ends(
    article: str, low: list[str], capital: list[bool], inside: dict[int, Quoted], lexicon: Lexicon
) -> Iterator[int]:
    """Positions after the last word of each sentence."""
    last = 0
    for at in range(len(low) - 1):
        if at - last >= _MAX_WORDS or _ends_after(article, low, capital, inside, at, lexicon):
            last = at + 1
            yield last
    if low:
        yield len(low)


def _ends_after(
    article: str, low: list[str], capital: list[bool], inside: dict[int, Quoted], at: int, lexicon: Lexicon
) -> bool:
    word, following = low[at], low[at + 1]
    if word in STOPS:
        if following in STOPS or following in ")]»”\"'’":
            return False
        return capital[at + 1] or following == QUOTED or following[0].isdigit() or following in "—–«([•"
    if word == QUOTED:
        last = article[inside[at].inner_end - 1]
        if last not in STOPS:
            return False
        if capital[at + 1]:
            return last == "." or not _attributes(low, at + 1, lexicon)
        return following == QUOTED
    abbreviated = len(word) > 2 and word[-1] == "." and word[1] == "."  # "U.S."
    return abbreviated and capital[at + 1] and following in lexicon.words["starters"]


def _attributes(low: list[str], at: int, lexicon: Lexicon) -> bool:
    """Whether what follows a quotation is no sentence of its own but says whose it is: “Why?” Anna Reid asked."""
    for k in range(at, min(at + 12, len(low))):
        verb = lexicon.verbs.get(low[k])
        if verb is not None and "quote" in verb.takes:
            following = low[k + 1] if k + 1 < len(low) else "."
            return (
                following in PUNCTUATION
                or following in lexicon.words["prepositions"]
                or following in lexicon.words["times"]
            )
        if low[k] in STOPS or low[k] == QUOTED:
            return False
    return False
