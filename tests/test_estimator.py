"""The classifier keeps scikit-learn's promises, and its own about data that lends itself badly."""

import io
import logging
from functools import cache

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import f1_score
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_predict
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import get_tags

from stance import abstention, estimator
from stance.calibration import Calibration
from stance.errors import ConfigError, SchemaError
from stance.estimator import KINDS, Candidate, StanceClassifier
from stance.schema import LABELS
from stance.sentence_encoder import encode_sentences
from stance.splits import statement_groups
from stance.targets import read_targets

TEXTS = [
    *("We keep it.", "Scrap it now!", "It works for Kent, so keep it.", "It has failed Calais: scrap it."),
    *(
        "Ministers defend what works.",
        "End this bad deal.",
        "The treaty serves our ports and works well.",
        "It failed us.",
    ),
    *(
        "Nous défendons cet accord utile.",
        "Cet accord a échoué.",
        "Keep the controls where they are.",
        "Tear it up, it failed.",
    ),
    *(
        "A good deal that works.",
        "Scrap these failed controls.",
        "L'accord est utile et il faut le garder.",
        "Il faut en finir.",
    ),
    *(
        "Britain will keep to its word.",
        "End it, whatever London says.",
        "Gardons-le, il est utile.",
        "Finissons-en, il a échoué.",
    ),
]
STANCES = ["support", "oppose"] * 10


def lexical(**settings):
    """Unfitted classifier that is fitted in no time."""
    return StanceClassifier(**{"blocks": ("lexical",), "folds": 2, "targets": read_targets(), **settings})


@pytest.fixture(scope="module", autouse=True)
def every_list_is_encoded_once():
    """Encoding is most of the time of a fit, and comes to the same for the same texts."""
    remembered = cache(encode_sentences)
    with pytest.MonkeyPatch.context() as patch:
        for module in (abstention, estimator):
            patch.setattr(module, "encode_sentences", lambda texts, *, jobs=1: remembered(tuple(texts)))
        yield


@pytest.fixture(scope="module")
def model(tiny_frame):
    """Lexical model of the tiny table, not to be changed."""
    return lexical(target="le-touquet").fit(tiny_frame)


@pytest.fixture(scope="module")
def plain():
    """Lexical model of twenty texts without a table."""
    return lexical().fit(TEXTS, STANCES)


# ---------------------------------------------------------------- as scikit-learn expects


def test_probabilities_sum_to_one_in_the_order_of_the_classes(model, tiny_frame):
    probabilities = model.predict_proba(tiny_frame)
    assert probabilities.shape == (len(tiny_frame), 3)
    assert ((probabilities > 0) & (probabilities < 1)).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert model.classes_.tolist() == sorted(LABELS)
    assert model.predict(tiny_frame).tolist() == model.classes_[probabilities.argmax(axis=1)].tolist()


def test_classifier_learns(model, tiny_frame):
    predicted = model.predict(tiny_frame)
    assert f1_score(tiny_frame["stance"], predicted, average="macro") > 0.8
    assert model.score(tiny_frame, tiny_frame["stance"]) == (predicted == tiny_frame["stance"]).mean()


def test_settings_are_stored_as_given_and_copied_by_clone():
    settings = {"C": [1, 2], "authored_weight": 0.5, "blocks": ["lexical"], "folds": 3, "targets": read_targets()}
    classifier = StanceClassifier(**settings)
    assert all(classifier.get_params()[name] is value for name, value in settings.items())
    copied = clone(classifier)
    assert copied.get_params() == classifier.get_params()
    assert copied.set_params(C=9.0).C == 9.0
    assert classifier.C == [1, 2]
    with pytest.raises(ValueError, match="Invalid parameter"):
        classifier.set_params(penalty="l1")


def test_clone_is_not_fitted(plain):
    with pytest.raises(NotFittedError):
        clone(plain).predict(TEXTS)


@pytest.mark.parametrize(
    "ask",
    [
        lambda classifier: classifier.predict(TEXTS),
        lambda classifier: classifier.predict_proba(TEXTS),
        lambda classifier: classifier.judge(TEXTS, [""] * len(TEXTS)),
        lambda classifier: classifier.score(TEXTS, STANCES),
        lambda classifier: (classifier.find_names("Anne Dupont left.", "tpp"), classifier.predict(TEXTS)),
    ],
    ids=["predict", "predict_proba", "judge", "score", "predict after find_names"],
)
def test_nothing_is_answered_before_fit(ask):
    with pytest.raises(NotFittedError):
        ask(StanceClassifier())


