import json
import time

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config
from sklearn import metrics as sk
from sklearn.linear_model import LogisticRegression

from stance.errors import SchemaError
from stance.evaluation import (
    METRICS,
    Estimate,
    Evaluation,
    Predictions,
    ShareFloor,
    baselines,
    compare,
    cross_evaluate,
    evaluate,
    predict_scores,
    score_predictions,
    worst_errors,
)
from stance.schema import LABELS


def make_case(n=300, n_events=60, seed=1):
    """Rows with labels, events and slices, and probabilities that know something about the labels."""
    random = np.random.default_rng(seed)
    gold = random.choice(3, size=n, p=[0.25, 0.25, 0.5])
    logits = random.normal(size=(n, 3)) + 1.5 * np.eye(3)[gold]
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    event = random.integers(n_events, size=n)
    frame = pd.DataFrame(
        {
            "statement": [f"statement {i}" for i in range(n)],
            "target": np.where(event % 2, "le-touquet", "dublin-regulation"),
            "stance": np.array(LABELS)[gold],
            "event": [f"e{e}" for e in event],
            "lang": random.choice(["en", "fr"], size=n),
            "country": random.choice(["FR", "UK", None], size=n),
            "hard": pd.array(random.choice([True, False], size=n), dtype="boolean"),
        }
    )
    return frame, probabilities


@pytest.fixture
def case():
    return make_case()


def value(evaluation, name):
    return evaluation.metrics[name].value


# --- the metrics


def test_label_metrics_agree_with_scikit_learn(case):
    frame, probabilities = case
    scores = score_predictions(frame, probabilities, n_bootstrap=0)
    gold, predicted = frame["stance"], np.array(LABELS)[probabilities.argmax(axis=1)]
    expected = {
        "macro_f1": sk.f1_score(gold, predicted, average="macro"),
        "accuracy": sk.accuracy_score(gold, predicted),
        "mcc": sk.matthews_corrcoef(gold, predicted),
    }
    expected |= {f"f1_{x}": sk.f1_score(gold, predicted, labels=[x], average="macro") for x in LABELS}
    assert {name: value(scores, name) for name in expected} == pytest.approx(expected, abs=1e-6)
    assert np.array_equal(scores.confusion, sk.confusion_matrix(gold, predicted, labels=LABELS))


def test_brier_score_sums_squared_errors_over_labels():
    frame = pd.DataFrame({"stance": ["support", "oppose"]})
    scores = score_predictions(frame, [[0.7, 0.2, 0.1], [1.0, 0.0, 0.0]], n_bootstrap=0)
    assert value(scores, "brier") == pytest.approx((0.09 + 0.04 + 0.01 + 2.0) / 2)


def test_calibration_error_is_that_of_ten_bins_of_equal_mass(case):
    frame, probabilities = case
    confidence = probabilities.max(axis=1)
    right = np.array(LABELS)[probabilities.argmax(axis=1)] == frame["stance"].to_numpy()
    parts = np.array_split(np.argsort(confidence), 10)
    expected = sum(len(p) / 300 * abs(confidence[p].mean() - right[p].mean()) for p in parts)
    scores = score_predictions(frame, probabilities, n_bootstrap=0)
    assert value(scores, "ece") == pytest.approx(expected, abs=1e-6)
    assert [b.n for b in scores.reliability] == [30] * 10
    assert sum(b.n * abs(b.confidence - b.accuracy) for b in scores.reliability) / 300 == pytest.approx(
        expected, abs=1e-5
    )


def test_rows_of_equal_confidence_share_a_bin():
    frame = pd.DataFrame({"stance": ["support", "oppose"] * 100})
    scores = score_predictions(frame, np.tile([0.75, 0.25, 0.0], (200, 1)), n_bootstrap=0)
    assert [(b.n, b.confidence, b.accuracy) for b in scores.reliability] == [(200, 0.75, 0.5)]
    assert value(scores, "ece") == 0.25


def test_support_against_oppose_ignores_neutral_and_halves_ties():
    frame = pd.DataFrame({"stance": ["support", "oppose", "oppose", "neutral"]})
    probabilities = [[0.2, 0.1, 0.7], [0.2, 0.1, 0.7], [0.3, 0.3, 0.4], [0.1, 0.9, 0.0]]
    scores = score_predictions(frame, probabilities, n_bootstrap=0)
    assert value(scores, "support_oppose_accuracy") == 0.5


