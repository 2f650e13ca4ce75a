"""The predictor answers whatever it is given, in its order, and says when it cannot tell."""

import copy
import json
from dataclasses import replace

import datasets
import numpy as np
import pandas as pd
import pytest

from stance import predictor as module
from stance.errors import ModelError, SchemaError
from stance.estimator import StanceClassifier
from stance.predictor import Prediction, StancePredictor
from stance.schema import LABELS
from stance.targets import read_targets

STATEMENTS = [
    "We will defend the agreement: moving the border would only draw more people to the coast.",
    "Les accords du Touquet doivent être dénoncés.",
    "",
    "Beat the eggs with the sugar, fold in the flour and bake for 25 minutes.",
    "Das Abkommen hat sich bewährt und muss erhalten bleiben.",
]
ADDED = ["stance", "p_support", "p_oppose", "p_neutral", "score", "abstained", "reason"]


@pytest.fixture(scope="module")
def predictor(tiny_model):
    return StancePredictor(tiny_model)


@pytest.fixture(scope="module")
def unsure(tiny_model):
    """Predictor that is very unsure about agreements never seen."""
    model = copy.deepcopy(tiny_model)
    model.calibrations_["unseen"] = replace(model.calibrations_["unseen"], temperature=1e6, biases=(0.0, 0.0, 0.0))
    return StancePredictor(model)


@pytest.fixture(scope="module")
def expected(predictor):
    return predictor.predict(STATEMENTS)


def same(first, second):
    """Whether predictions are the same but for the last digits, which depend on what is encoded together."""
    return len(first) == len(second) and all(
        (a.statement, a.target, a.stance, a.abstained, a.reason)
        == (b.statement, b.target, b.stance, b.abstained, b.reason)
        and a.probabilities == pytest.approx(b.probabilities, abs=1e-5)
        for a, b in zip(first, second, strict=True)
    )


# ---------------------------------------------------------------- what comes back


def test_text_gives_a_prediction_and_texts_a_list(predictor, expected):
    assert all(isinstance(prediction, Prediction) for prediction in expected)
    for statement, prediction in zip(STATEMENTS, expected, strict=True):
        alone = predictor.predict(statement)
        assert isinstance(alone, Prediction)
        assert same([alone], [prediction])


def test_probabilities_are_of_all_labels_and_sum_to_one(expected):
    for prediction in expected:
        assert list(prediction.probabilities) == list(LABELS)
        assert sum(prediction.probabilities.values()) == pytest.approx(1)
        assert all(type(value) is float and 0 <= value <= 1 for value in prediction.probabilities.values())


def test_score_is_support_less_oppose(predictor, tiny_frame):
    predictions = predictor.predict(tiny_frame["statement"])
    for prediction in predictions:
        assert prediction.score == prediction.probabilities["support"] - prediction.probabilities["oppose"]
        assert -1 <= prediction.score <= 1
    assert {prediction.score > 0 for prediction in predictions} == {True, False}


def test_stance_is_the_most_probable_unless_it_abstains(predictor, tiny_frame):
    predictions = predictor.predict(tiny_frame["statement"])
    assert {prediction.abstained for prediction in predictions} == {True, False}
    for prediction in predictions:
        best = max(prediction.probabilities, key=prediction.probabilities.get)
        assert prediction.stance == (None if prediction.abstained else best)
        assert (prediction.reason is not None) == prediction.abstained


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("", "empty"),
        (" \t\n\u00a0", "empty"),
        ("…?! 👍", "empty"),
        ("Das Abkommen hat sich bewährt und muss erhalten bleiben.", "language"),
        ("这个协议必须结束,我们不能继续下去。", "language"),
        ("Beat the eggs with the sugar, fold in the flour and bake for 25 minutes.", "off-topic"),
        ("Mélangez la farine et le beurre, puis enfournez pendant vingt-cinq minutes.", "off-topic"),
    ],
)
def test_what_cannot_be_judged_is_said_with_the_reason(predictor, statement, reason):
    prediction = predictor.predict(statement)
    assert (prediction.abstained, prediction.stance, prediction.reason) == (True, None, reason)


