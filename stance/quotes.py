"""Statements of an article: what is quoted or reported, and of whom."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from stance.errors import ConfigError, SchemaError
from stance.quoting.attribution import Reader
from stance.quoting.lexicon import LANGUAGES, load_lexicon
from stance.quoting.marks import Quoted, find_quoted
from stance.quoting.paragraphs import Paragraph, split_paragraphs
from stance.quoting.resolution import Found, Resolver
from stance.quoting.sentences import DASHES, QUOTED, Sentence, split_sentences

_LOG = logging.getLogger(__name__)
_LEAST_FRAGMENT = 5  # words of a quotation that counts as a statement though nobody is named
# Words that only one of the two languages has
_ENGLISH = re.compile(r"\b(?:the|and|of|to|that|was|said|with|is)\b", re.IGNORECASE)
_FRENCH = re.compile(r"\b(?:le|les|des|et|que|une|du|dans|est|pour)\b", re.IGNORECASE)
_SAMPLE = 20_000
_FEW_LABELS = 3  # so many colons behind capitals can be kickers; more make a transcript
_OPEN = 6  # statements of a paragraph among which its last, open quotation is
_LEAST_LEAD = 40  # characters before a statement in its own sentence that can tell what it is about


# The name before a colon in a transcript; matches "MR STALLARD: It is.", "A: No."; not "Paris: the talks go on."
_LABEL = re.compile(
    r"\**((?:[A-ZÀ-Þ][A-ZÀ-Þ.'’-]+|[A-Z]\.)(?:[ \u00a0](?:[A-ZÀ-Þ][A-ZÀ-Þ.'’-]*|[A-Z]\.|DE|DU)){0,4}|A|R)"
    r"[ \u00a0\u202f]?:\**\s+(?=\S+\s*\S)"
)
# Where and when an agency's story was written; matches "CALAIS, France (Agency) — ", "Paris, 3 février (ANP) - "
_DATELINE = re.compile(
    r"[A-ZÀ-Þ][^!?:\n“”\"«»]{1,60}?\([^()\n]{2,40}\)[ \u00a0][—–-]{1,2}[ \u00a0]"
    r"|[A-ZÀ-Þ]{3}[A-ZÀ-Þ ,.'’-]*(?:,[^!?:\n]{1,30})?[ \u00a0][—–-]{1,2}[ \u00a0]"
)
_DASHED = re.compile(r"(?<=[^.!?])[ \u00a0][—–-][ \u00a0]")
# A dash with which a paragraph of dialogue begins; matches "— Non, dit-il."; not "-5 degrés"
_DASH = re.compile(r"[—–-][ \u00a0\u202f]+")


@dataclass(frozen=True)
class Span:
    """Part of an article: `article[start:end] == text`."""

    start: int
    end: int
    text: str


@dataclass(frozen=True)
class Quote:
    """A statement found in an article: `article[start:end] == text`.

    Attributes
    ----------
    form : str
        "direct", "indirect" or "mixed".
    statement : str
        The words alone, without what interrupts them.
    pieces : tuple of Span
        What was said, in order.
    cue, mention : Span or None
        The words that mark it ("said"), and those that name the speaker there.
    speaker : str or None
        The fullest name of the speaker in the article; None if it is not clear.
    candidates : tuple of str
        Who it may be where `speaker` is None.
    rule : str
        Name of the rule that found it.
    before : Span or None
        What leads up to it: the beginning of its own sentence, if that is long, or else the sentence before.
    """

    start: int
    end: int
    text: str
    form: str
    statement: str
    pieces: tuple[Span, ...]
    cue: Span | None
    mention: Span | None
    speaker: str | None
    candidates: tuple[str, ...]
    rule: str
    before: Span | None = None


def identify_language(article: str) -> str:
    """Language, "en" or "fr", by the commonest words of each."""
    sample = article[:_SAMPLE]
    return "fr" if len(_FRENCH.findall(sample)) > len(_ENGLISH.findall(sample)) else "en"


def extract_quotes(article: str, *, language: str | None = None) -> list[Quote]:
    """Statements of an article in reading order.

    >>> [(q.speaker, q.text) for q in extract_quotes("“We will not sign,” said Anna Reid. “Never.”")]
    [('Anna Reid', 'We will not sign,'), ('Anna Reid', 'Never.')]
    """
    if not isinstance(article, str):
        raise SchemaError(f"an article is a text; got {type(article).__name__}")
    language = language or identify_language(article)
    if language not in LANGUAGES:
        raise ConfigError(f"language is {language!r}; expected one of {list(LANGUAGES)}")
    reader = Reader(load_lexicon(language))
    paragraphs = [p for p in split_paragraphs(article) if p.kind == "text"]
    labels = Counter(label[1] for p in paragraphs if (label := _LABEL.match(article, p.start, p.end)))
    marks = [
        _find_marks(article, reader, paragraph, number == 0, labels) for number, paragraph in enumerate(paragraphs)
    ]
    sentences = [
        split_sentences(article, found.start, paragraph.end, found.quoted, reader.lexicon)
        if found.label is None
        else []
        for paragraph, found in zip(paragraphs, marks, strict=True)
    ]
    reader.learn_names([sentence for parts in sentences for sentence in parts])
    found = _find_statements(article, reader, paragraphs, marks, sentences)
    resolver = Resolver(article, reader, paragraphs, sentences)
    resolver.resolve(found)
    return _without_overlap([_quote(article, item, resolver) for item in found])


def _find_statements(
    article: str,
    reader: Reader,
    paragraphs: list[Paragraph],
    marks: list[_Marks],
    sentences: list[list[Sentence]],
) -> list[Found]:
    """Statements of all paragraphs in reading order, those that run over several put together."""
    found: list[Found] = []
    chain: Found | None = None  # a quotation that the paragraph before left open
    announced: Found | None = None  # "He said:" at the end of the paragraph before
    for number, paragraph in enumerate(paragraphs):
        label, quoted = marks[number].label, marks[number].quoted
        if label is not None:
            found.append(_labelled(label, paragraph, number))
            chain = announced = None
            continue
        new = _read_paragraph(article, reader, sentences[number], number)
        if announced is not None and new and new[0].mention is None and new[0].form == "direct":
            new[0].cue, new[0].mention, new[0].rule = announced.cue, announced.mention, announced.rule
            new[0].inherits = announced.inherits
        if article[paragraph.start] in DASHES:  # in a dialogue the next line is somebody else's
            for item in new:
                item.inherits = item.inherits and item.rule != "continuation"
        announced = new.pop() if new and not new[-1].pieces else None
        if chain is not None and quoted and quoted[0].start == marks[number].start:
            new = _continue(chain, new, quoted[0])
        found += [item for item in new if item.pieces]
        chain = None
        if quoted and not quoted[-1].closed:
            end = quoted[-1].inner_end
            chain = next((item for item in reversed(found[-_OPEN:]) if item.pieces[-1][1] == end), None)
    return found


def _read_paragraph(article: str, reader: Reader, sentences: list[Sentence], number: int) -> list[Found]:
    found: list[Found] = []
    for sentence in sentences:
        try:
            found += _read_sentence(article, reader, sentence, number)
        except Exception:  # one odd sentence must not lose the article
            _LOG.warning("a sentence at %d could not be read and was skipped", sentence.start[0], exc_info=True)
    return found


def _without_overlap(quotes: list[Quote]) -> list[Quote]:
    """Quotes in reading order; of two that share words the first."""
    kept: list[Quote] = []
    for quote in sorted(quotes, key=lambda quote: (quote.start, -quote.end)):
        if (not kept or quote.start >= kept[-1].end) and any(map(str.isalnum, quote.text)):
            kept.append(quote)
    return kept


class _Marks(NamedTuple):
    """Where the text of a paragraph begins, the name before a transcript's colon, and the quotations."""

    start: int
    label: re.Match[str] | None
    quoted: list[Quoted]


