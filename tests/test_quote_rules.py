"""The rules of quotation do what `en.toml` and `fr.toml` say of them, and the lists of words are in order."""

from __future__ import annotations

import ast
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import FrozenInstanceError
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

import stance.quotes
from stance.quotes import extract_quotes
from stance.quoting.lexicon import LANGUAGES, Example, QuoteRule, load_lexicon, load_rules

_TABLES: dict[str, dict[str, Any]] = {
    language: tomllib.loads((files("stance") / "quoting" / f"{language}.toml").read_text(encoding="utf-8"))
    for language in LANGUAGES
}
_RULES = [(language, rule) for language in LANGUAGES for rule in load_rules(language)]
_ENTRY = re.compile(r"([^\s(]+)(?:\(([^)]*)\))?")
_PLACE = re.compile(r"\w+\.py")


@pytest.mark.parametrize(
    ("language", "rule", "example"),
    [
        pytest.param(language, rule, example, id=f"{language}-{rule.name}-{number}")
        for language, rule in _RULES
        for number, example in enumerate(rule.examples)
    ],
)
def test_rule_finds_what_its_example_says(language: str, rule: QuoteRule, example: Example) -> None:
    found = [
        (tuple(piece.text for piece in quote.pieces), quote.speaker)
        for quote in extract_quotes(example.match, language=language)
        if quote.rule == rule.name
    ]
    assert found == [(example.said, example.speaker)]


@pytest.mark.parametrize(
    ("language", "rule", "other"),
    [
        pytest.param(language, rule, other, id=f"{language}-{rule.name}-{number}")
        for language, rule in _RULES
        for number, other in enumerate(rule.others)
    ],
)
def test_rule_finds_nothing_in_what_looks_alike(language: str, rule: QuoteRule, other: str) -> None:
    assert rule.name not in {quote.rule for quote in extract_quotes(other, language=language)}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_rule_of_the_code_is_documented_and_no_other(language: str) -> None:
    assert sorted(rule.name for rule in load_rules(language)) == sorted(_rules_in_code())


@pytest.mark.parametrize(("language", "rule"), [pytest.param(x, r, id=f"{x}-{r.name}") for x, r in _RULES])
def test_rule_says_in_one_sentence_what_it_finds(language: str, rule: QuoteRule) -> None:
    assert re.fullmatch(r"[A-Z«].*[^.]\.", rule.what)
    assert rule.examples
    assert rule.others


def test_rules_are_found_in_code_wherever_they_are_given() -> None:
    source = """
_NAME = "first"

class Cue:
    at: int
    rule: str

def read(self, x, rule):
    def inner():
        yield "second" if x else "third", 1
    other = "no rule"
    rule = "fourth"
    return Cue(0, "fifth"), self.read(other, "sixth"), Cue(1, rule), Cue(2, _NAME), x._replace(rule="seventh")
"""
    expected = {"first", "second", "third", "fourth", "fifth", "sixth", "seventh"}
    assert set(_names_of_rules(ast.parse(source))) == expected


def _rules_in_code() -> set[str]:
    """Names that the code can give to `Quote.rule`."""
    quotes = Path(stance.quotes.__file__)
    code = "\n".join(path.read_text(encoding="utf-8") for path in [quotes, *quotes.parent.glob("quoting/*.py")])
    return set(_names_of_rules(ast.parse(code.replace("from __future__ import annotations", ""))))


def _names_of_rules(code: ast.Module) -> Iterator[str]:
    """Texts that code assigns to a `rule`, gives for a parameter or field of that name, or yields first of several."""
    texts = {
        target.id: node.value
        for node in code.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    places = {name: names.index("rule") for name, names in _parameters(code) if "rule" in names}
    for node in ast.walk(code):
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "rule" for t in node.targets):
            yield from _texts(node.value, texts)
        elif isinstance(node, ast.Yield) and isinstance(node.value, ast.Tuple):
            yield from _texts(node.value.elts[0], {})
        elif isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            given = [keyword.value for keyword in node.keywords if keyword.arg == "rule"]
            if called in places:
                given += node.args[places[called] : places[called] + 1]
            for value in given:
                yield from _texts(value, texts)


