"""Whole articles read: who said what, for or against an agreement."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from stance.articles import replace_unreadable
from stance.duplicates import fold_text
from stance.errors import ConfigError, DataError, SchemaError
from stance.quotes import Quote, Span, extract_quotes, identify_language
from stance.quoting.lexicon import LANGUAGES
from stance.quoting.paragraphs import Paragraph, split_paragraphs

if TYPE_CHECKING:
    import pandas as pd

    from stance.articles import Story
    from stance.explanation import Contribution
    from stance.predictor import Prediction, StancePredictor

_LOG = logging.getLogger(__name__)
_MAX_STATEMENT = 4_000  # characters of a statement that are scored: more than a model reads
_MAX_CONTEXT = 1_000  # characters of a sentence before: what is longer is no sentence
_MAX_TITLE = 300
_EVIDENCE = 5  # spans shown for a statement
_LEAST_WEIGHT = 0.02  # of a span, to be evidence
_MANY_EXPLAINED = 100  # from so many statements on, at several a second, evidence takes long enough to say so
_FEW_WORDS = 8
# What the newspaper puts into somebody's words: matches "(the official name …)"; not "[the] deal"
_INSERTION = re.compile(r"(?:(?<!\s)\s+)?\([^()]{3,200}\)\s*")
# Cues that turn what follows into its opposite; matches "ruled out", "a refusé", "mis en garde contre"; not "said"
_REFUSAL = re.compile(
    r"\b(?:refus|rul\w+ out|reject|dismiss|den(?:y|ie)|warn\w* against|mock|resist|exclu|écart|rejet|repouss|balay"
    r"|m[ie]\w* en garde|dément|ni(?:e|é|ait)\b)",
    re.IGNORECASE,
)
_CLEAR_SCORE = 0.2  # of what was refused: a side is taken
# Matches "the customs deal", "l'accord commercial"; not "the new deal"
_OTHER_AGREEMENT = re.compile(
    r"\b(?P<kind>trade|customs|withdrawal|fisheries|fishing|climate|nuclear|peace|austerity|coalition|free-trade|pension"
    r"|wage|pay|tax|budget|energy|gas|arms|debt)\s+(?:deal|treaty|pact|agreement|accord)s?\b"
    r"|\b(?:accords?|traités?|pactes?)\s+(?:de\s+|sur\s+l[ae'’]\s?)?(?P<sorte>commercial|libre-échange|pêche|nucléaire|paix"
    r"|climat|salarial|télétravail|assurance-chômage|retraites)\b",
    re.IGNORECASE,
)
# Words that point back: a short statement with one of them cannot be understood alone
_POINTING = re.compile(
    r"\b(?:it|its|this|that|these|those|they|them|there|such"
    r"|ce|cela|ça|c['’]|ceci|celui-ci|celle-ci|y|en|il|elle|ils|elles|leur|tel|telle)\b",
    re.IGNORECASE,
)
# Statements scored at a time: article by article takes half as long again. The other two end a batch of articles that
# say little.
_BATCH_STATEMENTS = 300
_BATCH_ARTICLES = 200
_BATCH_CHARS = 5_000_000
_UNJUDGED = ("empty", "language")  # reasons not to answer that hold whatever the article is about

# --- what tells that two articles are one story ---
_SAME_STORY = 0.5  # share of the shorter one's sentences that both have
_LEAST_SHARE = 0.2  # and share of the later one's: a notice that all pages of a newspaper carry makes no story
_LEAST_SHARED = 3  # and how many, unless it is all of the later one
_LEAST_WORDS = 5  # blanks in a sentence that tells stories apart
_REMEMBERED = 500_000  # sentences: those of some 20,000 articles
_SENTENCE_END = re.compile(r"[.!?…][\s\"'”»’)]+")  # matches 'over." '; not "3.5"


@dataclass(frozen=True)
class ReadStatement:
    """A statement of an article with the verdict on it.

    Attributes
    ----------
    quote : Quote
    prediction : Prediction
        Its `statement` is what the model read: words that the newspaper put in brackets are left out, reported
        speech has its cue, and a statement that cannot be understood alone the sentence before it.
    context : str or None
        What leads up to it, where it was read with that: the sentence before, or the beginning of its own.
    evidence : tuple of Contribution
        The spans that weigh most, with offsets in the article, the strongest first.
    """

    quote: Quote
    prediction: Prediction
    context: str | None
    evidence: tuple[Contribution, ...]


@dataclass(frozen=True)
class SpeakerTally:
    """How many statements of a speaker were found to be what; `name` None stands for those of unknown speakers."""

    name: str | None
    support: int
    oppose: int
    neutral: int
    abstained: int

    @property
    def total(self) -> int:
        """All statements of the speaker."""
        return self.support + self.oppose + self.neutral + self.abstained


@dataclass(frozen=True)
class Article:
    """An article that was read: its text, and its statements in reading order.

    `repeats` is the name of an earlier article that tells the same story, where there was one: what that one says
    is left out here. See `read_articles`.
    """

    text: str
    target: str
    target_name: str
    statements: tuple[ReadStatement, ...]
    title: str | None = None
    name: str | None = None
    lang: str = "en"
    repeats: str | None = None

    @property
    def speakers(self) -> list[SpeakerTally]:
        """One tally a speaker, most statements first, unknown speakers last."""
        return tally_speakers(
            Counter((read.quote.speaker, read.prediction.stance or "abstained") for read in self.statements)
        )

    def to_frame(self) -> pd.DataFrame:
        """Table with a row a statement, in reading order; `start` and `end` are offsets in the text."""
        return articles_frame([self])

    def to_dicts(self) -> list[dict[str, Any]]:
        """Plain values of each statement, ready for JSON, in the order of the command line's output."""
        return [_record(self, statement) for statement in self.statements]

    def to_html(self) -> str:
        """One page that shows the article with its statements; it needs no other file."""
        from stance.pages import render_article

        return render_article(self)

    def _repr_html_(self) -> str:
        from stance.pages import render_fragment

        return render_fragment(self)

    def __repr__(self) -> str:
        """What is in it, in one line."""
        known = sum(tally.name is not None for tally in self.speakers)
        name = self.title or self.name or ""
        return f"<Article {name!r:.80}: {len(self.statements)} statements by {known} speakers on {self.target}>"


