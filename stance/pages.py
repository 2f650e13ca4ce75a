"""The page of a read article: its statements marked up in place, in one HTML document that loads and runs nothing."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import deque
from collections.abc import Iterator, Sequence
from hashlib import sha256
from html import escape
from importlib.resources import files
from itertools import chain, groupby, islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stance.explanation import Contribution
    from stance.predictor import Prediction
    from stance.quotes import Quote, Span
    from stance.reading import Article, ReadStatement, SpeakerTally

_SAYS = {"support": "supports", "oppose": "opposes", "neutral": "neutral"}
_FAULTS = {"language": "not in English or French", "empty": "no words"}
_CLEAR = 0.3  # from this |score| on a statement that is left open is said to lean to a side
_COLUMNS = ("Speaker", "Statement", "Form", "Stance", "Probabilities", "Evidence")
_NOTE = "A verdict on a statement is no verdict on a person, and it may be wrong: read the statement itself."

# What a browser would hide, obey or refuse: "\x07", a right-to-left override, half of an emoji; not "é", not "😀"
_UNSEEN = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_LINE_BREAK = re.compile("[\r\x0b\x0c]")  # a form feed; not "\n"
_BLANK_LINE = re.compile(r"\n\s*\n\s*")  # "\n \n", with what indents the next line; not "\n" alone
_NEW_LINE = re.compile(r"\n\s*")

_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>
body {{ margin: 0; }}
@page {{ size: A4; margin: 16mm; }}
@media print {{ html {{ font-size: 10pt; }} }}
.skip {{ position: absolute; left: -999rem; }}
.skip:focus {{ left: 1rem; top: 0.5rem; padding: 0.3rem 0.6rem; background: Canvas; color: CanvasText; }}
{style}</style>
</head>
<body>
<a class="skip" href="#text">Skip to the article</a>
<main class="stance-article">
{content}</main>
</body>
</html>
"""
_FRAGMENT = """\
<style>
{style}</style>
<div class="stance-article">
{content}</div>
"""


def render_article(article: Article) -> str:
    """HTML document that shows the article with its statements marked up, and who said what.

    It is complete in itself: nothing is fetched, no script runs, and whatever stands in the article is shown as text.
    Control characters and directional overrides are shown as "\ufffd". The same article gives the
    same document.
    """
    title = f"{_text(article.title or 'Article')}: stances on {_text(article.target_name)}"
    return _PAGE.format(title=title, style=_style(), content=_content(article, prefix="", level=1))


def render_fragment(article: Article) -> str:
    """HTML of the same content for a notebook, in a style that reaches nothing else there."""
    digest = sha256(f"{article.target}\n{article.text}".encode("utf-8", "surrogatepass")).hexdigest()
    return _FRAGMENT.format(style=_style(), content=_content(article, prefix=f"stance-{digest[:8]}-", level=2))


def _style() -> str:
    return files("stance").joinpath("article_page.css").read_text(encoding="utf-8")


def _content(article: Article, *, prefix: str, level: int) -> str:
    """Everything on the page; ids begin with the prefix, headings are of the level and the one below."""
    title = f"<h{level}{_lang(article)}>{_text(article.title)}" if article.title else f"<h{level}>Article"
    columns = [
        _section("Speakers", "speakers", _speakers(article), prefix, level),
        _section("Article", "text", _body(article, prefix), prefix, level),
        _section("How to read the marks", "legend", _legend(), prefix, level),
    ]
    return (
        f'{title}</h{level}>\n<p class="target">Stances on <strong>{_text(article.target_name)}</strong></p>\n'
        f'<p class="summary">{_summary(article)}</p>\n<p class="note">{_NOTE}</p>\n'
        f'<div class="columns">\n{"".join(columns)}</div>\n'
        f"{_section('Statements', 'statements', _statements(article, prefix), prefix, level)}"
    )


def _section(heading: str, name: str, content: str, prefix: str, level: int) -> str:
    place = prefix + name
    return (
        f'<section class="{name}" id="{place}" aria-labelledby="{place}-heading">\n'
        f'<h{level + 1} id="{place}-heading">{heading}</h{level + 1}>\n{content}</section>\n'
    )


def _summary(article: Article) -> str:
    """Text such as "3 statements by 2 speakers: 1 supports, 2 left open"."""
    if not article.statements:
        return "No statements found."
    names = {read.quote.speaker for read in article.statements}
    n = len(names - {None})
    by = [f"{n} speaker{'s' * (n != 1)}"] if n else []
    by += ["unknown ones" if n else "unknown speakers"] if None in names else []
    stances = [read.prediction.stance or "open" for read in article.statements]
    tally = {stance: stances.count(stance) for stance in (*_SAYS, "open")}
    words = {"support": "support", "oppose": "oppose", "neutral": "neutral", "open": "left open"}
    words |= {stance: _SAYS[stance] for stance in _SAYS if tally[stance] == 1}
    counts = [f"<strong>{tally[stance]}</strong> {words[stance]}" for stance in words if tally[stance]]
    total = len(article.statements)
    return f"{total} statement{'s' * (total != 1)} by {' and '.join(by)}: {', '.join(counts)}"


