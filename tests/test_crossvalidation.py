"""Cross-validation asks what it says it asks, and nobody learns from what is tried."""

from functools import partial

import numpy as np
import pandas as pd
import pytest

from stance import crossvalidation, evaluation
from stance.config import TrainingConfig
from stance.crossvalidation import KNOWN, UNSEEN, cross_validate
from stance.errors import SchemaError
from stance.splits import statement_groups
from stance.training import build_classifier

CONFIG = TrainingConfig(target="le-touquet", C=(1.0, 4.0), authored_weight=(0.3,), folds=2, jobs=1)


@pytest.fixture(scope="module")
def observed(tiny_frame):
    """Results on the tiny table, and what each classifier was fitted to and asked, in turn."""
    fitted = []

    class Spy(crossvalidation._Prepared):
        def fit(self, X, y=None, sample_weight=None):
            super().fit(X, y, sample_weight)
            fitted.append((self, X, []))
            return self

        def judge(self, statements, targets, **options):
            fitted[-1][2].extend(statements)
            return super().judge(statements, targets, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(crossvalidation, "_Prepared", Spy)
        patch.setattr(crossvalidation, "cross_evaluate", partial(evaluation.cross_evaluate, n_bootstrap=5, by=()))
        patch.setattr(crossvalidation, "baselines", dict)
        results, errors, notes = cross_validate(tiny_frame, CONFIG)
    return results, errors, notes, fitted


def test_every_documented_statement_is_tried_once_by_each_model(observed, tiny_frame):
    results, _, _, fitted = observed
    documented = sorted(tiny_frame.loc[tiny_frame["origin"] == "documented", "statement"])
    for blocks in (("lexical", "sentence", "stance"), ("lexical",), ("sentence",), ("stance",)):
        asked = [statement for model, _, tried in fitted if tuple(model.blocks) == blocks for statement in tried]
        assert sorted(asked) == documented
    assert {question: models["the model"].n for question, models in results.items()} == {KNOWN: 76, UNSEEN: 53}


def test_nothing_that_belongs_to_a_tried_statement_is_learnt_from(observed, tiny_frame):
    groups = pd.Series(statement_groups(tiny_frame), tiny_frame["statement"])
    for _, learnt, tried in observed[-1]:
        assert not set(groups[learnt["statement"]]) & set(groups[tried])


def test_agreement_never_seen_is_never_seen(observed, tiny_frame):
    targets = dict(zip(tiny_frame["statement"], tiny_frame["target"], strict=True))
    for _, learnt, tried in observed[-1]:
        others = {targets[statement] for statement in tried} - {"le-touquet"}
        assert not others & set(learnt["target"])


def test_block_alone_takes_the_settings_chosen_for_all(observed):
    models = [model for model, _, _ in observed[-1]]
    whole, *alone = models[0:2], models[2:4], models[4:6], models[6:8]
    for block in alone:
        for a, b in zip(whole, block, strict=True):
            assert len(a.search_) == 2
            assert len(b.search_) == 1
            assert a.candidate_ == b.candidate_


def test_prepared_classifier_answers_as_any_other(observed, tiny_frame):
    model, learnt, tried = observed[-1][0]
    usual = build_classifier(CONFIG).fit(learnt)
    targets = ["le-touquet"] * len(tried)
    np.testing.assert_allclose(
        model.judge(tried, targets).probabilities, usual.judge(tried, targets).probabilities, atol=1e-5
    )


def test_errors_are_wrong_and_the_notes_say_how_many_were_tried(observed):
    _, errors, notes, _ = observed
    assert all((table["stance"] != table["predicted"]).all() and len(table) for table in errors.values())
    assert [note.split(" documented")[0] for note in notes] == [f"{KNOWN}: 76", f"{UNSEEN}: 53"]


def test_question_that_cannot_be_put_is_noted(tiny_frame, monkeypatch):
    monkeypatch.setattr(crossvalidation, "cross_evaluate", partial(evaluation.cross_evaluate, n_bootstrap=5, by=()))
    main = tiny_frame[tiny_frame["target"] == "le-touquet"]
    results, _, notes = cross_validate(main, TrainingConfig(blocks=("sentence",), C=(4.0,), folds=2, jobs=1))
    assert list(results) == [KNOWN]
    assert list(results[KNOWN]) == ["the model", *evaluation.baselines()]
    assert notes[1] == f"{UNSEEN}: not measured: there is no documented statement of that kind."


def test_table_without_documented_statements_is_refused(tiny_frame):
    with pytest.raises(SchemaError, match="nothing to cross-validate"):
        cross_validate(tiny_frame[tiny_frame["origin"] == "authored"], CONFIG)
