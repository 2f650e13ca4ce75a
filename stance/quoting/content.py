"""What may be attributed: the words that follow a cue, or stand around it."""

from __future__ import annotations

from stance.quoting.lexicon import Verb
from stance.quoting.phrases import PhraseReader
from stance.quoting.sentences import DASHES, PUNCTUATION, QUOTED, STOPS, Sentence

_MAX_ADVERBIAL = 18  # words between a cue and its "that" or its quotation
_MAX_ASIDE = 14  # words of a speaker's parenthesis after the cue: "“…,” she said in Paris on Monday, “…”"
_SURELY_SAID = 25  # characters of a quotation that is no mere expression
_PHRASE = Verb(frozenset(("finite",)), frozenset(("quote", "that", "que", "bare")))
_SPEAKS = frozenset(("that", "que", "bare", "quote", "light"))
_MODALS = frozenset("would will could should must may might can".split())
_AUXILIARIES = frozenset("did does do s' se".split())
_ADVERSATIVES = frozenset("while whereas tandis but mais".split())
_AFTER_A_DASH = frozenset("after as while but and mais après".split())
_PARTICLES = frozenset(("out", "back", "off"))
_OBJECT_PRONOUNS = frozenset("ne n' se s' y en l' le la les lui leur".split())
_INDIRECT_QUESTIONS = frozenset("si s' ce comment pourquoi combien quel quelle".split())
_NO_SUBJECTS = frozenset("nothing little so as much".split())  # "said nothing", "said so"
# May stand between a cue and what is said: "said as he left that …"
_HARMLESS = frozenset("and et after before as où when avant après how".split())

Range = tuple[int, int]


