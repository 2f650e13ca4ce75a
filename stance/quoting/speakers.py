"""The speakers of an article: names, offices and organisations linked to those for whom they stand."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from stance.quoting.attribution import Reader
from stance.quoting.mentions import LETTERS, LINKED, PARTICLES, Mention, Names, Occurrence, fold, last_name
from stance.quoting.sentences import Sentence

_RECENT = 30  # later forms refer to one of those who spoke last
_NOTED = 4  # occurrences of a name that are looked at for what their bearer is
_BESIDE = 110  # characters beside a name that say what its bearer is
_JOINED = re.compile(r"\b(?:and|et)\b|&")
# French "of the"; matches "du premier ministre", not "Dupont"
_CONTRACTED = re.compile(r"^(du|des)\s", re.IGNORECASE)
_BREAK = re.compile(r"[.;:!?“”«»\"]\s|\bet\b|\band\b")
_MARK = re.compile(r"[,;.:!?“”«»\"]")
_ARTICLE_GENDERS = {"le": "m", "un": "m", "la": "f", "une": "f"}


@dataclass(eq=False)
class Entity:
    """Someone who speaks in an article; `gender` "m", "f" or "" where unknown."""

    name: str
    gender: str = ""
    plural: bool = False
    person: bool = True
    known_for: set[str] = field(default_factory=set)  # words that describe them in the article


class Cast:
    """The speakers of one article, in the order in which they come up."""

    def __init__(self, article: str, spans: list[tuple[int, int]], reader: Reader) -> None:
        self.article = article
        self.reader = reader
        self.roles = reader.roles
        self.words = reader.words
        self.english = reader.english
        self.aliases = [
            (re.compile(rf"\b{re.escape(alias)}\b", re.IGNORECASE), name)
            for alias, name in reader.lexicon.aliases.items()
        ]
        self.names = Names(article, reader.lexicon)
        self.entities: list[Entity] = []
        self.by_name: dict[str, Entity] = {}
        self.by_text: dict[str, Entity] = {}
        self.holders: dict[str, list[Entity]] = {}  # office -> who holds it
        self.spoke: list[Entity] = []
        noted: dict[str, int] = {}
        for occurrence in self.names.collect(spans):
            noted[occurrence.name] = noted.get(occurrence.name, 0) + 1
            if noted[occurrence.name] <= _NOTED:
                self._note_office(occurrence)

    def learn(self, start: int, end: int, lo: int, hi: int) -> None:
        """Take up the full names in words that are known to name a speaker; `lo` and `hi` bound the paragraph."""
        for name in self.names.parse(self.article[start:end]).names:
            first = name.split()[0]
            if " " in name and first.lower() not in PARTICLES and self.names.take_up(name):
                at = self.article.find(first, start, end)
                self._note_office(Occurrence(name, at, at + len(name), lo, hi))

    def is_named(self, entity: Entity) -> bool:
        """Whether the article gives a name, not only a description."""
        return entity.name in self.by_name

    def only_one(self, gender: str) -> Entity | None:
        """The one person of a gender whom the article names; None if it names none or several."""
        if len(self.by_name) > _RECENT:
            return None
        persons = [e for e in self.by_name.values() if e.person and not e.plural and e.gender in ("", gender)]
        return persons[0] if len(persons) == 1 else None

    # --- what persons are ---

    def _note_office(self, seen: Occurrence) -> None:
        """Take up what stands beside a name: "the mayor of Calais, Anna Reid", "Anna Reid, a lawyer, said"."""
        entity = self._entity(seen.name)
        clause = _BREAK.split(self.article[max(seen.lo, seen.start - _BESIDE) : seen.start])[-1]
        last = clause.rsplit(",", 1)[-1]
        words = (last if last.strip() else clause.rstrip(", ").rsplit(",", 1)[-1]).split()[-10:]
        near = words and (self.names.role(fold(words[-1])) or words[-1][0].isupper())
        if near or not last.strip():
            self._note_words(entity, words)
        self._note_words(entity, [w for w in self.article[seen.start : seen.end].split() if w not in seen.name.split()])
        after = self.article[seen.end : min(seen.hi, seen.end + _BESIDE)]
        apposition = _MARK.split(after[1:])[0].split() if after.startswith(",") else []
        if apposition and self._says_who(apposition):
            self._note_words(entity, apposition[:12])

    def _says_who(self, words: list[str]) -> bool:
        """Whether words behind a name and a comma say what its bearer is."""
        first = fold(words[0])
        if first in self.words["determiners"] or first.startswith("l'"):
            return True
        return any(self.names.role(fold(word)) for word in (*words[:2], words[-1]))

    def _note_words(self, entity: Entity, words: list[str]) -> None:
        for word in words:
            bare = fold(word).strip(",.;:()'\"").split("'")[-1]
            if self.names.is_office(bare):
                self._give_offices(entity, [bare])
                kind = self.names.role(bare)
                if kind == "f" or (kind == "m" and self.english):
                    entity.gender = entity.gender or kind
            elif len(bare) > 3 and bare not in self.roles:
                entity.known_for.add(bare)

    def _give_offices(self, entity: Entity, heads: list[str]) -> None:
        for head in heads:
            holders = self.holders.setdefault(head, [])
            if entity not in holders[-_RECENT:]:
                holders.append(entity)

    # --- whom words stand for ---

    def resolve(self, text: str) -> Entity:
        """Entity that a name or description stands for, made if it is new."""
        if not self.english:
            text = _CONTRACTED.sub(lambda match: "les " if match[1].lower() == "des" else "le ", text)
        mention = self.names.parse(text)
        if not mention.names:
            return self._described(mention)
        if len(mention.names) > 1 and _JOINED.search(text):
            return self.joint([self._named(name, mention).name for name in mention.names])
        entity = self._named(mention.names[-1] if mention.heads and mention.definite else mention.names[0], mention)
        self._give_offices(entity, [head for head in mention.heads if self.roles[head] != "group"])
        return entity

    def joint(self, names: list[str]) -> Entity:
        """Entity of several who speak together."""
        name = " + ".join(dict.fromkeys(names))
        return self.by_text.get(self._key(name)) or self._add(Entity(name, plural=True), name)

    def persons_in(self, sentence: Sentence, limit: int) -> list[Entity]:
        """Persons and organisations that the sentence names before the offset `limit`, outside quotations, in order."""
        named: list[Entity] = []
        at = done = 0
        while at < len(sentence) and sentence.start[at] < limit:
            if not self._names_someone(sentence, at):
                at += 1
                continue
            begin = at
            while begin > done and at - begin < 4 and not self._is_determiner(sentence, begin):
                if not self._extends(sentence, begin - 1):
                    break
                begin -= 1
            end = max(self.reader.name_end(sentence, begin), at + 1)
            known = [k for k in range(begin, end) if self._is_known(sentence, k)]
            owned = next((k for k in known if sentence.word(k + 1) == "'s"), None)  # "Reid's plan" names Reid
            if known or self._is_introduced(sentence, begin, end):
                last = end - 1 if owned is None else owned
                named.append(self.resolve(self.article[sentence.start[begin] : sentence.end[last]]))
            at = done = end
        return named

    def _is_introduced(self, sentence: Sentence, begin: int, end: int) -> bool:
        """Whether a description begins with an article or a title, not with "his"."""
        first = sentence.low[begin]
        titled = first.rstrip(".") in self.reader.lexicon.honorifics and end > begin + 1
        return titled or (self._is_determiner(sentence, begin) and first not in self.words["possessives"])

    def _names_someone(self, sentence: Sentence, at: int) -> bool:
        word = sentence.low[at]
        titled = word.rstrip(".") in self.reader.lexicon.honorifics and sentence.capital[at]
        return titled or self._is_known(sentence, at) or word in self.roles or self.reader.is_agent(word)

    def _is_known(self, sentence: Sentence, at: int) -> bool:
        return sentence.capital[at] and sentence.low[at].rstrip("_") in self.names.full

    def _is_determiner(self, sentence: Sentence, at: int) -> bool:
        return sentence.low[at] in self.words["determiners"]

    def _extends(self, sentence: Sentence, at: int) -> bool:
        """Whether the word before belongs to the same description."""
        return self._is_determiner(sentence, at) or self.reader.is_plain(sentence, at)

    def _named(self, name: str, mention: Mention) -> Entity:
        """Entity of a name: of the full one, where the article has it."""
        title = self._title_gender(mention)
        full = name
        if " " not in name or name.split()[0].lower() in PARTICLES:
            known = self.names.full.get(last_name(name), [])
            fitting = [n for n in known if not title or self._entity(n).gender in ("", title)]
            by_first = self.names.by_first.get(name.lower(), set())  # "Sir Alan", "Xi"
            full = next(iter(fitting or known), next(iter(by_first)) if len(by_first) == 1 else name)
        else:
            self.names.take_up(name)
        entity = self._entity(full)
        entity.gender = entity.gender or title
        return entity

    def namesakes(self, text: str) -> list[Entity]:
        """Persons of whom any may be meant by a last name: two at least, or none."""
        mention = self.names.parse(text)
        if len(mention.names) != 1 or " " in mention.names[0]:
            return []
        title = self._title_gender(mention)
        known = [self._entity(name) for name in self.names.full.get(last_name(mention.names[0]), [])]
        fitting = [entity for entity in known if not title or entity.gender in ("", title)]
        return fitting if len(fitting) > 1 else []

    def _entity(self, name: str) -> Entity:
        entity = self.by_name.get(name)
        if entity is None:
            entity = self.by_name[name] = self._add(Entity(name, gender=self.names.gender(name)), name)
        return entity

    def _title_gender(self, mention: Mention) -> str:
        for word in (mention.honorific, *mention.heads):
            if word in self.words["male"]:
                return "m"
            kind = self.roles.get(word, "")
            if word in self.words["female"] or kind == "f":
                return "f"
            if kind == "m" and self.english:  # in French "le ministre" may be a woman
                return "m"
        return ""

    def _described(self, mention: Mention) -> Entity:
        """Entity of a description without a name: an office, an organisation, a source."""
        text = " ".join(mention.text.split())
        key = self._key(text)
        persons = [head for head in mention.heads if self.roles[head] != "group"]
        if persons and self.roles[self._main_head(mention)] == "group":
            persons = []
        plural = self._is_plural(mention)
        if mention.definite and persons and not plural and not _is_title(text):
            head = persons[-1] if self.english and not LINKED.search(text) else persons[0]
            holder = self._holder(key, head, self._title_gender(mention))
            if holder is not None:
                return holder
        entity = self.by_text.get(key) or self._same_organisation(mention, key)
        if entity is None:
            entity = self._add(Entity(text, self._gender(text, persons), plural, bool(persons)), key)
            self._give_offices(entity, persons)
        entity.known_for.update(word for word in key.split() if word not in self.roles)
        return entity

    def _gender(self, text: str, persons: list[str]) -> str:
        if not persons and not self.english:
            return _ARTICLE_GENDERS.get(text.split()[0].lower() if text else "", "")
        genders = {self.roles[head] for head in persons} & ({"m", "f"} if self.english else {"f"})
        return genders.pop() if len(genders) == 1 else ""

    def _holder(self, key: str, head: str, gender: str) -> Entity | None:
        """The one who is known to hold an office; of several who may be meant, the one who spoke last, if any did."""
        holders = [
            e
            for e in self.holders.get(head, [])[-_RECENT:]
            if not e.plural and (not gender or e.gender in ("", gender))
        ]
        words = {word for word in key.split() if word not in self.roles and len(word) > 3}
        fitting = [e for e in holders if words <= e.known_for] or [e for e in holders if words & e.known_for]
        named = [e for e in fitting if self.is_named(e)] or fitting
        if len(named) == 1:
            return named[0]
        return next((e for e in reversed(self.spoke[-_RECENT:]) if e in named), None)

    def is_anaphoric(self, text: str) -> bool:
        """Whether a description takes up somebody named before: "the Irishman", "l'élue"; not "the mayor"."""
        first, *others = LETTERS.findall(text.lower()) or [""]
        if first not in self.words["definite"] or any(w in ("of", "for", "de", "du", "des", "d", "s") for w in others):
            return False
        return any(word in self.words["anaphors"] for word in others)

    def _same_organisation(self, mention: Mention, key: str) -> Entity | None:
        """The one organisation of that kind that spoke before: "the company", "le ministère"."""
        if not mention.definite or not mention.heads or len(key.split()) > 2:
            return None
        head = mention.heads[0]
        earlier = [e for e in dict.fromkeys(self.spoke[-_RECENT:]) if not e.plural and not e.person]
        fitting = [e for e in earlier if head in self._key(e.name).split()]
        if not fitting and head in self.words["companies"]:
            fitting = [e for e in earlier if _has_name(e.name)]
        return fitting[0] if len(fitting) == 1 else None

    def _key(self, text: str) -> str:
        """Words by which descriptions are compared: "a Downing Street spokesman" is "the Number 10 spokesman"."""
        for alias, name in self.aliases:
            text = alias.sub(name, text)
        return " ".join(word for word in LETTERS.findall(text.lower()) if word not in self.words["articles"])

    def _core(self, mention: Mention) -> str:
        """Description without what depends on it: "a spokesman" of "a spokesman for the ministry"."""
        link = LINKED.search(mention.text)
        return mention.text[: link.start()] if link else mention.text

    def _main_head(self, mention: Mention) -> str:
        """The noun that says what someone is: "club" of "the Conservative club"; "" if there is none."""
        core = LETTERS.findall(self._core(mention).lower())
        heads = [head for head in mention.heads if head.split("-")[0] in core] or list(mention.heads) or [""]
        return heads[-1 if self.english else 0]

    def _is_plural(self, mention: Mention) -> bool:
        head = self._main_head(mention)
        if head in self.words["plural_heads"] or (head.endswith("s") and head not in self.words["singular_s"]):
            return True
        first = mention.text.lower().split()[:1]
        return bool(_JOINED.search(self._core(mention))) or bool(first and first[0] in self.words["plural_starts"])

    def _add(self, entity: Entity, key: str) -> Entity:
        self.entities.append(entity)
        self.by_text.setdefault(self._key(key) or key, entity)
        return entity


def _is_title(text: str) -> bool:
    """Whether a description is a proper name: "the Health Service Executive", not "the Downing Street spokesman"."""
    words = [word for word in LETTERS.findall(text) if len(word) > 3]
    return len(words) > 1 and all(word[0].isupper() for word in words)


def _has_name(text: str) -> bool:
    """Whether a description of an organisation has its name in it."""
    first, *others = text.split()
    return any(word[0].isupper() for word in others) or (first[0].isupper() and not others)
