"""How a sentence names those who speak: descriptions, subjects and what they look like."""

from __future__ import annotations

import re

from stance.quoting.lexicon import Lexicon
from stance.quoting.sentences import DASHES, PUNCTUATION, QUOTED, Sentence

_MAX_NAME = 24  # words of a speaker's description, with its appositions
# Lists of words that are no names though a sentence may begin with them
_FUNCTION_WORDS = (
    "determiners", "pronouns", "prepositions", "linking", "subordinators", "auxiliaries", "finite", "adverbs", "times",
    "complementisers", "questions", "openers", "silence", "homographs", "possessive_phrases",
)  # fmt: skip
# Nouns of those who do something: matches "maker", "fishermen's" man, "éleveur", "cycliste"; not "human"
_AGENT_NOUN = {
    "en": re.compile(r"..(?:er|or|ist|ian|[^u]man)s?$"),
    "fr": re.compile(r"..(?:eur|euse|trice|iste|icien|icienne|[lnrt]ier)s?$"),
}
_ADVERB_ENDING = {"en": "ly", "fr": "ment"}
_NO_ADVERBS = frozenset("family daily weekly early elderly friendly".split())
_MONTHS_AND_NAMES = frozenset("may will mark march".split())  # names that are other words, too
_SINGULAR_S = frozenset("his its 's this".split())
_PLURAL_SUBJECTS = frozenset(
    "they we i you and police people men women two pair others both some many most those few".split()
)
_SPEAKING_ALONE = frozenset("it on many some both others certains beaucoup d'autres most several few".split())
_POINTED_TIMES = frozenset("this last next late early earlier later".split())  # times only before one: "this week"
_BEFORE_TIMES = frozenset("on le ce in last this".split())
_CONTRACTIONS = frozenset("'s 're 've 'll 'd".split())
_FRENCH_SUBJECTS = frozenset("il elle on ils elles qui ne n' se s'".split())
_ASIDES = frozenset("à au aux sur devant dans auprès lors en depuis ce lundi".split())
_FRENCH_ENDINGS = ("ait", "aient", "ent", "era", "ira", "dra", "eront", "iront", "dront")
_OBJECTS = frozenset("them us eux elles".split())

Range = tuple[int, int]