def test_random_characters_are_not_answered(predictor):
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz0123456789 .,!?"))
    draw = np.random.default_rng(0).choice(letters, size=(30, 60))
    assert all(prediction.abstained for prediction in predictor.predict(["".join(row) for row in draw]))


def test_prediction_can_be_written_as_json(predictor):
    values = predictor.predict(np.array(["Le Touquet works."]))[0].to_dict()
    assert list(values) == ["statement", "target", "stance", "abstained", "reason", "score", "probabilities"]
    assert json.loads(json.dumps(values, allow_nan=False)) == values


@pytest.mark.parametrize(
    ("labels", "lacking"), [(["support", "oppose"], "neutral"), (["neutral", "oppose"], "support")]
)
def test_label_that_the_model_lacks_has_probability_nothing(labels, lacking):
    texts = [
        "We keep it.",
        "Scrap it now!",
        "It works for Kent.",
        "It has failed Calais.",
        "A good deal.",
        "A bad deal.",
    ]
    two = StancePredictor(StanceClassifier(blocks=("lexical",), folds=2).fit(texts, labels * 3))
    predictions = two.predict(texts)
    assert all(prediction.probabilities[lacking] == 0 for prediction in predictions)
    assert all(sum(prediction.probabilities.values()) == pytest.approx(1) for prediction in predictions)
    assert (two.predict_frame(pd.DataFrame({"statement": texts}))[f"p_{lacking}"] == 0).all()


def test_model_of_other_labels_is_refused():
    model = StanceClassifier(blocks=("lexical",), folds=2).fit(
        ["We keep it.", "Scrap it now!"] * 3, ["pro", "anti"] * 3
    )
    with pytest.raises(ModelError, match=r"the model answers \['anti', 'pro'\]"):
        StancePredictor(model)


# ---------------------------------------------------------------- what it takes


@pytest.mark.parametrize(
    "form",
    [
        tuple,
        iter,
        lambda texts: (text for text in texts),
        np.array,
        lambda texts: np.array(texts, dtype=object),
        pd.Series,
        lambda texts: pd.Series(texts, index=list("edcba"), dtype="string"),
        lambda texts: pd.Index(texts),
        lambda texts: pd.DataFrame({"statement": texts}),
        lambda texts: pd.DataFrame(
            {"statement": texts, "target": [None, "", np.nan, "le-touquet", "Accord du Touquet"]}
        ),
        lambda texts: datasets.Dataset.from_dict({"statement": texts})["statement"],
        dict.fromkeys,
    ],
    ids="tuple iterator generator array objects Series strings Index frame targets column keys".split(),
)
def test_form_of_the_statements_does_not_matter(predictor, expected, form, request):
    statements = form(STATEMENTS)
    if isinstance(statements, dict):
        with pytest.raises(SchemaError, match="expected a text, a sequence of texts or a table"):
            predictor.predict(statements)
    else:
        assert same(predictor.predict(statements), expected)


@pytest.mark.parametrize("missing", [None, float("nan"), np.nan, np.float64("nan"), pd.NA])
def test_missing_text_is_an_empty_one(predictor, missing):
    predictions = predictor.predict(["Le Touquet works.", missing])
    assert (predictions[1].statement, predictions[1].reason) == ("", "empty")
    frame = predictor.predict_frame(pd.DataFrame({"statement": pd.Series([missing, "Keep it."], dtype=object)}))
    assert frame["reason"].iloc[0] == "empty"


@pytest.mark.parametrize("value", [7, 1.5, b"keep it", ["keep it"], True])
def test_what_is_no_text_is_named(predictor, value):
    with pytest.raises(SchemaError, match=r"statement 2 is .*; expected a text"):
        predictor.predict(["Keep it.", value])


@pytest.mark.parametrize("value", [None, b"keep it", {"statement": ["keep it"]}])
def test_what_is_no_sequence_of_texts_is_refused(predictor, value):
    with pytest.raises(SchemaError, match="expected a text, a sequence of texts or a table"):
        predictor.predict(value)


