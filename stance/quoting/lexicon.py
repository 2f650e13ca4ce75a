"""The words by which English and French articles say who said what, and the rules: read from `en.toml`, `fr.toml`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

LANGUAGES = ("en", "fr")

# "say(says said said saying)": a base with forms of its own; "warn": one whose forms are regular.
_ENTRY = re.compile(r"([^\s(]+)(?:\(([^)]*)\))?")


@dataclass(frozen=True)
class Verb:
    """A form of one or more verbs of saying: what it is, and what may follow.

    `forms`: "finite", "participle" (past), "ing" or "base"; `takes`: keys of the table `verbs`.
    """

    forms: frozenset[str]
    takes: frozenset[str]


@dataclass(frozen=True, eq=False)
class Lexicon:
    """The words of one language; attributes are sets of lower-case words unless said otherwise. None can be changed."""

    language: str
    words: Mapping[str, frozenset[str]]
    verbs: Mapping[str, Verb]
    nouns: Mapping[str, frozenset[str]]
    roles: Mapping[str, str]  # role noun -> "m", "f", "person" or "group"
    honorifics: frozenset[str]
    first_names: Mapping[str, str]
    aliases: Mapping[str, str]
    phrases: Mapping[str, tuple[tuple[frozenset[str], ...], ...]]


@dataclass(frozen=True)
class Example:
    """Words in which a rule finds something: what was said, in pieces, and whose it is."""

    match: str
    said: tuple[str, ...]
    speaker: str | None


@dataclass(frozen=True)
class QuoteRule:
    """A rule that finds statements (`Quote.rule`), with examples and with others in which it must find nothing."""

    name: str
    what: str
    examples: tuple[Example, ...]
    others: tuple[str, ...]


@cache
def load_rules(language: str) -> tuple[QuoteRule, ...]:
    """Rules of "en" or "fr" as they are documented, in the order of the file.

    >>> next(rule.what for rule in load_rules("en") if rule.name == "parenthesis")
    'Speaker and verb stand behind what was said, or within it.'
    """
    return tuple(
        QuoteRule(
            name,
            rule["what"],
            tuple(Example(e["match"], tuple(e["said"]), e.get("speaker")) for e in rule["examples"]),
            tuple(rule["others"]),
        )
        for name, rule in _read_table(language)["rules"].items()
    )


@cache
def load_lexicon(language: str) -> Lexicon:
    """Lexicon of "en" or "fr", read once."""
    table = _read_table(language)
    return Lexicon(
        language=language,
        words=MappingProxyType({name: frozenset(entries.split()) for name, entries in table["words"].items()}),
        verbs=MappingProxyType(_verbs(table, language)),
        nouns=MappingProxyType(_nouns(table["nouns"])),
        roles=MappingProxyType(_roles(table["roles"], language)),
        honorifics=frozenset(table["roles"]["honorifics"].split()),
        first_names=_first_names(language),
        aliases=MappingProxyType(_aliases(table["aliases"])),
        phrases=MappingProxyType({name: _read_phrases(entries) for name, entries in table["phrases"].items()}),
    )


def _verbs(table: Mapping[str, Any], language: str) -> dict[str, Verb]:
    """All forms of all verbs."""
    forms: list[tuple[str, str]] = []
    takes: list[tuple[str, str]] = []
    for key, entries in table["verbs"].items():
        for base, own in _ENTRY.findall(entries):
            inflected = (
                _inflect_english(base, own.split(), table["inflection"])
                if language == "en"
                else _inflect_french(base, [part.split() for part in own.split("|")])
            )
            forms += [(word, form) for form, words in inflected.items() for word in words]
            takes += [(word, one) for words in inflected.values() for word in words for one in key.split()]
    taken = _keys_by_word(takes)
    return {word: Verb(found, taken[word]) for word, found in _keys_by_word(forms).items()}


def _keys_by_word(pairs: Iterable[tuple[str, str]]) -> dict[str, frozenset[str]]:
    """Pairs of a word and a key as the keys of each word."""
    keys: dict[str, set[str]] = {}
    for word, key in pairs:
        keys.setdefault(word, set()).add(key)
    return {word: frozenset(found) for word, found in keys.items()}


def _nouns(table: Mapping[str, str]) -> dict[str, frozenset[str]]:
    return _keys_by_word((word, key) for key, entries in table.items() for word in entries.split())


def _aliases(table: Mapping[str, str]) -> dict[str, str]:
    return {" ".join(alias.split()): name for name, aliases in table.items() for alias in aliases.split(",")}


def _roles(table: Mapping[str, str], language: str) -> dict[str, str]:
    return {
        form: kind
        for kind in ("group", "person", "m", "f")
        for word in table[kind].split()
        for form in (word, _plural(word, language))
    }


@cache
def _first_names(language: str) -> Mapping[str, str]:
    """First names of both languages with the gender of their bearers, "" if either; Jean is a man in French only."""
    names: dict[str, str] = {}
    for other in (*(known for known in LANGUAGES if known != language), language):
        own: dict[str, str] = {}
        for gender, entries in _read_table(other)["names"].items():
            for name in entries.split():
                own[name] = gender if own.get(name, gender) == gender else ""
        names |= own
    return MappingProxyType(names)


@cache
def _read_table(language: str) -> dict[str, Any]:
    text = (files("stance") / "quoting" / f"{language}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def _read_phrases(entries: str) -> tuple[tuple[frozenset[str], ...], ...]:
    """Words that may stand in each place of the phrases of "made|make clear, citing"; the longest phrase first."""
    phrases = [tuple(frozenset(word.split("|")) for word in entry.split()) for entry in entries.split(",")]
    return tuple(sorted(filter(None, phrases), key=len, reverse=True))


def _plural(noun: str, language: str) -> str:
    """Regular plural of a noun."""
    if noun.endswith(("s", "x", "z")) or (language == "en" and noun.endswith("men")):
        return noun
    if language == "fr":
        return noun[:-1] + "ux" if noun.endswith("al") else noun + ("x" if noun.endswith(("au", "eu")) else "s")
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return noun[:-1] + "ies"
    return noun + ("es" if noun.endswith(("sh", "ch")) else "s")


def _inflect_english(base: str, own: list[str], inflection: Mapping[str, str]) -> dict[str, list[str]]:
    """Forms of an English verb; `own` lists third person, past, participle and -ing form of an irregular one."""
    if own:
        third, past, participle, ing = own
        return {"base": [base], "finite": [third, past], "participle": [participle], "ing": [ing]}
    stem = base.removesuffix("e")
    third, past, ing = base + "s", stem + "ed", (base if base.endswith(("ee", "oe")) else stem) + "ing"
    if base.endswith("y") and base[-2] not in "aeiou":
        third, past = base[:-1] + "ies", base[:-1] + "ied"
    elif base.endswith(("s", "sh", "ch", "x", "z")):
        third = base + "es"
    pasts, ings = [past], [ing]
    doubled = base + base[-1]
    if base in inflection["doubled"].split():
        pasts, ings = [doubled + "ed"], [doubled + "ing"]
    elif base in inflection["both"].split():
        pasts, ings = [past, doubled + "ed"], [ing, doubled + "ing"]
    return {"base": [base], "finite": [third, *pasts], "participle": pasts, "ing": ings}


def _inflect_french(base: str, own: list[list[str]]) -> dict[str, list[str]]:
    """Forms of a French verb in the third person.

    `own` has up to three lists: third person, participles, form in -ant. For verbs in -er they come besides the regular
    forms, for others in their place.
    """
    forms = _regular_french(base) if base.endswith("er") or not own[0] else {}
    for kind, words in zip(("finite", "participle", "ing"), own, strict=False):
        forms[kind] = forms.get(kind, []) + words
    return {"base": [base], **forms}


def _regular_french(base: str) -> dict[str, list[str]]:
    if base.endswith("er"):
        stem = base[:-2]
        soft = {"c": stem[:-1] + "ç", "g": stem + "e"}.get(stem[-1], stem)
        finite = [stem + e for e in ("e", "ent", "èrent", "era", "eront", "erait", "eraient")]
        finite += [soft + e for e in ("ait", "aient", "a")]
        return {"finite": finite, "participle": [stem + e for e in ("é", "ée", "és", "ées")], "ing": [soft + "ant"]}
    if base.endswith("dre"):
        stem = base[:-2]
        finite = [stem, *(stem + e for e in ("ent", "ait", "aient", "it", "irent", "ra", "rait"))]
        return {"finite": finite, "participle": [stem + e for e in ("u", "ue", "us", "ues")], "ing": [stem + "ant"]}
    if base.endswith("ir"):
        stem = base[:-1]
        finite = [stem + e for e in ("t", "ssent", "ssait", "ssaient", "ra", "rait", "rent")]
        return {"finite": finite, "participle": [stem + e for e in ("", "e", "s", "es")], "ing": [stem + "ssant"]}
    return {}
