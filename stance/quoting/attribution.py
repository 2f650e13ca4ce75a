"""Who says what within a sentence: cues, the speaker beside them, and the words that are attributed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from stance.quoting.incises import IncisesReader
from stance.quoting.sentences import DASHES, QUOTED, STOPS, Sentence

_FINITE = frozenset(("finite",))
# What may follow a set phrase such as "made clear" or "a fait savoir"
_PHRASE_TAKES = frozenset(("that", "que", "bare", "object", "light", "inf", "de", "quote"))
_AS = ("as", "comme")
_PASSIVE_COMPLEMENTS = frozenset("as comme de d' to of for".split())  # "described by X as …", "accusé par X de …"
_SOURCE_RELATIVES = frozenset("qui whom lequel laquelle lesquels".split())  # "selon qui", "according to whom"
_OWNER_PREPOSITIONS = frozenset("by from de du des d'".split())  # "a warning from X", "l'appel de X"
_PARTICIPLE_OPENERS = frozenset(", and et while by after before avant en tout but or ou without".split())
_NEVER_INVERTED = frozenset("told tells tell telling".split())
_NOBODY = frozenset("neither nobody none no noone nothing aucun aucune personne nul nulle rien".split())
_NEGATIONS = frozenset("not n't never n' ne".split())
_IFS = frozenset("if unless whether si s'".split())
# Verbs whose negation says something, too: "did not rule out", "n'exclut pas"
_DENIALS = frozenset(
    "rule ruled exclude excluded deny denied doubt doubted dispute disputed hide hidden want expect think believe "
    "exclure exclut excluent exclu excluait écarte écartent écarté cache cachent caché nie nient nié conteste contesté "
    "contestent dément démentent démenti veut veulent voulait souhaite souhaitent croit croient pense pensent".split()
)
_CLITICS = frozenset("s' se l' y n' lui leur nous".split())
_PLACES_OF_ON = frozenset("à au chez dans de du auprès".split())
_MAX_ASIDE = 14  # words between a source phrase, or a speaker behind the cue, and what is said
_MAX_AGENT = 8  # words between a passive and its "by"
_CITE_RULE = "source phrase"

Range = tuple[int, int]


@dataclass
class Attribution:
    """Ranges of words, half-open: what is attributed (one or more pieces), by which cue, to whom.

    `inherits`: the speaker is the one of the attribution before. `opens`: what is said comes in the next paragraph.
    """

    rule: str
    cue: Range
    speaker: Range | None
    content: list[Range] = field(default_factory=list)
    inherits: bool = False
    opens: bool = False


class Cue(NamedTuple):
    """A verb of saying in its place: its words, its group with auxiliaries, and where its clause may begin."""

    at: int
    end: int
    group: int
    lo: int
    forms: frozenset[str]
    takes: frozenset[str]
    rule: str

    @property
    def span(self) -> Range:
        """Words of the cue."""
        return self.at, self.end


class Reader(IncisesReader):
    """Finds the attributions of a sentence with the words of one language."""

    def read(self, s: Sentence) -> list[Attribution]:
        """Attributions of the sentence in reading order, the outermost only."""
        cues = [at for at, word in enumerate(s.low) if self._triggers(s, at, word)]
        found: list[Attribution] = []
        taken = 0  # words up to here are content already
        for order, at in enumerate(cues):
            attribution = self._attribute(s, at, taken, found) if at >= taken else None
            if attribution is not None:
                taken = max(taken, self._cut(s, attribution, cues[order + 1 :]))
                found.append(attribution)
        return [*found, *self._beside_quotations(s, found)] if s.quoted else found

    def _triggers(self, s: Sentence, at: int, word: str) -> bool:
        """Whether a word may be a cue: a verb or noun of saying that is no part of a name."""
        if word in self.triggers:
            return not (s.capital[at] and at > 0 and s.low[at - 1][0].isalnum())
        return not self.english and "-" in word and self.is_inverted(word)

    def _cut(self, s: Sentence, attribution: Attribution, later: list[int]) -> int:
        """Position up to which words belong to the attribution, whose content ends where another begins."""
        taken = attribution.cue[1]
        if attribution.content:
            begin, end = attribution.content[-1]
            if begin >= attribution.cue[1] and end - begin > 1:
                stop = self.next_attribution(s, begin, end, later)
                if stop < end:
                    attribution.content[-1] = (begin, self.trim_end(s, begin, stop))
                    return max(taken, stop)
            taken = max(taken, *(end for _, end in attribution.content))
        behind = attribution.speaker and attribution.speaker[0] >= attribution.cue[1]
        if attribution.speaker and behind and attribution.rule != "participle":
            taken = max(taken, attribution.speaker[1])
        return taken

    def _attribute(self, s: Sentence, at: int, lo: int, found: list[Attribution]) -> Attribution | None:
        """Attribution by the cue at `at`, by the first rule that fits."""
        word = s.low[at]
        if word == "de" and s.word(at + 1) in ("source", "sources"):
            return None if self.english else self._cite(s, at, at + 1, lo)
        for phrase in self.lexicon.phrases["after"]:
            if word in phrase[0] and self.matches(s, at, phrase):
                return self._cite(s, at, at + len(phrase), lo)
        return next(self._attributions(s, at, lo, found), None)

    def _attributions(self, s: Sentence, at: int, lo: int, found: list[Attribution]) -> Iterator[Attribution]:
        word = s.low[at]
        attempts = []
        if word in self.lexicon.words["possessive_phrases"]:
            attempts.append(self._in_view_of(s, at, lo))
        for phrase in self.lexicon.phrases["light"]:
            if word in phrase[0] and self.matches(s, at, phrase):
                group = self.group_start(s, at, lo)
                cue = Cue(at, at + len(phrase), group, lo, _FINITE, _PHRASE_TAKES, "phrase")
                attempts.append(self._verb(s, cue, found))
        if word in self.lexicon.nouns:
            attempts.append(self._noun(s, at, lo))
        yield from filter(None, attempts)
        verb = self.verbs.get(word)
        if verb is not None:
            cue = Cue(at, at + 1, self.group_start(s, at, lo), lo, verb.forms, verb.takes, "verb")
            attribution = self._verb(s, cue, found)
        else:
            attribution = self._inverted(s, at, lo) if not self.english and "-" in word else None
        if attribution is not None:
            yield attribution

    # --- phrases: according to, selon, in his view ---

    def _cite(self, s: Sentence, at: int, cue_end: int, lo: int) -> Attribution | None:
        """Attribution such as "according to X, …", "…, selon X", "X, selon qui …"."""
        if s.low[at] == "citing" and at == lo:
            return None
        if s.word(cue_end) in _SOURCE_RELATIVES and at > lo + 1:
            name = self.name_before(s, at - (s.low[at - 1] == ","), lo)
            content = self.rest(s, cue_end + 1)
            return Attribution(_CITE_RULE, (at, cue_end), name, content) if name and content else None
        end = self.name_end(s, cue_end)
        if end == cue_end:
            return None
        if not self.is_strong(s, cue_end, end):
            return None  # "according to plan"
        end = self.with_relative(s, cue_end, end)
        if s.low[at] == "pour":  # "Pour le maire, …", but not "pour la paix"
            free = self.is_start(s, at, lo) or s.word(at - 1) in (",", QUOTED)
            if not free or s.word(end) != "," or s.low[cue_end].isdigit():
                return None
        content = self._after_source(s, end) if self.is_start(s, at, lo) else self.around(s, at, end, lo)
        return Attribution(_CITE_RULE, (at, cue_end), (cue_end, end), content) if content else None

    def _after_source(self, s: Sentence, end: int) -> list[Range]:
        """What is said after "According to X, who …,"."""
        begin = end
        while begin < len(s) and s.low[begin] not in (",", QUOTED) and begin - end < _MAX_ASIDE:
            begin += 1
        if s.word(begin) != QUOTED:
            begin = begin + 1 if s.word(begin) == "," else end
        return self.rest(s, begin)

    def _in_view_of(self, s: Sentence, at: int, lo: int) -> Attribution | None:
        """Attribution such as "in his view", "in Mr Reid's words": the word at `at` is "view" or its like."""
        if at < 2:
            return None
        if s.low[at - 1] in self.possessives and s.low[at - 2] in ("in", "à", "de"):
            begin, speaker = at - 2, (at - 1, at)
        else:
            name = self.name_before(s, at - 1, lo) if s.low[at - 1] == "'s" else None
            if name is None or name[0] < 1 or s.low[name[0] - 1] != "in":
                return None
            begin, speaker = name[0] - 1, name
        if begin < lo:
            return None
        if not self.is_start(s, begin, lo):
            content = self.around(s, begin, at + 1, lo)
        else:
            content = self.rest(s, at + 2) if s.word(at + 1) == "," else []
        return Attribution(_CITE_RULE, (begin, at + 1), speaker, content) if content else None

    # --- nouns: his call for … ---

    def _noun(self, s: Sentence, at: int, lo: int) -> Attribution | None:
        """Attribution such as "Reid's call for a boycott", "a warning from the bank that …", "l'appel de Reid à …"."""
        takes = self.lexicon.nouns[s.low[at]]
        speaker, after = self._owner(s, at, lo)
        if speaker is None or after >= len(s) or not self.is_strong(s, *speaker):
            return None
        follower = s.low[after]
        that = follower in self.that and bool(takes & {"that", "que"})
        contracted = {"d'": "de", "au": "à", "aux": "à"}.get(follower, follower)
        if not (that or contracted in takes):
            return None
        bound = not that and follower not in ("to", "de", "d'")  # a preposition that belongs to the cue
        content = self.rest(s, after + (that or bound))
        if not content:
            return None
        begin, end = content[0]
        cue_end = after + 1 if after == at + 1 and not that else at + 1
        return Attribution("noun", (at, cue_end), speaker, [(begin, end if that else self.phrase_end(s, begin, end))])

    def _owner(self, s: Sentence, at: int, lo: int) -> tuple[Range | None, int]:
        """Whose a noun is, before or after it, and the position after both."""
        before, after = at - 1, at + 1
        if self.english:
            while before > lo and at - before < 3 and self.is_plain(s, before):
                before -= 1  # "his latest call"
        if before >= lo and s.low[before] in self.possessives:
            return (before, before + 1), after
        if self.english and before >= lo and s.low[before] == "'s":
            return self.name_before(s, before, lo), after
        if s.word(after) in _OWNER_PREPOSITIONS:
            begin = after if s.low[after] in ("du", "des") else after + 1
            end = self.name_end(s, begin)
            if end > begin:
                return (begin, end), end
        return None, after

    # --- verbs ---

    def _verb(self, s: Sentence, cue: Cue, found: list[Attribution]) -> Attribution | None:
        """Attribution by a verb of saying, whose form tells where its speaker stands."""
        auxiliaries = s.low[cue.group : cue.at]
        before = s.low[cue.group - 1] if cue.group > cue.lo else ""
        kind = self._voice(s, cue, auxiliaries, before, bool(found))
        if kind == "passive":
            return self._passive(s, cue)
        if kind == "participle":
            return self._participle(s, cue, found)
        if kind == "none":
            return None
        ends_before = cue.group == cue.lo or before in (QUOTED, ",") or before in DASHES or before in STOPS
        if "quote" in cue.takes and ends_before:
            attribution = self._verb_first(s, cue)
            if attribution:
                return attribution
        return self._verb_last(s, cue, found, bool(auxiliaries))

    def _voice(self, s: Sentence, cue: Cue, auxiliaries: list[str], before: str, follows: bool) -> str:
        """Whether the form is "active", "passive", a "participle" that hangs on another clause, or no verb ("none")."""
        forms = cue.forms
        reflexive = not self.english and any(word in ("s'", "se") for word in auxiliaries)
        is_be = any(word in self.be for word in auxiliaries)
        if "participle" in forms and "ing" not in forms and is_be and not reflexive and cue.rule != "phrase":
            return "passive"
        if forms == {"base"}:
            if self.english and before == "to":
                return "none"
            if not self.english:  # "avant de conclure que …"
                begins = before in ("de", "d'") and s.word(cue.group - 2) == "avant"
                return "participle" if begins else "none"
        elif not self.english and "participle" in forms and "finite" not in forms and not reflexive:
            coordinated = before in self.conjunctions and follows and cue.group - 1 <= cue.lo + 1
            if not coordinated and not any(word in self.have for word in auxiliaries):
                return "passive"
        bound = not auxiliaries and before in self.prepositions and before not in ("by", "en", "de", "à")
        if before in self.determiners or before == "'s" or (bound and "ing" not in forms):
            return "none"  # a noun
        if s.word(cue.end) == self.agent and not auxiliaries and "participle" in forms:
            return "passive"
        return "participle" if "ing" in forms and not is_be else "active"

    def _verb_last(self, s: Sentence, cue: Cue, found: list[Attribution], auxiliary: bool) -> Attribution | None:
        """Attribution whose speaker stands before the verb, if it is one who speaks."""
        speaker, inherits = self.subject(s, cue.group, cue.lo, bool(found))
        if speaker is not None and s.low[speaker[0]] in _NOBODY:
            return None  # "Neither spoke of the terminal"
        if self._is_unsaid(s, cue, speaker):
            return None
        strong = speaker is not None and self.is_strong(s, *speaker)
        that = s.word(cue.end) in self.that
        if that and "quote" in cue.takes and not inherits and not strong:  # whatever says that something is so
            speaker = self.first_subject(s, cue.lo, cue.group) or speaker
            return self._complete(s, cue, speaker, False) if speaker and speaker[1] <= cue.group else None
        if speaker is None:
            return self._complete(s, cue, None, True) if inherits else None
        noun = s.low[cue.at] in self.homographs and not auxiliary
        if self.english and cue.forms == {"base"} and not auxiliary and not self.is_plural(s, *speaker):
            return None
        if noun and not inherits and not self.ends_in_speaker(s, cue.group):
            return None
        if not strong:
            clause = that or ("bare" in cue.takes and s.word(cue.end) and self.begins_clause(s, cue.end, s.low[cue.at]))
            told = clause or "participle" in cue.forms or cue.rule == "phrase"
            if "quote" not in cue.takes or not told or noun:
                return None
        return self._complete(s, cue, speaker, inherits)

    def _is_unsaid(self, s: Sentence, cue: Cue, speaker: Range | None) -> bool:
        """Whether the article says that it was not said, or might be: "never said", "if Reid says", "asked if …"."""
        negated = any(word in _NEGATIONS for word in s.low[cue.group : cue.at])
        if negated and s.low[cue.at] not in _DENIALS and s.word(cue.end) not in self.questions:
            return True
        before = s.word(speaker[0] - 1) if speaker else ""
        if before in _IFS or (speaker is not None and speaker[0] == 1 and before in self.auxiliaries):
            return True  # "Had Reid said …", "Would Reid say …?"
        return s.low[0] in self.words["openers"] and "," not in s.low[: cue.at]

    def _complete(self, s: Sentence, cue: Cue, speaker: Range | None, inherits: bool) -> Attribution | None:
        """Attribution of a cue whose speaker stands before it: with what stands before both, or after."""
        begin = cue.group if speaker is None else speaker[0]
        follower = self.follow(s, cue.end, cue.takes)
        if self._in_parenthesis(s, cue, speaker, begin, follower):
            content = self.around(s, begin, cue.end, cue.lo)
            if content:
                return Attribution("parenthesis", cue.span, speaker, content, inherits)
        if follower is None:
            if "quote" in cue.takes and self.ends_open(s, cue.end):
                return Attribution(cue.rule, cue.span, speaker, [], inherits, opens=True)
            return None
        content = self.rest(s, follower[1])
        if not content:
            return None
        if speaker is not None and cue.group > speaker[1] + 1 and s.low[speaker[1] + 1] in self.relatives:
            closer = s.low[speaker[1]]
            if closer == "," or closer in DASHES:  # "the statement - which reaffirmed X - came after …"
                start, end = content[0]
                content = [(start, next((k for k in range(start + 1, end) if s.low[k] == closer), end))]
        return Attribution(cue.rule, (cue.at, follower[0]), speaker, content, inherits)

    def _in_parenthesis(self, s: Sentence, cue: Cue, speaker: Range | None, begin: int, follower: Range | None) -> bool:
        """Whether what is said stands before the speaker and the cue, as in "The deal is dead, officials said"."""
        if begin <= cue.lo:
            return False
        before = s.low[begin - 1]
        if follower is None and "quote" in cue.takes and before == QUOTED:
            return True
        if not cue.takes & {"quote", "bare"} or not (before in (QUOTED, ",") or before in DASHES or before in "!?…"):
            return False
        stops = follower is None or s.word(cue.end) in (",", ".", ";") or s.word(cue.end) in DASHES
        quoted = before == QUOTED or (begin - 2 >= cue.lo and s.low[begin - 2] == QUOTED)
        if quoted and self.leads(s, begin, cue.lo) and (stops or not self.is_explicit(s, follower)):
            return True
        clause = self.english or self.has_finite(s, cue.lo, begin - 1)
        return stops and clause and speaker is not None and not self.is_adverbial(s, cue.lo, begin - 1)

    def _passive(self, s: Sentence, cue: Cue) -> Attribution | None:
        """Attribution such as "a plan dismissed by X as “…”": what is said stands before the verb, and after "as"."""
        by = cue.at + 1
        while s.word(by) and by - cue.at < _MAX_AGENT and s.low[by] != self.agent:
            if s.low[by] in (",", ";", ".") or s.low[by] in self.auxiliaries:
                return None
            by += 1
        end = self.name_end(s, by + 1) if s.word(by) == self.agent else by + 1
        if end == by + 1 or not self.is_strong(s, by + 1, end):
            return None
        content = []
        first = self.name_before(s, self.skip_back(s, cue.group, cue.lo), cue.lo)
        if first is not None:
            content.append(first)
        elif self.trim_end(s, cue.lo, cue.group) > cue.lo:
            content.append((cue.lo, self.trim_end(s, cue.lo, cue.group)))
        if s.word(end) in _PASSIVE_COMPLEMENTS and end + 1 < len(s):
            for start, stop in self.rest(s, end + (s.low[end] in _AS)):
                content.append((start, self.phrase_end(s, start, stop)))
        elif not cue.takes & {"object", "that", "que", "of", "de"}:
            return None
        return Attribution("passive", (cue.at, cue.at + 1), (by + 1, end), content) if content else None

    def _participle(self, s: Sentence, cue: Cue, found: list[Attribution]) -> Attribution | None:
        """Attribution such as ", adding that …": the speaker is the subject of the clause before or after."""
        group = cue.group - 1 if s.word(cue.group - 1) in ("de", "d'") and cue.forms == {"base"} else cue.group
        before = s.low[group - 1] if group > 0 else ""
        if group > 0 and before not in _PARTICIPLE_OPENERS and before not in DASHES and before != QUOTED:
            return None
        follower = self.follow(s, cue.end, cue.takes)
        content = self.rest(s, follower[1]) if follower else []
        if follower is None or not content:
            return None
        span = (cue.at, follower[0])
        if group == 0:  # "Calling it “a shame”, the minister said …"
            stop = self.clause_end(s, *content[0])
            end = self.name_end(s, stop + 1) if stop < content[-1][1] else stop + 1
            if end == stop + 1 or not self.is_strong(s, stop + 1, end):
                return None
            return Attribution("participle", span, (stop + 1, end), [(content[0][0], stop)])
        if found and (found[-1].speaker is not None or found[-1].inherits):
            return Attribution("participle", span, None, content, inherits=True)
        subject = self.first_subject(s, 0, group)
        if subject is None or not self.is_strong(s, *subject):
            return None
        return Attribution("participle", span, subject, content)

    # --- the speaker after the verb ---

    def _verb_first(self, s: Sentence, cue: Cue) -> Attribution | None:
        """Attribution such as "“…”, said the minister", "…, a déclaré X", "Said X: “…”"."""
        if s.low[cue.end - 1] in _NEVER_INVERTED:
            return None
        begin = cue.end
        while begin - cue.end < 4 and s.word(begin) and not s.capital[begin] and self.is_aside(s, begin):
            begin += 1
        if not self.english:
            begin = self.skip_to_name(s, begin)
        end = self.name_end(s, begin)
        if end == begin or not (self.is_strong(s, begin, end) or s.low[begin] in self.determiners):
            return None
        if self.goes_on(s, end):
            return None  # "said the deal was dead": what follows is a clause
        if cue.group == cue.lo:
            if not self.english and s.low[begin] in self.pronouns:
                return None
            colon = next((k for k in range(end, min(end + _MAX_ASIDE, len(s))) if s.low[k] in (":", QUOTED)), None)
            content = [] if colon is None else self.rest(s, colon)
        else:
            content = self.around(s, cue.group, end, cue.lo)
        if not content or not self._can_be_said(s, content, cue.group, (begin, end)):
            return None
        span = (cue.end - 1, cue.end) if self.english else (cue.group, cue.end)
        return Attribution("inversion", span, (begin, end), content)

    def _can_be_said(self, s: Sentence, content: list[Range], group: int, name: Range) -> bool:
        """Whether words before an inverted cue are what is said and not its speaker: "The deal is dead, said Reid"."""
        if any(k in s.quoted for begin, end in content for k in range(begin, end)):
            return True
        begin, end = content[0]
        clause = any(self.has_finite(s, max(0, first - 1), last) for first, last in content)
        if self.is_adverbial(s, begin, end) or not clause or not self.is_strong(s, *name):
            return False
        if s.word(name[1]) == QUOTED:
            return False
        first = next((k for k in range(begin, group) if s.low[k] == ","), group)
        # "Reid, who chairs the board, called the plan …"
        return not (first < group - 1 and self.name_end(s, begin) >= first)

    def _inverted(self, s: Sentence, at: int, lo: int) -> Attribution | None:
        """Attribution such as "a-t-il ajouté", "estime-t-elle" after, before or within what is said."""
        head, *_, pronoun = s.low[at].split("-")
        cue_start, cue_end = at, at + 1
        if head in self.have:
            while s.word(cue_end) and self.is_aside(s, cue_end):
                cue_end += 1
            verb = self.verbs.get(s.word(cue_end))
            if verb is None or "participle" not in verb.forms or "quote" not in verb.takes:
                return None
            cue_end += 1
        elif head not in self.verbs or "finite" not in self.verbs[head].forms:
            return None
        while cue_start > lo and s.low[cue_start - 1] in _CLITICS:
            cue_start -= 1
        speaker = (at, at + 1)
        if pronoun == "on" and s.word(cue_end) in _PLACES_OF_ON:  # "a-t-on appris à Matignon"
            begin = cue_end + 1
            while s.word(begin) in ("même", "côté", "de", "du"):
                begin += 1
            end = self.name_end(s, begin)
            speaker = (begin, end) if end > begin else speaker
        content = self.around(s, cue_start, max(cue_end, speaker[1]), lo)
        if not content:
            colon = next((k for k in range(cue_end, min(len(s), cue_end + _MAX_ASIDE)) if s.low[k] == ":"), None)
            content = [] if colon is None else self.rest(s, colon)
        opens = not content and self.ends_open(s, cue_end)
        return (
            Attribution("inversion", (cue_start, cue_end), speaker, content, opens=opens) if content or opens else None
        )

    # --- any verb beside a quotation ---

    def _beside_quotations(self, s: Sentence, found: list[Attribution]) -> Iterator[Attribution]:
        claimed = {k for a in found for begin, end in a.content for k in range(begin, end)}
        for at in s.quoted:
            attribution = None if at in claimed else self._unknown_verb(s, at, claimed)
            if attribution:
                claimed.update(k for begin, end in attribution.content for k in range(begin, end))
                yield attribution

    def _unknown_verb(self, s: Sentence, at: int, claimed: set[int]) -> Attribution | None:
        """Attribution such as "“…,” she trilled", "« … », persifle X": beside a quotation any verb is one of saying."""
        j = at + 2 if s.word(at + 1) == "," else at + 1
        if j + 1 >= len(s) or j in claimed:
            return None
        found: tuple[Range, Range] | None = None
        if self.english:
            found = self._name_and_verb(s, j)
        if found is None:
            found = self._verb_and_name(s, j)
        if found is None:
            return None
        cue, speaker = found
        content = self.around(s, j, max(cue[1], speaker[1]), at) or [(at, at + 1)]
        return Attribution("verb beside a quotation", cue, speaker, content)

    def _name_and_verb(self, s: Sentence, j: int) -> tuple[Range, Range] | None:
        """Cue and speaker of "she trilled"."""
        word = s.low[j]
        if not (s.capital[j] or word in self.determiners or word in self.pronouns or word in self.roles):
            return None
        end = self.name_end(s, j)
        verb = self.group_end(s, end)
        if j < end and verb < len(s) and self.is_strong(s, j, end) and self.may_be_verb(s.low[verb]):
            return (verb, verb + 1), (j, end)
        return None

    def _verb_and_name(self, s: Sentence, j: int) -> tuple[Range, Range] | None:
        """Cue and speaker of "persifle le maire", "s'est-elle indignée", "quipped the mayor"."""
        if not (self.is_plain(s, j) or s.low[j] in self.have or s.low[j] in ("s'", "se")):
            return None
        verb = j if self.english else self.group_end(s, j)
        if verb >= len(s) or (self.english and not self.may_be_verb(s.low[verb])):
            return None
        if not self.english and s.low[verb].rsplit("-", 1)[-1] in self.pronouns and "-" in s.low[verb]:
            return (j, verb + 1), (verb, verb + 1)
        begin = self.skip_to_name(s, verb + 1)
        if s.word(begin) == ",":  # "résume, désabusé, un ambassadeur"
            second = next((k for k in range(begin + 1, min(begin + 8, len(s))) if s.low[k] == ","), None)
            begin = begin if second is None else second + 1
        end = self.name_end(s, begin)
        return ((j, verb + 1), (begin, end)) if end > begin and self.is_strong(s, begin, end) else None
