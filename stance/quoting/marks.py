"""Quotation marks: which open, which close, and what stands between them."""

from __future__ import annotations

import re
from typing import NamedTuple

# Marks in pairs, what closes each. Others that look alike are read by where they stand.
_CLOSERS = {
    "“": '”"',
    "„": '“”"',
    "«": "»",
    "‹": "›",
    "‘": "’'",
    '"': '"”',
    "'": "'’",
    "``": ("''", "”", '"'),
    "''": "''",
    "‟": "”",
    "”": "”",
    "»": "»",
}
_NESTING = frozenset(("“", "«", "„"))  # of which one can open within another
_LOOK_AHEAD = 60  # marks
_MARK = re.compile(r"``|''|[“”„‟«»‹›‘’\"'`]")
_SPACE_OR_OPEN = " \t\n\r\u00a0\u202f\u2009([{—–-/\u200b:…"
_SPACES = " \t\n\r\u00a0\u202f\u2009"
_NARROW = " \u00a0\u202f\u2009\t\u200b"
# Contractions that begin with an apostrophe: matches 'em, '90s, 'tis; not 'twenty
_ELISION = re.compile(r"(?:em|til|tis|twas|cause|n|\d0s|\d\d)\b", re.IGNORECASE)


class Quoted(NamedTuple):
    """Words in quotation marks: half-open offsets with the marks and without.

    `closed`: whether the closing mark is there.
    """

    start: int
    end: int
    inner_start: int
    inner_end: int
    closed: bool


def find_quoted(article: str, start: int, end: int) -> tuple[list[Quoted], list[int]]:
    """What stands in quotation marks between two offsets of a paragraph, outermost marks only; and strays.

    A mark that is never closed reaches to the end of the paragraph.

    >>> [q[2:4] for q in find_quoted("He said: 'It isn't over.'", 0, 25)[0]]
    [(10, 24)]
    """
    marks = [(m.start(), m[0]) for m in _MARK.finditer(article, start, end)]
    quoted: list[Quoted] = []
    strays: list[int] = []
    never_closed: set[str] = set()  # marks that nothing closes from here on
    at = 0
    while at < len(marks):
        position, mark = marks[at]
        if not _opens(article, position, mark, start, end):
            if mark not in "’'`":
                strays.append(position)
            at += 1
            continue
        close = None if mark in never_closed else _find_close(article, marks, at, end)
        inner = position + len(mark)
        if close is None:
            if mark not in _NESTING:
                never_closed.add(mark)
            if mark in "'‘`" or (mark == "”" and position > start):
                at += 1  # an apostrophe, more likely than an unclosed quotation
                if mark in "'‘" and (position == start or article[position - 2 : position] in (": ", ":\u00a0")):
                    quoted.append(_trim(article, position, end, inner, end, False))
                    break
                continue
            reopened = _reopening(article, marks, at, start, end)
            if reopened is not None:
                strays.append(position)
                at = reopened
                continue
            quoted.append(_trim(article, position, end, inner, end, False))
            break
        closing, mark_closing = marks[close]
        quoted.append(_trim(article, position, closing + len(mark_closing), inner, closing, True))
        at = close + 1
    return [q for q in quoted if q.inner_start < q.inner_end], strays


def _trim(article: str, start: int, end: int, inner_start: int, inner_end: int, closed: bool) -> Quoted:
    text = article[inner_start:inner_end]
    stripped = text.strip(" \t\n\r\u00a0\u202f\u2009\u200b")
    if not stripped:
        return Quoted(start, end, inner_start, inner_start, closed)
    inner_start += text.index(stripped[0])
    return Quoted(start, end, inner_start, inner_start + len(stripped), closed)


def _opens(article: str, position: int, mark: str, start: int, end: int) -> bool:
    after = position + len(mark)
    if after >= end:
        return False
    before = article[position - 1] if position > start else " "
    following = article[after]
    if mark in ("“", "„", "«", "‹", "‟", "``"):
        return True
    if mark in ("»", "”", "›"):  # at the beginning of a paragraph they take a quotation up again
        return position == start
    if mark == "’":
        return False
    shaped = (before in _SPACE_OR_OPEN or before in '"“«') and following not in _NARROW and following not in ".,;:!?)"
    if mark in ("'", "‘", "`"):
        return shaped and not _ELISION.match(article, after)
    return shaped or (following in _NARROW and before in _SPACES)  # " Nous partons. "


def _find_close(article: str, marks: list[tuple[int, str]], at: int, end: int) -> int | None:
    """Index of the mark that closes the one at `at`; None if there is none, or the same mark opens again before it."""
    mark = marks[at][1]
    closers = _CLOSERS.get(mark, ())
    depth = 0
    for index in range(at + 1, len(marks)):
        other = marks[index][1]
        if other in closers:
            if _closes(article, marks, index, mark, end):
                if not depth:
                    return index
                depth -= 1
        elif other == mark and mark in _NESTING:
            if not _balanced(article, marks, index, end):
                return None
            depth += 1
    return None


def _closes(article: str, marks: list[tuple[int, str]], index: int, mark: str, end: int) -> bool:
    """Whether a mark that looks alike when it opens closes here: `end."` does, `say "go` and `isn't` do not."""
    where, other = marks[index]
    if other not in ('"', "'", "’") or (other == "’" and mark not in ("'", "‘")):
        return True
    following = article[where + 1] if where + 1 < end else " "
    before = article[where - 1]
    if following.isalnum():
        return False
    if before in _SPACES and not (other == '"' and (following in _NARROW or where + 1 >= end)):
        return False
    single = mark in ("'", "‘")
    return not (single and before.isalpha() and following == " " and _is_apostrophe(article, marks, index, end))


def _balanced(article: str, marks: list[tuple[int, str]], index: int, end: int) -> bool:
    """Whether enough marks follow to close a quotation of the same kind within one; else the first was never closed."""
    mark = marks[index][1]
    near = range(index, min(index + _LOOK_AHEAD, len(marks)))
    opened = sum(marks[k][1] == mark for k in near)
    closed = sum(marks[k][1] in _CLOSERS[mark] and _closes(article, marks, k, mark, end) for k in near)
    return closed > opened


def _is_apostrophe(article: str, marks: list[tuple[int, str]], index: int, end: int) -> bool:
    """Whether a mark behind a letter, as in "the ministers' plan", is followed by one that closes better.

    That is one behind a comma or full stop, or for a plural any, before another quotation opens.
    """
    position = marks[index][0]
    plural = article[position - 1] in "sS"
    if position + 2 < end and not plural and not article[position + 2].islower():
        return False
    for where, other in marks[index + 1 : index + _LOOK_AHEAD]:
        before, following = article[where - 1], article[where + 1] if where + 1 < end else " "
        if other == "‘" or (other == "'" and before in _SPACE_OR_OPEN and following not in _NARROW):
            return False
        if (
            other in ("'", "’")
            and not following.isalnum()
            and before not in _SPACE_OR_OPEN
            and (plural or before in ",.!?…")
        ):
            return True
    return False


def _reopening(article: str, marks: list[tuple[int, str]], at: int, start: int, end: int) -> int | None:
    """Index of the next mark that opens a quotation of the same kind, where the one at `at` is stray."""
    for index in range(at + 1, min(at + _LOOK_AHEAD, len(marks))):
        if marks[index][1] == marks[at][1] and _opens(article, *marks[index], start, end):
            return index
    return None