COLUMNS = (
    "article", "speaker", "candidates", "statement", "target", "stance", "p_support", "p_oppose", "p_neutral", "score",
    "abstained", "reason", "form", "evidence", "context", "mention", "cue", "rule", "start", "end", "lang",
)  # fmt: skip


def articles_frame(articles: Iterable[Article]) -> pd.DataFrame:
    """Table with a row a statement of all these articles, in the order of the articles and of reading."""
    import pandas as pd

    rows = [_row(article, statement) for article in articles for statement in article.statements]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def tally_speakers(counts: Counter[tuple[str | None, str]]) -> list[SpeakerTally]:
    """Tallies from numbers of statements by speaker and stance ("abstained" where there is none).

    The most statements first, unknown speakers last; else in the order of appearance.

    >>> tally_speakers(Counter({("Reid", "oppose"): 2, ("Reid", "abstained"): 1}))
    [SpeakerTally(name='Reid', support=0, oppose=2, neutral=0, abstained=1)]
    """
    names = dict.fromkeys(name for name, _ in counts)
    stances = ("support", "oppose", "neutral", "abstained")
    tallies = [SpeakerTally(name, *(counts[name, stance] for stance in stances)) for name in names]
    return sorted(tallies, key=lambda tally: (tally.name is None, -tally.total))