def test_table_without_statements_is_refused(predictor):
    with pytest.raises(SchemaError, match=r"no column 'statement'; the table has \['text'\]"):
        predictor.predict_frame(pd.DataFrame({"text": ["Keep it."]}))


def test_nothing_gives_nothing(predictor):
    assert predictor.predict([]) == []
    empty = predictor.predict_frame(pd.DataFrame({"statement": []}))
    assert (len(empty), set(ADDED) <= set(empty.columns)) == (0, True)
    assert predictor.predict_batch({"statement": []})["stance"] == []
    assert predictor.explain("") == []


def test_order_is_kept_over_many_chunks(predictor, monkeypatch, tiny_frame):
    frame = tiny_frame[["statement", "target"]]
    whole = predictor.predict(frame)
    monkeypatch.setattr(module, "_CHUNK", 16)
    assert same(predictor.predict(frame), whole)
    assert [prediction.statement for prediction in whole] == frame["statement"].tolist()
    pd.testing.assert_series_equal(
        predictor.predict_frame(frame)["score"], pd.Series([p.score for p in whole], name="score"), atol=1e-5
    )


@pytest.mark.parametrize(
    "text", ["The agreement must end. ", "Keep Le Touquet-", "👍 e\u0301 ", "a", "Aa-", "\x00", "«’"]
)
def test_very_long_statement_is_judged(predictor, text):
    statement = (text * 200_000)[:200_000]
    prediction = predictor.predict(statement)
    assert prediction.statement == statement
    assert -1 <= prediction.score <= 1


# ---------------------------------------------------------------- targets


@pytest.mark.parametrize(
    ("given", "slug"),
    [
        (None, "le-touquet"),
        ("", "le-touquet"),
        ("le-touquet", "le-touquet"),
        ("Le Touquet agreement", "le-touquet"),
        ("ACCORDS DU TOUQUET", "le-touquet"),
        ("Iran nuclear deal", "iran-nuclear-deal"),
        ("accord sur le nucléaire iranien", "iran-nuclear-deal"),
        (" Treaty of Tordesillas ", "Treaty of Tordesillas"),
    ],
)
def test_target_is_given_by_any_of_its_names(predictor, given, slug):
    assert slug in {"Treaty of Tordesillas", *read_targets()}
    assert predictor.predict("It must end.", target=given).target == slug
    assert [p.target for p in predictor.predict(["It must end."] * 2, target=given)] == [slug] * 2
    frame = pd.DataFrame({"statement": ["It must end."], "target": [given]})
    assert predictor.predict(frame)[0].target == slug


def test_argument_goes_before_the_column(predictor):
    frame = pd.DataFrame({"statement": ["It must end."] * 2, "target": ["tpp", None]})
    assert [p.target for p in predictor.predict(frame)] == ["tpp", "le-touquet"]
    assert [p.target for p in predictor.predict(frame, target="Schengen Agreement")] == ["schengen-agreement"] * 2


def test_answer_depends_on_whether_the_agreement_is_known(unsure):
    known, unseen = (unsure.predict("It must end.", target=target) for target in (None, "Treaty of Tordesillas"))
    assert max(known.probabilities.values()) > 0.35
    assert unseen.probabilities == pytest.approx(dict.fromkeys(LABELS, 1 / 3), abs=1e-4)


# ---------------------------------------------------------------- tables