def _parameters(code: ast.Module) -> Iterator[tuple[str, list[str]]]:
    """Functions with their parameters and classes with their fields, in order."""
    for node in ast.walk(code):
        if isinstance(node, ast.FunctionDef):
            yield node.name, [argument.arg for argument in node.args.args if argument.arg != "self"]
        elif isinstance(node, ast.ClassDef):
            fields = [part.target for part in node.body if isinstance(part, ast.AnnAssign)]
            yield node.name, [target.id for target in fields if isinstance(target, ast.Name)]


def _texts(node: ast.expr, texts: dict[str, ast.expr]) -> Iterator[str]:
    """Texts that an expression can be; `texts` are the values of names."""
    if isinstance(node, ast.IfExp):
        yield from _texts(node.body, texts)
        yield from _texts(node.orelse, texts)
    elif isinstance(node, ast.Name) and node.id in texts:
        yield from _texts(texts[node.id], {})
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value


def _lists(language: str) -> Iterator[tuple[str, list[str]]]:
    """Lists of a language by their place in its file, as entries."""
    table = _TABLES[language]
    for section in ("words", "roles", "names", "nouns", "inflection"):
        for name, entries in table.get(section, {}).items():
            yield f"{section}.{name}", entries.split()
    for section in ("aliases", "phrases"):
        for name, entries in table[section].items():
            yield f"{section}.{name}", [" ".join(entry.split()) for entry in entries.split(",")]
    for name, entries in table["verbs"].items():
        yield f"verbs.{name}", [base for base, _ in _ENTRY.findall(entries)]


_LISTS = [
    pytest.param(language, entries, id=f"{language}-{name}")
    for language in LANGUAGES
    for name, entries in _lists(language)
]


@pytest.mark.parametrize(("language", "entries"), _LISTS)
def test_list_has_no_entry_twice_and_no_capital(language: str, entries: list[str]) -> None:
    assert [entry for entry, times in Counter(entries).items() if times > 1] == []
    assert [entry for entry in entries if entry != entry.lower() or "’" in entry] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_role_noun_is_in_one_list(language: str) -> None:
    kinds = Counter(word for kind in ("m", "f", "person", "group") for word in _TABLES[language]["roles"][kind].split())
    assert [word for word, times in kinds.items() if times > 1] == []


def test_both_languages_have_the_same_lists_and_rules() -> None:
    english, french = _TABLES["en"], _TABLES["fr"]
    for section in ("words", "roles", "names", "phrases", "rules"):
        assert list(english[section]) == list(french[section])


@pytest.mark.parametrize("name", _TABLES["en"]["words"])
def test_list_of_words_is_used(name: str) -> None:
    package = Path(stance.quotes.__file__).parent / "quoting"
    code = "\n".join(path.read_text(encoding="utf-8") for path in package.glob("*.py"))
    assert re.search(rf'words\["{name}"\]', code)


@pytest.mark.parametrize("language", LANGUAGES)
def test_file_names_only_modules_that_exist(language: str) -> None:
    text = (files("stance") / "quoting" / f"{language}.toml").read_text(encoding="utf-8")
    known = {path.name for path in Path(stance.quotes.__file__).parent.rglob("*.py")} | {"test_quote_rules.py"}
    assert set(_PLACE.findall(text)) <= known
    assert max(map(len, text.splitlines())) <= 120


# A form, the base that it belongs to, and what it is
_ENGLISH_FORMS = """
    said finite, said participle, says finite, saying ing, told participle, wrote finite, written participle,
    admitted finite, admitting ing, planned finite, regretted participle, preferred finite, preferring ing,
    signalled finite, signaled participle, labelling ing, denies finite, denied participle, denying ing,
    disagreed finite, disagreeing ing, argued finite, arguing ing, promises finite, reproaches absent, prefered absent,
    pushes finite, vowed participle, welcomed finite, pwelcomed absent, insist base, tell base, answered finite,
    threatened finite, swore finite, sworn participle, undertook finite, foresaw finite, held participle
"""
_FRENCH_FORMS = """
    dit finite, dit participle, disait finite, dite participle, disant ing, annonçait finite, annonça finite,
    exigeait finite, exigeant ing, affirmé participle, affirmées participle, affirmera finite, répond finite,
    répondu participle, répondra finite, défendait finite, avertit finite, avertissait finite, averti participle,
    soutient finite, soutenu participle, soutenant ing, craint finite, craint participle, plaignait finite,
    plaindu absent, obtenu participle, obtenit absent, accueille finite, accueillissait absent, appuie finite,
    interdit finite, interdit participle, écrite participle, écrivait finite, promis participle, rit finite,
    tient finite, s'attendre absent, rappelle finite, rappelait finite, espère finite, espérait finite, vouloir base
"""


