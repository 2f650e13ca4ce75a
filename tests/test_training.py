"""What is trained on, what is held out, and that the same rows give the same model to the last byte."""

import hashlib
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from stance import abstention, estimator, sentence_encoder
from stance.abstention import TopicGate
from stance.config import TrainingConfig
from stance.errors import ModelError, SchemaError
from stance.estimator import StanceClassifier
from stance.persistence import load_model, save_model
from stance.targets import Target, read_targets
from stance.training import build_classifier, fingerprints, is_seen, train, training_rows

LEXICAL = TrainingConfig(target="le-touquet", blocks=("lexical",), C=(4.0,), authored_weight=(0.3,), folds=2, jobs=1)


@pytest.fixture
def stand_in(monkeypatch):
    """Vectors that depend on the text in place of the encoder's, where a lexical model does not need those."""

    def encode(texts, *, jobs=1):
        seeds = (int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") for text in texts)
        vectors = np.array([np.random.default_rng(seed).normal(size=512) for seed in seeds]).reshape(-1, 512)
        return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)

    for module in (abstention, estimator):
        monkeypatch.setattr(module, "encode_sentences", encode)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


# ---------------------------------------------------------------- the same bytes


def test_same_seed_gives_the_same_folder_whatever_the_processes(tiny_frame, tmp_path, monkeypatch):
    monkeypatch.setattr(sentence_encoder, "_CHUNK", 50)  # so that encoding is shared out, too
    monkeypatch.setattr(estimator, "_MIN_CALIBRATION_ROWS", 40)
    values = {"target": "le-touquet", "C": [0.5, 4.0], "authored_weight": [0.0, 0.3], "folds": 2}
    folders = []
    for number, jobs in enumerate((1, 2, 2, 1)):
        model = train(tiny_frame.copy(), TrainingConfig().with_values({**values, "jobs": jobs}))
        folders.append(contents(save_model(model, tmp_path / str(number))))
    assert {"known", "unseen"} <= set(model.search_[0])
    assert len(set(model.calibrations_.values())) == 3
    assert all(folder == folders[0] for folder in folders[1:])


def test_sums_are_taken_by_one_thread(tiny_frame, stand_in, monkeypatch):
    """With several, the last digits would depend on the number of cores."""
    seen = []

    def watched(cls, embeddings, fit=TopicGate.fit):
        seen.extend(pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas")
        return fit(embeddings)

    monkeypatch.setattr(TopicGate, "fit", classmethod(watched))
    with threadpool_limits(2):
        train(tiny_frame, LEXICAL)
    assert set(seen) == {1}


def test_index_and_further_columns_do_not_matter(tiny_frame, stand_in, tmp_path):
    other = tiny_frame.assign(note="x", party="y")[["note", *tiny_frame.columns[::-1]]]
    other.index = range(1_000, 1_000 + len(other))
    first, second = (
        save_model(train(frame, LEXICAL), tmp_path / name) for frame, name in ((tiny_frame, "a"), (other, "b"))
    )
    assert contents(first) == contents(second)


def test_order_of_rows_matters_little(tiny_frame, stand_in):
    first = train(tiny_frame, LEXICAL)
    second = train(tiny_frame.sample(frac=1, random_state=0), LEXICAL)
    assert first.training_["sha256"] != second.training_["sha256"]
    np.testing.assert_array_equal(first.seen_, second.seen_)
    assert (first.predict(tiny_frame) == second.predict(tiny_frame)).mean() > 0.9


def test_training_does_not_change_the_table(tiny_frame, stand_in):
    frame = tiny_frame.copy()
    train(frame, LEXICAL)
    pd.testing.assert_frame_equal(frame, tiny_frame)


# ---------------------------------------------------------------- what it was trained on


def test_model_says_what_it_was_trained_on(tiny_frame, tiny_model):
    assert tiny_model.training_["rows"] == len(tiny_frame)
    assert len(tiny_model.training_["sha256"]) == 64
    assert tiny_model.training_["config"]["authored_weight"] == [0.3]
    assert "jobs" not in tiny_model.training_["config"]


@pytest.mark.parametrize("column", ["statement", "target", "stance", "lang", "speaker", "event", "pair", "origin"])
def test_hash_tells_changed_rows(tiny_frame, stand_in, column):
    frame = tiny_frame.copy()
    frame["pair"] = None
    given = frame.loc[3, column]
    changed = frame.copy()
    changed.loc[3, column] = "oppose" if given == "support" else "support" if column == "stance" else "other"
    first, second = (train(table, LEXICAL).training_["sha256"] for table in (frame, changed))
    assert first != second


def test_what_is_not_read_does_not_change_the_hash(tiny_model, stand_in, tiny_frame):
    frame = tiny_frame.assign(party="other", source="other", theme=None)
    config = TrainingConfig(target="le-touquet", C=(4.0,), authored_weight=(0.3,), folds=2, jobs=1)
    assert train(frame, config).training_ == tiny_model.training_


def test_trained_statements_are_told_in_any_case_and_punctuation(tiny_model, tiny_frame):
    texts = tiny_frame["statement"]
    assert is_seen(tiny_model, texts).all()
    assert is_seen(tiny_model, texts.str.upper().str.replace(r"[.,;:!?'’]", " ", regex=True)).mean() > 0.95
    assert is_seen(tiny_model, [f"  {texts[0].lower()} !", "Never said before by anybody at all."]).tolist() == [
        True,
        False,
    ]


def test_what_was_seen_is_saved_with_the_model(tiny_folder, tiny_frame):
    loaded = load_model(tiny_folder)
    assert is_seen(loaded, tiny_frame["statement"]).all()
    assert not is_seen(loaded, ["Never said before by anybody at all."]).any()


def test_statements_that_differ_have_other_fingerprints():
    assert fingerprints(["Keep it.", "keep  IT!", "Gárdez-lé", "gardez le"]).tolist() == [
        *fingerprints(["Keep it"]).tolist() * 2,
        *fingerprints(["gardez-le"]).tolist() * 2,
    ]
    assert len(set(fingerprints(["Keep it.", "Keep us.", "", "\ud800"]).tolist())) >= 3
    assert fingerprints([]).tolist() == []


def test_classifier_not_made_by_train_cannot_say_what_it_saw(tiny_folder, tmp_path):
    bare = load_model(tiny_folder)
    del bare.seen_
    with pytest.raises(ModelError, match=r"make it with stance\.train"):
        is_seen(bare, ["Keep it."])
    with pytest.raises(ModelError, match=r"make it with stance\.train"):
        is_seen(load_model(save_model(bare, tmp_path / "bare")), ["Keep it."])


# ---------------------------------------------------------------- holding out


def table():
    return pd.DataFrame(
        {
            "id": ["a1", "a2", "a3", None],
            "statement": ["Keep it.", "End it.", "Wait.", "See."],
            "target": "le-touquet",
            "stance": ["support", "oppose", "neutral", "neutral"],
            "event": ["summit", "summit", None, "vote"],
        },
        index=[10, 11, 12, 13],
    )


@pytest.mark.parametrize(
    ("held_out", "left"),
    [
        ((), ["Keep it.", "End it.", "Wait.", "See."]),
        (("summit",), ["Wait.", "See."]),
        (("a1",), ["End it.", "Wait.", "See."]),
        (("a2", "vote"), ["Keep it.", "Wait."]),
        (("summit", "a1", "a3"), ["See."]),
    ],
)
def test_events_and_single_rows_are_held_out(held_out, left):
    rows = training_rows(table(), TrainingConfig(hold_out=held_out))
    assert rows["statement"].tolist() == left


def test_rows_left_are_numbered_anew():
    assert training_rows(table(), TrainingConfig(hold_out=("a1",))).index.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("columns", "held_out", "fault"),
    [
        (["id", "event"], ("summit", "sumit", "a9"), r"hold_out names \['a9', 'sumit'\]"),
        (["event"], ("a1",), r"\['a1'\]: no statement has that event or id"),
        (["id"], ("summit",), r"\['summit'\]"),
        ([], ("summit",), r"\['summit'\]"),
        (["id", "event"], ("",), r"\[''\]"),
        (["id", "event"], ("None", "nan"), r"\['None', 'nan'\]"),
    ],
)
def test_what_no_row_belongs_to_cannot_be_held_out(columns, held_out, fault):
    frame = table()[["statement", "target", "stance", *columns]]
    with pytest.raises(SchemaError, match=fault):
        training_rows(frame, TrainingConfig(hold_out=held_out))