class ContentReader(PhraseReader):
    """Finds where what is said begins and ends."""

    # --- where it ends ---

    def rest(self, s: Sentence, begin: int) -> list[Range]:
        """From here to the end of the sentence, without its last mark; empty if nothing is left."""
        while s.word(begin) in (",", ":"):
            begin += 1
        end = self.trim_end(s, begin, len(s))
        return [(begin, end)] if end > begin else []

    def trim_end(self, s: Sentence, begin: int, end: int) -> int:
        """End without marks and conjunctions."""
        while end > begin and self._is_loose(s.low[end - 1]):
            end -= 1
        return end

    def _is_loose(self, word: str) -> bool:
        return word in ".!?…,;:" or word in DASHES or word in self.conjunctions

    def around(self, s: Sentence, begin: int, end: int, lo: int) -> list[Range]:
        """Pieces before and after a parenthesis from `begin` to `end`: “It is not,” she said, “the time.”."""
        first = lo
        while (
            first < begin
            and s.low[first] != QUOTED
            and (s.low[first] in self.conjunctions or s.low[first] in PUNCTUATION)
        ):
            first += 1
        stop = self.trim_end(s, first, begin)
        if stop <= first:
            return []
        quoted = any(k in s.quoted for k in range(first, stop))
        return [(first, stop), *self._after(s, end, quoted)]

    def _after(self, s: Sentence, end: int, quoted: bool) -> list[Range]:
        """What goes on after a parenthesis that ends at `end`; `quoted` if quoted words stood before it."""
        after = end
        while after < len(s) and after - end < _MAX_ASIDE and not self._closes(s.low[after]):
            after += 1
        mark = s.word(after)
        if mark == ":":
            return [part for part in self.rest(s, after + 1) if QUOTED in s.low[part[0] : part[1]]]
        if mark == QUOTED:
            return self.rest(s, after) if quoted else []
        if mark != "," and mark not in DASHES:
            return []
        following = s.word(after + 1)
        if following == QUOTED:
            return self.rest(s, after + 1)
        if not quoted:
            verb = s.low[end - 1] in self.verbs or following in self.finite or following in self.auxiliaries
            goes_on = after == end and verb and following and following not in self.relatives
            return self.rest(s, after + 1) if goes_on and not self.is_adverbial(s, after + 1, len(s)) else []
        later = next((k for k in range(after + 1, len(s)) if s.low[k] == QUOTED and s.low[k - 1] in (",", ":")), None)
        if later is None or any(word in self.triggers and word in self.verbs for word in s.low[after + 1 : later]):
            return []
        return self.rest(s, later)

    def _closes(self, word: str) -> bool:
        return word in (",", ";", ":", QUOTED) or word in DASHES or word in STOPS

    def clause_end(self, s: Sentence, begin: int, stop: int) -> int:
        """Position of the next comma, or `stop`."""
        return next((at for at in range(begin + 1, stop) if s.low[at] == ","), stop)

    def phrase_end(self, s: Sentence, begin: int, end: int) -> int:
        """End of what depends on a noun: before the verb of the clause it stands in, or a comma."""
        for at in range(begin + 1, end):
            word = s.low[at]
            if word == ",":
                return at
            verb = word in self.finite or (self.english and word in self.auxiliaries and word not in ("to", "not"))
            far = at > begin + 1 or s.low[at - 1] == QUOTED
            if verb and far and s.low[at - 1] not in self.pronouns and s.low[at - 1] not in self.relatives:
                if s.low[at - 1] not in self.that and s.low[at - 1] not in self.auxiliaries:
                    return at
        return end

    def next_attribution(self, s: Sentence, begin: int, end: int, cues: list[int]) -> int:
        """Where another attribution of the same rank begins within what is said, or `end`."""
        for at in cues:
            if at >= end:
                break
            if at <= begin:
                continue
            start = self._coordinated(s, at, begin)
            if start is None and not self.english and self.is_inverted(s.low[at]):  # "… : le trafic, a-t-elle dit, …"
                start = next((k for k in range(at - 1, begin, -1) if s.low[k] in (":", ";")), None)
            if start is not None:
                return start
        return next((k for k in range(begin, end) if s.low[k] == ";"), end)

    def _coordinated(self, s: Sentence, at: int, begin: int) -> int | None:
        """Where the clause of a cue begins that stands beside the cue before, not below it; None if it does not."""
        word = s.low[at]
        phrases = self.lexicon.phrases["light"]
        verb = _PHRASE if any(word in p[0] and self.matches(s, at, p) for p in phrases) else self.verbs.get(word)
        group = self.group_start(s, at, begin)
        if verb is None or group <= begin:
            return None
        before, auxiliaries = s.low[group - 1], s.low[group:at]
        comma = group - 2 >= begin and s.low[group - 2] == ","
        if "ing" in verb.forms:  # ", adding that …", ", while warning of …"
            if before == "," and self.follow(s, at + 1, verb.takes) is not None:
                return group - 1
            if before in ("and", "et", "while") and comma:
                return group - 2
        auxiliary = any(w in self.have or w in self.be or w in _AUXILIARIES for w in auxiliaries)
        finite = "finite" in verb.forms or auxiliary or (not self.english and "participle" in verb.forms)
        listed = self.english and before == "," and "finite" in verb.forms and s.word(at + 1) != self.agent
        if (
            listed and not auxiliaries and self.follow(s, at + 1, verb.takes) is not None
        ):  # "…, praised the talks and …"
            return group - 1
        if finite and before in self.conjunctions and not any(w in _MODALS for w in auxiliaries):
            if self.follow(s, at + 1, verb.takes) is not None:  # "… and called for …"
                return group - 2 if comma else group - 1
        if "quote" not in verb.takes or not verb.forms & {"finite", "participle"}:
            return None
        name = self.name_before(s, group, begin)
        return self._clause_start(s, name, begin) if name is not None else None

    def _clause_start(self, s: Sentence, name: Range, begin: int) -> int | None:
        """Where a clause with a subject of its own begins: ", but the mayor said …", " - after Reid made clear …"."""
        at = name[0] - 2
        if at < begin:
            return None
        mark, lead = s.low[at], s.low[at + 1]
        if lead == ";":
            return at + 1
        strong = lead in ("and", "et") and self.is_strong(s, *name)
        if (mark == "," and (lead in _ADVERSATIVES or strong)) or (mark in DASHES and lead in _AFTER_A_DASH):
            return at
        return at if lead in ("que", "qu'") and mark in ("tandis", "alors") else None

    # --- where it begins ---

    def follow(self, s: Sentence, cue_end: int, takes: frozenset[str]) -> Range | None:
        """Where the cue ends with its preposition, and where what is said begins; None if nothing follows that fits."""
        if self._is_silence(s, cue_end):
            return None
        j = cue_end
        while s.word(j) and s.low[j] not in self.that and s.low[j] not in ("here", "n't") and self._is_adverb(s.low[j]):
            j += 1
        listener = self._past_listener(s, j, cue_end)
        if listener is not None:
            j = listener
            if s.low[j] != "," and s.low[j] not in self.that and self.begins_name(s, j):
                return cue_end, j
        k = self.skip_times(s, j)
        if k > j and (
            s.word(k) in self.that or s.word(k) in takes or s.word(k) in (QUOTED, ":", "à", "de", "d'", "contre")
        ):
            j = k
        if j >= len(s):
            return None
        return (
            self._follow_mark(s, j, cue_end, takes)
            or (
                self._follow_preposition(s, j, cue_end, takes)
                if self.english
                else self._follow_french(s, j, cue_end, takes)
            )
            or self._follow_phrase(s, j, cue_end, takes)
        )

    def _past_listener(self, s: Sentence, j: int, cue_end: int) -> int | None:
        """Past the one who is told: "told reporters that …", "told Monday's meeting: “…”"; None if nobody is."""
        if not self.english or s.low[cue_end - 1] not in self.tell or j >= len(s) or s.low[j] in self.that:
            return None
        begin = j + 2 if s.low[j] in self.times and s.word(j + 1) == "'s" else j
        end = self.name_end(s, begin)
        if not j < end < len(s):
            return None
        word = s.low[end]
        clause = self.begins_name(s, end) and self.has_finite(s, end)
        return end if clause or word in self.that or word in self.questions or word in (QUOTED, ":", ",") else None

    def _follow_mark(self, s: Sentence, j: int, cue_end: int, takes: frozenset[str]) -> Range | None:
        """A quotation, a colon, "that" or a question word."""
        word, following = s.low[j], s.word(j + 1)
        if word == QUOTED:
            return cue_end, j
        if word == ":":
            return (cue_end, j + 1) if following else None
        if word in self.that and (takes & _SPEAKS or "object" in takes):
            return cue_end, j + 1
        if takes & _SPEAKS and word in self.questions and (self.english or word in _INDIRECT_QUESTIONS):
            return cue_end, j
        return (cue_end, j + 1) if word == "," and following == QUOTED and "quote" in takes else None

    def _follow_preposition(self, s: Sentence, j: int, cue_end: int, takes: frozenset[str]) -> Range | None:
        """A preposition or "to": "called for a vote", "hit out at Reid", "want to leave"."""
        word, following = s.low[j], s.word(j + 1)
        if word not in takes or not following:
            return None
        if word == "to":
            return cue_end, j
        if following in self.that:
            return j + 1, j + 2
        if word in _PARTICLES and following in ("at", "against") and s.word(j + 2):
            return j + 2, j + 2
        return (j + 1, j + 1) if following == QUOTED or following not in PUNCTUATION else None

    def _follow_french(self, s: Sentence, j: int, cue_end: int, takes: frozenset[str]) -> Range | None:
        """What follows in "refuse de partir", "appelle à la grève", "plaide pour", "dit vouloir", "se dit prêt"."""
        word, following = s.low[j], s.word(j + 1)
        infinitive = self.is_infinitive(following) or following in _OBJECT_PRONOUNS
        if following and following not in PUNCTUATION:
            if word in ("de", "d'", "du", "des") and "de" in takes and (infinitive or word in ("du", "des")):
                return cue_end, j
            if word in ("à", "au", "aux") and "à" in takes:
                if infinitive or word != "à" or following in self.determiners:
                    return j + 1, j + 1
        if word in ("pour", "contre") and word in takes and following:
            return j + 1, j + 1
        if "inf" in takes:
            clitic = word in _OBJECT_PRONOUNS and any(self.is_infinitive(w) for w in s.low[j + 1 : j + 4])
            if self.is_infinitive(word) or clitic:
                return cue_end, j
        reflexive = any(w in ("se", "s'") for w in s.low[max(0, cue_end - 5) : cue_end])
        if "dit" in takes and reflexive:
            if word in self.attitudes or word.endswith(("é", "ée", "és", "ées", "ux", "use")):
                return cue_end, j
        return None

    def _follow_phrase(self, s: Sentence, j: int, cue_end: int, takes: frozenset[str]) -> Range | None:
        """What is spoken of, a clause without "that", or a clause behind an adverbial."""
        if "object" in takes and self.begins_name(s, j) and not self.is_time(s, j):
            return cue_end, j
        verb = s.low[cue_end - 1]
        if "bare" in takes and self.begins_clause(s, j, verb):
            return cue_end, j
        begin = self._past_adverbial(s, j, takes)
        if begin is not None:
            return cue_end, begin
        k = self.skip_times(s, j)
        return (cue_end, k) if "bare" in takes and k < len(s) and self.begins_clause(s, k, verb) else None

    def _past_adverbial(self, s: Sentence, j: int, takes: frozenset[str]) -> int | None:
        """Past "on Tuesday in Paris", "à la presse" to "that", a colon or a quotation; None if there is none."""
        if not takes & {"quote", "that", "que"}:
            return None
        for k in range(j, min(len(s), j + _MAX_ADVERBIAL)):
            word, before = s.low[k], s.low[k - 1]
            noun = before in self.determiners or before in self.prepositions
            if word in self.that:
                return k + 1
            if word == ":" and "quote" in takes:
                return k + 1 if k + 1 < len(s) else None
            if word == QUOTED and "quote" in takes:
                return k if k > j and not noun else None
            if word in (";", ".", "(") or word in DASHES or word in self.finite or (word in self.be and word != "'s"):
                return None
            if word in self.subordinators and word not in _HARMLESS:
                return None
            verb = self.verbs.get(word)
            if verb is None or k == j:
                continue
            if "ing" in verb.forms and before == ",":
                return None
            if self.english and "finite" in verb.forms and word.endswith("ed") and not (noun or word in self.roles):
                return None
        return None

    def begins_clause(self, s: Sentence, at: int, verb: str) -> bool:
        """Whether a clause without "that" begins here: "said he left", "say there was a deal"."""
        word, following = s.low[at], s.word(at + 1)
        if word in _NO_SUBJECTS:
            return False
        if word in ("there", "it"):
            return True
        if word in self.pronouns and word not in self.relatives and following and following not in PUNCTUATION:
            return True
        if not self.begins_name(s, at) or self.is_time(s, at):
            return False
        return verb in ("said", "say", "says") or self.has_finite(s, at)

    def _is_silence(self, s: Sentence, cue_end: int) -> bool:
        """Whether someone declines to speak at all: "declined to comment", "asked not to be named"."""
        silence = self.words["silence"]
        following = s.low[cue_end : cue_end + 4]
        if not self.english:
            return any(word in silence for word in following)
        return following[:2] == ["not", "to"] or (following[:1] == ["to"] and s.word(cue_end + 1) in silence)

    # --- small questions ---

    def is_explicit(self, s: Sentence, follower: Range | None) -> bool:
        """Whether "that" or a colon leads to what is said."""
        return follower is not None and (s.low[follower[1] - 1] in self.that or s.low[follower[1] - 1] == ":")

    def leads(self, s: Sentence, begin: int, lo: int) -> bool:
        """Whether a quotation that ends before `begin` is what the clause begins with, or is long enough to be said."""
        at = begin - 1 if s.low[begin - 1] == QUOTED else begin - 2
        quoted = s.quoted[at]
        long = quoted.inner_end - quoted.inner_start > _SURELY_SAID
        return at == lo or long or not self.is_adverbial(s, lo, at)

    def ends_open(self, s: Sentence, cue_end: int) -> bool:
        """Whether a colon ends the sentence after the cue, so that what is said follows in the next paragraph."""
        return s.low[-1] == ":" and cue_end <= len(s) - 1

    def is_start(self, s: Sentence, at: int, lo: int) -> bool:
        """Whether nothing but a conjunction or adverb of the clause stands before `at`."""
        return all(
            word in self.conjunctions or word in self.adverbs or word == "," or word in DASHES or word in STOPS
            for word in s.low[lo:at]
        )

    def goes_on(self, s: Sentence, at: int) -> bool:
        """Whether the verb of a clause, and no mark, stands here."""
        word = s.word(at)
        verb = self.verbs.get(word)
        finite = verb is not None and "finite" in verb.forms and word not in self.prepositions
        return finite or word in self.auxiliaries or word in self.finite or word in self.that

    def matches(self, s: Sentence, at: int, phrase: tuple[frozenset[str], ...]) -> bool:
        """Whether the phrase stands at `at`."""
        return all(s.word(at + step) in words for step, words in enumerate(phrase))