def _row(article: Article, statement: ReadStatement) -> dict[str, Any]:
    quote, prediction = statement.quote, statement.prediction
    return {
        "article": article.name,
        "speaker": quote.speaker,
        "candidates": "; ".join(quote.candidates) or None,
        "statement": quote.statement,
        "target": article.target,
        "stance": prediction.stance,
        **{f"p_{label}": value for label, value in prediction.probabilities.items()},
        "score": prediction.score,
        "abstained": prediction.abstained,
        "reason": prediction.reason,
        "form": quote.form,
        "evidence": "; ".join(f"{part.text} {part.weight:+.2f}" for part in statement.evidence) or None,
        "context": statement.context,
        "mention": quote.mention.text if quote.mention else None,
        "cue": quote.cue.text if quote.cue else None,
        "rule": quote.rule,
        "start": quote.start,
        "end": quote.end,
        "lang": article.lang,
    }


def _record(article: Article, statement: ReadStatement) -> dict[str, Any]:
    quote = statement.quote
    return {
        **replace(statement.prediction, statement=quote.statement).to_dict(),
        "article": article.name,
        "speaker": quote.speaker,
        "candidates": list(quote.candidates),
        "form": quote.form,
        "context": statement.context,
        "evidence": [dict(vars(part)) for part in statement.evidence],
        "start": quote.start,
        "end": quote.end,
        "mention": dict(vars(quote.mention)) if quote.mention else None,
        "cue": dict(vars(quote.cue)) if quote.cue else None,
        "rule": quote.rule,
    }


def read_article(
    text: str,
    predictor: StancePredictor | None = None,
    *,
    target: str | None = None,
    title: str | None = None,
    name: str | None = None,
    language: str | None = None,
    evidence: bool = True,
) -> Article:
    """Article with its statements, who made each, and where each stands on an agreement.

    Parameters
    ----------
    text
        The article, with line breaks between paragraphs.
    predictor
        A trained one or a zero-shot one; by default the one that comes with the package.
    target
        The agreement, by slug, any of its names, or in your words; by default the predictor's.
    title
        Heading to show; by default the article's first headline.
    name
        What the article is called in tables.
    language
        "en" or "fr"; by default told from the text.
    evidence
        Whether to work out which words led to each verdict, which takes most of the time.

    An article that never names the agreement says nothing of it: all its statements are then off-topic. A text
    without statements gives an article without them; half of a surrogate pair is read as "\ufffd".

    Raises
    ------
    SchemaError
        If the text is none.

    Examples
    --------
    >>> article = read_article("The talks went on. “The Touquet deal is over,” said Anna Reid.", evidence=False)
    >>> [(s.quote.speaker, s.quote.text) for s in article.statements]
    [('Anna Reid', 'The Touquet deal is over,')]
    """
    if not isinstance(text, str):
        raise SchemaError(f"expected the text of an article; got {text!r:.60}")
    text = replace_unreadable(text)
    quotes = find_quotes(text, language=language, name=name)
    predictor = predictor or _load_predictor()
    slug = predictor.classifier.resolve(target)
    draft = _draft(text, quotes, split_paragraphs(text), predictor, slug, title=title, name=name, language=language)
    if quotes and not draft.on_topic:
        _LOG.warning("the article never names %s: its statements are taken to be on something else", slug)
    return next(_judge([draft], predictor, slug, evidence))


def find_quotes(text: str, *, language: str | None = None, name: str | None = None) -> list[Quote]:
    """Statements of an article, as `extract_quotes` finds them; `DataError` if it is too odd for that."""
    if language not in (None, *LANGUAGES):
        raise ConfigError(f"language is {language!r}; expected one of {list(LANGUAGES)}")
    try:
        return extract_quotes(text, language=language)
    except Exception as error:  # one odd article must not lose the others
        _LOG.debug("the statements could not be found", exc_info=True)
        called = name or "the article"
        raise DataError(f"no statements can be found in {called}: {type(error).__name__}: {error}") from error


def _load_predictor() -> StancePredictor:
    from stance.predictor import StancePredictor

    return StancePredictor.load()


@dataclass(frozen=True)
class _Draft:
    """An article whose statements are not scored yet."""

    article: Article
    quotes: list[Quote]
    passages: list[_Passage]
    on_topic: bool


