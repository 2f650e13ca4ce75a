import pickle
import timeit
import unicodedata
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stance.features import (
    LEXICAL_MASKS,
    SENTENCE_MASKS,
    Masker,
    build_lexical,
    mask_persons,
    normalise_text,
    tokenize,
)
from stance.targets import read_targets

TARGETS = read_targets()
MASKER = Masker(TARGETS)
MASKS = ("TARGET", "NAME")
# Texts that hold what the patterns look for, more often than characters drawn at random do.
PIECES = st.sampled_from(
    ["Le Touquet", "l’accord du Touquet", "Anne Dupont", "Mme Le Goff", "M.", "Mr ", "n’est", "doesn't", "É", "é", "\n"]
)
TEXTS = st.lists(PIECES | st.text(max_size=8), max_size=8).map(" ".join)


def words(text):
    return [token for token in tokenize(normalise_text(text)) if " " not in token]


@given(TEXTS)
def test_normalising_twice_is_normalising_once(text):
    once = normalise_text(text)

    assert normalise_text(once) == once


@given(TEXTS)
def test_normalised_text_has_single_spaces_and_can_be_printed(text):
    normalised = normalise_text(text)

    assert normalised.isprintable()
    assert "  " not in normalised
    assert normalised == normalised.strip()


@pytest.mark.parametrize(
    ("text", "normalised"),
    [
        ("L’accord, qu‘on garde", "L'accord, qu'on garde"),
        ("isnʼt, ain`t, can´t", "isn't, ain't, can't"),
        ("  a\u00a0b\u202fc\n\td  ", "a b c d"),
        ("E\u0301vian", "Évian"),
        ("a\x00b\u200bc", "a b c"),
        ("« Non », “no”", "« Non », “no”"),
        ("", ""),
        (" \n", ""),
    ],
)
def test_a_text_is_normalised(text, normalised):
    assert normalise_text(text) == normalised


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It doesn’t work", ["it", "does", "n't", "work"]),
        ("I can't, won’t and shan‘t", ["i", "ca", "n't", "wo", "n't", "and", "sha", "n't"]),
        ("ISN’T IT?", ["is", "n't", "it", "?"]),
        ("not never cannot no", ["not", "never", "cannot", "no"]),
        ("Ils n’ont pas tort", ["ils", "n'", "ont", "pas", "tort"]),
        ("N’Y TOUCHEZ PAS !", ["n'", "y", "touchez", "pas", "!"]),
        ("Ce n`est qu’un début", ["ce", "n'", "est", "qu'", "un", "début"]),
        ("l’accord d’hier, jusqu’à demain", ["l'", "accord", "d'", "hier", "jusqu'", "à", "demain"]),
        ("s’il n’y a rien, aucun, jamais", ["s'", "il", "n'", "y", "a", "rien", "aucun", "jamais"]),
        ("Aujourd’hui quelqu’un l’a lu", ["aujourd'hui", "quelqu'un", "l'", "a", "lu"]),
        ("the Europeans’ rights", ["the", "europeans", "rights"]),
        ("juxtaposed-controls at 1,5 %", ["juxtaposed", "controls", "at", "1", "5"]),
        ("« Rien. » … — “”", ["rien"]),
        ("", []),
    ],
)
def test_words_keep_negation_and_elision_apart(text, expected):
    assert words(text) == expected


@given(TEXTS)
def test_pairs_follow_the_words_that_they_join(text):
    tokens = tokenize(normalise_text(text))
    n_words = (len(tokens) + 1) // 2

    assert tokens[n_words:] == [f"{a} {b}" for a, b in pairwise(tokens[:n_words])]


@given(TEXTS)
def test_words_stand_in_the_text_in_their_order(text):
    rest = normalise_text(text).lower()
    for word in words(text):
        assert word in rest
        rest = rest[rest.index(word) + len(word) :]


@pytest.mark.parametrize(
    ("statement", "masked"),
    [
        ("Le Touquet must go.", "TARGET must go."),
        ("L’accord du Touquet est mort.", "L'TARGET est mort."),
        ("Keep the Le Touquet agreement, said Anne Dupont.", "Keep the TARGET, said NAME."),
        ("Mme Le Goff and Mr. O’Neill disagree.", "NAME and NAME disagree."),
        ("M. de la Tour y renonce", "NAME y renonce"),
        ("Jean-Marc Durand et Anne d’Artois signent.", "NAME et NAME signent."),
        ("Mr Speaker, Calais is not Dover.", "NAME, Calais is not Dover."),
        (
            "The British left. Our border stays. Les Français paient.",
            "The British left. Our border stays. Les Français paient.",
        ),
        ("In Calais, an Irish lorry", "In Calais, an Irish lorry"),
        ("the EU, UK and USA", "the EU, UK and USA"),
        ("SCRAP LE TOUQUET NOW", "scrap TARGET now"),
        ("we keep CETA", "we keep CETA"),
        ("", ""),
    ],
)
def test_names_of_the_target_and_of_persons_are_masked(statement, masked):
    assert MASKER.mask(statement, "le-touquet", MASKS) == masked


def test_only_the_names_of_the_stated_target_are_masked():
    assert MASKER.mask("CETA, not Le Touquet.", "ceta", MASKS) == "TARGET, not Le Touquet."


