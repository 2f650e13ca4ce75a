"""Annotated articles of tests/gold, and how well what is found in them agrees; see `main` and tests/gold/README.md."""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from stance.quotes import Quote, Span, extract_quotes

GOLD = Path(__file__).parent / "gold"
SETS = ("ordinary", "hard")
FORMS = ("direct", "indirect", "mixed")
LANGUAGES = ("en", "fr")

# Matches `<q n="1" form="direct" by="Anna Reid">`, `<cue n="2">`, `</sp>`
_TAG = re.compile(r'<(?:(q|cue|sp) n="(\d+)"(?: form="(\w+)" by="([^"]*)")?|/(q|cue|sp))>')
_HEAD = re.compile(r"lang: (\w\w)\nstyle: (.+)\n---\n")
# What a name may have or lack and still be the same
_ARTICLES_AND_TITLES = frozenset(
    "the a an le la les l un une de d of du des and et mr mrs ms m mme s".split()  # "s" as in "Reid's"
)
_CONTEXT = 70  # characters shown on either side of a miss

Range = tuple[int, int]
Extractor = Callable[[str, str], Sequence[Quote]]


@dataclass(frozen=True)
class Statement:
    """A statement as annotated; all offsets are half-open; `speaker` is None where a reader cannot tell."""

    number: int
    form: str
    speaker: str | None
    pieces: tuple[Range, ...]
    cue: Range | None
    mention: Range | None


@dataclass(frozen=True)
class Article:
    """An annotated article without its tags; statements in reading order."""

    name: str
    language: str
    style: str
    text: str
    statements: tuple[Statement, ...]


@dataclass
class Tally:
    """Counts of one form or language, and what follows from them."""

    annotated: int = 0
    found: int = 0  # annotated that something found overlaps
    extracted: int = 0
    right: int = 0  # extracted that something annotated overlaps
    named: int = 0  # found with the right speaker
    misnamed: int = 0  # found with another one; the rest are left open
    shared: float = 0.0  # sum over those found of intersection over union

    @property
    def precision(self) -> float:
        return _ratio(self.right, self.extracted)

    @property
    def recall(self) -> float:
        return _ratio(self.found, self.annotated)

    @property
    def f1(self) -> float:
        return _ratio(2 * self.precision * self.recall, self.precision + self.recall)

    @property
    def speaker(self) -> float:
        """Share of those found that have the right speaker."""
        return _ratio(self.named, self.found)

    @property
    def wrong(self) -> float:
        """Share of those found that have a wrong speaker rather than none."""
        return _ratio(self.misnamed, self.found)

    @property
    def overlap(self) -> float:
        """Mean intersection over union of the characters of those found."""
        return _ratio(self.shared, self.found)


@dataclass
class Score:
    """Tallies by form, by language and of "all", and a line for each disagreement."""

    tallies: dict[str, Tally] = field(default_factory=lambda: {key: Tally() for key in (*FORMS, *LANGUAGES, "all")})
    misses: list[str] = field(default_factory=list)

    def __getitem__(self, key: str) -> Tally:
        return self.tallies[key]

    def table(self) -> str:
        """Scores of each tally, one a line.

        >>> print(Score().table().splitlines()[0])
                   precision  recall      F1  speaker   wrong  overlap  annotated
        """
        rows = [f"{'':9}  precision  recall      F1  speaker   wrong  overlap  annotated"]
        rows += [
            f"{key:9}  {t.precision:9.3f}  {t.recall:6.3f}  {t.f1:6.3f}  {t.speaker:7.3f}  {t.wrong:6.3f}"
            f"  {t.overlap:7.3f}  {t.annotated:9}"
            for key, t in self.tallies.items()
        ]
        return "\n".join(rows)


def read_article(name: str, content: str) -> Article:
    """Article of an annotated text.

    >>> content = 'lang: en\\nstyle: a test\\n---\\n“<q n="1" form="direct" by="?">No.</q>” So <sp n="1">he</sp> said.'
    >>> article = read_article("no", content)
    >>> article.text, article.statements[0].pieces, article.statements[0].speaker
    ('“No.” So he said.', ((1, 4),), None)
    """
    head = _HEAD.match(content)
    if head is None:
        raise ValueError(f"{name} has no head of the form 'lang: …', 'style: …', '---'")
    text, spans = _without_tags(name, content[head.end() :])
    numbers = sorted({number for _, number, *_ in spans})
    statements = [_statement(number, [span for span in spans if span[1] == number]) for number in numbers]
    return Article(name, head[1], head[2], text, tuple(sorted(statements, key=lambda statement: statement.pieces)))


_Tagged = tuple[str, int, int, int, str, str]  # tag, number, start, end, form, by


def _without_tags(name: str, body: str) -> tuple[str, list[_Tagged]]:
    """Text without tags, and what each tag held, by its beginning."""
    chunks: list[str] = []
    spans: list[_Tagged] = []
    opened: list[tuple[re.Match[str], int]] = []
    position = last = 0
    for tag in _TAG.finditer(body):
        chunks.append(body[last : tag.start()])
        position += tag.start() - last
        last = tag.end()
        if tag[1]:
            opened.append((tag, position))
        elif opened and opened[-1][0][1] == tag[5]:
            opening, start = opened.pop()
            spans.append((opening[1], int(opening[2]), start, position, opening[3], opening[4]))
        else:
            raise ValueError(f"{name}: {tag[0]} closes nothing at {position}")
    chunks.append(body[last:])
    text = "".join(chunks)
    if opened or "<" in text:
        raise ValueError(f"{name}: a tag is not closed or not known")
    return text, sorted(spans, key=lambda span: span[2])