def test_confident_accuracy_takes_the_surest_forty_percent(case):
    frame, probabilities = case
    surest = np.argsort(-probabilities.max(axis=1))[:120]
    right = np.array(LABELS)[probabilities.argmax(axis=1)] == frame["stance"].to_numpy()
    scores = score_predictions(frame, probabilities, n_bootstrap=0)
    assert value(scores, "confident_accuracy") == pytest.approx(right[surest].mean(), abs=1e-6)
    assert scores.risk_coverage[-1].coverage == 1.0
    assert scores.risk_coverage[-1].risk.value == pytest.approx(1 - right.mean(), abs=1e-6)


def test_order_of_equally_sure_rows_decides_nothing():
    frame = pd.DataFrame({"stance": ["support"] * 4 + ["oppose"] * 6})
    scores = score_predictions(frame, np.tile([0.6, 0.2, 0.2], (10, 1)), n_bootstrap=0)
    assert value(scores, "confident_accuracy") == pytest.approx(0.4)


def test_abstention_counts_for_coverage_and_precision_alone(case):
    frame, probabilities = case
    abstained = probabilities.max(axis=1) < 0.6
    right = np.array(LABELS)[probabilities.argmax(axis=1)] == frame["stance"].to_numpy()
    scores = score_predictions(frame, probabilities, abstained=abstained, n_bootstrap=50)
    always = score_predictions(frame, probabilities, n_bootstrap=50)
    assert value(scores, "coverage") == pytest.approx(1 - abstained.mean(), abs=1e-6)
    assert value(scores, "precision") == pytest.approx(right[~abstained].mean(), abs=1e-6)
    assert value(always, "coverage") is None
    same = set(METRICS) - {"coverage", "precision"}
    assert {name: scores.metrics[name] for name in same} == {name: always.metrics[name] for name in same}


def test_precision_is_undefined_when_nothing_is_answered(case):
    frame, probabilities = case
    scores = score_predictions(frame, probabilities, abstained=np.full(300, True), n_bootstrap=50)
    assert scores.metrics["coverage"] == Estimate(0.0, 0.0, 0.0)
    assert scores.metrics["precision"] == Estimate(None, None, None)


def test_labels_that_do_not_occur_are_undefined_and_left_out_of_macro_f1():
    frame = pd.DataFrame({"stance": ["support", "oppose"]})
    scores = score_predictions(frame, [[0.9, 0.1, 0.0], [0.1, 0.9, 0.0]], n_bootstrap=0)
    assert value(scores, "f1_neutral") is None
    assert value(scores, "macro_f1") == 1.0


def test_scores_that_are_not_probabilities_have_no_calibration(case):
    frame, probabilities = case
    scores = score_predictions(frame, np.log(probabilities), probabilistic=False, n_bootstrap=20)
    undefined = {name for name, estimate in scores.metrics.items() if estimate.value is None}
    assert undefined == {"ece", "brier", "coverage", "precision"}
    assert scores.reliability == ()


# --- intervals


def test_interval_is_that_of_a_bootstrap_over_events_done_slowly(case):
    frame, probabilities = case
    rows = frame.groupby(["target", "event"]).indices
    right = np.array(LABELS)[probabilities.argmax(axis=1)] == frame["stance"].to_numpy()
    random = np.random.default_rng(5)
    slow = []
    for _ in range(2000):
        drawn = random.integers(len(rows), size=len(rows))
        slow.append(right[np.concatenate([list(rows.values())[i] for i in drawn])].mean())
    fast = score_predictions(frame, probabilities, n_bootstrap=2000).metrics["accuracy"]
    assert (fast.low, fast.high) == pytest.approx(np.percentile(slow, [2.5, 97.5]), abs=0.01)


def test_copies_of_a_statement_at_its_event_do_not_narrow_intervals(case):
    frame, probabilities = case
    ten = np.repeat(np.arange(300), 10)
    once = score_predictions(frame, probabilities, n_bootstrap=200)
    tenfold = score_predictions(frame.iloc[ten], probabilities[ten], n_bootstrap=200)
    assert tenfold.n == 3000
    assert tenfold.n_events == once.n_events
    same = set(METRICS) - {"coverage", "precision", "ece"}
    for name in same:
        a, b = once.metrics[name], tenfold.metrics[name]
        assert (a.value, a.low, a.high) == pytest.approx((b.value, b.low, b.high), abs=1e-6), name