def _forms(table: str) -> list[tuple[str, str]]:
    return [(word, kind) for word, kind in (entry.split() for entry in table.split(","))]


@pytest.mark.parametrize(
    ("language", "word", "kind"),
    [("en", *entry) for entry in _forms(_ENGLISH_FORMS)] + [("fr", *entry) for entry in _forms(_FRENCH_FORMS)],
)
def test_verb_is_inflected(language: str, word: str, kind: str) -> None:
    verb = load_lexicon(language).verbs.get(word)
    assert (verb is None) if kind == "absent" else (verb is not None and kind in verb.forms)


def test_form_that_is_two_things_is_both() -> None:
    assert load_lexicon("en").verbs["said"].forms == {"finite", "participle"}
    assert load_lexicon("en").verbs["wrote"].forms == {"finite"}
    assert load_lexicon("fr").verbs["dite"].forms == {"participle"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_irregular_verb_has_forms(language: str) -> None:
    """A French verb that is not in -er, -ir or -dre and an English one of which four forms are not given have none."""
    for name, entries in _TABLES[language]["verbs"].items():
        for base, own in _ENTRY.findall(entries):
            if language == "en":
                assert not own or len(own.split()) == 4, (name, base)
            else:
                assert own or base.endswith(("er", "ir", "dre")), (name, base)
                assert own.count("|") <= 2, (name, base)


@pytest.mark.parametrize("name", ["doubled", "both"])
def test_verb_that_doubles_its_last_letter_is_one_of_the_verbs(name: str) -> None:
    verbs = {base for entries in _TABLES["en"]["verbs"].values() for base, own in _ENTRY.findall(entries) if not own}
    assert set(_TABLES["en"]["inflection"][name].split()) <= verbs


@pytest.mark.parametrize(
    ("language", "noun", "kind"),
    [
        ("en", "ministers", "person"),
        ("en", "secretaries", "person"),
        ("en", "churches", "group"),
        ("en", "spokeswomen", "person"),
        ("en", "spokeswoman", "f"),
        ("en", "statesman", "m"),
        ("fr", "généraux", "m"),
        ("fr", "bureaux", "group"),
        ("fr", "ministres", "person"),
        ("fr", "directrices", "f"),
        ("fr", "avis", "group"),
    ],
)
def test_role_noun_has_a_plural_and_a_kind(language: str, noun: str, kind: str) -> None:
    assert load_lexicon(language).roles[noun] == kind


def test_first_name_of_both_genders_has_none() -> None:
    names = load_lexicon("en").first_names
    assert (names["anna"], names["thomas"], names["camille"]) == ("f", "m", "")


def test_entry_of_several_words_may_be_wrapped() -> None:
    aliases = load_lexicon("en").aliases
    assert aliases["prime minister's office"] == aliases["downing street"] == "downing-street"
    assert all(phrase and "" not in set().union(*phrase) for phrase in load_lexicon("fr").phrases["light"])


def test_longest_phrase_comes_first() -> None:
    lengths = [len(phrase) for phrase in load_lexicon("fr").phrases["after"]]
    assert lengths == sorted(lengths, reverse=True)


@pytest.mark.parametrize("language", LANGUAGES)
def test_lexicon_is_read_once(language: str) -> None:
    assert load_lexicon(language) is load_lexicon(language)
    assert load_rules(language) is load_rules(language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_lexicon_cannot_be_changed(language: str) -> None:
    lexicon = load_lexicon(language)
    with pytest.raises(FrozenInstanceError):
        lexicon.language = "de"  # type: ignore[misc]
    for field in ("words", "verbs", "nouns", "roles", "first_names", "aliases", "phrases"):
        with pytest.raises(TypeError, match="does not support item assignment"):
            getattr(lexicon, field)["new"] = None