class _Passage(NamedTuple):
    """Offsets of the parts of an article that are scored for a quote.

    Where the quote is short, the first is the sentence before it, which is also `context`.
    """

    slices: list[tuple[int, int]]
    context: str | None

    @property
    def said(self) -> list[tuple[int, int]]:
        """Those that are part of the statement itself."""
        return self.slices if self.context is None else self.slices[1:]

    def read(self, text: str) -> str:
        """What the model reads."""
        return " ".join(text[start:end] for start, end in self.slices)


def _draft(
    text: str,
    quotes: list[Quote],
    paragraphs: list[Paragraph],
    predictor: StancePredictor,
    slug: str,
    *,
    title: str | None,
    name: str | None,
    language: str | None,
    repeats: str | None = None,
) -> _Draft:
    lang = language or identify_language(text)
    if title is None:
        headlines = (text[p.start : p.end] for p in paragraphs if p.kind == "headline")
        title = next((headline for headline in headlines if len(headline) <= _MAX_TITLE), None)
    article = Article(text, slug, predictor.target_name(slug, lang), (), title, name, lang, repeats)
    passages = [_find_passage(text, quote, predictor, slug) for quote in quotes]
    return _Draft(article, quotes, passages, bool(quotes) and predictor.names_target(text, slug))


def _judge(drafts: list[_Draft], predictor: StancePredictor, slug: str, evidence: bool) -> Iterator[Article]:
    """The articles with verdicts; their statements are scored together."""
    texts = [passage.read(draft.article.text) for draft in drafts for passage in draft.passages]
    predictions = iter(_hear_refusals(predictor.predict(texts, target=slug), drafts, predictor, slug))
    for draft in drafts:
        own = [
            _on_article(next(predictions), draft.on_topic and not _names_other(quote.text, predictor, slug))
            for quote in draft.quotes
        ]
        explained = sum(_is_judged(prediction) for prediction in own) if evidence else 0
        if explained >= _MANY_EXPLAINED:
            _LOG.info("working out the evidence of %s statements: some take a second; it can be left out", explained)
        statements = tuple(
            ReadStatement(
                quote,
                prediction,
                passage.context,
                _find_evidence(draft.article.text, predictor, prediction, passage) if evidence else (),
            )
            for quote, prediction, passage in zip(draft.quotes, own, draft.passages, strict=True)
        )
        yield replace(draft.article, statements=statements)


def _hear_refusals(
    predictions: list[Prediction], drafts: list[_Draft], predictor: StancePredictor, slug: str
) -> list[Prediction]:
    """The predictions, left open where the model did not hear that the cue turns what follows into its opposite.

    "Refused to scrap the agreement" is no opposition, though "to scrap the agreement" is: where the model answers the
    same with the cue and without, it read only what was refused.
    """
    quotes = [quote for draft in drafts for quote in draft.quotes]
    turned = [
        at
        for at, quote in enumerate(quotes)
        if predictions[at].stance in ("support", "oppose") and quote.cue and _REFUSAL.search(quote.cue.text)
    ]
    alone = predictor.predict([quotes[at].statement for at in turned], target=slug) if turned else []
    for at, without in zip(turned, alone, strict=True):
        if (without.score > 0) == (predictions[at].score > 0) and abs(without.score) >= _CLEAR_SCORE:
            predictions[at] = replace(predictions[at], stance=None, abstained=True, reason="uncertain")
    return predictions


def _names_other(text: str, predictor: StancePredictor, slug: str) -> bool:
    """Whether a statement is on an agreement of another kind: a trade deal, where the target is none."""
    other = _OTHER_AGREEMENT.search(text)
    if other is None or predictor.names_target(text, slug):
        return False
    return not predictor.names_target(other[0], slug) and (
        other["kind"] or other["sorte"]
    ).lower() not in predictor.target_words(slug)


def _on_article(prediction: Prediction, on_topic: bool) -> Prediction:
    """The prediction, or none where the article is on something else."""
    if on_topic or prediction.reason in _UNJUDGED:
        return prediction
    return replace(prediction, stance=None, abstained=True, reason="off-topic")


def _is_judged(prediction: Prediction) -> bool:
    return prediction.reason not in (*_UNJUDGED, "off-topic")