@pytest.mark.parametrize("index", [[3, 1, 2, 0, 9], ["a", "a", "b", "b", "b"], pd.date_range("2020", periods=5)])
def test_table_keeps_its_index_and_columns_and_is_not_changed(predictor, expected, index):
    frame = pd.DataFrame({"note": range(5), "statement": STATEMENTS}, index=index)
    before = frame.copy()
    scored = predictor.predict_frame(frame)
    pd.testing.assert_frame_equal(frame, before)
    assert scored.index.equals(frame.index)
    assert [name for name in scored.columns if name != "target"] == ["note", "statement", *ADDED]
    pd.testing.assert_frame_equal(scored[["note", "statement"]], before)
    assert scored["stance"].astype(object).where(scored["stance"].notna(), None).tolist() == [
        p.stance for p in expected
    ]
    assert scored["reason"].astype(object).where(scored["reason"].notna(), None).tolist() == [
        p.reason for p in expected
    ]
    assert scored["abstained"].tolist() == [p.abstained for p in expected]
    for name in ("score", "p_support", "p_oppose", "p_neutral"):
        values = [p.score if name == "score" else p.probabilities[name[2:]] for p in expected]
        np.testing.assert_allclose(scored[name], values, atol=1e-5)


def test_given_stance_is_kept_beside_the_predicted_one(predictor, tiny_frame):
    scored = predictor.predict_frame(tiny_frame)
    assert scored["stance_given"].tolist() == tiny_frame["stance"].tolist()
    answered = scored[~scored["abstained"]]
    assert (answered["stance"] == answered["stance_given"]).mean() > 0.8
    assert scored["target"].tolist() == tiny_frame["target"].tolist()


def test_scored_table_can_be_scored_again(predictor, tiny_frame):
    once = predictor.predict_frame(tiny_frame)
    pd.testing.assert_frame_equal(predictor.predict_frame(once)[once.columns.tolist()], once)


def test_table_in_chunks_has_bounded_memory(predictor, monkeypatch):
    """No more statements than a chunk are judged at a time."""
    sizes = []
    judge = StanceClassifier.judge
    monkeypatch.setattr(
        StanceClassifier,
        "judge",
        lambda self, texts, targets: (sizes.append(len(texts)), judge(self, texts, targets))[1],
    )
    monkeypatch.setattr(module, "_CHUNK", 4)
    predictor.predict_frame(pd.DataFrame({"statement": STATEMENTS * 2}))
    assert sizes == [4, 4, 2]


# ---------------------------------------------------------------- datasets


def test_dataset_is_mapped_in_batches(predictor, expected):
    datasets.disable_progress_bars()
    dataset = datasets.Dataset.from_dict({"statement": STATEMENTS * 2, "id": list(range(10))})
    scored = dataset.map(predictor.predict_batch, batched=True, batch_size=5)
    assert scored["id"] == list(range(10))
    assert scored["statement"] == STATEMENTS * 2
    assert scored["reason"] == [p.reason for p in expected] * 2
    assert scored["stance"] == [p.stance for p in expected] * 2
    np.testing.assert_allclose(scored["score"], [p.score for p in expected] * 2, atol=1e-5)


def test_batch_takes_its_target_from_the_column_or_the_argument(unsure):
    batch = {"statement": ["It must end."] * 2, "target": ["Treaty of Tordesillas", "le-touquet"]}
    first, second = unsure.predict_batch(batch)["score"]
    assert abs(first) < 1e-4 < 0.01 < abs(second)
    assert unsure.predict_batch(batch, target="le-touquet")["score"] == pytest.approx([second] * 2)


# ---------------------------------------------------------------- loading and explaining


def test_predictor_is_loaded_from_a_folder(tiny_folder, predictor):
    loaded = StancePredictor.load(tiny_folder)
    assert loaded.predict(STATEMENTS) == predictor.predict(STATEMENTS)
    assert StancePredictor.load(str(tiny_folder)).predict("") == predictor.predict("")


def test_folder_that_is_no_model_is_refused(tmp_path):
    with pytest.raises(ModelError, match="has no manifest"):
        StancePredictor.load(tmp_path)


def test_explanation_is_for_the_target_in_any_of_its_names(predictor):
    statement = "Keep the Iran nuclear deal."
    parts = predictor.explain(statement, target="JCPOA")
    assert [part.text for part in parts] == ["Keep", "the", "Iran nuclear deal"]
    assert [part.text for part in predictor.explain(statement)][2:] == ["Iran", "nuclear", "deal"]