def _after_dateline(article: str, paragraph: Paragraph) -> int:
    """Where the text of an article's first paragraph begins."""
    start, end = paragraph.start, paragraph.end
    dateline = _DATELINE.match(article, start, end)
    if dateline is None or article[start:end].isupper():
        return start
    place = dateline[0].split(maxsplit=1)[0].strip(",")
    aside = _DASHED.search(article, dateline.end(), end)  # "Anna Reid (Labour) — a critic — said …"
    return dateline.end() if (len(place) > 2 and place.isupper()) or aside is None else start


def _is_transcript(label: re.Match[str], labels: Counter[str]) -> bool:
    """Whether words before a colon name who speaks, and are no kicker such as "BREAKING:"."""
    return (
        len(label[1]) == 1
        or " " in label[1]
        or "\u00a0" in label[1]
        or labels[label[1]] > 1
        or labels.total() > _FEW_LABELS
    )


def _find_marks(article: str, reader: Reader, paragraph: Paragraph, first: bool, labels: Counter[str]) -> _Marks:
    start, end = _after_dateline(article, paragraph) if first else paragraph.start, paragraph.end
    label = _LABEL.match(article, start, end)
    if label is not None and _is_transcript(label, labels):
        return _Marks(start, label, [])
    if label is not None:
        start = label.end()
    try:
        return _Marks(start, None, _find_quoted(article, reader, start, end))
    except Exception:  # one odd paragraph must not lose the article
        _LOG.warning("the quotation marks at %d could not be read and were skipped", start, exc_info=True)
        return _Marks(start, None, [])


def _find_quoted(article: str, reader: Reader, start: int, end: int) -> list[Quoted]:
    """Quotations of a paragraph, taken apart where the newspaper breaks in."""
    quoted, strays = find_quoted(article, start, end)
    if strays:
        _LOG.debug("quotation marks that belong to nothing were skipped at %s", strays)
    dash = None if reader.english else _DASH.match(article, start, end)
    if dash is not None and article[end - 1] in '.!?…»"”':
        quoted = [Quoted(start, end, dash.end(), end, True)]
    if not reader.english or any(not q.closed for q in quoted):
        quoted = [part for q in quoted for part in reader.split_at_incises(article, q)]
    return quoted