def _find_passage(text: str, quote: Quote, predictor: StancePredictor, target: str) -> _Passage:
    if quote.form == "direct":
        slices = [part for piece in quote.pieces for part in _without_insertions(text, piece)]
    else:
        spans = [(span.start, span.end) for span in (quote, quote.cue, quote.mention) if span]
        slices = [(min(start for start, _ in spans), max(end for _, end in spans))]
    slices = _cut(slices)
    context = quote.before
    if quote.rule == "passive" and context is not None and context.end == quote.start:
        # "a plan dismissed by X": what the plan is stands before, in the same sentence
        return _Passage([(context.start, context.end), *slices], context.text)
    if context is None or context.end - context.start > _MAX_CONTEXT or _stands_alone(text, slices):
        return _Passage(slices, None)
    if predictor.names_target(quote.text, target):
        return _Passage(slices, None)
    return _Passage([(context.start, context.end), *slices], context.text)


def _stands_alone(text: str, slices: list[tuple[int, int]]) -> bool:
    """Whether there are words enough, or none of the few points to what was said before."""
    words = sum(len(text[start:end].split()) for start, end in slices)
    return words >= _FEW_WORDS or (words > 3 and not any(_POINTING.search(text[start:end]) for start, end in slices))


def _without_insertions(text: str, piece: Span) -> Iterator[tuple[int, int]]:
    at = piece.start
    for match in _INSERTION.finditer(text, piece.start, piece.end):
        if match.start() > at:
            yield at, match.start()
        at = match.end()
    if at < piece.end:
        yield at, piece.end


def _cut(slices: list[tuple[int, int]]) -> list[tuple[int, int]]:
    left, kept = _MAX_STATEMENT, []
    for start, end in slices:
        if left > 0:
            kept.append((start, min(end, start + left)))
        left -= end - start
    return kept


def _find_evidence(
    text: str, predictor: StancePredictor, prediction: Prediction, passage: _Passage
) -> tuple[Contribution, ...]:
    """The weightiest spans of what was said, with offsets in the article."""
    if not _is_judged(prediction):
        return ()
    found = []
    at = 0
    parts = predictor.explain(prediction.statement, target=prediction.target)
    parts = [part for part in parts if abs(part.weight) >= _LEAST_WEIGHT]
    for start, end in passage.slices:
        if (start, end) in passage.said:
            inside = (part for part in parts if at <= part.start and part.end <= at + end - start)
            found += [replace(part, start=part.start - at + start, end=part.end - at + start) for part in inside]
        at += end - start + 1
    return tuple(sorted(found, key=lambda part: -abs(part.weight))[:_EVIDENCE])


# --- many articles ---


def read_articles(
    stories: Iterable[Story],
    predictor: StancePredictor | None = None,
    *,
    target: str | None = None,
    language: str | None = None,
    evidence: bool = False,
) -> Iterator[Article]:
    """Articles in the order of the stories, some hundred statements at a time: many a second, in constant memory.

    What a syndicated story says in several papers counts once: an article that tells the story of an earlier one,
    be it whole, cut short, under another headline or gone on with, keeps the statements that are new. An article is
    compared with some 20,000 before it at least, whose sentences are remembered as numbers; these take 200 MB at
    most, however many articles there are.

    A story that cannot be read is left out and logged; how many articles repeat others, and how many never name
    the agreement, is logged at the end.
    """
    predictor = predictor or _load_predictor()
    slug = predictor.classifier.resolve(target)
    memory = _Memory()
    read = repeated = left_out = elsewhere = 0
    drafts: list[_Draft] = []
    for number, story in enumerate(stories):
        text = replace_unreadable(story.text)
        try:
            quotes = find_quotes(text, language=language, name=story.name)
        except DataError as error:
            _LOG.warning("skipped: %s", error)
            continue
        paragraphs = split_paragraphs(text)
        keys = _sentence_keys(text, paragraphs)
        origin, new = _find_new(_Origin(number, story.name, len(keys)), keys, quotes, memory)
        repeats = origin.name if origin else None
        known: dict[str, Any] = {"title": story.title, "name": story.name, "language": language, "repeats": repeats}
        draft = _draft(text, new, paragraphs, predictor, slug, **known)
        read += 1
        repeated += origin is not None
        left_out += len(quotes) - len(new)
        elsewhere += bool(new) and not draft.on_topic
        drafts.append(draft)
        if _is_full(drafts):
            yield from _judge(drafts, predictor, slug, evidence)
            drafts = []
    yield from _judge(drafts, predictor, slug, evidence)
    if repeated:
        told = "%d of %d articles tell a story that was read before: %d statements that it had are counted once"
        _LOG.info(told, repeated, read, left_out)
    if elsewhere:
        told = "%d of %d articles never name %s: their statements are taken to be on something else"
        _LOG.warning(told, elsewhere, read, slug)


