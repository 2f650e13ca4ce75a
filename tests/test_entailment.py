import logging
import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

import stance.entailment
from stance.crossencoder import PairScorer
from stance.entailment import (
    EntailmentFeatures,
    Hypothesis,
    ZeroShotClassifier,
    read_hypotheses,
    zero_shot_probabilities,
)
from stance.errors import ConfigError, ModelError, SchemaError
from stance.predictor import StancePredictor
from stance.schema import LABELS
from stance.score_cache import cache_folder
from stance.targets import Target

THREE_WAY = ("contradiction", "entailment", "neutral")
KEYS = ["supports", "keep", "works", "opposes", "end_or_change", "harms", "no_view"]
PAIRS = [("We keep it.", "le-touquet"), ("Scrap it!", "le-touquet"), ("The ferry left at noon.", "le-touquet")]


pytestmark = pytest.mark.usefixtures("own_cache")


@pytest.fixture
def asked(monkeypatch):
    """Pairs that networks were asked to score."""
    pairs = []
    score = PairScorer.score

    def note(self, some, **options):
        pairs.extend(some)
        return score(self, some, **options)

    monkeypatch.setattr(PairScorer, "score", note)
    return pairs


@pytest.fixture
def features(make_network):
    return EntailmentFeatures(make_network()).fit()


@pytest.fixture
def predictor(features):
    return StancePredictor(ZeroShotClassifier(entailment=features, target="le-touquet"))


# --- hypotheses ---


def test_shipped_hypotheses_speak_for_every_stance_in_both_languages():
    hypotheses = read_hypotheses()

    assert [hypothesis.key for hypothesis in hypotheses] == KEYS
    assert {hypothesis.stance for hypothesis in hypotheses} == set(LABELS)
    assert all(set(hypothesis.texts) == {"en", "fr"} for hypothesis in hypotheses)


def test_all_faults_of_a_table_are_named_at_once(tmp_path):
    file = tmp_path / "hypotheses.toml"
    file.write_text(
        f"""
        loose = 1
        [Supports]
        stance = "favour"
        en = "The speaker supports it."
        [keep]
        stance = "support"
        english = "Keep {{target}}."
        fr = "{{target}} {"x" * 300}"
        [empty]
        stance = "neutral"
        """
    )

    with pytest.raises(ConfigError, match=r"hypotheses\.toml") as caught:
        read_hypotheses(file)
    for fault in (
        "loose: expected a table",
        "'Supports': a key has",
        "got 'favour'",
        "{target} in it, once; got 'The speaker supports it.'",
        "keep: unknown key 'english'",
        "keep: fr has 309 characters",
        "empty: expected a text per language",
    ):
        assert fault in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "it is empty"),
        (b"[a", "not a TOML file"),
        (b"a = '\xff'", "not a TOML file"),
        (b"[a]\nstance='oppose'\nen='{target}'\n[b]\nstance='oppose'\nfr='{target}'", r"a: has \['en'\], but others"),
    ],
)
def test_a_file_that_is_no_table_of_hypotheses_is_refused(tmp_path, content, message):
    file = tmp_path / "hypotheses.toml"
    file.write_bytes(content)

    with pytest.raises(ConfigError, match=message):
        read_hypotheses(file)


def test_a_missing_file_of_hypotheses_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"cannot read the hypotheses in .*none\.toml"):
        read_hypotheses(tmp_path / "none.toml")


# --- features ---


@pytest.mark.parametrize("length", [None, 16])
def test_scores_are_log_odds_of_entailment(make_network, length):
    scores = EntailmentFeatures(make_network(length=length)).fit_transform(PAIRS)

    assert scores.shape == (3, len(KEYS))
    assert scores[0] == pytest.approx([2, 2, 2, -2, -2, -2, -2])  # one word in common, or none
    assert scores[1] == pytest.approx([-2, -2, -2, 2, 6, 2, -2])  # "end or renegotiate": two words
    assert scores[2].argmax() == KEYS.index("no_view")


def test_networks_of_two_and_of_three_cases_give_the_same_kind_of_score(make_network):
    two = EntailmentFeatures(make_network("two", labels=("not_entailment", "entailment"))).fit_transform(PAIRS)
    three = EntailmentFeatures(make_network("three", labels=THREE_WAY)).fit_transform(PAIRS)

    assert three == pytest.approx(two - np.log(2))  # two cases beside entailment, both with a logit of 0


@pytest.mark.parametrize(
    "labels", [("ENTAILMENT", "NOT_ENTAILMENT"), ("not-entailment", "Entailment"), ("entailment", "contradiction")]
)
def test_labels_are_known_however_they_are_written(make_network, labels):
    assert EntailmentFeatures(make_network(labels=labels)).fit_transform(PAIRS[:1])[0, 0] == pytest.approx(2.0)