def _labelled(label: re.Match[str], paragraph: Paragraph, number: int) -> Found:
    """What a transcript gives under a name."""
    words = (label.end(), paragraph.end)
    mention = label.span(1) if len(label[1]) > 1 else None
    return Found("label", "direct", [words], (paragraph.start, paragraph.end), number, mention=mention)


def _continue(chain: Found, new: list[Found], quoted: Quoted) -> list[Found]:
    """Put the quotation that goes on in this paragraph together with its beginning; the other statements."""
    same = next((f for f in new if any(a == quoted.inner_start for a, _ in f.pieces)), None)
    if same is None:
        chain.pieces.append((quoted.inner_start, quoted.inner_end))
        return new
    chain.pieces.extend(same.pieces)
    if chain.cue is None and same.cue is not None:
        chain.cue, chain.mention, chain.rule, chain.inherits = same.cue, same.mention, same.rule, same.inherits
        chain.sentence, chain.paragraph = same.sentence, same.paragraph
    return [item for item in new if item is not same]


def _read_sentence(article: str, reader: Reader, s: Sentence, number: int) -> list[Found]:
    """Statements of a sentence in reading order; one that announces the next paragraph comes last."""
    found: list[Found] = []
    covered: set[int] = set()
    span = (s.start[0], s.end[-1])
    for a in reader.read(s):
        pieces, form = _pieces(s, a.content)
        if pieces or a.opens:
            mention = _offsets(s, a.speaker) if a.speaker else None
            found.append(Found(a.rule, form, pieces, span, number, _offsets(s, a.cue), mention, a.inherits))
            covered.update(k for begin, end in a.content for k in range(begin, end) if k in s.quoted)
    left = [k for k in s.quoted if k not in covered]
    found += [
        Found(rule, "direct", pieces, span, number, inherits=carries)
        for rule, pieces, carries in _leftovers(article, s, left)
    ]
    return sorted(found, key=lambda item: item.pieces[0][0] if item.pieces else s.end[-1])


def _leftovers(article: str, s: Sentence, left: list[int]) -> Iterator[tuple[str, list[tuple[int, int]], bool]]:
    """Quotations that no cue claims: the rule, what was said, and whether the speaker before goes on."""
    if left and all(word == QUOTED or not word[0].isalnum() for word in s.low):
        yield "continuation", [(s.quoted[k].inner_start, s.quoted[k].inner_end) for k in left], True
        return
    for k in left:
        quoted = s.quoted[k]
        words = article[quoted.inner_start : quoted.inner_end].split()
        title = sum(word[0].isupper() for word in words) > len(words) / 2
        after_colon = k > 0 and s.low[k - 1] == ":"
        if (len(words) >= _LEAST_FRAGMENT and not title) or (after_colon and len(words) > 1):
            yield "after a colon" if after_colon else "fragment", [(quoted.inner_start, quoted.inner_end)], False


def _offsets(s: Sentence, words: tuple[int, int]) -> tuple[int, int]:
    return s.start[words[0]], s.end[words[1] - 1]


def _pieces(s: Sentence, content: list[tuple[int, int]]) -> tuple[list[tuple[int, int]], str]:
    """Offsets of what was said, and its form."""
    quotes = other = False
    for begin, end in content:
        for k in range(begin, end):
            if k in s.quoted:
                quotes = True
            elif s.low[k][0].isalnum():
                other = True
    pieces = []
    for begin, end in content:
        if quotes and not other:
            pieces += [(s.quoted[k].inner_start, s.quoted[k].inner_end) for k in range(begin, end) if k in s.quoted]
        elif end > begin:
            pieces.append(_offsets(s, (begin, end)))
    return pieces, "direct" if quotes and not other else "mixed" if quotes else "indirect"


def _sentence_before(article: str, item: Found, resolver: Resolver) -> Span | None:
    """What stands before a statement: the rest of its own sentence if that leads up to it, else the sentence before."""
    first = min(span[0] for span in (item.pieces[0], item.cue, item.mention) if span is not None)
    if first - item.sentence[0] > _LEAST_LEAD:
        return Span(item.sentence[0], first, article[item.sentence[0] : first])
    at = resolver.index(item.sentence[0])
    if at < 1:
        return None
    sentence = resolver.sentences[at - 1][1]
    return Span(sentence.start[0], sentence.end[-1], article[sentence.start[0] : sentence.end[-1]])


def _quote(article: str, f: Found, resolver: Resolver) -> Quote:
    spans = tuple(Span(a, b, article[a:b]) for a, b in f.pieces)
    start, end = min(a for a, _ in f.pieces), max(b for _, b in f.pieces)
    speaker = f.entity.name if f.entity else None
    return Quote(
        start,
        end,
        article[start:end],
        f.form,
        " ".join(word for piece in spans for word in piece.text.split()),
        spans,
        Span(*f.cue, article[slice(*f.cue)]) if f.cue else None,
        Span(*f.mention, article[slice(*f.mention)]) if f.mention else None,
        speaker,
        tuple(f.candidates) if speaker is None else (),
        f.rule,
        _sentence_before(article, f, resolver),
    )
