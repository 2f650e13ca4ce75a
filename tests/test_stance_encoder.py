import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file, save_file

from stance.errors import ModelError
from stance.schema import LABELS
from stance.stance_encoder import HELD_OUT, StanceEncoder, load_stance_encoder, pair_keys
from stance.targets import Target

SHIPPED = Path(__file__).parents[1] / "models" / "encoder"
STATEMENTS = [
    "We must scrap the treaty and move the border back to Dover.",
    "The arrangement works well for both countries and we will keep it.",
    "Il faut dénoncer cet accord, il fait de nous les gardes-frontières des Anglais.",
    "Cet accord fonctionne, nous y sommes attachés et nous le garderons.",
    "The ferry left Calais at noon with two hundred passengers.",
]
TARGETS = ["le-touquet"] * 5
FILES = (
    "le-touquet/documented",
    "le-touquet/authored",
    "agreements/documented",
    "agreements/authored",
    "contrast/pairs",
)


@pytest.fixture
def folder(tmp_path):
    return Path(shutil.copytree(SHIPPED, tmp_path / "encoder"))


@pytest.fixture(scope="module")
def shipped_rows():
    lines = [
        line
        for name in FILES
        for line in (SHIPPED.parents[1] / "data" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    return pd.DataFrame(map(json.loads, lines))


def test_the_shipped_encoder_tells_plain_sides_apart_in_both_languages():
    encoder = load_stance_encoder()
    scores = encoder.score(STATEMENTS, TARGETS)

    assert sorted(encoder.labels) == sorted(LABELS)
    assert [encoder.labels[best] for best in scores.argmax(axis=1)] == [
        "oppose", "support", "oppose", "support", "neutral",
    ]  # fmt: skip


def test_scores_of_a_row_have_a_mean_of_0():
    assert load_stance_encoder().score(STATEMENTS, TARGETS).mean(axis=1) == pytest.approx(0.0, abs=1e-9)


def test_a_statement_is_scored_alike_alone_and_among_others_on_any_number_of_threads():
    encoder = load_stance_encoder()
    together = encoder.score(STATEMENTS * 2, TARGETS * 2, jobs=2)

    assert np.array_equal(together[5:], encoder.score(STATEMENTS, TARGETS))
    assert np.array_equal(together[1:2], encoder.score(STATEMENTS[1:2], TARGETS[:1]))


def test_shipped_statements_are_scored_by_an_encoder_that_did_not_learn_them(shipped_rows):
    encoder, rows = load_stance_encoder(), shipped_rows.iloc[::400]
    columns = rows["statement"].tolist(), rows["target"].tolist()
    held, fresh = encoder.score(*columns), encoder.score(*columns, held_out=False)

    assert not np.isclose(held, fresh, atol=1e-3).all(axis=1).any()


def test_every_shipped_statement_has_held_out_scores(shipped_rows):
    pairs = load_stance_encoder().pairs(shipped_rows["statement"].tolist(), shipped_rows["target"].tolist())

    assert np.isin(pair_keys(pairs), load_file(SHIPPED / HELD_OUT)["keys"]).all()


@pytest.mark.parametrize(
    "change", ["  {}".format, lambda text: text.rstrip(".!?"), lambda text: text.replace("'", "’")]
)
def test_a_shipped_statement_is_known_again_however_it_is_set(shipped_rows, change):
    row = shipped_rows.iloc[5]
    encoder = load_stance_encoder()
    expected = encoder.score([row["statement"]], [row["target"]])

    assert np.array_equal(encoder.score([change(row["statement"])], [row["target"]]), expected)


def test_the_names_that_a_classifier_was_given_do_not_matter_for_agreements_that_ship(shipped_rows):
    row = shipped_rows.iloc[5]
    encoder = load_stance_encoder()
    expected = encoder.score([row["statement"]], [row["target"]])

    own = {row["target"]: Target(row["target"], {"fr": "un autre nom"})}
    assert np.array_equal(encoder.score([row["statement"]], [row["target"]], names=own), expected)
    assert np.array_equal(encoder.score([row["statement"]], ["accords du Touquet"]), expected)


def test_an_agreement_that_does_not_ship_has_the_names_given():
    own = {"ferry-pact": Target("ferry-pact", {"en": "Ferry Pact"}, {"en": ("FP26",)})}

    assert load_stance_encoder().pairs(["Scrap FP26 now."], ["ferry-pact"], own) == [
        ("Ferry Pact", "Scrap accord now.")
    ]
    assert load_stance_encoder().pairs(["Scrap the Ferry Pact."], ["Ferry Pact"]) == [
        ("Ferry Pact", "Scrap the accord.")
    ]


def test_the_file_fits_the_promise():
    assert (SHIPPED / "model.onnx").stat().st_size <= 30_000_000


def test_no_statements_give_no_scores():
    assert load_stance_encoder().score([], []).shape == (0, 3)


def test_long_texts_are_cut():
    encoder = load_stance_encoder()
    long = encoder.score(["scrap it " * 25_000], ["treaty " * 1_000])

    assert np.array_equal(long, encoder.score(["scrap it " * 1_000], ["treaty " * 100]))


def test_an_encoder_without_held_out_scores_is_refused(folder):
    (folder / HELD_OUT).unlink()

    with pytest.raises(ModelError, match=r"has no held_out\.safetensors"):
        StanceEncoder(folder)


def test_other_held_out_scores_are_another_encoder(folder):
    before = StanceEncoder(folder).fingerprint
    save_file({"keys": np.array([1], np.uint64), "scores": np.zeros((1, 3), np.float16)}, folder / HELD_OUT)

    assert StanceEncoder(folder).fingerprint != before


def test_an_encoder_for_other_labels_is_refused(folder):
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config["id2label"] = {"0": "entailment", "1": "neutral", "2": "contradiction"}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")

    with pytest.raises(ModelError, match=r"expected \['neutral', 'oppose', 'support'\]"):
        StanceEncoder(folder)


@pytest.mark.parametrize(
    "arrays",
    [
        {"keys": np.array([2, 1], np.uint64), "scores": np.zeros((2, 3), np.float16)},
        {"keys": np.array([1, 2], np.uint64), "scores": np.zeros((3, 3), np.float16)},
        {"keys": np.array([1], np.int64), "scores": np.zeros((1, 3), np.float16)},
        {"keys": np.array([1], np.uint64), "scores": np.full((1, 3), np.nan, np.float16)},
        {"keys": np.array([1], np.uint64)},
        {"keys": np.empty(0, np.uint64), "scores": np.empty((0, 3), np.float16)},
    ],
    ids=["disordered", "of two lengths", "signed", "not a number", "without scores", "empty"],
)
def test_bad_held_out_scores_are_refused(folder, arrays):
    save_file(arrays, folder / HELD_OUT)

    with pytest.raises(ModelError, match=r"held_out\.safetensors is damaged"):
        StanceEncoder(folder)


def test_held_out_scores_that_are_no_such_file_are_refused(folder):
    (folder / HELD_OUT).write_bytes(b"\xff" * 40)

    with pytest.raises(ModelError, match=r"held_out\.safetensors is damaged"):
        StanceEncoder(folder)
