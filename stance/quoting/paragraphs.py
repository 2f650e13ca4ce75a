"""The paragraphs of an article, and which of them are headlines, captions or other lines that no one says."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import NamedTuple

_BLOCK = re.compile(r"[^\n\r\x0b\x0c\x85\u2028\u2029]+")
# Ends of a sentence, with what may close after it; matches 'over."', "fini. »", "dead.)"; not "over", "he said:"
_SENTENCE_END = re.compile(r"[.!?…][\"'”’»›)\]\s]*\Z")
_OPENING_MARKS = "\"“„«‹‘'`»”"
_WRAP_LEAST, _WRAP_MOST = 45, 130  # characters of a line in a text that was wrapped by hand,
_WRAP_RAGGED = 8  # characters by which such lines differ beyond the word that had no room,
_WRAP_LOWER = 3  # and one in so many goes on in lower case, while in a list of headlines none does
_HEADLINE_WORDS = 25
_HEADING_WORDS = 14

_LONGEST = {"boilerplate": 300, "caption": 500}  # characters; what is longer is text
_CREDIT = 120  # characters at the end of a caption in which its credit stands
# In a pattern of lines.toml: a part by its name, where a line begins, and a blank, which stands for any white space
_PART = re.compile(r"\{([a-z]+)\}")
_BREAK = re.compile(r"^[ ]+|\n[ ]*")
_BLANK = re.compile(r"[ ](\?)?")


@dataclass(frozen=True)
class LineRule:
    """A rule of `lines.toml`: which lines no one says, with examples of some and of others that look alike."""

    name: str
    what: str
    kind: str
    at: str
    as_typed: bool
    pattern: str
    matches: tuple[str, ...]
    others: tuple[str, ...]


@cache
def load_line_rules() -> tuple[LineRule, ...]:
    """Rules of lines that are no statements, in either language, in the order of the file; read once."""
    table = tomllib.loads((files("stance") / "quoting" / "lines.toml").read_text(encoding="utf-8"))
    parts = table.pop("parts")
    return tuple(
        LineRule(
            name,
            rule["what"],
            rule["kind"],
            rule["at"],
            rule.get("as_typed", False),
            "|".join(_read_pattern(pattern, parts) for pattern in rule["any_of"]),
            tuple(rule["matches"]),
            tuple(rule["others"]),
        )
        for name, rule in table.items()
    )


def _read_pattern(pattern: str, parts: dict[str, str]) -> str:
    """Regular expression of a pattern of `lines.toml`: its parts put in, a blank for any white space."""
    pattern = _BREAK.sub("", pattern)
    while _PART.search(pattern):
        pattern = _PART.sub(lambda match: _BREAK.sub("", parts[match[1]]), pattern)
    return _BLANK.sub(lambda match: r"\s*" if match[1] else r"\s+", pattern)


@cache
def _line_pattern(at: str, *, as_typed: bool) -> re.Pattern[str]:
    """All rules for one end of a line as one pattern; the name of the group that matches is the kind."""
    rules = [rule for rule in load_line_rules() if (rule.at, rule.as_typed) == (at, as_typed)]
    kinds = (
        "|".join(rule.pattern for rule in rules if rule.kind == kind) or r"(?!)" for kind in ("boilerplate", "caption")
    )
    either = "(?P<boilerplate>{})|(?P<caption>{})".format(*kinds)
    return re.compile(rf"(?:{either})[\s).\]]*\Z" if at == "end" else either)


class Paragraph(NamedTuple):
    """Half-open offsets of a paragraph without white space around it, and what it is.

    `kind` is "text", "headline" (also a heading between paragraphs), "caption" or "boilerplate".
    """

    start: int
    end: int
    kind: str


def split_paragraphs(article: str) -> list[Paragraph]:
    r"""Paragraphs of an article in order.

    A line is a paragraph, unless lines were wrapped by hand: then those of one width are put together.

    >>> [p.kind for p in split_paragraphs("Deal is safe, says minister\n\nThe deal is safe, the minister said.")]
    ['headline', 'text']
    """
    spans = list(_join_wrapped(article))
    paragraphs: list[Paragraph] = []
    seen_text = False
    for start, end in spans:
        kind = _kind(article[start:end], seen_text=seen_text, alone=len(spans) == 1)
        seen_text = seen_text or kind == "text"
        paragraphs.append(Paragraph(start, end, kind))
    return paragraphs


def _lines(article: str) -> Iterator[tuple[int, int]]:
    for match in _BLOCK.finditer(article):
        line = match[0]
        stripped = line.strip()
        if stripped:
            start = match.start() + line.index(stripped[0])
            yield start, start + len(stripped)


def _join_wrapped(article: str) -> Iterator[tuple[int, int]]:
    """Offsets of paragraphs, lines that were wrapped by hand put together."""
    block: list[tuple[int, int]] = []
    for start, end in _lines(article):
        gap = article[block[-1][1] : start] if block else ""
        if max(gap.count("\n"), gap.count("\r")) > 1:
            yield from _unwrap(article, block)
            block = []
        block.append((start, end))
    yield from _unwrap(article, block)


def _unwrap(article: str, block: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Paragraphs of neighbouring lines: those put together that were wrapped at one width, within sentences."""
    joined = set(_wrapped(article, block))
    lower = sum(article[block[at + 1][0]].islower() for at in joined)
    if lower * _WRAP_LOWER < len(joined):
        joined = set()
    first = 0
    for at in range(len(block)):
        if at not in joined:
            yield block[first][0], block[at][1]
            first = at + 1


def _wrapped(article: str, block: list[tuple[int, int]]) -> Iterator[int]:
    """Numbers of the lines that seem to end because the next word had no room."""
    width = max((end - start for start, end in block), default=0)
    if width > _WRAP_MOST:
        return
    for at, (start, end) in enumerate(block[:-1]):
        following = article[slice(*block[at + 1])]
        room = width - (end - start) - _WRAP_RAGGED
        if end - start >= _WRAP_LEAST and (following[0].islower() or len(following.split(maxsplit=1)[0]) >= room):
            yield at


def _kind(text: str, *, seen_text: bool, alone: bool) -> str:
    kind = _line_kind(text)
    if kind is not None:
        return kind
    if alone or _SENTENCE_END.search(text, max(0, len(text) - 8)) or text[-1] in ":;,":
        return "text"
    words = text.count(" ") + 1
    if not seen_text:
        return "headline" if words <= _HEADLINE_WORDS else "text"
    return "headline" if words <= _HEADING_WORDS and text[0] not in _OPENING_MARKS + "–—-•*" else "text"


def _line_kind(text: str) -> str | None:
    """What a line is by the rules of `lines.toml`: "boilerplate", "caption" or None."""
    if len(text) >= max(_LONGEST.values()):
        return None
    typed = text.replace("'", "’")
    folded = typed.lower()
    match = (
        _line_pattern("start", as_typed=False).match(folded)
        or _line_pattern("start", as_typed=True).match(typed)
        or _line_pattern("end", as_typed=False).search(folded, max(0, len(folded) - _CREDIT))
    )
    kind = match.lastgroup if match else None
    return kind if kind is not None and len(text) < _LONGEST[kind] else None