def test_events_of_one_name_at_two_targets_are_two():
    frame = pd.DataFrame({"stance": "support", "target": ["a", "b", "a"], "event": "summit"}, index=[7, 7, 7])
    probabilities = np.tile([1.0, 0.0, 0.0], (3, 1))
    assert score_predictions(frame, probabilities, n_bootstrap=0).n_events == 2
    assert score_predictions(frame.drop(columns="target"), probabilities, n_bootstrap=0).n_events == 1


def test_rows_without_event_stand_alone():
    frame = pd.DataFrame({"stance": "support", "event": ["e", None, "", "e"]})
    assert score_predictions(frame, np.tile([1.0, 0.0, 0.0], (4, 1)), n_bootstrap=0).n_events == 3


def test_one_event_gives_no_interval():
    frame = pd.DataFrame({"stance": ["support", "oppose"], "event": "e"})
    scores = score_predictions(frame, [[0.9, 0.1, 0.0], [0.6, 0.4, 0.0]])
    assert scores.metrics["accuracy"] == Estimate(0.5, None, None)


@pytest.mark.parametrize("seed", range(5))
def test_every_value_lies_in_its_interval(seed):
    frame, probabilities = make_case(seed=seed)
    scores = score_predictions(frame, probabilities, abstained=probabilities.max(axis=1) < 0.5, n_bootstrap=300)
    for name, estimate in scores.metrics.items():
        assert estimate.low <= estimate.value <= estimate.high, name


def test_same_seed_gives_the_same_and_another_seed_other_intervals(case):
    frame, probabilities = case
    first, again, other = (score_predictions(frame, probabilities, n_bootstrap=50, seed=s) for s in (3, 3, 4))
    assert first == again
    assert first.metrics["accuracy"].value == other.metrics["accuracy"].value
    assert first.metrics["accuracy"] != other.metrics["accuracy"]


def test_draws_in_several_batches_are_the_same(case, monkeypatch):
    frame, probabilities = case
    at_once = score_predictions(frame, probabilities, n_bootstrap=50, by=())
    monkeypatch.setattr("stance.evaluation.DRAWS_AT_ONCE", 1000)
    assert score_predictions(frame, probabilities, n_bootstrap=50, by=()) == at_once


def test_five_thousand_rows_take_seconds():
    frame, probabilities = make_case(n=5000, n_events=2000)
    start = time.perf_counter()
    score_predictions(frame, probabilities, by=())
    assert time.perf_counter() - start < 10  # about 1 s where nothing else runs


# --- slices


def test_slices_are_scored_as_if_alone(case):
    frame, probabilities = case
    scores = score_predictions(frame, probabilities, n_bootstrap=50)
    assert list(scores.slices) == ["lang", "country", "hard"]
    french = (frame["lang"] == "fr").to_numpy()
    alone = score_predictions(frame[french], probabilities[french], n_bootstrap=50)
    assert scores.slices["lang"]["fr"].metrics == alone.metrics
    assert scores.slices["lang"]["fr"].n == alone.n


def test_slices_name_truth_values_and_leave_out_missing_ones(case):
    frame, probabilities = case
    scores = score_predictions(frame, probabilities, n_bootstrap=20)
    assert set(scores.slices["hard"]) == {"yes", "no"}
    assert set(scores.slices["country"]) == {"FR", "UK"}
    sizes = [part.n for part in scores.slices["country"].values()]
    assert sizes == sorted(sizes, reverse=True)
    assert sum(sizes) == frame["country"].notna().sum()


def test_small_slices_are_counted_only(case):
    frame, probabilities = case
    frame["form"] = ["direct"] * 9 + [""] * 20 + ["reported"] * 271
    parts = score_predictions(frame, probabilities, n_bootstrap=20, by=["form"]).slices["form"]
    assert (parts["direct"].n, parts["direct"].metrics) == (9, {})
    assert parts["reported"].metrics["accuracy"].low is not None
    assert "" not in parts


# --- comparing


def test_comparison_with_itself_is_nothing(case):
    frame, probabilities = case
    differences = compare(frame, probabilities, Predictions(probabilities), n_bootstrap=50)
    assert differences["macro_f1"] == Estimate(0.0, 0.0, 0.0)
    assert differences["coverage"].value is None