def test_fit_returns_the_classifier_and_forgets_what_was_fitted_before(tiny_frame, plain):
    classifier = lexical().fit(tiny_frame)
    assert classifier.fit(TEXTS, STANCES) is classifier
    assert classifier.classes_.tolist() == ["oppose", "support"]
    np.testing.assert_array_equal(classifier.predict_proba(TEXTS), plain.predict_proba(TEXTS))


def test_settings_are_searched_by_scikit_learn(tiny_frame):
    folds = GroupKFold(2)
    search = GridSearchCV(lexical(), {"C": [0.01, 4.0]}, cv=folds, scoring="f1_macro")
    search.fit(tiny_frame, tiny_frame["stance"], groups=statement_groups(tiny_frame))
    assert search.best_params_ == {"C": 4.0}
    assert search.best_estimator_.candidate_.C == 4.0
    assert search.predict(tiny_frame).shape == (len(tiny_frame),)


def test_cross_validated_predictions_of_lists():
    probabilities = cross_val_predict(lexical(), TEXTS, STANCES, cv=2, method="predict_proba")
    assert probabilities.shape == (len(TEXTS), 2)
    assert (probabilities.argmax(axis=1) == (np.array(STANCES) == "support")).mean() > 0.8


def test_classifier_can_end_a_pipeline(tiny_frame, model):
    steps = [("same", FunctionTransformer()), ("stance", lexical(target="le-touquet"))]
    pipeline = Pipeline(steps).fit(tiny_frame, tiny_frame["stance"])
    np.testing.assert_array_equal(pipeline.predict_proba(tiny_frame), model.predict_proba(tiny_frame))
    assert clone(pipeline).get_params()["stance__target"] == "le-touquet"


def test_tags_say_that_texts_are_taken():
    tags = get_tags(StanceClassifier())
    assert tags.estimator_type == "classifier"
    assert tags.input_tags.string
    assert not tags.input_tags.two_d_array
    assert tags.input_tags.allow_nan
    assert not tags.target_tags.required
    assert tags.classifier_tags.multi_class


def test_classifier_can_be_kept_as_joblib_without_its_patterns(model, tiny_frame):
    buffer = io.BytesIO()
    joblib.dump(model, buffer)
    assert b"re\n_compile" not in buffer.getvalue()
    buffer.seek(0)
    np.testing.assert_array_equal(joblib.load(buffer).predict_proba(tiny_frame), model.predict_proba(tiny_frame))


# ---------------------------------------------------------------- what it takes


@pytest.mark.parametrize(
    "form",
    [
        tuple,
        np.array,
        pd.Series,
        lambda texts: pd.Series(texts, index=range(100, 120), dtype="string"),
        lambda texts: np.array(texts, dtype=object)[:, None],
        lambda texts: pd.DataFrame({"other": 1, "statement": texts}, index=list("ab") * 10),
        lambda texts: pd.DataFrame({"statement": texts, "target": ""}),
        lambda texts: pd.DataFrame({"statement": texts, "target": None}),
        lambda texts: pd.DataFrame({"statement": texts, "target": np.nan}),
        lambda texts: pd.DataFrame({"statement": texts, "target": pd.Series([float("nan")] * 20, dtype=object)}),
        lambda texts: pd.DataFrame({"statement": texts, "target": pd.Series([pd.NA] * 20, dtype="string")}),
    ],
    ids="tuple array Series string-Series column frame no-target None NaN NaNs NA".split(),
)
def test_form_of_the_statements_does_not_matter(plain, form):
    expected = plain.predict_proba(TEXTS)
    np.testing.assert_array_equal(plain.predict_proba(form(TEXTS)), expected)
    refitted = lexical().fit(form(TEXTS), pd.Series(STANCES, index=range(7, 27)))
    np.testing.assert_array_equal(refitted.predict_proba(TEXTS), expected)


def test_labels_may_be_in_the_table(plain):
    frame = pd.DataFrame({"statement": TEXTS, "stance": STANCES})
    np.testing.assert_array_equal(lexical().fit(frame).predict_proba(TEXTS), plain.predict_proba(TEXTS))


