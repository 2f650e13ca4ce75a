"""Names of persons in an article, and what the words that name a speaker consist of."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from stance.quoting.lexicon import Lexicon

LETTERS = re.compile(r"[^\W_]+")
LINKED = re.compile(r"\b(?:of|for|in|from|at|to|de|du|des|d['’]|pour)\b")
PARTICLES = frozenset("de du des la le van von der den di da dos bin ben al el d' d’".split())
_TITLES = r"(?:Mr|Mrs|Ms|Dr|St|Ste|Prof|Sen|Rep|Gov|Gen|Col|Sgt|Capt|Lt|Rev|Hon|Jr|Sr|MM|Me|M|[A-ZÀ-Þ])\."
_CAPITAL_WORD = rf"(?:(?:[A-Z]\.){{2,}}|{_TITLES}|[A-ZÀ-ÖØ-ÞŁŚŠŽČ][\w'’-]*)"
# Capitalised words in a row, with the particles of names: "Xavier Bertrand", "Ursula von der Leyen", "J. D. Vance"
_CAPITALISED = re.compile(
    rf"{_CAPITAL_WORD}(?:\s(?:(?:de|du|des|la|le|van|von|der|den|di|da|dos|bin|ben|al|el|of the|d['’])\s?){{0,3}}"
    rf"{_CAPITAL_WORD})*"
)
_POSSESSIVE = re.compile(r"['’]s$")
_SPACES = re.compile(r"[\s\u00a0\u202f]+")
_MARKS = ",.;:()'’\"“”"
# What may stand behind a name: an age, or words that say who it is; matches ", 34, ", ", the mayor", ", qui"
_AGE = re.compile(r",\s\d\d(?:,| ans)")
_SAYS_WHO = re.compile(r", (?:the|a|an|who|whose|le|la|l['’]|qui|une?|son|sa|his|her)\s?[\w-]+")
_SENTENCE_PART = re.compile(r"[.;:!?“”«»\"]|,(?=.*,)")
_BEFORE_PLACES = (
    "the of for in from at de du des la le les à au aux to with a an un une en pour sur on".split()
)  # a capital behind one of these names a place or an organisation
_OF_SOMEONE = frozenset("for of to from by de d' du pour".split())
_MAX_NAME_WORDS = 5
_MAX_NAMESAKES = 20  # an article has fewer persons of one last name
_CONTEXT = 100  # characters before a name that can say who it is


@dataclass(frozen=True)
class Mention:
    """What the words that name a speaker consist of.

    `heads`: words for offices and organisations, in order. `definite`: "the", "le", "his", not "a".
    """

    text: str
    pronoun: str | None = None
    names: tuple[str, ...] = ()
    honorific: str = ""
    heads: tuple[str, ...] = ()
    definite: bool = False


class Occurrence(NamedTuple):
    """A full name in the article, and where its paragraph begins and ends."""

    name: str
    start: int
    end: int
    lo: int
    hi: int


class Names:
    """The persons whom an article names in full, and how its mentions are read."""

    def __init__(self, article: str, lexicon: Lexicon) -> None:
        self.article = article
        self.lexicon = lexicon
        self.english = lexicon.language == "en"
        self.full: dict[str, list[str]] = {}  # last name in lower case -> full names, in order
        self.by_first: dict[str, set[str]] = {}  # first name in lower case -> full names

    def collect(self, spans: list[tuple[int, int]]) -> Iterator[Occurrence]:
        """Take up the full names of persons in these paragraphs, so that a later "Reid" is known as Anna Reid."""
        for lo, hi in spans:
            for match in _CAPITALISED.finditer(self.article, lo, hi):
                text = _POSSESSIVE.sub("", match[0].rstrip(".'’-"))
                parts = text.split()
                words = self._strip_titles(parts)
                end = match.start() + len(text)
                if len(words) > 1 and self._is_person(words, parts, match.start(), end):
                    name = " ".join(words)
                    self.take_up(name)
                    yield Occurrence(name, match.start(), end, lo, hi)

    def take_up(self, name: str) -> bool:
        """Whether a full name is new, which is known from now on."""
        names = self.full.setdefault(last_name(name), [])
        if name in names or len(names) >= _MAX_NAMESAKES:
            return False
        names.append(name)
        self.by_first.setdefault(name.split()[0].lower(), set()).add(name)
        return True

    def role(self, word: str) -> str:
        """Kind of an office or organisation: "m", "f", "person" or "group"; "" for any other word."""
        roles = self.lexicon.roles
        return roles.get(word) or roles.get(word.split("'")[-1], "")

    def is_office(self, word: str) -> bool:
        """Whether a word says what a person is."""
        return self.role(word) not in ("", "group")

    def gender(self, name: str) -> str:
        """Gender of a full name by its first: "m", "f", or "" where that tells nothing."""
        first = name.split()[0].lower()
        names = self.lexicon.first_names
        return names.get(first) or names.get(first.split("-")[0], "")

    def _is_first_name(self, word: str) -> bool:
        names = self.lexicon.first_names
        return word in names or word.split("-")[0] in names

    def _is_organisation(self, low: list[str]) -> bool:
        words = low[1:] if self._is_first_name(low[0]) else low  # Marine is a name and a navy
        return any(self.lexicon.roles.get(w) == "group" or w in self.lexicon.words["organisations"] for w in words)

    def _strip_titles(self, words: list[str]) -> list[str]:
        """Words of a name without what stands before it: "British Prime Minister Anna Reid"."""
        lexicon = self.lexicon
        skipped = lexicon.honorifics | lexicon.words["determiners"] | lexicon.words["name_openers"]
        first = 0
        while first < len(words):
            low = words[first].lower()
            title = low in skipped or low.rstrip(".") in lexicon.honorifics or low.startswith(("vice-", "ex-", "co-"))
            if not title and lexicon.roles.get(low, "group") == "group":
                break
            first += 1
        words = words[first:]
        if not words or self._is_first_name(words[0].lower()):
            return words  # "Martin Luther King Jr." has no title
        for at in range(len(words) - 2, 0, -1):
            low = words[at].lower().rstrip(".")
            if lexicon.roles.get(low, "group") != "group" or low in lexicon.honorifics:
                return words[at + 1 :]
        return words

    def _is_person(self, words: list[str], parts: list[str], start: int, end: int) -> bool:
        """Whether capitalised words look like the full name of a person: by first name, title or apposition."""
        low = [word.lower().rstrip(".") for word in words]
        if len(words) > _MAX_NAME_WORDS or self._is_organisation(low):
            return False
        if self._is_first_name(low[0]):
            return True
        if len(parts) > len(words):
            title = parts[len(parts) - len(words) - 1].lower().rstrip(".")
            if title in self.lexicon.honorifics or self.is_office(title):
                return True
        context = self.article[max(0, start - _CONTEXT) : start]
        before = context.split()
        previous = fold(before[-1]) if before else ""
        if self.is_office(previous):
            return True
        if previous.endswith(","):  # "the mayor of Calais, Anna Reid"
            segment = _SENTENCE_PART.split(context)[-1]
            if any(self.is_office(word) for word in LETTERS.findall(segment.lower())):
                return True
        after = self.article[end : end + 24]
        if _AGE.match(after):
            return True
        if not _SAYS_WHO.match(after) or previous.startswith(("in", "at", "à", "of", "de", "from", "near")):
            return False
        first, *others = after[2:].split()
        return first in ("who", "whose", "qui") or bool(others and self.role(fold(others[0]).strip(_MARKS)))

    # --- mentions ---

    def parse(self, text: str) -> Mention:
        """What the words that name a speaker consist of."""
        low = [fold(word).strip(_MARKS) for word in _SPACES.split(text) if word]
        words = self.lexicon.words
        if len(low) == 1:
            last = low[0].rsplit("-", 1)[-1]
            if low[0] in words["pronouns"] or low[0] in words["possessives"]:
                return Mention(text, low[0])
            if not self.english and "-" in low[0] and last in ("il", "elle", "ils", "elles", "on"):
                return Mention(text, last)
        names: list[str] = []
        honorific = ""
        for match in _CAPITALISED.finditer(text):
            chunk = match[0].rstrip("'’-")
            if _POSSESSIVE.search(chunk) and match.end() < len(text) - 2:
                continue  # "Durkee's pollster" is not Durkee
            parts = _POSSESSIVE.sub("", chunk).split()
            titles = [part.lower().rstrip(".") for part in parts if part.lower().rstrip(".") in self.lexicon.honorifics]
            honorific = honorific or next(iter(titles), "")
            stripped = self._strip_titles(parts)
            if stripped and self._names_person(stripped, parts, text, match.start(), match.end()):
                names.append(" ".join(stripped).rstrip("."))
        bare = [word.removeprefix("l'").removeprefix("d'") for word in low]
        heads = tuple(word for word in bare if word in self.lexicon.roles)
        first = low[0] if low else ""
        definite = first in words["definite"] or first in words["possessives"] or first.startswith("l'")
        return Mention(text, None, tuple(names), honorific, heads, definite or first in ("les", "ces", "that", "this"))

    def _names_person(self, words: list[str], parts: list[str], text: str, start: int, end: int) -> bool:
        """Whether a capitalised part of a mention is the name of a person, not of a place or an organisation."""
        low = [word.lower().rstrip(".") for word in words]
        before = text[:start].split()
        previous = fold(before[-1]) if before else ""
        if previous in _OF_SOMEONE and any(self.is_office(fold(word).strip(_MARKS)) for word in before):
            return False  # "a spokesman for Anna Reid" is not Anna Reid
        titled = len(parts) > len(words) and parts[-len(words) - 1].lower() not in self.lexicon.words["determiners"]
        if titled:
            return not any(word in self.lexicon.words["organisations"] for word in low)
        namesakes = self.full.get(last_name(" ".join(words)), [])
        if " ".join(words) in namesakes:
            return True
        organisation = self._is_organisation(low)
        if len(words) > 1 and self._is_first_name(low[0]):
            placed = previous in ("of", "for", "to", "de", "du", "l'", "the")
            return not (placed or organisation) or bool(namesakes)
        if previous in _BEFORE_PLACES or previous.endswith(("l'", "d'")):
            return False
        if len(words) == 1 and namesakes:
            return True
        if organisation or (len(words) == 1 and words[0].isupper() and len(words[0]) < 6):
            return False
        if self.lexicon.roles.get(previous, "group") != "group":
            return True
        if previous.endswith(",") and previous.rstrip(".,") in self.lexicon.roles:
            return True
        if len(words) < 2:
            return False
        plain = previous.isalpha() and previous.islower() and previous not in self.lexicon.words["prepositions"]
        if plain and end >= len(text.rstrip()) - 1:
            return True  # "presidential hopeful Nicolas Sarkozy"
        following = text[end:].strip()
        if following.split(" ")[0].lower().strip(",") in self.lexicon.roles or following.startswith(("'s", "’s")):
            return False
        return previous == "" or previous.endswith(",")


def fold(word: str) -> str:
    """The word in lower case, with a straight apostrophe."""
    return word.lower().replace("’", "'")


def last_name(name: str) -> str:
    """Last name in lower case: "reid" of "Anna Reid" and of "Anna Reid Jr".

    >>> last_name("Anna Reid Jr.")
    'reid'
    """
    words = name.split()
    if words[-1].rstrip(".") in ("Jr", "Sr", "II", "III") and len(words) > 2:
        return words[-2].lower()
    return words[-1].lower()