def test_paired_interval_is_narrower_than_the_single_ones(case):
    frame, probabilities = case
    other = 0.9 * probabilities + 0.1 * np.roll(probabilities, 1, axis=0)
    difference = compare(frame, probabilities, other, n_bootstrap=300)["accuracy"]
    single = [score_predictions(frame, p, n_bootstrap=300).metrics["accuracy"] for p in (probabilities, other)]
    assert difference.value == pytest.approx(single[0].value - single[1].value, abs=2e-6)
    assert difference.high - difference.low < min(s.high - s.low for s in single)


# --- saying what is wrong


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f, p: (f.drop(columns="stance"), p), "no column 'stance'"),
        (lambda f, p: (f.iloc[:0], p[:0]), "no rows to score"),
        (lambda f, p: (f.assign(stance=["maybe", *f["stance"][1:]]), p), r"positions \[0\]: \['maybe'\]"),
        (lambda f, p: (f, p[:, :2]), r"shape \(300, 2\); expected \(300, 3\)"),
        (lambda f, p: (f, p * np.nan), "missing or infinite"),
        (lambda f, p: (f, p * 2), "sum to 1"),
        (lambda f, p: (f, p - [0.5, 0, -0.5]), r"must be in \[0, 1\]"),
    ],
)
def test_unusable_input_is_refused(case, change, message):
    with pytest.raises(SchemaError, match=message):
        score_predictions(*change(*case))


def test_mask_of_wrong_length_is_refused(case):
    with pytest.raises(SchemaError, match="abstained has shape"):
        score_predictions(*case, abstained=[True])


# --- what is kept


def test_evaluation_survives_json(case):
    frame, probabilities = case
    frame["form"] = ["direct"] * 5 + ["reported"] * 295
    scores = score_predictions(frame, probabilities, n_bootstrap=20)
    scores.floors["majority"] = scores.metrics
    text = json.dumps(scores.to_dict(), allow_nan=False)
    assert Evaluation.from_dict(json.loads(text)) == scores


def test_evaluation_shows_itself_in_a_line_and_as_a_table(case):
    scores = score_predictions(*case, n_bootstrap=20)
    assert repr(scores).startswith("<Evaluation of 300 statements at 60 events: macro-F1 0.")
    table = scores.to_frame()
    assert list(table.index) == list(METRICS)
    assert table.loc["accuracy", "value"] == value(scores, "accuracy")
    assert np.isnan(table.loc["coverage", "value"])


@pytest.mark.parametrize(
    ("estimate", "text"),
    [
        (Estimate(None, None, None), "–"),
        (Estimate(0.5, None, None), "0.50"),
        (Estimate(-0.001, -0.2, 0.1), "0.00 [-0.20, 0.10]"),
    ],
)
def test_estimate_reads_as_in_tables(estimate, text):
    assert str(estimate) == text


def test_worst_errors_come_surest_first(case):
    frame, probabilities = case
    table = worst_errors(frame, probabilities, n=5)
    assert (table["stance"] != table["predicted"]).all()
    assert len(table) == 5
    sure = table[[f"p_{label}" for label in LABELS]].max(axis=1)
    assert sure.is_monotonic_decreasing
    wrong = np.array(LABELS)[probabilities.argmax(axis=1)] != frame["stance"].to_numpy()
    assert sure.iloc[0] == probabilities.max(axis=1)[wrong].max()
    assert table["statement"].iloc[0] == frame["statement"].loc[table.index[0]]


# --- models


class Reader(LogisticRegression):
    """Classifier whose labels are sorted otherwise than LABELS; it sees how long a statement is."""

    def fit(self, X, y):
        return super().fit(X[["statement"]].map(len), y)

    def predict_proba(self, X):
        return super().predict_proba(X[["statement"]].map(len))


class Predictor:
    def predict_frame(self, frame):
        assert "stance" not in frame
        frame["p_support"], frame["p_oppose"], frame["p_neutral"] = 0.2, 0.5, 0.3
        return frame.assign(abstained=frame["statement"].str.len() > 2)


class Guesser:
    def predict(self, frame):
        return ["oppose"] * len(frame)