def test_inputs_are_not_changed(tiny_frame):
    frame, weights = tiny_frame.copy(), np.ones(len(tiny_frame))
    texts, stances = list(TEXTS), list(STANCES)
    lexical().fit(frame, sample_weight=weights).predict(frame)
    lexical().fit(texts, stances).predict(texts)
    pd.testing.assert_frame_equal(frame, tiny_frame)
    assert (texts, stances, weights.sum()) == (TEXTS, STANCES, len(weights))


@pytest.mark.parametrize("missing", [None, float("nan"), pd.NA, np.nan])
def test_missing_statement_counts_as_empty(plain, missing):
    frame = pd.DataFrame({"statement": pd.Series([missing, TEXTS[0]], dtype=object)})
    np.testing.assert_array_equal(plain.predict_proba(frame), plain.predict_proba(["", TEXTS[0]]))


def test_nothing_gives_nothing(plain):
    assert plain.predict_proba([]).shape == (0, 2)
    assert plain.predict(pd.DataFrame({"statement": [], "target": []})).shape == (0,)
    assert plain.judge([], []).reasons == []


@pytest.mark.parametrize(
    ("statements", "fault"),
    [
        ("keep it", "'keep it'"),
        ({"statement": ["keep it"]}, "sequence of statements"),
        (iter(TEXTS), "sequence of statements"),
        (np.array([["keep it", "le-touquet"]] * 3), "sequence of statements"),
        (pd.DataFrame({"text": TEXTS}), r"no column 'statement'; the table has \['text'\]"),
        ([*TEXTS, 7], "statement 21 is 7; expected a text"),
        ([b"keep it"], "statement 1 is b'keep it'"),
        (pd.DataFrame({"statement": [1.5]}), r"statement 1 is 1\.5"),
    ],
    ids=["text", "mapping", "iterator", "two columns", "other column", "number", "bytes", "numbers"],
)
def test_what_is_no_list_of_statements_is_refused(plain, statements, fault):
    with pytest.raises(SchemaError, match=fault):
        plain.predict(statements)