def _statement(number: int, spans: list[_Tagged]) -> Statement:
    form, by = next((span[4], span[5]) for span in spans if span[0] == "q")
    one = {tag: (start, end) for tag, _, start, end, _, _ in spans if tag != "q"}
    pieces = tuple((start, end) for tag, _, start, end, _, _ in spans if tag == "q")
    return Statement(number, form, None if by == "?" else by, pieces, one.get("cue"), one.get("sp"))


def read_gold(name: str) -> list[Article]:
    """Articles of "ordinary" or "hard" in the order of their names."""
    return [read_article(path.stem, path.read_text(encoding="utf-8")) for path in sorted((GOLD / name).glob("*.txt"))]


def extract(text: str, language: str) -> Sequence[Quote]:
    """What the package finds."""
    return extract_quotes(text, language=language)


def score_articles(articles: Iterable[Article], extractor: Extractor = extract) -> Score:
    """How well an extractor agrees with the annotations."""
    score = Score()
    for article in articles:
        quotes = extractor(article.text, article.language)
        for statement in article.statements:
            _count_annotated(score, article, statement, quotes)
        for quote in quotes:
            _count_extracted(score, article, quote)
    return score


def _count_annotated(score: Score, article: Article, statement: Statement, quotes: Sequence[Quote]) -> None:
    pieces = statement.pieces
    best = max(quotes, key=lambda quote: _common(pieces, _ranges(quote)), default=None)
    common = 0 if best is None else _common(pieces, _ranges(best))
    for tally in (score[statement.form], score[article.language], score["all"]):
        tally.annotated += 1
        if best is None or not common:
            continue
        right = same_speaker(statement.speaker, best.speaker)
        tally.found += 1
        tally.named += right
        tally.misnamed += not right and best.speaker is not None
        tally.shared += common / (_length(pieces) + _length(_ranges(best)) - common)
    if best is None or not common:
        score.misses.append(f"{article.name} MISSED {statement.form} {_excerpt(article, pieces)}")
    elif not same_speaker(statement.speaker, best.speaker):
        names = f"{statement.speaker!r} became {best.speaker!r} ({best.rule})"
        score.misses.append(f"{article.name} SPEAKER {names} {_excerpt(article, pieces)}")


def _count_extracted(score: Score, article: Article, quote: Quote) -> None:
    right = any(_common(statement.pieces, _ranges(quote)) for statement in article.statements)
    for tally in (score[quote.form], score[article.language], score["all"]):
        tally.extracted += 1
        tally.right += right
    if not right:
        score.misses.append(f"{article.name} EXTRA {quote.form} ({quote.rule}) {_excerpt(article, _ranges(quote))}")


def _excerpt(article: Article, pieces: Sequence[Range]) -> str:
    """The words of a statement in angle brackets among those around it."""
    start, end = pieces[0][0], pieces[-1][1]
    before, after = article.text[max(0, start - _CONTEXT) : start], article.text[end : end + _CONTEXT]
    return f"…{before}<{article.text[start:end]}>{after}…".replace("\n", " ")


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _ranges(quote: Quote) -> tuple[Range, ...]:
    return tuple((piece.start, piece.end) for piece in quote.pieces)


def _length(ranges: Sequence[Range]) -> int:
    return sum(end - start for start, end in ranges)


def _common(some: Sequence[Range], others: Sequence[Range]) -> int:
    """Characters that both cover."""
    return sum(max(0, min(a[1], b[1]) - max(a[0], b[0])) for a in some for b in others)


def same_speaker(annotated: str | None, found: str | None) -> bool:
    """Whether two names are of one speaker: the same but for case, articles and titles, or one a shorter form.

    Of a joint statement every name must agree. None, which is "unknown", is the same as None only.

    >>> same_speaker("Anna Reid", "Mrs Reid"), same_speaker("Anna Reid", "Tom Reid"), same_speaker("Anna Reid", None)
    (True, False, False)
    """
    if annotated is None or found is None:
        return annotated is found
    if _words(annotated) == _words(found) != []:
        return True
    names, others = annotated.split(" + "), found.split(" + ")
    return len(names) == len(others) and all(any(_shortened(name, other) for other in others) for name in names)


def _shortened(one: str, other: str) -> bool:
    """Whether one is a shorter form of the other: "Reid" or "Anna" of "Anna Reid", "Reid, 22" of "Anna Reid, 22"."""
    shorter, longer = sorted((_words(one), _words(other)), key=len)
    if not shorter or not set(shorter) <= set(longer):
        return False
    # "spokesman" of "the ministry's chief spokesman for trade" might be somebody else's
    return longer[-1] in shorter or longer[: len(shorter)] == shorter or 2 * len(shorter) >= len(longer)


def _words(name: str) -> list[str]:
    """Words of a name without case, accents, articles and titles."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(c))
    return [word for word in re.findall(r"\w+", plain) if word not in _ARTICLES_AND_TITLES]


def spans_of(quote: Quote) -> Iterator[Span]:
    """Every span of a quote: its pieces, cue, mention and the sentence before, as far as it has them."""
    yield from quote.pieces
    yield from (span for span in (quote.cue, quote.mention, quote.before) if span is not None)


def main(names: Sequence[str]) -> None:
    """Print how well the package agrees with each set, and where it does not: `python -m tests.gold_articles hard`."""
    for name in names or SETS:
        articles = read_gold(name)
        score = score_articles(articles)
        lines = [f"{name}: {len(articles)} articles", score.table(), "", *score.misses, ""]
        sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
