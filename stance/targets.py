"""The agreements that are known by name: slugs, names and aliases per language."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any

from stance.errors import ConfigError
from stance.files import read_toml, shipped_path

_APOSTROPHE = re.compile("['’‘ʼ`´]")
_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")  # "le-touquet", not "Le Touquet" or "le--touquet"
# At the start of "the Le Touquet treaty" and "l'accord du Touquet", not of "Lebanon".
_ARTICLE = re.compile(r"^(?:the |les? |la |l')+")
_ABBREVIATION = re.compile(r"[A-Z]{2,4}")  # "MES", "SALT"; not "CPTPP", which is no word, nor "Meech"
_GAP = re.compile(r"[\s\-‐‑–]+")  # "Italy-Albania", "Italy – Albania"
# The accented letters of English and French and of the place names that they borrow.
_VARIANTS = dict(a="àâäáãå", c="çćč", e="éèêëě", i="îïíì", n="ñ", o="ôöóòõ", u="ûüùú", y="ÿ")


@dataclass(frozen=True)
class Target:
    """One agreement: its slug, its name per language and what else statements call it."""

    slug: str
    names: Mapping[str, str]
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def all_names(self) -> tuple[str, ...]:
        """Names, then aliases, of all languages, each once."""
        aliases = (alias for group in self.aliases.values() for alias in group)
        return tuple(dict.fromkeys((*self.names.values(), *aliases)))

    @cached_property
    def keys(self) -> frozenset[str]:
        """Slug, names and aliases as `resolve_target` compares them."""
        return frozenset(map(_fold, (self.slug, *self.all_names)))


def read_targets(path: str | Path | None = None) -> dict[str, Target]:
    """Targets by slug, in the order of the file; without `path`, of the table that ships with the package.

    Raises `ConfigError` with all faults of the table at once.

    >>> read_targets()["le-touquet"].names["fr"]
    'accords du Touquet'
    """
    file = shipped_path("targets.toml", "data/targets.toml") if path is None else path
    table = read_toml(file, "targets")
    faults = [fault for slug, entry in table.items() for fault in _entry_faults(slug, entry)]
    targets: dict[str, Target] = {}
    if not faults:
        targets = {slug: _read_entry(slug, entry) for slug, entry in table.items()}
        faults = _shared_names(targets)
    if faults:
        raise ConfigError(f"bad targets in {file}: {'; '.join(faults)}")
    return targets


def resolve_target(text: str, targets: Mapping[str, Target]) -> str:
    """Find the slug of the target that `text` names; give `text` back where no target has that name.

    Case, accents, hyphens, the kind of apostrophe and a leading article do not matter.

    >>> targets = read_targets()
    >>> resolve_target("The Paris Agreement", targets), resolve_target("Treaty of Tordesillas", targets)
    ('paris-climate', 'Treaty of Tordesillas')
    """
    if text in targets:
        return text
    key = _fold(text)
    return next((slug for slug, target in targets.items() if key in target.keys), text)


def target_names(target: str, targets: Mapping[str, Target]) -> tuple[str, ...]:
    """Every name and alias of a target in all languages; of an agreement not in `targets`, the text itself.

    >>> target_names("Treaty of Tordesillas", read_targets())
    ('Treaty of Tordesillas',)
    """
    slug = resolve_target(target, targets)
    return targets[slug].all_names if slug in targets else (target,)


def alias_pattern(names: Iterable[str]) -> re.Pattern[str]:
    """Compile a pattern that finds any of the names as whole words, the longest where several fit.

    As tolerant as `resolve_target`, but it reads the text as written, so that its offsets hold, and short
    abbreviations in capitals are found in capitals only: the treaty MES is not the French word "mes". Without
    names it finds nothing.

    >>> alias_pattern(["Nouméa", "accord de Nouméa"]).sub("…", "Revoir l’accord de Noumea ?")
    'Revoir l’… ?'
    >>> alias_pattern(["MES"]).sub("…", "Le MES vu par mes amis")
    'Le … vu par mes amis'
    """
    names = set(names)
    short = sorted(name for name in names if _ABBREVIATION.fullmatch(name))
    words = sorted({_plain(n) for n in names - set(short)} - {""}, key=lambda word: (word[0], -len(word), word))
    if not words and not short:
        return re.compile(r"(?!)")
    # By first letter, so that a word of the text is compared with few of a thousand names.
    branches = [
        f"{_tolerant(first)}(?:{'|'.join(_tolerant(word[1:]) for word in group)})"
        for first, group in groupby(words, key=lambda word: word[0])
    ]
    branches += [f"(?-i:{name})" for name in short]
    return re.compile(rf"(?<!\w)(?:{'|'.join(branches)})(?!\w)", re.IGNORECASE)


def _entry_faults(slug: str, entry: Any) -> list[str]:
    """List what is wrong with one table of the file, naming the key."""
    if not isinstance(entry, dict):
        return [f"{slug}: expected a table with name and aliases, got {entry!r}"]
    faults = []
    if not _SLUG.fullmatch(slug):
        faults.append(f"{slug!r}: a slug has lower-case letters, digits and single hyphens")
    unknown = sorted(set(entry) - {"name", "aliases"})
    if unknown:
        faults.append(f"{slug}: unknown keys {unknown}; expected name and aliases")
    names, aliases = entry.get("name", {}), entry.get("aliases", {})
    if not isinstance(names, dict) or not names or not all(map(_is_name, names.values())):
        faults.append(f'{slug}: name must be one text per language, such as name.en = "…"; got {names!r}')
    if not isinstance(aliases, dict):
        faults.append(f'{slug}: aliases must be lists per language, such as aliases.en = ["…"]; got {aliases!r}')
        return faults
    for lang, group in aliases.items():
        if not isinstance(group, list):
            faults.append(f"{slug}: aliases.{lang} must be a list of texts, got {group!r}")
        else:
            faults += [f"{slug}: aliases.{lang} holds {a!r}, not a text" for a in group if not _is_name(a)]
    return faults


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _read_entry(slug: str, entry: Mapping[str, Any]) -> Target:
    aliases = {lang: tuple(group) for lang, group in entry.get("aliases", {}).items()}
    return Target(slug, dict(entry["name"]), aliases)


def _shared_names(targets: Mapping[str, Target]) -> list[str]:
    """Names that two targets claim, which `resolve_target` could not tell apart."""
    owners: dict[str, str] = {}
    faults = []
    for slug, target in targets.items():
        for key in sorted(target.keys):
            owner = owners.setdefault(key, slug)
            if owner != slug:
                faults.append(f"{key!r} stands under both {owner} and {slug}")
    return faults


def _plain(text: str) -> str:
    """Lower the case and drop what is spelt in several ways: accents, hyphens, kinds of apostrophe."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(char for char in decomposed if not unicodedata.combining(char))
    return _GAP.sub(" ", _APOSTROPHE.sub("'", plain)).strip()


def _fold(text: str) -> str:
    """Reduce a name to what makes it that name, without a leading article."""
    return _ARTICLE.sub("", _plain(text), count=1)


def _tolerant(plain: str) -> str:
    """Write a regular expression for all spellings of a plain text."""
    return "".join(map(_spellings, plain))


def _spellings(char: str) -> str:
    if char == "'":
        return _APOSTROPHE.pattern
    if char == " ":
        return f"{_GAP.pattern}+"  # possessive: a long gap is read once
    if char in _VARIANTS:  # or with its accent as a character of its own
        return f"[{char}{_VARIANTS[char]}][\u0300-\u036f]?"
    return re.escape(char)