@pytest.mark.parametrize(
    ("labels", "fault"),
    [
        (None, "no labels: expected y, or a column 'stance'"),
        (STANCES[:-1], "19 labels for 20 statements"),
        (["support"] * 20, r"all 20 statements have the stance \['support'\]; expected at least two"),
        ([*STANCES[:-2], None, float("nan")], "2 of 20 statements have no label"),
    ],
)
def test_labels_that_teach_nothing_are_refused(labels, fault):
    with pytest.raises(SchemaError, match=fault):
        lexical().fit(TEXTS, labels)


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({"blocks": ("lexcal",)}, "blocks must name"),
        ({"blocks": ()}, "blocks must name"),
        ({"C": 0}, "C must hold"),
        ({"C": [1.0, -1.0]}, "C must hold"),
        ({"authored_weight": []}, "authored_weight must hold"),
        ({"sentence_weight": -1}, "sentence_weight must hold"),
        ({"folds": 1}, "folds must be 2 or more"),
        ({"precision": 1.5}, "precision must lie"),
        ({"target_weight": 0}, "target_weight must be above 0"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(settings, fault):
    with pytest.raises(ConfigError, match=fault):
        lexical(**settings).fit(TEXTS, STANCES)


def test_two_labels_do(plain):
    assert plain.classes_.tolist() == ["oppose", "support"]
    assert plain.predict(["We must keep it, it works.", "Scrap it, it failed."]).tolist() == ["support", "oppose"]
    np.testing.assert_allclose(plain.predict_proba(TEXTS).sum(axis=1), 1)


# ---------------------------------------------------------------- weights


@pytest.mark.parametrize("low", [0.0, 1e-3])
def test_sample_weight_has_an_effect(low):
    texts, stances = TEXTS * 2, [*STANCES, *STANCES[::-1]]  # every statement once with each label
    first = lexical().fit(texts, stances, sample_weight=[1.0] * 20 + [low] * 20)
    second = lexical().fit(texts, stances, sample_weight=[low] * 20 + [1.0] * 20)
    assert first.predict(TEXTS).tolist() == STANCES
    assert second.predict(TEXTS).tolist() == STANCES[::-1]


def test_row_of_weight_nothing_is_not_there(plain):
    weight = [1.0] * 20 + [0.0] * 3
    fitted = lexical().fit([*TEXTS, "zyzzyva", "zyzzyva", "quokka"], [*STANCES, "oppose", "oppose", "support"], weight)
    np.testing.assert_array_equal(fitted.predict_proba(TEXTS), plain.predict_proba(TEXTS))
    assert "zyzzyva" not in terms(fitted)


@pytest.mark.parametrize(
    "weight", [np.ones(19), np.full(20, np.nan), np.full(20, -1.0), np.ones((20, 2)), [np.inf] * 20]
)
def test_weights_that_are_none_are_refused(weight):
    with pytest.raises(SchemaError, match="sample_weight must hold 20 numbers, 0 or more"):
        lexical().fit(TEXTS, STANCES, sample_weight=weight)


def terms(classifier):
    return {term for _, vectorizer in classifier.lexical_.transformer_list for term in vectorizer.vocabulary_}


def with_authored_rows(tiny_frame):
    documented = tiny_frame[tiny_frame["origin"] == "documented"]
    return pd.concat(
        [documented, documented.iloc[:30].assign(statement="zyzzyva quokka", origin="authored", event=None)],
        ignore_index=True,
    )


def test_authored_rows_of_weight_nothing_leave_no_trace(tiny_frame):
    frame = with_authored_rows(tiny_frame)
    without = lexical(authored_weight=0.0, target="le-touquet").fit(frame)
    assert not any("zyzz" in term or "quok" in term for term in terms(without))
    alone = lexical(target="le-touquet").fit(frame[frame["origin"] == "documented"])
    np.testing.assert_array_equal(without.predict_proba(frame), alone.predict_proba(frame))
    np.testing.assert_array_equal(without.topic_gate_.weights, alone.topic_gate_.weights)
    assert "zyzzyva" in terms(lexical(authored_weight=0.3).fit(frame))


def test_authored_rows_are_tried_neither_in_the_search_nor_in_calibration(tiny_frame):
    frame = with_authored_rows(tiny_frame)
    fitted = lexical(authored_weight=(0.0, 1.0), target="le-touquet").fit(frame)
    rows = np.concatenate([part.rows for part in fitted.out_of_fold_.values()])
    assert sorted(rows) == np.flatnonzero(frame["origin"] == "documented").tolist()


def test_authored_rows_count_in_full_where_there_are_no_others(tiny_frame):
    frame = tiny_frame.assign(origin="authored")
    fitted = lexical(authored_weight=1.0, target="le-touquet").fit(frame)
    assert set(fitted.out_of_fold_) == {"known", "unseen"}


def test_stance_without_a_row_that_counts_is_refused(tiny_frame):
    frame = tiny_frame.assign(origin=np.where(tiny_frame["stance"] == "neutral", "authored", "documented"))
    with pytest.raises(SchemaError, match="weight above 0 do not have all of the stances"):
        lexical(authored_weight=0.0).fit(frame)
    fitted = lexical(authored_weight=(0.0, 0.5)).fit(frame)
    assert fitted.candidate_.authored_weight == 0.5
    assert [tried["authored_weight"] for tried in fitted.search_] == [0.5]


def test_main_target_counts_more(tiny_frame):
    little, much = (lexical(target="le-touquet", target_weight=weight).fit(tiny_frame) for weight in (0.01, 100.0))
    main = tiny_frame[tiny_frame["target"] == "le-touquet"]
    assert much.score(main, main["stance"]) > little.score(main, main["stance"])


# ---------------------------------------------------------------- search and calibration


def test_search_tries_every_combination_and_takes_the_best(tiny_frame):
    fitted = lexical(C=[0.01, 4.0], authored_weight=[0.0, 1.0], target="le-touquet").fit(tiny_frame)
    tried = [Candidate(*(row[name] for name in Candidate._fields)) for row in fitted.search_]
    assert tried == [(0.01, 0.0, 1.0, 1.0), (0.01, 1.0, 1.0, 1.0), (4.0, 0.0, 1.0, 1.0), (4.0, 1.0, 1.0, 1.0)]
    means = [row["mean"] for row in fitted.search_]
    assert fitted.candidate_ == tried[int(np.argmax(means))]
    assert all(row["mean"] == pytest.approx((row["known"] + row["unseen"]) / 2) for row in fitted.search_)


def test_first_combination_wins_a_tie():
    fitted = lexical(C=[1.0, 1.0 + 1e-12]).fit(TEXTS, STANCES)
    assert fitted.candidate_.C == 1.0


def test_answers_out_of_fold_cover_every_documented_row_once(model, tiny_frame):
    documented = (tiny_frame["origin"] != "authored").to_numpy()
    main = (tiny_frame["target"] == "le-touquet").to_numpy()
    known, unseen = model.out_of_fold_["known"], model.out_of_fold_["unseen"]
    assert known.rows.tolist() == np.flatnonzero(documented & main).tolist()
    assert unseen.rows.tolist() == np.flatnonzero(documented & ~main).tolist()
    for part, kind in ((known, "main"), (unseen, "unseen")):
        np.testing.assert_allclose(part.probabilities.sum(axis=1), 1)
        confidence = part.probabilities.max(axis=1)
        assert part.abstained.tolist() == (confidence < model.calibrations_[kind].threshold).tolist()


def test_answers_out_of_fold_are_not_by_the_head_that_saw_them(model, tiny_frame):
    known = model.out_of_fold_["known"]
    right = model.classes_[known.probabilities.argmax(axis=1)] == tiny_frame["stance"].iloc[known.rows]
    seen = model.predict(tiny_frame.iloc[known.rows]) == tiny_frame["stance"].iloc[known.rows]
    assert right.mean() < seen.mean() - 0.1


@pytest.mark.parametrize("enough", [1, 18, 40, 1_000])
def test_agreements_with_enough_documented_rows_are_known(tiny_frame, monkeypatch, enough):
    monkeypatch.setattr(estimator, "MIN_KNOWN_ROWS", enough)
    counts = tiny_frame.loc[tiny_frame["origin"] == "documented", "target"].value_counts()
    fitted = lexical(target="le-touquet").fit(tiny_frame)
    assert set(fitted.known_targets_) == {*counts.index[counts >= enough], "le-touquet"}


def test_each_kind_of_target_has_its_calibration(tiny_frame, monkeypatch):
    monkeypatch.setattr(estimator, "_MIN_CALIBRATION_ROWS", 40)
    monkeypatch.setattr(estimator, "MIN_KNOWN_ROWS", 10)
    fitted = lexical(target="le-touquet").fit(tiny_frame)
    assert len(set(fitted.calibrations_.values())) == len(KINDS)
    other = next(target for target in fitted.known_targets_ if target != "le-touquet")
    text = "It has served both countries well."
    targets = ["le-touquet", other, "treaty of tordesillas"]
    probabilities = fitted.judge([text] * 3, targets).probabilities
    for kind, row in zip(KINDS, probabilities, strict=True):
        calibration = fitted.calibrations_[kind]
        logits = (np.log(row) - np.array(calibration.biases)) * calibration.temperature
        np.testing.assert_allclose(logits - logits.mean(), _logits(fitted, text, main=kind == "main"))


def _logits(fitted, text, *, main):
    """What the head says of a text, its mean taken off, as calibration does not matter to it."""
    features = fitted.lexical_.transform([text])
    width = features.shape[1]
    assert fitted.head_.coef_.shape[1] == 2 * width
    coef = fitted.head_.coef_[:, width:] if main else fitted.head_.coef_[:, :width]
    logits = (features @ coef.T)[0] + fitted.head_.intercept_
    return logits - logits.mean()


def test_words_may_weigh_otherwise_on_the_main_target():
    rows = [
        {"statement": f"{verb} the gate, said number {number}.", "target": target, "stance": stance, "event": number}
        for number in range(40)
        for target in ("le-touquet", "ceta")
        for verb, stance in (("Open", "oppose"), ("Close", "support"))
    ]
    frame = pd.DataFrame(rows).astype({"event": str})
    frame.loc[frame["target"] == "ceta", "stance"] = frame["stance"].map({"oppose": "support", "support": "oppose"})
    fitted = StanceClassifier(blocks=("lexical",), target="le-touquet", folds=2, C=100.0).fit(frame)

    assert fitted.predict(frame).tolist() == frame["stance"].tolist()
    alone = frame[frame["target"] == "ceta"]
    width = StanceClassifier(blocks=("lexical",), target="ceta", folds=2).fit(alone).head_.coef_.shape[1]
    assert fitted.head_.coef_.shape[1] > width  # one target needs no weights twice


@pytest.mark.parametrize("n_rows", [2, 3, 10])
def test_tiny_table_is_fitted_with_a_warning_and_without_calibration(tiny_frame, n_rows, caplog):
    stances = (["support", "oppose", "neutral"] * 4)[:n_rows]
    frame = tiny_frame.iloc[:n_rows].assign(stance=stances, event="one and the same")
    with caplog.at_level(logging.WARNING, "stance"):
        fitted = lexical(C=[2.0, 4.0]).fit(frame)
    assert "nothing to search or calibrate on" in caplog.text
    assert fitted.candidate_.C == 2.0
    assert (fitted.search_, fitted.out_of_fold_) == ([], {})
    assert set(fitted.calibrations_.values()) == {Calibration(1.0, (0.0,) * len(fitted.classes_), 0.0)}
    assert set(fitted.calibrations_) == set(KINDS)
    np.testing.assert_allclose(fitted.predict_proba(frame).sum(axis=1), 1)


def test_few_rows_of_other_agreements_calibrate_nothing(tiny_frame, caplog):
    main = tiny_frame["target"] == "le-touquet"
    frame = pd.concat([tiny_frame[main], tiny_frame[~main].iloc[:12]], ignore_index=True)
    with caplog.at_level(logging.WARNING, "stance"):
        fitted = lexical(target="le-touquet").fit(frame)
    assert "12 documented statements on other agreements: too few to calibrate apart" in caplog.text
    assert fitted.calibrations_["unseen"] == fitted.calibrations_["known"]


def test_stance_that_a_fold_lacks_is_no_obstacle(tiny_frame):
    """Whole agreements are left out: one of them may have had all the neutral rows that count."""
    main = tiny_frame["target"] == "le-touquet"
    frame = tiny_frame[main | (tiny_frame["stance"] != "neutral")]
    fitted = lexical(target="le-touquet", authored_weight=0.0, folds=3).fit(frame)
    assert fitted.classes_.tolist() == sorted(LABELS)
    for part in fitted.out_of_fold_.values():
        assert np.isfinite(part.probabilities).all()


def test_main_target_without_a_row_leaves_other_agreements(tiny_frame):
    fitted = lexical(target="kyoto").fit(tiny_frame)
    assert set(fitted.out_of_fold_) == {"unseen"}
    assert set(fitted.search_[0]) == {*Candidate._fields, "unseen", "mean"}


def test_an_entailment_model_adds_a_feature_per_hypothesis(make_network):
    texts = ["good and useful", "bad: scrap"] * 10
    fitted = lexical(entailment=str(make_network())).fit(texts, STANCES)

    assert fitted.n_hypotheses_ == 7
    assert fitted.used_blocks == ("lexical", "entailment")
    assert fitted.predict(["useful useful useful", "scrap scrap scrap"]).tolist() == ["support", "oppose"]
    assert fitted.get_params()["blocks"] == ("lexical",)


def test_statements_that_the_encoder_learnt_from_are_scored_by_one_that_did_not(tiny_frame):
    rows = tiny_frame[tiny_frame["origin"] == "documented"].head(30)
    fitted = StanceClassifier(blocks=("stance",), folds=2, target="le-touquet", targets=read_targets()).fit(rows)
    texts, targets = rows["statement"].tolist(), rows["target"].tolist()
    held = fitted.judge(texts, targets).probabilities

    assert not np.allclose(held, fitted.judge(texts, targets, held_out=False).probabilities, atol=1e-3)


def test_shares_that_differ_from_those_of_training_can_be_adjusted_for(model, tiny_frame):
    rows = tiny_frame[(tiny_frame["origin"] == "documented") & (tiny_frame["stance"] == "neutral")]
    texts, targets = rows["statement"].tolist(), rows["target"].tolist()
    plain = model.judge(texts, targets)
    adjusted = model.adjust(plain, targets)
    neutral = model.classes_.tolist().index("neutral")

    assert adjusted.probabilities.sum(axis=1) == pytest.approx(1.0)
    assert adjusted.probabilities[:, neutral].mean() > plain.probabilities[:, neutral].mean()
    for before, after in zip(plain.reasons, adjusted.reasons, strict=True):
        assert (before in (None, "uncertain")) == (after in (None, "uncertain"))


def test_statements_that_cannot_be_judged_take_no_part_in_the_adjustment(model):
    texts = ["", "Das Abkommen muss erhalten bleiben, das ist unsere Meinung."]
    plain = model.judge(texts, ["le-touquet"] * 2)

    assert np.array_equal(model.adjust(plain, ["le-touquet"] * 2).probabilities, plain.probabilities)


@pytest.mark.parametrize("blocks", [("sentence",), ["lexical", "sentence"], ("lexical", "stance"), ("stance",)])
def test_blocks_can_be_chosen(blocks):
    fitted = StanceClassifier(blocks=blocks, folds=2).fit(TEXTS, STANCES)
    assert (fitted.lexical_ is None) == ("lexical" not in blocks)
    assert fitted.predict(["Keep the agreement, it is useful.", "Scrap it, it has failed."]).tolist() == [
        "support",
        "oppose",
    ]


def test_seed_decides_the_folds(tiny_frame):
    first, again, other = (lexical(random_state=seed).fit(tiny_frame) for seed in (1, 1, 2))
    assert first.calibrations_ == again.calibrations_
    assert first.calibrations_ != other.calibrations_


# ---------------------------------------------------------------- targets


@pytest.mark.parametrize(
    "given", ["le-touquet", "Le Touquet agreement", "accords du Touquet", "  THE LE TOUQUET TREATY "]
)
def test_target_has_many_names(model, given):
    assert model.resolve(given) == "le-touquet"
    text = "It has served both countries well."
    frame = pd.DataFrame({"statement": [text], "target": [given]})
    np.testing.assert_array_equal(model.predict_proba(frame), model.predict_proba([text]))


@pytest.mark.parametrize("missing", [None, "", "  ", float("nan"), pd.NA, np.nan, pd.NaT])
def test_missing_target_is_the_main_one(model, missing):
    assert model.resolve(missing) == "le-touquet"


def test_target_outside_the_table_is_taken_as_it_is(model):
    assert model.resolve(" Treaty of Tordesillas ") == "Treaty of Tordesillas"


def test_main_target_is_the_most_frequent_unless_set(tiny_frame):
    assert lexical().fit(tiny_frame).main_target_ == tiny_frame["target"].value_counts().index[0]
    assert lexical(target="accords de Schengen").fit(tiny_frame).main_target_ == "schengen-agreement"
    assert lexical(target="le-touquet").resolve() == "le-touquet"


def test_own_name_of_the_target_does_not_sway(model):
    named, masked = (
        "Le Touquet has served both countries well.",
        "The Le Touquet agreement has served both countries well.",
    )
    both = model.predict_proba([named, masked])
    assert np.abs(both[0] - both[1]).max() < 0.1
    assert model.find_names(named, "le-touquet") == [(0, 10)]


def test_names_of_persons_do_not_sway(model):
    texts = [
        f"{name} says it has served both countries well." for name in ("Anne Dupont", "Boris Wood", "Xavier Bertrand")
    ]
    probabilities = model.predict_proba(texts)
    assert (probabilities == probabilities[0]).all()


# ---------------------------------------------------------------- reasons


def test_reasons_come_in_order(tiny_model):
    statements = [
        "",
        " \n",
        "?! 👍",
        "Das Abkommen hat sich bewährt und muss unbedingt erhalten bleiben.",
        "Beat the eggs.",
    ]
    reasons = tiny_model.judge(statements, ["le-touquet"] * 5).reasons
    assert reasons == ["empty", "empty", "empty", "language", "off-topic"]


def test_reason_uncertain_follows_the_threshold(tiny_model, tiny_frame):
    texts = tiny_frame["statement"].tolist()
    judgement = tiny_model.judge(texts, ["le-touquet"] * len(texts))
    below = judgement.probabilities.max(axis=1) < tiny_model.calibrations_["main"].threshold
    assert {reason for reason, low in zip(judgement.reasons, below, strict=True) if not low} <= {None, "off-topic"}
    assert {reason for reason, low in zip(judgement.reasons, below, strict=True) if low} <= {"uncertain", "off-topic"}
    assert None in judgement.reasons


def test_statement_alone_and_among_others_gets_the_same_answer(tiny_model, tiny_frame):
    texts = tiny_frame["statement"].tolist()[:12]
    together = tiny_model.judge(texts, ["le-touquet"] * 12)
    for row, text in enumerate(texts):
        alone = tiny_model.judge([text], ["le-touquet"])
        np.testing.assert_allclose(alone.probabilities[0], together.probabilities[row], atol=1e-5)
        assert alone.reasons == [together.reasons[row]]