@pytest.mark.parametrize(
    "labels",
    [("LABEL_0", "LABEL_1"), ("entailment", "Entailment"), ("entailment", "other"), ("support", "oppose", "neutral")],
)
def test_a_network_whose_labels_are_not_those_of_entailment_is_refused(make_network, labels):
    with pytest.raises(ModelError, match=r"expected 'entailment' and 'not_entailment', or .* id2label"):
        EntailmentFeatures(make_network(labels=labels)).fit()


def test_hypotheses_are_in_the_language_of_the_statement_and_name_the_target_in_it(features, asked):
    frame = pd.DataFrame(
        {
            "statement": ["We will keep this agreement.", "Nous garderons cet accord.", "OK", "OK", "OK"],
            "target": "le-touquet",
            "lang": [None, None, "FR", "fr-BE", "de"],
        }
    )
    features.transform(frame)

    first = [hypothesis for _, hypothesis in asked if "support" in hypothesis or "soutient" in hypothesis]
    english = "The speaker supports Le Touquet agreement."
    french = "Cette personne soutient cet accord : accords du Touquet."
    assert first == [english, french, french, english]  # what is the same is asked once


def test_a_target_is_named_in_another_language_or_as_given_where_it_has_no_name(make_network, asked):
    targets = {"pact": Target("pact", {"de": "Pakt"})}
    features = EntailmentFeatures(make_network(), targets=targets).fit()
    features.transform([("We keep it.", "Pakt"), ("We keep it.", "UNCLOS")])

    assert [text for _, text in asked if "supports" in text] == [
        "The speaker supports Pakt.",
        "The speaker supports UNCLOS.",
    ]


def test_a_target_of_5000_characters_leaves_the_claim_of_the_hypothesis(features, asked):
    scores = features.transform([("It is useful.", "it " * 1_666)])

    assert scores[0, KEYS.index("works")] == pytest.approx(2.0)
    assert all(
        len(hypothesis) <= 500 and hypothesis.endswith(("useful.", "harmful.")) for _, hypothesis in asked[2:6:3]
    )


def test_a_statement_is_read_up_to_5000_characters(features, asked):
    beginning = ("keep it " * 625)[:5_000]
    scores = features.transform([(beginning + "scrap it " * 20_000, "le-touquet"), (beginning, "le-touquet")])

    assert np.array_equal(scores[0], scores[1])
    assert all(len(premise) <= 5_000 for premise, _ in asked)


def test_missing_and_empty_statements_have_scores(features):
    assert np.isfinite(features.transform([(None, "le-touquet"), ("", "le-touquet"), ("\ud83d\0", "\0\ud83d")])).all()
    assert features.transform([]).shape == (0, len(KEYS))


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (pd.DataFrame({"statement": ["a"]}), r"missing columns \['target'\]"),
        ("We keep it.", "expected a table or a sequence"),
        (["We keep it."], "expected a table or a sequence"),
        (None, "expected a table or a sequence"),
        ([("a", "b"), (3, "b")], "statement 2 is 3"),
        ([("a", "b"), ("a", None)], "target of statement 2 is ''"),
    ],
)
def test_what_is_no_table_of_statements_and_targets_is_refused(features, table, message):
    with pytest.raises(SchemaError, match=message):
        features.transform(table)


def test_features_are_named_after_the_hypotheses(features):
    assert features.get_feature_names_out().tolist() == KEYS
    assert features.set_output(transform="pandas").transform(PAIRS).columns.tolist() == KEYS


def test_own_hypotheses_take_the_place_of_the_shipped_ones(make_network, tmp_path):
    file = tmp_path / "own.toml"
    file.write_text('[good]\nstance = "support"\nen = "Keep {target}."\n')
    from_file = EntailmentFeatures(make_network(), hypotheses=file)
    given = EntailmentFeatures(make_network(), hypotheses=[Hypothesis("good", "support", {"en": "Keep {target}."})])

    assert from_file.fit_transform(PAIRS).tolist() == given.fit_transform(PAIRS).tolist() == [[2.0], [-2.0], [-2.0]]


@pytest.mark.parametrize(
    ("hypotheses", "message"),
    [
        ([], "no hypotheses"),
        ([Hypothesis("a", "support", {"en": "{target}"}), Hypothesis("b", "oppose", {"fr": "{target}"})], "in common"),
    ],
)
def test_hypotheses_that_cannot_be_put_are_refused(make_network, hypotheses, message):
    with pytest.raises(ConfigError, match=message):
        EntailmentFeatures(make_network(), hypotheses=hypotheses).fit()


