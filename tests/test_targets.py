import pickle
import timeit
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stance import files
from stance.errors import ConfigError
from stance.targets import Target, alias_pattern, read_targets, resolve_target, target_names

TARGETS = read_targets()
ALL_NAMES = alias_pattern(name for target in TARGETS.values() for name in target.all_names)

TABLE = """
[le-touquet]
name.en = "Le Touquet agreement"
name.fr = "accords du Touquet"
aliases.en = ["Touquet deal"]

[tende]
name.fr = "convention de la ligne de Tende"
"""


@pytest.fixture
def write_table(tmp_path):
    def write(text):
        path = tmp_path / "targets.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
        return path

    return write


def test_a_table_is_read_in_its_order(write_table):
    targets = read_targets(write_table(TABLE))

    assert list(targets) == ["le-touquet", "tende"]
    assert targets["le-touquet"] == Target(
        "le-touquet",
        {"en": "Le Touquet agreement", "fr": "accords du Touquet"},
        {"en": ("Touquet deal",)},
    )
    assert targets["tende"].aliases == {}


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("le-touquet", "le-touquet"),
        ("Le Touquet", "le-touquet"),
        ("the Le Touquet Treaty", "le-touquet"),
        ("LES ACCORDS DU TOUQUET", "le-touquet"),
        ("  Touquet\tagreement ", "le-touquet"),
        ("Belfast Agreement", "good-friday-agreement"),
        ("accord de Paques", "accord de Paques"),
        ("accord du vendredi saint", "good-friday-agreement"),
        ("l’accord de Noumea", "accord-de-noumea"),
        ("accords d’Abraham", "abraham-accords"),
        ("Accord UE – Mercosur", "eu-mercosur"),
        ("CPTPP", "cptpp"),
        ("Pacific trade pact", "tpp"),
        ("Marrakech", "un-migration-compact"),
        ("JCPOA", "iran-nuclear-deal"),
        ("İstanbul Convention", "istanbul-convention"),
    ],
)
def test_a_name_resolves_whatever_its_spelling(text, slug):
    assert resolve_target(text, TARGETS) == slug


@pytest.mark.parametrize(
    "text", ["", "the", "the deal", "the agreement", "l'accord", "Treaty of Tordesillas", "Touquets", "paris"]
)
def test_a_text_that_names_no_target_stays_as_it_is(text):
    assert resolve_target(text, TARGETS) == text


def test_every_name_of_every_shipped_target_resolves_to_it():
    for slug, target in TARGETS.items():
        assert {resolve_target(name.upper(), TARGETS) for name in target.all_names} == {slug}


def test_shipped_targets_have_names_and_aliases_in_both_languages():
    assert all(set(target.names) == set(target.aliases) == {"en", "fr"} for target in TARGETS.values())


def test_target_names_are_all_languages_once_each():
    names = target_names("Le Touquet", TARGETS)

    assert names[:2] == ("Le Touquet agreement", "accords du Touquet")
    assert {"Touquet treaty", "traité du Touquet"} <= set(names)
    assert len(names) == len(set(names))


def test_names_of_an_unknown_agreement_are_its_text():
    assert target_names("Treaty of Tordesillas", TARGETS) == ("Treaty of Tordesillas",)


def test_a_target_can_be_pickled_for_worker_processes():
    target = TARGETS["le-touquet"]
    assert pickle.loads(pickle.dumps(target)) == target


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Scrap the Le Touquet treaty now", ["Le Touquet treaty"]),
        ("Il faut revoir les ACCORDS DU TOUQUET.", ["les ACCORDS DU TOUQUET"]),
        ("TPP, Touquet... and Touquet", ["Touquet", "Touquet"]),
        ("the Treaty of\nLe   Touquet", ["Treaty of\nLe   Touquet"]),
        ("le traite du Touquet", ["traite du Touquet"]),
        (
            unicodedata.normalize("NFD", "le traité du Touquet"),
            [unicodedata.normalize("NFD", "traité du Touquet")],
        ),
        ("Touquettois et touquetoise", []),
        ("toucher au quai", []),
        ("", []),
    ],
)
def test_names_are_found_as_whole_words_longest_first(text, found):
    pattern = alias_pattern(target_names("le-touquet", TARGETS))
    assert [match.group() for match in pattern.finditer(text)] == found


