"""From statements to numbers: the named blocks of features that the head reads.

Each block first masks what must not decide: the target's own names, so that what is learnt on one agreement
carries to another, and the names of persons, so that a verdict follows from what is said and not from who is
known to say such things.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from itertools import pairwise

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import FeatureUnion

from stance.targets import Target, alias_pattern, target_names

# What stands in the place of a name. The lexical block gets words that no text has; the encoder gets words that
# both languages have, so that the sentence stays one.
LEXICAL_MASKS = ("xxtarget", "xxname")
SENTENCE_MASKS = ("accord", "Martin")

_APOSTROPHES = str.maketrans(dict.fromkeys("’‘ʼ`´", "'"))
# "Mr Dupont", "M. Dupont", "Mme Le Goff" and not "Mr Speaker, Calais …" beyond the next capital
_TITLED = r"(?:M\.|MM\.|Mr\.?|Mme|Mlle|Mrs\.?|Ms\.?|Dr|Sir|Lord|Lady|Dame|Senator|Madame|Monsieur)\s+"
_PARTICLE = r"(?:d'|de la |de |du |des |le |la |van |von |bin |al-)?"
_CAPITAL = r"[A-ZÀ-ÖØ-Þ](?:['’][A-ZÀ-ÖØ-Þ])?[a-zß-öø-ÿ][\w’-]{0,40}"  # "Dupont", "O’Neill"; not "UK", "A"
# Words that start a sentence or a phrase with a capital and are no first name.
_NO_FIRST_NAME = (
    r"(?!(?:The|This|That|These|Those|An?|In|On|At|By|For|From|With|Without|And|But|Or|If|When|While|As|After|Before|"
    r"Since|Under|Our|Your|His|Her|Its|Their|My|We|You|He|She|It|They|There|Not|No|Nor|Why|What|Who|How|Both|Let|To|Of|"
    r"All|Every|Each|Any|Some|Le|La|Les|Un|Une|Des|Du|De|Ce|Cet|Cette|Ces|Nos|Notre|Votre|Vos|Leur|Leurs|Son|Sa|Ses|Mon|"
    r"Ma|Mes|En|Au|Aux|Et|Mais|Ou|Si|Quand|Dans|Par|Pour|Sur|Sans|Sous|Selon|Avec|Avant|Depuis|Nous|Vous|Il|Elle|Ils|"
    r"Elles|On|Pas|Ni|Que|Qui|Quel|Quelle|Pourquoi|Comment|Tout|Tous|Toute|Toutes|Chaque|Aucun|Aucune|Une|"
    # … nor are the verbs of an appeal: "Scrap Dublin", "Gardons Schengen".
    r"Keep|Scrap|End|Stop|Save|Defend|Close|Open|Leave|Quit|Sign|Ratify|Reject|Renegotiate|Support|Oppose|Back|Bring|Move|"
    r"Fix|Drop|Kill|Honou?r|Respect|Abandon|Gardons|Gardez|Quittons|Sauvons|Dénonçons|Renégocions|Respectons|Ratifions|"
    r"Signons|Fermons|Ouvrons|Défendons|Rejetons|Supprimons|Abrogeons|Sortons|Oui|Non|Yes)\b)"
)
# "Mr Dupont", "Anne Dupont", "Anne de la Tour"; not "The British", "Calais", "an Irish"
_PERSON = re.compile(
    rf"(?<!\w)(?:{_TITLED}{_PARTICLE}{_CAPITAL}(?:\s+{_PARTICLE}{_CAPITAL})*"
    rf"|{_NO_FIRST_NAME}{_CAPITAL}\s+{_PARTICLE}{_CAPITAL}(?:\s+{_CAPITAL})*)"
)
# "doesn't" → "does", "n't"; "n'est" → "n'", "est"; "l'accord" → "l'", "accord"; "aujourd'hui" stays whole
_TOKEN = re.compile(r"aujourd'hui|quelqu'un|[^\W\d_]+(?=n't\b)|n't\b|[^\W\d_]+'(?=[^\W\d_])|\w+|[?!]")


def normalise_text(text: str) -> str:
    r"""Return the text in composed Unicode, with straight apostrophes and single spaces, without control characters.

    >>> normalise_text("L’accord\u00a0  n’est\tpas mort\x00")
    "L'accord n'est pas mort"
    """
    composed = unicodedata.normalize("NFC", text).translate(_APOSTROPHES)
    if not composed.isprintable():
        composed = "".join(c if c.isprintable() or c.isspace() else " " for c in composed)
    # The encoder was not brought up on capitals, and a name cannot be told from a word in them.
    return " ".join((composed.lower() if composed.isupper() else composed).split())


def mask_persons(statement: str, mask: str, *, keep: re.Pattern[str] | None = None) -> str:
    """Return the normalised statement with the mask in the places of persons' names; what `keep` finds stays.

    >>> import re
    >>> mask_persons("Anne Dupont backs the Paris Agreement.", "Martin", keep=re.compile("Paris Agreement"))
    'Martin backs the Paris Agreement.'
    """
    text = normalise_text(statement)
    parts, done = [], 0
    for match in keep.finditer(text) if keep else ():
        parts += [_PERSON.sub(mask, text[done : match.start()]), match[0]]
        done = match.end()
    return "".join([*parts, _PERSON.sub(mask, text[done:])])


def tokenize(text: str) -> list[str]:
    """Split a text into words, keeping negation and elision apart from what they belong to, then pairs of words.

    >>> tokenize("It doesn't work: ils n'ont pas tort")[:9]
    ['it', 'does', "n't", 'work', 'ils', "n'", 'ont', 'pas', 'tort']
    >>> tokenize("Not now!")
    ['not', 'now', '!', 'not now', 'now !']
    """
    words = _TOKEN.findall(text.lower())
    return [*words, *(f"{a} {b}" for a, b in pairwise(words))]


class Masker:
    """Replaces a target's names and the names of persons; the patterns of a target are compiled once.

    Examples
    --------
    >>> from stance.targets import read_targets
    >>> Masker(read_targets()).mask("Anne Dupont wants Le Touquet kept.", "le-touquet", ("TARGET", "NAME"))
    'NAME wants TARGET kept.'
    """

    def __init__(self, targets: Mapping[str, Target]) -> None:
        self.targets = targets
        self.pattern = lru_cache(maxsize=1000)(self._pattern)  # a table may name any number of targets

    def _pattern(self, target: str) -> re.Pattern[str]:
        return alias_pattern(target_names(target, self.targets))

    def mask(self, statement: str, target: str, masks: tuple[str, str]) -> str:
        """Return the normalised statement with the mask of the target and of persons in the places of names."""
        text = self.pattern(target).sub(masks[0], normalise_text(statement))
        return _PERSON.sub(masks[1], text)

    def find(self, statement: str, target: str) -> list[tuple[int, int]]:
        """Half-open offsets of what is masked in the statement as it is written, in reading order."""
        spans = [match.span() for match in self.pattern(target).finditer(statement)]
        for match in _PERSON.finditer(statement):
            if not any(start < match.end() and match.start() < end for start, end in spans):
                spans.append(match.span())
        return sorted(spans)


# A feature must occur in so many statements, and in a share of those of a table with a handful.
_MIN_DF = 3
_MIN_DF_SHARE = 0.1


def build_lexical(n_statements: int) -> FeatureUnion:
    """Unfitted lexical block: TF-IDF of words and word pairs, beside TF-IDF of character n-grams within words.

    It takes masked texts; `n_statements` is how many it will be fitted on.
    """
    min_df = max(1, min(_MIN_DF, int(_MIN_DF_SHARE * n_statements)))
    return FeatureUnion(
        [
            ("word", TfidfVectorizer(analyzer=tokenize, min_df=min_df, sublinear_tf=True)),
            (
                "char",
                TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), min_df=min_df, sublinear_tf=True),
            ),
        ]
    )
