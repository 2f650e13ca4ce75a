"""Attributions within quotation marks: « Jamais, a dit le maire, nous ne partirons. »."""

from __future__ import annotations

from stance.quoting.content import ContentReader
from stance.quoting.marks import Quoted
from stance.quoting.sentences import Sentence, tokenise

_MAX_TAIL = 14  # words from the speaker to the mark that closes an incise: "a dit le maire au conseil"
_CLITICS = frozenset("s' se l' lui".split())
_MAX_GROUP = 5  # words of a verb group


class IncisesReader(ContentReader):
    """Takes quotations apart where the newspaper breaks in."""

    def split_at_incises(self, article: str, quoted: Quoted) -> list[Quoted]:
        """Parts of a quotation that is interrupted within its marks; itself alone if it is not."""
        s = tokenise(article, quoted.inner_start, quoted.inner_end, self.lexicon)
        parts: list[Quoted] = []
        start, inner = quoted.start, quoted.inner_start
        at = 2  # a word and a mark come before an incise
        while at < len(s):
            end = self._incise_end(s, at) if s.low[at - 1] in (",", "?", "!", "…") and not s.capital[at] else at
            if end == at:
                at += 1
                continue
            comma = s.low[at - 1] == ","
            stop = s.start[at - 1] if comma else s.end[at - 1]
            parts.append(Quoted(start, stop, inner, s.end[at - 2] if comma else stop, True))
            while end < len(s) and s.low[end] in ",.":
                end += 1
            if end >= len(s):
                return parts
            start = inner = s.start[end]
            at = end + 2
        return [*parts, Quoted(start, quoted.end, inner, quoted.inner_end, quoted.closed)] if parts else [quoted]

    def _incise_end(self, s: Sentence, at: int) -> int:
        """End of "a dit le maire", "dit-il", "said driver Anna Reid" that begins at `at`; `at` where none does."""
        verb = at
        if not self.english:
            while verb - at < _MAX_GROUP and self._is_auxiliary(s, verb, at):
                verb += 1
        if verb >= len(s):
            return at
        end = self._after_pronoun(s, at, verb) or self._after_name(s, at, verb)
        if end == at:
            return at
        stop = end
        while stop < len(s) and s.low[stop] not in (",", ".", "!", "?", "…", ":") and stop - end < _MAX_TAIL:
            stop += 1
        return stop if stop >= len(s) or s.low[stop] in (",", ".") else at

    def _is_auxiliary(self, s: Sentence, k: int, at: int) -> bool:
        word = s.word(k)
        return word in self.have or word in _CLITICS or word == "est" or (k > at and word in self.adverbs)

    def _after_pronoun(self, s: Sentence, at: int, verb: int) -> int:
        """End of "dit-il", "a-t-il ajouté"; 0 if it is none."""
        if self.english:
            return 0
        if self.is_inverted(s.low[verb]):
            return verb + 1 + (s.low[verb].split("-")[0] in self.have)
        if verb > at and self.is_inverted(s.low[verb - 1]) and s.low[verb] in self.verbs:
            return verb + 1
        return verb + 1 if verb + 1 < len(s) and self.is_inverted(s.low[at]) else 0

    def _after_name(self, s: Sentence, at: int, verb: int) -> int:
        """End of "a dit le maire", "said driver Anna Reid"; `at` if it is none."""
        entry = self.verbs.get(s.low[verb])
        perfect = any(word in self.have or word == "est" for word in s.low[at:verb])
        form = "participle" if perfect else "finite"
        known = entry is not None and "quote" in entry.takes and form in entry.forms
        if not known and (self.english or verb > at or not self._looks_like_verb(s, verb)):
            return at
        if self.english and s.word(verb + 1) in self.pronouns:
            return at
        begin = verb + 1 if self.english else self.skip_to_name(s, verb + 1)
        end = self.name_end(s, begin)
        if end == begin or s.low[begin] in self.pronouns:
            return at
        return end if self.is_strong(s, begin, end) or (known and s.low[begin] in self.determiners) else at

    def _looks_like_verb(self, s: Sentence, at: int) -> bool:
        """Whether an unknown French word before a name is a verb in the present tense: "rigole Anne Le Gall"."""
        word, following = s.low[at], s.word(at + 2)
        if not word.endswith(("e", "it")) or not self.is_plain(s, at) or word in self.roles or self.is_agent(word):
            return False
        if not following:
            return False
        named = s.capital[at + 1] and s.capital[at + 2]
        return named or (s.low[at + 1] in ("le", "la", "l'", "un", "une") and following in self.roles)