def statements(n=40):
    rows = [("x" * (1 + 4 * (i % 3)), LABELS[i % 3], f"e{i}") for i in range(n)]
    frame = pd.DataFrame(rows, columns=["statement", "stance", "event"])
    return frame.assign(target="t", country=["FR", "UK"] * (n // 2))


def test_columns_of_a_classifier_are_put_in_the_order_of_labels():
    frame = statements()
    model = Reader(C=100).fit(frame, frame["stance"])
    assert list(model.classes_) == sorted(LABELS)
    assert value(evaluate(model, frame, n_bootstrap=20), "accuracy") == 1.0


def test_label_that_a_classifier_never_saw_gets_nothing():
    frame = statements()
    seen = frame[frame["stance"] != "oppose"]
    assert (np.asarray(predict_scores(Reader().fit(seen, seen["stance"]), frame).probabilities)[:, 1] == 0).all()
    svm = baselines()["TF-IDF + LinearSVC"].fit(seen.assign(statement=seen["stance"]), seen["stance"])
    scores = predict_scores(svm, seen.assign(statement=seen["stance"]))
    assert np.array_equal(np.array(LABELS)[np.argmax(scores.probabilities, axis=1)], seen["stance"])
    assert not scores.probabilistic


def test_predictor_abstains_and_frame_is_not_changed():
    frame = statements()
    before = frame.copy()
    scores = evaluate(Predictor(), frame, n_bootstrap=20)
    pd.testing.assert_frame_equal(frame, before)
    assert value(scores, "coverage") == (frame["statement"].str.len() <= 2).mean()


def test_model_that_only_predicts_is_scored_without_calibration():
    frame = statements()
    scores = evaluate(Guesser(), frame, n_bootstrap=20)
    assert value(scores, "accuracy") == (frame["stance"] == "oppose").mean()
    assert value(scores, "ece") is None


def test_floors_stand_beside_a_model_when_training_rows_are_given():
    frame = statements()
    assert evaluate(Guesser(), frame, n_bootstrap=0).floors == {}
    floors = evaluate(Guesser(), frame, train=frame, n_bootstrap=20).floors
    assert list(floors) == list(baselines())
    assert floors["majority"]["accuracy"].value == (frame["stance"] == "support").mean()


def test_unlabelled_rows_are_refused_before_the_model_works():
    with pytest.raises(SchemaError, match="no column 'stance'"):
        evaluate(None, statements().drop(columns="stance"))


# --- floors


@pytest.fixture
def nations():
    rows = [("a", "FR", "oppose")] * 3 + [("a", "UK", "support")] * 2 + [("b", "FR", "neutral")] * 2
    return pd.DataFrame([*rows, ("a", None, "oppose")], columns=["target", "country", "stance"])


def guess(name, train, **columns):
    return baselines()[name].fit(train, train["stance"]).predict(pd.DataFrame(columns)).tolist()


def test_majority_is_the_most_common_label(nations):
    assert guess("majority", nations, target=["a", "b"]) == ["oppose", "oppose"]


def test_majority_per_target_falls_back_where_the_target_is_new(nations):
    assert guess("majority per target", nations, target=["a", "b", "new"]) == ["oppose", "neutral", "oppose"]


def test_nationality_decides_within_a_known_target_and_beyond(nations):
    labels = guess("nationality only", nations, target=["a", "b", "new", "new"], country=["FR", "FR", "UK", "FR"])
    assert labels == ["oppose", "neutral", "support", "oppose"]


def test_nationality_falls_back_where_it_is_new_missing_or_not_told(nations):
    columns = {"target": ["a", "a", "a"], "country": ["DE", None, ""]}
    assert guess("nationality only", nations, **columns) == ["oppose"] * 3
    assert guess("nationality only", nations, statement=["x"]) == ["oppose"]


def test_shares_are_probabilities_drawn_to_the_coarser_ones(nations):
    floor = ShareFloor((("country",),)).fit(nations, nations["stance"])
    shares = floor.predict_proba(pd.DataFrame({"country": ["UK", "DE"]}))
    assert list(floor.classes_) == ["neutral", "oppose", "support"]
    assert shares.tolist() == [pytest.approx([0.25 / 3, 0.5 / 3, 2.25 / 3]), pytest.approx([0.25, 0.5, 0.25])]
    assert floor.predict_proba(pd.DataFrame({"country": []})).shape == (0, 3)


def test_floors_read_no_text(nations):
    for name in ("majority", "majority per target", "nationality only"):
        floor = baselines()[name].fit(nations, nations["stance"])
        some = floor.predict_proba(nations.assign(statement="Scrap it."))
        assert np.array_equal(some, floor.predict_proba(nations.assign(statement="Keep it."))), name


def test_svm_reads_text():
    frame = pd.DataFrame({"statement": ["Keep it.", "Scrap it!", "No comment."] * 4, "stance": [*LABELS] * 4})
    svm = baselines()["TF-IDF + LinearSVC"].fit(frame, frame["stance"])
    assert svm.predict(pd.DataFrame({"statement": ["We keep it", "They scrap it"]})).tolist() == list(LABELS[:2])


# --- out of fold

WORDS = "amber birch cedar delta ember fjord grove heath inlet jetty knoll larch maple night ocean pearl".split()


def agreements():
    """Eight rows that share nothing: two targets, an event each."""
    rows = [(" ".join(WORDS[2 * i : 2 * i + 2]) * 4, LABELS[i % 3], f"e{i}", "ab"[i % 2]) for i in range(8)]
    return pd.DataFrame(rows, columns=["statement", "stance", "event", "target"])


FOLDS = [([4, 5, 6, 7], [3, 0, 2, 1]), ([0, 1, 2, 3], [7, 6, 5, 4])]


def test_each_row_is_predicted_by_a_model_that_did_not_see_it():
    frame = agreements()
    seen = []

    def fit_predict(train, test):
        seen.append(set(train["statement"]))
        assert not seen[-1] & set(test["statement"])
        return np.eye(3)[[LABELS.index(x) for x in test["stance"]]], np.array(test["event"] == "e5")

    predictions, scores = cross_evaluate(fit_predict, frame, FOLDS, n_bootstrap=20)
    assert [len(rows) for rows in seen] == [4, 4]
    assert value(scores, "accuracy") == 1.0  # every answer is at its row's place
    assert np.flatnonzero(predictions.abstained).tolist() == [5]


def test_estimators_are_cloned_for_each_fold_and_jobs_change_nothing():
    frame, _ = make_case(n=60, n_events=60)
    folds = [(np.arange(30, 60), np.arange(30)), (np.arange(30), np.arange(30, 60))]
    model = baselines()["nationality only"]
    one, scores = cross_evaluate(model, frame, folds, n_bootstrap=20)
    with parallel_config("threading"):
        two, _ = cross_evaluate(model, frame, folds, n_bootstrap=0, n_jobs=2)
    assert not hasattr(model, "classes_")
    assert np.array_equal(one.probabilities, two.probabilities)
    assert one.abstained is None
    assert scores.n == 60


def test_extra_rows_that_belong_to_a_tested_row_are_left_out():
    frame = agreements()
    copy = frame.iloc[[0]].assign(event="elsewhere", statement=frame["statement"][0].upper())
    same_event = pd.DataFrame({"statement": ["quartz ravine"], "stance": "support", "event": "e5", "target": "b"})
    free = pd.DataFrame({"statement": ["summit tundra"], "stance": "oppose", "event": "e99", "target": "b"})
    seen = []

    def fit_predict(train, test):
        seen.append(train["statement"].tolist()[4:])
        return np.tile([0.2, 0.3, 0.5], (len(test), 1)), None

    extra = pd.concat([copy, same_event, free])
    cross_evaluate(fit_predict, frame, FOLDS, train_extra=extra, n_bootstrap=0)
    assert seen == [["quartz ravine", "summit tundra"], [copy["statement"].iloc[0], "summit tundra"]]


def test_extra_rows_on_a_tested_agreement_are_left_out_when_kept_apart():
    frame = agreements()
    folds = [([1, 3, 5, 7], [0, 2, 4, 6]), ([0, 2, 4, 6], [1, 3, 5, 7])]
    rows = [("quartz ravine", "a"), ("summit tundra", "b"), ("upland valley", "c")]
    extra = pd.DataFrame(rows, columns=["statement", "target"]).assign(stance="neutral", event=["x", "y", "z"])
    targets = []

    def fit_predict(train, test):
        targets.append((set(test["target"]), sorted(set(train["target"]))))
        return np.tile([0.2, 0.3, 0.5], (len(test), 1)), None

    cross_evaluate(fit_predict, frame, folds, train_extra=extra, apart="target", n_bootstrap=0)
    assert targets == [({"a"}, ["b", "c"]), ({"b"}, ["a", "c"])]


@pytest.mark.parametrize(
    ("folds", "message"),
    [
        ([], "exactly one fold"),
        (FOLDS[:1], "exactly one fold"),
        ([*FOLDS, FOLDS[0]], "exactly one fold"),
        ([([0, 4, 5], FOLDS[0][1]), FOLDS[1]], "trains on rows that it tests"),
    ],
)
def test_folds_that_leak_or_leave_out_are_refused(folds, message):
    with pytest.raises(SchemaError, match=message):
        cross_evaluate(ShareFloor(), agreements(), folds)