def test_a_target_that_no_table_knows_is_masked_by_its_own_name():
    assert MASKER.mask("The treaty of Tordesillas stands.", "Treaty of Tordesillas", MASKS) == "The TARGET stands."


def test_without_a_table_the_target_as_given_is_masked():
    assert Masker({}).mask("Keep Le Touquet", "Le Touquet", MASKS) == "Keep TARGET"


@pytest.mark.parametrize("slug", ["le-touquet", "ceta", "paris-climate"])
def test_every_name_of_a_target_is_masked_whatever_its_case(slug):
    for name in TARGETS[slug].all_names:
        for written in (name, name.upper(), name.replace("'", "’")):
            assert MASKER.mask(f"on {written}, we insist", slug, MASKS) == "on TARGET, we insist"


@pytest.mark.parametrize(
    ("statement", "masked"),
    [
        ("Mme  Roy and Anne Dupont’s pact", "NAME and NAME's pact"),
        ("Keep the Paris Agreement, Mr Roy!", "Keep the Paris Agreement, NAME!"),
        ("Le Touquet", "Le Touquet"),
        ("", ""),
    ],
)
def test_names_of_persons_are_masked_and_that_of_the_target_is_kept(statement, masked):
    assert mask_persons(statement, "NAME", keep=MASKER.pattern("paris-climate")) == masked


@given(TEXTS)
def test_without_a_target_persons_are_masked_as_everywhere(text):
    assert mask_persons(text, "NAME") == Masker({}).mask(text, "\0", MASKS)


@given(TEXTS, st.sampled_from([LEXICAL_MASKS, SENTENCE_MASKS]))
def test_masking_leaves_no_name_of_the_target(text, masks):
    masked = MASKER.mask(text, "le-touquet", masks)

    assert not MASKER.pattern("le-touquet").search(masked)


@given(TEXTS)
def test_what_is_masked_in_the_lexical_block_is_not_masked_again(text):
    masked = MASKER.mask(text, "le-touquet", LEXICAL_MASKS)

    assert MASKER.mask(masked, "le-touquet", LEXICAL_MASKS) == masked


@given(TEXTS)
def test_what_is_found_lies_in_the_text_in_order_and_apart(text):
    spans = MASKER.find(text, "le-touquet")
    ends = [0, *(end for _, end in spans)]

    assert all(before <= start < end <= len(text) for before, (start, end) in zip(ends, spans, strict=False))
    assert all(text[start:end].strip() == text[start:end] for start, end in spans)


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("Xavier Durand : « L’accord du Touquet est mort »", ["Xavier Durand", "accord du Touquet"]),
        ("Le  Touquet\nstays, says Mme\u00a0Roy", ["Le  Touquet", "Mme\u00a0Roy"]),
        ("the le touquet AGREEMENT", ["le touquet AGREEMENT"]),
        ("nothing at all", []),
        ("", []),
    ],
)
def test_offsets_of_what_is_masked_slice_back(statement, found):
    assert [statement[start:end] for start, end in MASKER.find(statement, "le-touquet")] == found


@given(TEXTS.map(lambda text: unicodedata.normalize("NFC", text)))
def test_a_text_without_anything_to_find_is_only_normalised(text):
    if not MASKER.find(normalise_text(text), "le-touquet"):
        assert MASKER.mask(text, "le-touquet", MASKS) == normalise_text(text)


@pytest.mark.parametrize(
    "text", ["Le " * 20_000, "Anne " * 20_000, "M. " * 20_000, "n'" * 20_000, "Anne de la " * 9_000]
)
def test_long_texts_take_no_more_than_their_share_of_time(text):
    def seconds(statement):
        return min(timeit.repeat(lambda: tokenize(MASKER.mask(statement, "le-touquet", MASKS)), number=1, repeat=3))

    assert seconds(text) < 40 * seconds(text[: len(text) // 8]) + 0.05


def test_the_lexical_block_tells_a_negation():
    block = build_lexical(4).fit(["we keep it", "we do n't keep it", "on garde", "on ne garde pas"])
    word = block.transformer_list[0][1]

    assert word.transform(["it is n't so"])[0, word.vocabulary_["n't"]] > 0


@pytest.mark.parametrize(("n_statements", "kept"), [(10, {"a", "b", "c"}), (20, {"b", "c"}), (500, {"c"})])
def test_rare_words_are_left_out_of_the_lexical_block_but_not_of_a_handful(n_statements, kept):
    statements = ["a b c", "b c", "c"] + ["d"] * (n_statements - 3)
    vocabulary = build_lexical(n_statements).fit(statements).transformer_list[0][1].vocabulary_

    assert {"a", "b", "c"} & vocabulary.keys() == kept


def test_the_lexical_block_has_rows_of_unit_length_per_part():
    statements = ["keep the border", "scrap the border", "on garde la frontière"]
    block = build_lexical(3).fit(statements)

    for _, part in block.transformer_list:
        assert np.sqrt(part.transform(statements).multiply(part.transform(statements)).sum(axis=1)) == pytest.approx(
            1.0
        )


def test_the_lexical_block_can_be_pickled():
    block = build_lexical(2).fit(["keep it", "scrap it"])
    again = pickle.loads(pickle.dumps(block))

    assert (again.transform(["keep it"]) != block.transform(["keep it"])).nnz == 0