def _is_full(drafts: list[_Draft]) -> bool:
    return (
        len(drafts) >= _BATCH_ARTICLES
        or sum(len(draft.quotes) for draft in drafts) >= _BATCH_STATEMENTS
        or sum(len(draft.article.text) for draft in drafts) >= _BATCH_CHARS
    )


class _Origin(NamedTuple):
    """The article that told a story first."""

    number: int
    name: str
    sentences: int


class _Memory:
    """Which story each of the last sentences came from: `_REMEMBERED` of them at least, and at most twice as many.

    Sentences are kept as hashes, which differ from process to process: 200 bytes each.
    """

    def __init__(self) -> None:
        self._new: dict[int, _Origin] = {}
        self._old: dict[int, _Origin] = {}

    def __len__(self) -> int:
        return len(self._new) + len(self._old)

    def find(self, key: int) -> _Origin | None:
        return self._new.get(key) or self._old.get(key)

    def keep(self, key: int, origin: _Origin) -> None:
        """Remember who had a sentence first."""
        self._new.setdefault(key, self._old.get(key, origin))
        if len(self._new) >= _REMEMBERED:
            self._old, self._new = self._new, {}


def _find_new(
    own: _Origin, keys: list[int], quotes: list[Quote], memory: _Memory
) -> tuple[_Origin | None, list[Quote]]:
    """The first article that told this story, if it was told before, and the statements that are new in it."""
    before = _find_origin(keys, memory)
    new = [quote for quote in quotes if not (before and _is_repeated(quote, before, memory))]
    for key in dict.fromkeys((*keys, *(_key(part) for quote in quotes for part in _parts(quote)))):
        memory.keep(key, before or own)
    return before, new


def _find_origin(keys: list[int], memory: _Memory) -> _Origin | None:
    shared = Counter(origin for origin in map(memory.find, keys) if origin is not None)
    if not shared:
        return None
    origin, n = shared.most_common(1)[0]
    enough = n >= _SAME_STORY * min(len(keys), origin.sentences) and n >= _LEAST_SHARE * len(keys)
    return origin if enough and (n >= _LEAST_SHARED or n == len(keys)) else None


def _is_repeated(quote: Quote, story: _Origin, memory: _Memory) -> bool:
    """Whether the story had the statement or a part of it; a long one may have come from a third article."""
    for part in _parts(quote):
        origin = memory.find(_key(part))
        if origin is not None and (origin == story or part.count(" ") >= _LEAST_WORDS):
            return True
    return False


def _parts(quote: Quote) -> tuple[str, ...]:
    return quote.statement, *(piece.text for piece in quote.pieces)


def _sentence_keys(text: str, paragraphs: list[Paragraph]) -> list[int]:
    """Sentences of an article as numbers, each once; short ones, which many articles have, left out."""
    parts = (
        part
        for paragraph in paragraphs
        if paragraph.kind == "text"
        for part in _SENTENCE_END.split(text[paragraph.start : paragraph.end])
    )
    folded = (fold_text(part) for part in parts)
    return list(dict.fromkeys(hash(words) for words in folded if words.count(" ") >= _LEAST_WORDS))


def _key(part: str) -> int:
    return hash(fold_text(part))