def test_clones_and_pickled_copies_give_the_same_scores(features):
    expected = features.transform(PAIRS)

    assert np.array_equal(clone(features).fit_transform(PAIRS), expected)
    assert np.array_equal(pickle.loads(pickle.dumps(features)).transform(PAIRS), expected)


def test_a_model_that_has_changed_since_fitting_is_refused(features, make_network):
    copy = pickle.dumps(features)
    make_network(length=16)

    with pytest.raises(ModelError, match="has changed since"):
        pickle.loads(copy).transform(PAIRS)


@pytest.mark.parametrize(
    "other",
    [
        Hypothesis("bad", "support", {"en": "Keep {target}."}),
        Hypothesis("good", "neutral", {"en": "Keep {target}."}),
        Hypothesis("good", "support", {"en": "We keep {target}."}),
        Hypothesis("good", "support", {"fr": "Keep {target}."}),
    ],
)
def test_the_fingerprint_follows_the_hypotheses(make_network, other):
    folder = make_network()
    first = Hypothesis("good", "support", {"en": "Keep {target}."})
    fitted, same, changed = (EntailmentFeatures(folder, hypotheses=[one]).fit() for one in (first, first, other))

    assert fitted.fingerprint_ == same.fingerprint_ != changed.fingerprint_
    assert fitted.network_fingerprint_ == changed.network_fingerprint_


def test_the_fingerprint_follows_the_network(make_network):
    one, other = make_network("one"), make_network("other", length=16)

    assert EntailmentFeatures(one).fit().fingerprint_ != EntailmentFeatures(other).fit().fingerprint_


def test_names_of_persons_are_not_given_to_the_network_and_that_of_the_target_is(features, asked):
    features.transform([("Anne Dupont will keep the Paris Agreement.", "paris-climate")])
    ZeroShotClassifier(entailment=features, target="le-touquet").judge(["Mr Roy scraps Le Touquet."], ["le-touquet"])

    assert {premise for premise, _ in asked} == {
        "Martin will keep the Paris Agreement.",
        "Martin scraps Le Touquet.",
    }


def test_long_runs_say_how_far_they_are(make_network, monkeypatch, caplog):
    monkeypatch.setattr(stance.entailment, "_SECONDS_BETWEEN_REPORTS", 0.0)
    said = []
    pairs = [(f"statement {number}", "le-touquet") for number in range(300)]
    folder = make_network()
    EntailmentFeatures(folder, say=said.append).fit_transform(pairs)
    with caplog.at_level(logging.INFO, logger="stance"):
        EntailmentFeatures(folder, cache=False).fit_transform(pairs)

    assert said[-1] == "scored 2,100 of 2,100 pairs"
    assert "scored 2,100 of 2,100 pairs" in caplog.messages


# --- cache ---


def test_scores_that_are_kept_are_not_asked_for_again(make_network, asked):
    folder = make_network()
    first = EntailmentFeatures(folder).fit_transform(PAIRS)
    count = len(asked)
    again = EntailmentFeatures(folder).fit_transform(PAIRS)

    assert count == len(PAIRS) * len(KEYS)
    assert len(asked) == count
    assert np.array_equal(first, again)


def test_another_model_is_asked_although_scores_of_one_are_kept(make_network, asked):
    EntailmentFeatures(make_network("one")).fit_transform(PAIRS)
    asked.clear()
    EntailmentFeatures(make_network("another", labels=THREE_WAY)).fit_transform(PAIRS)

    assert len(asked) == len(PAIRS) * len(KEYS)


def test_without_a_cache_no_file_is_made(make_network, asked):
    features = EntailmentFeatures(make_network(), cache=False).fit()
    assert np.array_equal(features.transform(PAIRS), features.transform(PAIRS))

    assert len(asked) == 2 * len(PAIRS) * len(KEYS)
    assert not cache_folder().exists()


@pytest.mark.parametrize("content", [b"no database at all, but long enough to be looked at" * 100, None])
def test_a_damaged_cache_is_set_aside_and_made_anew(make_network, asked, caplog, content):
    file = cache_folder() / "scores.sqlite"
    folder = make_network()
    expected = EntailmentFeatures(folder, cache=file).fit_transform(PAIRS)
    damaged = content or file.read_bytes()[:4_096] + b"\xff" * 8_192
    file.write_bytes(damaged)

    assert np.array_equal(EntailmentFeatures(folder, cache=file).fit_transform(PAIRS), expected)
    assert "is damaged" in caplog.text
    assert (cache_folder() / "scores.sqlite.damaged").read_bytes() == damaged
    asked.clear()
    EntailmentFeatures(folder, cache=file).fit_transform(PAIRS)
    assert asked == []