@pytest.mark.parametrize("apostrophe", ["'", "’", "ʼ"])
def test_any_apostrophe_fits(apostrophe):
    assert alias_pattern(["accords d'Évian"]).search(f"les accords d{apostrophe}Evian").start() == 4


def test_hyphens_and_spaces_are_one():
    assert alias_pattern(["EU-Turkey deal"]).search("that EU – Turkey deal, then")


@pytest.mark.parametrize("names", [[], [""], ["  "]])
def test_a_pattern_without_names_finds_nothing(names):
    assert alias_pattern(names).search("Le Touquet ") is None


def test_a_name_is_read_literally():
    pattern = alias_pattern(["Deal (2015) a.b*"])
    assert pattern.search("the deal (2015) A.B*!")
    assert not pattern.search("deal 2015 axbb")


@given(st.text(min_size=1, max_size=40))
def test_a_pattern_of_any_free_text_compiles_and_stays_within_the_text(name):
    pattern = alias_pattern([name])
    for match in pattern.finditer(f"so {name}, they said"):
        assert match.end() > match.start()


@given(st.sampled_from([name for target in TARGETS.values() for name in target.all_names]), st.booleans())
def test_each_name_is_found_by_the_pattern_of_all_names(name, upper):
    written = name.upper() if upper else name
    assert ALL_NAMES.search(f"« {written} »").group() == written


@pytest.mark.parametrize("unit", ["le ", "accord de - ", "the treaty of le touque "])
def test_a_long_text_of_near_misses_is_read_in_linear_time(unit):
    short, long = (unit * (size // len(unit)) for size in (20_000, 200_000))

    def seconds(text):
        return min(timeit.repeat(lambda: ALL_NAMES.search(text), number=1, repeat=3))

    assert ALL_NAMES.search(long) is None
    assert seconds(long) < 40 * seconds(short), "ten times the text; quadratic would be a hundred times"


@pytest.mark.parametrize(
    ("table", "fault"),
    [
        ('[a]\nname.en = "A"\nnotes = "x"', r"a: unknown keys \['notes'\]"),
        ('[a]\nname.en = "A"\naliases.en = ["B", 3]', "a: aliases.en holds 3, not a text"),
        ('[a]\nname.en = "A"\naliases.en = ["B", " "]', "a: aliases.en holds ' ', not a text"),
        ('[a]\nname.en = "A"\naliases.en = "B"', "a: aliases.en must be a list"),
        ('[a]\nname.en = "A"\naliases = ["B"]', "a: aliases must be lists per language"),
        ('[a]\naliases.en = ["B"]', "a: name must be one text per language"),
        ('[a]\nname = "A"', "a: name must be one text per language"),
        ('[a]\nname.en = ""', "a: name must be one text per language"),
        ('["Le Touquet"]\nname.en = "A"', "a slug has lower-case letters"),
        ('a = "A"', "a: expected a table with name and aliases, got 'A'"),
        (
            '[a]\nname.en = "A treaty"\n[b]\nname.en = "B"\naliases.fr = ["à-Treaty"]',
            "'a treaty' stands under both a and b",
        ),
        ('[a]\nname.en = "A"\n[b]\nname.en = "B"\naliases.en = ["a"]', "'a' stands under both a and b"),
    ],
)
def test_a_bad_table_is_refused_with_its_fault(write_table, table, fault):
    with pytest.raises(ConfigError, match=fault):
        read_targets(write_table(table))


def test_all_faults_of_a_table_are_told_at_once(write_table):
    with pytest.raises(ConfigError) as error:
        read_targets(write_table('a = 1\n[b]\nnotes = 2\n[c]\nname.en = "C"\naliases.en = [4]'))

    message = str(error.value)
    assert all(part in message for part in ("a: expected", "b: unknown", "b: name must", "c: aliases.en holds 4"))
    assert "\n" not in message


@pytest.mark.parametrize("content", [b"[a\n", b"\xff\xfe", b'[a]\nname.en = "A"\n[a]\n'])
def test_a_file_that_is_not_toml_is_refused(write_table, content):
    with pytest.raises(ConfigError, match="not a TOML file in UTF-8"):
        read_targets(write_table(content))


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(ConfigError, match="cannot read the targets in"):
        read_targets(tmp_path / "none.toml")


def test_the_copy_inside_the_package_comes_first(write_table, monkeypatch):
    path = write_table(TABLE)
    monkeypatch.setattr(files, "files", lambda package: path.parent)

    assert list(read_targets()) == ["le-touquet", "tende"]