def _speakers(article: Article) -> str:
    if not article.speakers:
        return "<p>None.</p>\n"
    return _table(("Speaker", "Support", "Oppose", "Neutral", "Left open"), "".join(map(_speaker, article.speakers)))


def _table(columns: Sequence[str], rows: str) -> str:
    """A table whose roles are written out: where there is little room, its rows are laid out as cards."""
    head = "".join(f'<th scope="col" role="columnheader">{column}</th>' for column in columns)
    return (
        f'<table role="table">\n<thead role="rowgroup"><tr role="row">{head}</tr></thead>\n'
        f'<tbody role="rowgroup">\n{rows}</tbody>\n</table>\n'
    )


def _speaker(tally: SpeakerTally) -> str:
    name = "unknown" if tally.name is None else _text(tally.name)
    counts = (tally.support, tally.oppose, tally.neutral, tally.abstained)
    counted = [(n, "some" if n else "zero") for n in counts]
    cells = "".join(f'<td role="cell" class="{kind}">{n}</td>' for n, kind in counted)
    return f'<tr role="row"><th scope="row" role="rowheader">{name}</th>{cells}</tr>\n'


def _legend() -> str:
    sides = {"support": "supports 0.81", "oppose": "opposes 0.74", "neutral": "neutral 0.66"}
    sides["open"] = "cannot tell"
    lines = {"support": "solid", "oppose": "double", "neutral": "dashed", "open": "dotted"}
    items = [
        f'<li><span class="statement {side}" style="--strength: 0.6"><mark>{lines[side]} line</mark> '
        f'<span class="label"><span class="verdict">{label}</span></span></span></li>\n'
        for side, label in sides.items()
    ]
    return (
        f"<ul>\n{''.join(items)}</ul>\n"
        "<p>The number is the probability of the stance, from 0 to 1. The thicker the line, the further the score is "
        "from 0; the score is the probability of support less that of opposition.</p>\n"
        '<p>Words that weigh most: <b class="for">for support</b>, <b class="against">for opposition</b>. '
        "A label leads to its row in the table of statements, and the number there leads back.</p>\n"
    )


def _body(article: Article, prefix: str) -> str:
    """The text of the article, character by character, in paragraphs, with its statements marked up."""
    text, at, parts = _show(article.text), 0, []
    statements = deque(enumerate(article.statements, start=1))
    for start, end in _paragraphs(text):
        parts += [text[at:start], "<p>", *_paragraph(statements, text, start, end, prefix), "</p>"]
        at = end
    return f"<article{_lang(article)}>{''.join(parts)}{text[at:]}</article>\n"


def _paragraphs(text: str) -> list[tuple[int, int]]:
    """Offsets of the paragraphs, which a blank line ends, or, in a text without blank lines, any new line."""
    end = len(text.rstrip())
    start = min(end, len(text) - len(text.lstrip()))
    gaps = [gap.span() for gap in _BLANK_LINE.finditer(text, start, end)]
    gaps = gaps or [gap.span() for gap in _NEW_LINE.finditer(text, start, end)]
    cuts = [start, *chain.from_iterable(gaps), end]
    return list(zip(cuts[::2], cuts[1::2], strict=True)) if start < end else []


def _paragraph(
    statements: deque[tuple[int, ReadStatement]], text: str, start: int, end: int, prefix: str
) -> Iterator[str]:
    """The paragraph from start to end; a statement may have begun in an earlier one and go on in the next.

    Statements that end here are taken off the queue of those to come.
    """
    while statements and statements[0][1].quote.start < end:
        number, read = statements[0]
        first, last = max(read.quote.start, start), min(read.quote.end, end)
        if first >= last:
            statements.popleft()
            continue
        place = f' id="{prefix}quote-{number}"' if first == read.quote.start else ""
        strength = f"--strength: {abs(read.prediction.score):.2f}"
        yield escape(text[start:first])
        yield f'<span class="statement {_side(read.prediction)}"{place} style="{strength}">'
        yield from _marks(read, text, first, last)
        if last == read.quote.end:
            yield _link(read, number, prefix)
        yield "</span>"
        start = last
        if last < read.quote.end:
            break
        statements.popleft()
    yield escape(text[start:end])


