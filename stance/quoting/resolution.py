"""Whose each statement is: pronouns, offices and quotations that just go on are traced to a speaker, or left open."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from stance.quoting.attribution import Reader
from stance.quoting.paragraphs import Paragraph
from stance.quoting.sentences import Sentence
from stance.quoting.speakers import Cast, Entity

_RECENT = 12  # statements before one that can tell whose it is
_BACK = 7  # sentences back to whom a pronoun can point,
_PARAGRAPHS_BACK = 2  # and paragraphs
_LATELY = 3  # statements back to one of two of the same last name,
_NEAR = 3  # sentences back to whom "l'élue" or "the Irishman" can point
_MAX_CANDIDATES = 4

# Two of whom the article spoke just before: "the pair", "both women", "les deux hommes"; not "the two nations"
_TWO = re.compile(
    r"(?:the (?:pair|two|duo|couple)|both|les deux|tous deux|toutes deux|l['’]un et l['’]autre)"
    r"(?: (?:men|women|leaders|ministers|sides|hommes|femmes|ministres|dirigeants))?$",
    re.IGNORECASE,
)
# Whoever asks stands before the one who answers: "Pressed by Anna Reid, he allowed …", "Interrogée par …, elle a …"
_ADDRESSED = re.compile(
    r"(?:asked|pressed|questioned|challenged|told|interviewed|interrogée?s?|questionnée?s?|relancée?s?|invitée?s?)\b",
    re.IGNORECASE,
)
# Whoever was named last; matches "l'intéressée", "the latter", "ce dernier"
_LATTER = re.compile(r"\b(?:intéressée?|latter|derni(?:er|ère))$", re.IGNORECASE)
_GENDERS = {"he": "m", "his": "m", "il": "m", "she": "f", "her": "f", "elle": "f"}
_PLURALS = frozenset("them eux they their ils elles leur leurs both we".split())
_NEUTERS = frozenset(("it", "its", "on"))


@dataclass
class Found:
    """A statement before its speaker is known; all spans are offsets in the article.

    `inherits`: the speaker is the one of the statement before. A statement without pieces announces one that follows
    in the next paragraph.
    """

    rule: str
    form: str
    pieces: list[tuple[int, int]]
    sentence: tuple[int, int]
    paragraph: int
    cue: tuple[int, int] | None = None
    mention: tuple[int, int] | None = None
    inherits: bool = False
    entity: Entity | None = None
    candidates: list[str] = field(default_factory=list)


class Resolver:
    """Names the speakers of one article's statements, in reading order.

    A pronoun stands for the latest speaker or person that fits it in number and gender, in its own sentence or those
    before; where two fit equally, none is chosen. A quotation without a cue goes on with the speaker before it in its
    paragraph or at the end of the one before.
    """

    def __init__(
        self, article: str, reader: Reader, paragraphs: Sequence[Paragraph], sentences: Sequence[list[Sentence]]
    ) -> None:
        self.article = article
        self.cast = Cast(article, [(p.start, p.end) for p in paragraphs], reader)
        self.paragraphs = paragraphs
        self.sentences = [(number, sentence) for number, parts in enumerate(sentences) for sentence in parts]
        self._named: dict[int, list[Entity]] = {}  # whom whole sentences name
        self.starts = [sentence.start[0] for _, sentence in self.sentences]

    def resolve(self, found: list[Found]) -> None:
        """Set the entity of each statement, or its candidates."""
        for item in found:
            if item.mention is not None:
                paragraph = self.paragraphs[item.paragraph]
                self.cast.learn(*item.mention, paragraph.start, paragraph.end)
        for at, item in enumerate(found):
            before = found[max(0, at - _RECENT) : at]
            if item.mention is not None:
                self._resolve_mention(item, before)
            elif not self._read_off_sentence(item, before):
                self._carry_on(item, before)
            if item.entity is not None:
                self.cast.spoke.append(item.entity)

    def index(self, offset: int) -> int:
        """Number of the sentence that holds an offset."""
        return bisect_right(self.starts, offset) - 1

    def _resolve_mention(self, item: Found, before: list[Found]) -> None:
        text = self.article[slice(*item.mention)] if item.mention else ""
        pronoun = self.cast.names.parse(text).pronoun
        if pronoun is None:
            namesakes = self.cast.namesakes(text)
            spoke = [e for e in namesakes if any(f.entity is e for f in before[-_LATELY:])]
            if len(namesakes) > 1 and len(spoke) != 1:
                item.candidates = [entity.name for entity in namesakes][:_MAX_CANDIDATES]
            else:
                item.entity = spoke[0] if spoke else self._described(item, text, before)
        else:
            self._resolve_pronoun(item, pronoun, before)

    def _carry_on(self, item: Found, before: list[Found]) -> None:
        """The speaker of the statement before, if this one can be theirs; else they are a candidate."""
        previous = before[-1] if before else None
        if previous is None or previous.entity is None:
            return
        if item.inherits and item.paragraph - previous.paragraph <= 1:
            item.entity = previous.entity
        else:
            item.candidates = [previous.entity.name]

    def _read_off_sentence(self, item: Found, before: list[Found]) -> bool:
        """Whether the speaker is to be read off the words that lead up to a quotation: "Reid was blunt: “…”"."""
        index = self.index(item.pieces[0][0])
        leads_in = (
            item.rule == "continuation"
            and not (before and before[-1].paragraph == item.paragraph)
            and index > 0
            and self.sentences[index - 1][0] == item.paragraph
        )
        if item.rule not in ("after a colon", "fragment") and not leads_in:
            return False
        sentence = self.sentences[index - leads_in][1]
        limit = sentence.end[-1] if item.rule == "fragment" else item.pieces[0][0]
        named = list(dict.fromkeys(self.cast.persons_in(sentence, limit)))
        persons = [entity for entity in named if entity.person]
        if len(persons) == 1 or (persons and item.rule != "fragment"):
            item.entity = persons[0]
        elif len(named) == 1:
            item.entity = named[0]
        else:
            item.candidates = [entity.name for entity in named][:_MAX_CANDIDATES]
        return True

    def _speakers_in(self, sentence: Sentence, before: list[Found]) -> list[Entity]:
        """Those to whom statements of a sentence were given already, in order."""
        first, last = sentence.start[0], sentence.end[-1]
        return [f.entity for f in before if f.entity is not None and first <= f.sentence[0] <= last]

    def _named_in(self, index: int) -> list[Entity]:
        """Those whom a sentence names, looked up once."""
        if index not in self._named:
            sentence = self.sentences[index][1]
            self._named[index] = self.cast.persons_in(sentence, sentence.end[-1])
        return self._named[index]

    def _nearby(self, item: Found, before: list[Found], back: int) -> list[Entity]:
        """Those who spoke or were named up to the mention and in sentences before, the latest sentence first."""
        position = item.mention[0] if item.mention else 0
        index = self.index(position)
        near: list[Entity] = []
        for at in range(index, max(-1, index - back - 1), -1):
            number, sentence = self.sentences[at]
            if self.sentences[index][0] - number > 1:
                break
            if at != index:
                near += reversed(self._speakers_in(sentence, before))
            near += self._named_in(at) if at != index else self.cast.persons_in(sentence, position)
        return list(dict.fromkeys(near))

    def _described(self, item: Found, text: str, before: list[Found]) -> Entity:
        """Entity of a name or description; "the Irishman" is the one person near by who can be meant."""
        if _TWO.match(text):
            near = self._nearby(item, before, _NEAR + 1)
            if near and " + " in near[0].name:
                return near[0]
            pair = [e for e in near if e.person and not e.plural][:2]
            if len(pair) == 2:
                return self.cast.joint([entity.name for entity in reversed(pair)])
        known = len(self.cast.entities)
        entity = self.cast.resolve(text)
        if len(self.cast.entities) == known or entity.plural or not self.cast.is_anaphoric(text):
            return entity
        near = [
            e
            for e in self._nearby(item, before, _NEAR)
            if self.cast.is_named(e) and (not entity.gender or e.gender in ("", entity.gender))
        ]
        if near and _LATTER.search(text):
            return near[0]
        spoke = [e for e in near if any(f.entity is e and item.paragraph - f.paragraph <= 1 for f in before[-4:])]
        if len(near) == 1 or len(spoke) == 1:
            return (spoke or near)[0]
        return entity

    def _resolve_pronoun(self, item: Found, pronoun: str, before: list[Found]) -> None:
        gender = _GENDERS.get(pronoun, "")
        for persons_only in (False,) if pronoun in _NEUTERS else (True, False):
            for near, sure in self._pointed_at(item, gender, before):
                fitting = [e for e in near if self._fits(e, pronoun, gender) and (e.person or not persons_only)]
                if gender and not persons_only:  # "il" for an organisation that speaks, not for any that is named
                    fitting = [e for e in fitting if e in self.cast.spoke[-_RECENT:]]
                if not fitting:
                    continue
                if not sure and len({entity.name for entity in fitting}) > 1:
                    item.candidates = list(dict.fromkeys(entity.name for entity in fitting))[:_MAX_CANDIDATES]
                    return
                item.entity = fitting[0]
                if gender and item.entity.person:
                    item.entity.gender = item.entity.gender or gender
                return
        alone = self.cast.only_one(gender) if gender else None
        if alone is not None:
            item.entity = alone
            return
        recent = [f.entity.name for f in reversed(before) if f.entity and self._fits(f.entity, pronoun, gender)]
        item.candidates = list(dict.fromkeys(recent))[:_MAX_CANDIDATES]

    def _pointed_at(self, item: Found, gender: str, before: list[Found]) -> Iterator[tuple[list[Entity], bool]]:
        """Groups of those for whom a pronoun can stand, the likeliest first, and whether the first of each will do."""
        position = item.mention[0] if item.mention else 0
        index = self.index(position)
        number, own = self.sentences[index]
        if not _ADDRESSED.match(self.article, own.start[0]):
            yield self.cast.persons_in(own, position), False
        for back in range(1, _BACK):
            if back > index or number - self.sentences[index - back][0] > _PARAGRAPHS_BACK:
                return
            sentence = self.sentences[index - back][1]
            speakers = self._speakers_in(sentence, before)
            if not speakers and gender and _GENDERS.get(sentence.low[0]) == gender:
                continue  # its "he" is the same one; whom else it names is not meant
            yield speakers[::-1], True
            yield self._named_in(index - back), False

    def _fits(self, entity: Entity, pronoun: str, gender: str) -> bool:
        if pronoun in _NEUTERS:
            return not entity.person
        if pronoun in _PLURALS:
            return entity.plural or not entity.person
        if entity.plural or (self.cast.english and not entity.person):
            return False
        return not entity.gender or not gender or entity.gender == gender