class PhraseReader:
    """Finds the words that name someone in the sentences of one language."""

    def __init__(self, lexicon: Lexicon) -> None:
        self.lexicon = lexicon
        self.names: set[str] = set()  # words that the article writes with a capital within sentences
        words = self.words = lexicon.words
        self.english = lexicon.language == "en"
        self.determiners = words["determiners"]
        self.pronouns = words["pronouns"]
        self.prepositions = words["prepositions"]
        self.linking = words["linking"]
        self.subordinators = words["subordinators"]
        self.auxiliaries = words["auxiliaries"]
        self.adverbs = words["adverbs"]
        self.times = words["times"]
        self.finite = words["finite"]
        self.that = words["complementisers"]
        self.questions = words["questions"]
        self.relatives = words["relatives"]
        self.conjunctions = words["conjunctions"]
        self.be = words["be"]
        self.have = words["have"]
        self.possessives = words["possessives"]
        self.tight = words["tight"]
        self.counts = words["counts"]
        self.tell = words["tell"]
        self.attitudes = words["attitudes"]
        self.homographs = words["homographs"]
        self.roles = lexicon.roles
        self.verbs = lexicon.verbs
        self.agent = "by" if self.english else "par"
        self.known_words = frozenset().union(*(words[name] for name in _FUNCTION_WORDS)) | frozenset(self.verbs)
        # Words that cannot stand within the description of a speaker
        barred = self.subordinators | self.auxiliaries | self.finite | self.pronouns | self.times | self.adverbs
        self.barriers = barred - self.linking - self.determiners - {"'s"}
        starts = {word for name in ("after", "light") for phrase in lexicon.phrases[name] for word in phrase[0]}
        sources = set() if self.english else {"de"}  # "de source policière"
        self.triggers = frozenset(self.verbs) | lexicon.nouns.keys() | starts | words["possessive_phrases"] | sources

    def learn_names(self, sentences: list[Sentence]) -> None:
        """Take up which words are names, so that the capital of a sentence's first word misleads no more."""
        for s in sentences:
            self.names.update(word for word, capital in zip(s.low[1:], s.capital[1:], strict=True) if capital)

    # --- what a word is ---

    def is_plain(self, s: Sentence, at: int) -> bool:
        """Whether this may be an adjective or noun of a description."""
        word = s.low[at]
        if word in self.barriers or word in self.prepositions or word in self.determiners:
            return False
        if word in PUNCTUATION or word in (QUOTED, "'s"):
            return False
        verb = self.verbs.get(word)
        if verb is not None and verb.forms & {"finite", "base"} and word not in self.lexicon.nouns:
            before = s.low[at - 1] if at > 0 else ""
            noun = before in self.determiners or before in self.tight or before == "with"
            return noun or ("participle" in verb.forms and not self.english)
        return word[0].isalnum() and not (self.english and word.endswith("ly") and word not in _NO_ADVERBS)

    def is_agent(self, word: str) -> bool:
        """Whether a word looks like a noun of those who do something: "maker", "cycliste"."""
        if _AGENT_NOUN[self.lexicon.language].search(word) is None:
            return False
        return word not in self.known_words and word not in self.words["not_agents"]

    def is_inverted(self, word: str) -> bool:
        """Whether a French word is a verb with its subject behind it: "estime-t-il", "a-t-elle"."""
        head, *_, last = word.split("-") if "-" in word else ("", "")
        return last in ("il", "elle", "on", "ils", "elles") and (head in self.verbs or head in self.have)

    def is_infinitive(self, word: str) -> bool:
        """Whether a French word looks like an infinitive."""
        if len(word) < 4 or not word.endswith(("er", "ir", "re", "oir")):
            return False
        return not (word in self.roles or word in self.determiners or word in self.adverbs or word in self.prepositions)

    def may_be_verb(self, word: str) -> bool:
        """Whether a word beside a quotation can be a verb."""
        if word in self.verbs and self.english:
            return True
        if not word.isalpha() or word in self.prepositions or word in self.roles:
            return False
        return word.endswith(("ed", "s")) if self.english else word not in self.barriers

    def is_aside(self, s: Sentence, at: int) -> bool:
        """Whether an adverb or a time stands here."""
        return self._is_adverb(s.low[at]) or s.low[at] in self.times

    def _is_adverb(self, word: str) -> bool:
        return word in self.adverbs or " " in word or word.endswith(_ADVERB_ENDING[self.lexicon.language])

    def _is_name(self, s: Sentence, at: int) -> bool:
        """Whether the capital of this word is that of a name."""
        if not s.capital[at]:
            return False
        if at > 0 and s.low[at - 1] not in (QUOTED, ":"):
            return True
        word, following = s.low[at], s.word(at + 1)
        if word in self.names or word in self.lexicon.first_names or word in self.lexicon.honorifics:
            return True
        if not following:
            return False
        if (s.capital[at + 1] and following != QUOTED) or following == "'s":
            return True
        if not word.isalpha() or word in self.known_words:
            return False
        if word.endswith(("s", "ing", "ly", "ed", "ment", "ée", "é")):
            return word.endswith("ing") and following in self.verbs  # "Beijing welcomed …"
        return following in self.verbs or following in self.auxiliaries or following == ","

    def is_time(self, s: Sentence, at: int) -> bool:
        """Whether a time is named here: "Tuesday", "this week", "le lendemain"."""
        word, following = s.low[at], s.word(at + 1)
        if word in _POINTED_TIMES:
            return following in self.times
        return word in self.times or (word in self.determiners and following in self.times)

    def skip_times(self, s: Sentence, at: int) -> int:
        """Position past times and adverbs."""
        j = at
        while s.word(j):
            word = s.low[j]
            time = word in self.times or (word in _BEFORE_TIMES and s.word(j + 1) in self.times)
            if not time and not (word in self.adverbs and not s.capital[j]) and not (word.isdigit() and j > at):
                break
            j += 1
        return j

    def skip_back(self, s: Sentence, group: int, lo: int) -> int:
        """Position before times that stand between a subject and its verb."""
        k = group
        while k - 1 > lo and (s.low[k - 1] in self.times or (s.low[k - 1].isdigit() and s.low[k - 2] in self.times)):
            k -= 1
            if k - 1 > lo and s.low[k - 1] in ("on", "le", "ce", "in", "late", "last", "en"):
                k -= 1
        return k

    # --- what a stretch of words is ---

    def is_strong(self, s: Sentence, begin: int, end: int) -> bool:
        """Whether the words name someone who can speak: a person, an office, an organisation."""
        first = s.low[begin] if begin < len(s) else ""
        if first in self.counts and end - begin <= 5 and first not in ("un", "une"):
            return True
        if any(self._speaks(s, at) for at in range(begin, end)):
            return True
        return first in _SPEAKING_ALONE and end - begin <= 2

    def _speaks(self, s: Sentence, at: int) -> bool:
        word = s.low[at]
        if word in self.roles or word in self.possessives or (word in self.pronouns and word not in ("it", "on", "ce")):
            return True
        if self._is_name(s, at) and not (
            word in self.barriers or word in self.prepositions or word in self.determiners
        ):
            return True
        return self.is_agent(word) or (not self.english and self.is_inverted(word))

    def is_plural(self, s: Sentence, begin: int, end: int) -> bool:
        """Whether a subject may have a verb in its base form: "critics say", "Berlin and Paris want"."""
        for at in range(begin, end):
            word = s.low[at]
            if word in _PLURAL_SUBJECTS or (word.endswith("s") and word not in _SINGULAR_S):
                return True
            if (s.capital[at] and at > 0) or self.roles.get(word) == "group":
                return True
        return False

    def ends_in_speaker(self, s: Sentence, group: int) -> bool:
        """Whether the word before a verb that is a noun, too, is one who speaks: "he claims", not "asylum claims"."""
        word = s.low[group - 1]
        if s.capital[group - 1] or word in (",", ")") or word in self.roles or word in self.pronouns:
            return True
        return self.is_agent(word) or word in self.determiners or word in self.times or word in self.counts

    def begins_name(self, s: Sentence, at: int) -> bool:
        """Whether a noun phrase, name or pronoun begins here."""
        word = s.low[at]
        if word == QUOTED or word in self.determiners:
            return True
        if word in PUNCTUATION or word in self.prepositions or word in self.adverbs or not word[0].isalnum():
            return False
        if word in self.subordinators and word != "que":
            return False
        if word in self.pronouns:
            return True
        if (" " in word and not word.startswith("c")) or word in self.words["openers"] or word in self.auxiliaries:
            return False
        if word.isdigit():
            return False
        if not self.english:  # "Contacté lundi, …", "Hélitreuillé …"
            apart = at == 0 and word.endswith(("é", "ée", "és", "ées", "ant"))
            return not apart or word in self.roles or self._is_name(s, at)
        gerund = word.endswith("ing") and (word in self.verbs or at == 0)
        return not gerund or (at + 1 < len(s) and s.capital[at + 1])

    def is_adverbial(self, s: Sentence, begin: int, end: int) -> bool:
        """Whether the words between are no clause: "In Paris on Monday", "Asked about the plan", "After the vote"."""
        while (
            begin < end
            and s.low[begin] != QUOTED
            and (s.low[begin] in self.conjunctions or s.low[begin] in PUNCTUATION)
        ):
            begin += 1
        if begin >= end:
            return True
        word = s.low[begin]
        if word == "a" and s.capital[begin] and not self.english:  # "A Bruxelles", without its accent
            word = "à"
        subordinate = word in self.subordinators and word not in self.that and word not in self.questions
        if word in self.prepositions or word in self.words["openers"] or word in self.times or subordinate:
            return not self._main_clause_later(s, begin, end)
        short = end - begin <= 3
        if not self.english:
            return (word in self.adverbs and short) or (word.endswith("ant") and word in self.verbs)
        if short and (word in self.adverbs or word.endswith("ly")):
            return True
        return (word.endswith("ing") and len(word) > 5) or (begin == 0 and word.endswith("ed") and word in self.verbs)

    def _main_clause_later(self, s: Sentence, begin: int, end: int) -> bool:
        """Whether, after an adverbial and its comma, a clause follows before `end`."""
        comma = next((k for k in range(begin, end) if s.low[k] == ","), end)
        return comma + 1 < end and self.begins_name(s, comma + 1) and self.has_finite(s, comma + 1, end)

    def has_finite(self, s: Sentence, begin: int, end: int | None = None) -> bool:
        """Whether a finite verb seems to stand after `begin` and before `end`."""
        return any(self._is_finite(s, at) for at in range(begin + 1, len(s) if end is None else end))

    def _is_finite(self, s: Sentence, at: int) -> bool:
        word, before = s.low[at], s.low[at - 1]
        verb = self.verbs.get(word)
        if word in self.finite or (verb is not None and "finite" in verb.forms):
            return True
        if not self.english:
            return (word.endswith(_FRENCH_ENDINGS) and len(word) > 4) or before in _FRENCH_SUBJECTS
        if word in _CONTRACTIONS and before in self.pronouns:
            return True
        if word in self.prepositions:
            return False
        third = word.endswith("s") and len(word) > 3 and before in self.pronouns
        return word.endswith("ed") or third or before in ("they", "we", "i", "you")

    # --- descriptions of someone ---

    def name_end(self, s: Sentence, begin: int, limit: int | None = None) -> int:
        """End of the description of someone that begins at `begin`, before `limit`; `begin` if there is none."""
        low = s.low
        if begin >= len(s):
            return begin
        if low[begin] in self.pronouns and low[begin] not in self.relatives and low[begin] not in self.determiners:
            return begin + 1
        stop = min(len(s) if limit is None else limit, begin + _MAX_NAME)
        head = False
        budget = 4  # plain words that may follow: adjectives before the head, nouns after "of"
        j = begin
        while j < stop:
            word = low[j]
            if word == QUOTED or (word in PUNCTUATION and word not in ("'", "&")):
                break
            if j > begin and word in self.linking:
                if not self._links(s, j, stop, begin):
                    break
                budget = 3
            elif word in self.determiners:
                after = j == begin or low[j - 1] in self.linking or low[j - 1] in self.conjunctions
                if not after and not (low[j - 1] in self.determiners and not head):
                    break
            elif word in ("'s", "'"):
                if j + 1 >= stop or low[j + 1] in PUNCTUATION or low[j + 1] in self.barriers:
                    break
                budget = 3
            elif self._is_head(s, j):
                if s.capital[j] and word in self.times and word not in _MONTHS_AND_NAMES:
                    break
                head, budget = True, 0 if self.english else 2
            elif head and word in ("and", "et", "&") and j + 1 < stop and self._begins_another(s, j + 1):
                budget = 3
            elif j > begin and word in _OBJECTS and low[j - 1] in ("of", "de", "d'"):
                j += 1
                break
            elif self._goes_with(s, j, stop, head, budget):
                budget -= 1
            else:
                break
            j += 1
        while j > begin and low[j - 1] not in self.counts and self._dangles(low[j - 1]):
            j -= 1
        return self._with_apposition(s, begin, j, stop) if head and j > begin else j

    def _is_head(self, s: Sentence, at: int) -> bool:
        """Whether this word says who someone is: an office, a name."""
        word = s.low[at]
        if word in self.roles or self.is_agent(word):
            return True
        named = s.capital[at] and (at > 0 or self._is_name(s, at))
        return named and (word not in self.barriers or word in _MONTHS_AND_NAMES)

    def _begins_another(self, s: Sentence, at: int) -> bool:
        return s.capital[at] or s.low[at] in self.roles or s.low[at] in self.determiners

    def _goes_with(self, s: Sentence, at: int, stop: int, head: bool, budget: int) -> bool:
        """Whether a plain word belongs to the description: "senior", "union" before "leader"."""
        following = s.low[at + 1] if at + 1 < stop else ""
        if not self.is_plain(s, at) or (budget <= 0 and following not in self.roles):
            return False
        if not head:
            return True
        if self.english:
            return not s.low[at].endswith("ed")
        # "le commerçant hausse les épaules"
        return following not in self.determiners or following in self.linking

    def _dangles(self, word: str) -> bool:
        return word in self.linking or word in self.determiners or word in ("and", "et", "'s", "'", "&")

    def _links(self, s: Sentence, at: int, stop: int, begin: int) -> bool:
        """Whether a preposition goes on with a description: "the mayor of Calais", not "the mayor on Monday"."""
        if at + 1 >= stop:
            return False
        word, following = s.low[at], s.low[at + 1]
        article = following in self.determiners
        after = s.low[at + 2] if at + 2 < stop else ""
        if (
            following in self.times
            or following in PUNCTUATION
            or following.isdigit()
            or (article and after in self.times)
        ):
            return False
        if not self._may_link(s, at):
            return False
        if word in self.tight:
            return following not in self.barriers or following in _OBJECTS
        unnamed = s.low[begin] in self.counts or s.low[begin] in self.words["indefinite"]
        if article and unnamed and word in ("in", "at", "from", "on", "with", "dans", "à"):  # "a diplomat in the room"
            end = at + 2
            while end < stop and self.is_plain(s, end):
                end += 1
            return end >= len(s) or s.low[end] in PUNCTUATION or s.low[end] in self.that
        if following in self.linking or (s.low[at - 1] in self.linking and s.low[at - 1] not in self.tight):
            return True
        if not self.english and word in ("à", "au", "aux", "en") and s.low[at - 1] in self.roles:
            place = word == "à" and not article and s.capital[at + 1]
            return (after if article else following) not in self.words["listeners"] and not place
        return s.capital[at + 1] or (article and bool(after) and (s.capital[at + 2] or after in self.roles))

    def _may_link(self, s: Sentence, at: int) -> bool:
        """Whether a preposition can tie two parts of a description: "to" does so behind offices and "close" alone."""
        return s.low[at] != "to" or (at > 0 and (s.low[at - 1] in self.roles or s.low[at - 1] == "close"))

    def _with_apposition(self, s: Sentence, first: int, end: int, limit: int) -> int:
        """End of the description with "…, the mayor of Calais" behind the name."""
        j = end + 1
        if j >= limit or s.low[end] != ",":
            return end
        age = s.low[j].isdigit()
        if not (age or s.capital[j] or s.low[j] in self.determiners or s.low[j] in self.roles):
            return end
        stop = self.name_end(s, j, limit)
        closed = stop >= limit or s.word(stop) in ("", ",", ".", QUOTED, ":", ";")
        if stop > j and closed and (age or self.is_strong(s, j, stop)):
            return min(stop, first + _MAX_NAME)
        return end

    def with_relative(self, s: Sentence, begin: int, end: int) -> int:
        """End of a description that goes on with "who …": "a person who saw the memo"."""
        if s.word(end) not in ("who", "qui") or any(s.capital[begin + 1 : end]):
            return end
        while end < len(s) and s.low[end] not in PUNCTUATION:
            end += 1
        return end

    def name_before(self, s: Sentence, end: int, lo: int) -> Range | None:
        """Description of someone that ends right before `end`."""
        low = s.low
        j, start = end - 1, end
        while j >= lo and end - j <= _MAX_NAME:
            word = low[j]
            if word in PUNCTUATION or word == QUOTED or (word in self.that and lo < j < end - 1):
                break
            partitive = word in self.linking and j > lo and (low[j - 1] in self.roles or s.capital[j - 1])
            if word in self.determiners and not partitive:
                start = j
                while start > lo and low[start - 1] in self.determiners and low[start - 1] not in self.that:
                    start -= 1
                j = start - 2  # what a preposition before it ties to it
                if j < lo or low[j + 1] not in self.linking or not self._may_link(s, j + 1):
                    break
                if low[j] in self.barriers or low[j] in PUNCTUATION:
                    break
                start = j
            elif word in self.linking:
                if not self._ties_back(s, j, lo):
                    break
                j -= 1
            elif word in ("and", "et", "&") and self._joins(s, j, lo):
                j -= 1
                start = j
            elif self._ends_description(s, j, lo):
                break
            else:
                start = j
                j -= 1
        if start - 1 > lo and low[start - 1] in ("who", "qui"):  # "the officials who counted the votes said"
            return self.name_before(s, start - 1, lo)
        return (start, end) if start < end else None

    def _ties_back(self, s: Sentence, at: int, lo: int) -> bool:
        if at - 1 < lo or not self._may_link(s, at):
            return False
        before = s.low[at - 1]
        if before in self.barriers or before in PUNCTUATION or before in self.prepositions:
            return False
        return before in self.roles or s.capital[at - 1] or self.is_plain(s, at - 1)

    def _joins(self, s: Sentence, at: int, lo: int) -> bool:
        named = at - 1 >= lo and (s.capital[at - 1] or s.low[at - 1] in self.roles)
        return named and self._begins_another(s, at + 1)

    def _ends_description(self, s: Sentence, at: int, lo: int) -> bool:
        """Whether a word cannot stand within a description, reading backwards."""
        word = s.low[at]
        if word in self.barriers and (not s.capital[at] or at == lo):
            return True
        if word in self.prepositions:
            return True
        verb = self.verbs.get(word)
        if verb is None or s.capital[at] or word in self.roles or word in self.lexicon.nouns:
            return False
        noun = at > lo and (s.low[at - 1] in self.determiners or s.low[at - 1] in self.tight)  # "close to the talks"
        return "finite" in verb.forms and not noun

    # --- subjects ---

    def group_start(self, s: Sentence, at: int, lo: int) -> int:
        """First word of the verb group: "has repeatedly said", "n'a pas exclu"."""
        g = at
        while g > lo and self._in_group(s.low[g - 1]):
            if s.low[g - 1] == "'s" and s.word(g - 2) not in self.pronouns:
                break  # "Reid's call" has no verb
            g -= 1
        while g == lo and g < at and s.low[g] in self.adverbs and s.low[g] not in self.auxiliaries:
            g += 1  # an adverb that begins the clause
        return g

    def _in_group(self, word: str) -> bool:
        if word in self.auxiliaries or (word in self.adverbs and word not in ("there", "here", "ici", "là")):
            return True
        if " " in word:
            return "dernier" not in word
        if self.english:
            return word.endswith("ly") and len(word) > 4
        return word.endswith("ment") and len(word) > 6 and word not in self.roles

    def group_end(self, s: Sentence, at: int) -> int:
        """Position of the verb that the auxiliaries and adverbs from `at` belong to."""
        ending = _ADVERB_ENDING[self.lexicon.language]
        while at < len(s):
            word = s.low[at]
            if not (word in self.auxiliaries or word in self.adverbs or word in self.have or word.endswith(ending)):
                break
            at += 1
        return at

    def subject(self, s: Sentence, group: int, lo: int, follows: bool) -> tuple[Range | None, bool]:
        """Subject of a verb group, and whether it is the speaker before; `follows`: whether there is such a one."""
        k = self.skip_back(s, group, lo) - 1
        if k < lo:
            return None, follows and lo > 0 and s.low[group - 1] in self.conjunctions
        word = s.low[k]
        if word in self.pronouns and word not in self.relatives:
            return (k, k + 1), False
        if word in ("who", "qui", "which"):
            return self._antecedent(s, k, lo), False
        if word in self.conjunctions or (word == "," and k > lo and s.low[k - 1] in self.conjunctions):
            if follows and k <= lo + 1:
                return None, True
            return self.first_subject(s, lo, k), False
        if word == "," and follows and k == lo:  # "…, praised the talks and …"
            return None, True
        if word == "," or word in DASHES or word == ")":
            return self._segment_subject(s, lo, k), False
        return self.name_before(s, k + 1, lo), False

    def _antecedent(self, s: Sentence, k: int, lo: int) -> Range | None:
        """Whom the relative pronoun at `k` stands for."""
        before = k
        while before > lo and (
            s.low[before - 1] == "," or s.low[before - 1] in DASHES or s.low[before - 1] in self.conjunctions
        ):
            before -= 1
        if before < k and s.low[k - 1] in self.conjunctions:  # "…, who made his name and who promised …"
            subject = self.first_subject(s, lo, before)
            return subject if subject and self.is_strong(s, *subject) else None
        return self.name_before(s, before, lo) if before > lo else None

    def first_subject(self, s: Sentence, lo: int, k: int) -> Range | None:
        """Subject of the clause that begins at `lo` and ends before `k`: its first part that is no adverbial."""
        begin = lo
        while begin < k:
            stop = next((at for at in range(begin, k) if s.low[at] in (",", QUOTED)), k)
            first = begin
            while first < stop and (s.low[first] in self.conjunctions or s.low[first] in PUNCTUATION):
                first += 1
            if first < stop and self.begins_name(s, first) and not self.is_adverbial(s, first, stop):
                end = self.name_end(s, first)
                if end > first:
                    return first, end
            begin = stop + 1
        return None

    def _segment_subject(self, s: Sentence, lo: int, k: int) -> Range | None:
        """Subject with appositions: the first part between commas or dashes, before `k`, that names someone."""
        begin = lo
        for at in range(lo, k + 1):
            if at < k and s.low[at] not in (",", QUOTED) and s.low[at] not in DASHES and s.low[at] not in "()":
                continue
            first = begin
            while first < at and s.low[first] in self.conjunctions:
                first += 1
            if first < at and self.begins_name(s, first) and not self.is_adverbial(s, first, at):
                end = self.name_end(s, first)
                if end > first:
                    return first, self._with_apposition(s, first, end, k)
            begin = at + 1
        return None

    def skip_to_name(self, s: Sentence, begin: int) -> int:
        """Past "à la presse", "mardi", "sur BFM" to the subject that a French verb has behind it."""
        j = begin
        for _ in range(3):
            j = self.skip_times(s, j)
            if s.word(j) in _ASIDES:
                end = self.name_end(s, j + 1)
                if j + 1 < end < len(s) and (s.capital[end] or self._begins_aside(s.low[end])):
                    j = end
                    continue
            if s.word(j) == "," and s.word(j + 1) in self.prepositions:
                stop = next((k for k in range(j + 1, min(j + 12, len(s))) if s.low[k] == ","), None)
                if stop is not None:
                    j = stop + 1
                    continue
            break
        return j if j < len(s) else begin

    def _begins_aside(self, word: str) -> bool:
        return word in self.determiners or word in self.times or word in ("à", "sur", "dans", "devant", "en")