def test_a_cache_that_cannot_be_opened_costs_one_warning_and_no_scores(make_network, tmp_path, caplog):
    (tmp_path / "file").write_text("")
    features = EntailmentFeatures(make_network(), cache=tmp_path / "file" / "scores.sqlite").fit()

    assert features.transform(PAIRS)[0, 0] == pytest.approx(2.0)
    assert features.transform(PAIRS[::-1])[2, 0] == pytest.approx(2.0)
    assert [message[:19] for message in caplog.messages] == ["scores are not kept"]


def test_a_file_of_another_kind_is_no_cache_and_is_left_as_it_is(make_network, tmp_path):
    file = tmp_path / "my.csv"
    file.write_text("statement,target\n")

    with pytest.raises(ConfigError, match=r"my\.csv is not a cache of scores"):
        EntailmentFeatures(make_network(), cache=file).fit_transform(PAIRS)
    assert file.read_text() == "statement,target\n"


def test_scores_that_are_kept_hold_for_other_hypotheses(make_network, asked):
    folder = make_network()
    EntailmentFeatures(folder).fit_transform(PAIRS)
    asked.clear()
    EntailmentFeatures(folder, hypotheses=read_hypotheses()[2:]).fit_transform(PAIRS)

    assert asked == []


# --- zero shot ---


def test_probabilities_of_each_statement_sum_to_1_and_follow_the_scores():
    scores = [[3.0, 1.0, -1.0, -1.0, -1.0, -1.0, -2.0], [0.0] * 7]
    probabilities = zero_shot_probabilities(scores, read_hypotheses(), ["neutral", "oppose", "support"])

    assert probabilities.sum(axis=1) == pytest.approx([1.0, 1.0])
    assert probabilities[0] == pytest.approx(np.exp([-2.0, -1.0, 1.0]) / np.exp([-2.0, -1.0, 1.0]).sum())
    assert probabilities[1] == pytest.approx([1 / 3] * 3)


def test_a_class_that_no_hypothesis_speaks_for_is_named(make_network):
    features = EntailmentFeatures(make_network(), hypotheses=[Hypothesis("good", "support", {"en": "Keep {target}."})])

    with pytest.raises(ConfigError, match=r"no hypothesis speaks for \['neutral', 'oppose'\]"):
        ZeroShotClassifier(entailment=features, target="le-touquet")


def test_a_predictor_works_without_training(predictor):
    predictions = predictor.predict(["We keep it, it is good.", "Scrap it, it is bad.", "The ferry left at noon."])

    assert [prediction.stance for prediction in predictions] == ["support", "oppose", "neutral"]
    assert {prediction.target for prediction in predictions} == {"le-touquet"}


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("", "empty"),
        ("… !", "empty"),
        ("Das Abkommen muss erhalten bleiben, weil es gut funktioniert.", "language"),
        ("We will see about that.", "uncertain"),
        ("We keep it, it is good.", None),
    ],
)
def test_it_abstains_with_a_reason(predictor, statement, reason):
    assert predictor.predict(statement).reason == reason


def test_with_a_threshold_of_0_it_is_never_uncertain(features):
    classifier = ZeroShotClassifier(entailment=features, target="le-touquet", threshold=0.0)

    assert classifier.judge(["We will see about that."], ["le-touquet"]).reasons == [None]


@pytest.mark.parametrize(
    ("options", "message"),
    [({"threshold": 1.5}, "between 0 and 1; got 1.5"), ({"target": " "}, "target must name an agreement")],
)
def test_settings_out_of_range_are_refused(features, options, message):
    with pytest.raises(ConfigError, match=message):
        ZeroShotClassifier(**{"entailment": features, "target": "le-touquet", **options})


def test_targets_are_known_by_any_of_their_names(features):
    classifier = ZeroShotClassifier(entailment=features, target="accords du Touquet")

    assert classifier.resolve() == classifier.resolve(float("nan")) == classifier.resolve("") == "le-touquet"
    assert classifier.resolve("The Paris Agreement") == "paris-climate"
    assert classifier.resolve("Treaty of Tordesillas") == "Treaty of Tordesillas"


def test_own_targets_are_those_of_the_hypotheses(features, asked):
    own = {"pact": Target("pact", {"en": "Pact of Steel"})}
    classifier = ZeroShotClassifier(entailment=features, target="pact of steel", targets=own)
    classifier.judge(["We keep it."], ["pact"])

    assert classifier.target == "pact"
    assert ("We keep it.", "The speaker supports Pact of Steel.") in asked


def test_words_are_weighed_for_an_explanation(predictor):
    weights = {part.text: part.weight for part in predictor.explain("Anne Dupont will keep Le Touquet.")}

    assert max(weights, key=weights.get) == "keep"
    assert {"Anne Dupont", "Le Touquet"} <= set(weights)