def test_rows_held_out_leave_no_trace(tiny_frame, stand_in):
    event = tiny_frame["event"].dropna().iloc[0]
    row = tiny_frame.loc[tiny_frame["event"] != event, "id"].iloc[0]
    config = replace(LEXICAL, hold_out=(event, row))
    model = train(tiny_frame, config)
    out = (tiny_frame["event"] == event) | (tiny_frame["id"] == row)
    assert not is_seen(model, tiny_frame.loc[out, "statement"]).any()
    assert is_seen(model, tiny_frame.loc[~out, "statement"]).all()
    assert model.training_["rows"] == (~out).sum()
    assert model.training_["config"]["hold_out"] == [event, row]
    left = train(tiny_frame[~out], LEXICAL)
    np.testing.assert_array_equal(model.predict_proba(tiny_frame), left.predict_proba(tiny_frame))


# ---------------------------------------------------------------- settings


def test_settings_reach_the_classifier():
    config = TrainingConfig("tpp", ("lexical",), "nli", (2.0,), (0.5,), (3.0,), (0.7,), 1.5, 4, 0.8, (), 7, 2)
    params = build_classifier(config).get_params()
    expected = {
        "target": "tpp",
        "blocks": ("lexical",),
        "C": (2.0,),
        "authored_weight": (0.5,),
        "sentence_weight": (3.0,),
        "stance_weight": (0.7,),
        "entailment": "nli",
    }
    expected |= {"target_weight": 1.5, "folds": 4, "precision": 0.8, "random_state": 7, "n_jobs": 2}
    assert {name: params[name] for name in expected} == expected
    assert params["targets"] == read_targets()


def test_own_targets_replace_those_that_ship(tiny_frame, stand_in):
    own = {"pact": Target("pact", {"en": "Stone Bridge pact"})}
    model = train(tiny_frame.assign(target="Stone Bridge Pact"), replace(LEXICAL, target="pact"), targets=own)
    assert model.main_target_ == "pact"
    assert model.targets is own
    assert build_classifier(targets={}).targets == {}


def test_default_settings_do(tiny_frame):
    assert isinstance(build_classifier(), StanceClassifier)
    with pytest.raises(SchemaError, match="missing columns"):
        train(tiny_frame.drop(columns="stance"))


def test_rows_that_cannot_be_used_are_named(tiny_frame):
    frame = tiny_frame.copy()
    frame.loc[4, "stance"] = "perhaps"
    with pytest.raises(SchemaError, match="row 5: stance is unknown: 'perhaps'"):
        train(frame, LEXICAL)