def _marks(read: ReadStatement, text: str, first: int, last: int) -> Iterator[str]:
    """What was said is marked, an interruption such as ", he said," is not; stronger evidence covers weaker."""
    pieces: Sequence[Quote | Span] = read.quote.pieces or (read.quote,)
    said: set[int] = set()
    for piece in islice(pieces, bisect_right(pieces, first, key=lambda piece: piece.end), None):
        if piece.start >= last:
            break
        said.update(range(max(piece.start, first), min(piece.end, last)))
    words: dict[int, Contribution] = {}
    for word in reversed(read.evidence):
        words |= dict.fromkeys(range(max(word.start, first), min(word.end, last)), word)
    for marked, run in groupby(range(first, last), key=lambda i: i in said):
        parts = [(word, list(places)) for word, places in groupby(run, key=words.get)]
        content = "".join(_emphasise(text[places[0] : places[-1] + 1], word) for word, places in parts)
        yield f"<mark>{content}</mark>" if marked else content


def _emphasise(shown: str, word: Contribution | None) -> str:
    if word is None:
        return escape(shown)
    side = "for" if word.weight > 0 else "against"
    return f'<b class="{side}">{escape(shown)}</b>'


def _link(read: ReadStatement, number: int, prefix: str) -> str:
    """The label behind a statement, which leads to its row; said aloud it names the speaker, too."""
    return (
        f'<a class="label" href="#{prefix}statement-{number}"> <span class="unseen">Statement </span>{number} '
        f'<span class="unseen">by {_speaker_name(read)}: </span>'
        f'<span class="verdict">{_verdict(read.prediction)}</span></a>'
    )


def _side(prediction: Prediction) -> str:
    return prediction.stance or "open"


def _verdict(prediction: Prediction) -> str:
    """Text such as "opposes 0.74" or "cannot tell: uncertain, leans to oppose 0.63"."""
    likeliest = max(prediction.probabilities, key=prediction.probabilities.__getitem__)
    if prediction.stance is not None:
        return f"{_SAYS[prediction.stance]} {prediction.probabilities[prediction.stance]:.2f}"
    why = f"cannot tell: {_FAULTS.get(prediction.reason or '', prediction.reason)}"
    if prediction.reason == "uncertain" and likeliest != "neutral" and abs(prediction.score) >= _CLEAR:
        why += f", leans to {likeliest} {prediction.probabilities[likeliest]:.2f}"
    return why


def _speaker_name(read: ReadStatement) -> str:
    if read.quote.speaker is not None:
        return _text(read.quote.speaker)
    maybe = ", ".join(map(_text, read.quote.candidates))
    return f"unknown (may be: {maybe})" if maybe else "unknown"


def _statements(article: Article, prefix: str) -> str:
    if not article.statements:
        return "<p>None.</p>\n"
    lang = _lang(article)
    rows = [_row(read, number, prefix, lang) for number, read in enumerate(article.statements, start=1)]
    return _table(("No.", *_COLUMNS), "".join(rows))


def _row(read: ReadStatement, number: int, prefix: str, lang: str) -> str:
    context = ""
    if read.context:
        context = f'<p class="context">Read with the sentence before: <span{lang}>{_text(read.context)}</span></p>'
    cells = [
        _speaker_name(read),
        f"<p{lang}>{_text(read.quote.statement)}</p>{context}",
        _text(read.quote.form),
        f'<span class="verdict">{_verdict(read.prediction)}</span>',
        _probabilities(read.prediction),
        _evidence(read, lang),
    ]
    back = f'<a href="#{prefix}quote-{number}"><span class="unseen">Show in the article: statement </span>{number}</a>'
    filled = "".join(
        f'<td role="cell" data-label="{name}">{cell}</td>\n' for name, cell in zip(_COLUMNS, cells, strict=True)
    )
    return (
        f'<tr role="row" class="{_side(read.prediction)}" id="{prefix}statement-{number}">\n'
        f'<th scope="row" role="rowheader">{back}</th>\n{filled}</tr>\n'
    )


def _probabilities(prediction: Prediction) -> str:
    """The three probabilities as numbers and as one bar, and the score."""
    p = prediction.probabilities
    items = "".join(f"<li>{side} {p[side]:.2f}</li>" for side in ("support", "neutral", "oppose"))
    shares = f"--support-share: {p['support']:.1%}; --oppose-share: {p['oppose']:.1%}"
    return (
        f'<span class="bar" style="{shares}"></span><ul>{items}</ul>'
        f'<span class="score">score {_signed(prediction.score)}</span>'
    )


def _evidence(read: ReadStatement, lang: str) -> str:
    items = [
        f"<li><span{lang}>{_emphasise(_show(word.text), word)}</span> {_signed(word.weight)}</li>"
        for word in read.evidence
    ]
    return f"<ul>{''.join(items)}</ul>" if items else "none"


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")


def _lang(article: Article) -> str:
    """The attribute for what is quoted from the article; the words of the page itself are English."""
    return f' lang="{article.lang}"' if article.lang in ("en", "fr") else ""


def _text(value: str) -> str:
    return escape(_show(value))


def _show(value: str) -> str:
    """The text with a visible sign for each character that has none; as long as it was, so that offsets hold."""
    return _UNSEEN.sub("\ufffd", _LINE_BREAK.sub("\n", value.replace("\r\n", " \n")))
