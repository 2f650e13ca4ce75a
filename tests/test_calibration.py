import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from stance.calibration import Calibration, adjust_shares, choose_threshold, estimate_shares, fit_calibration

BIASES = (0.6, -0.1, -0.5)


def simulate(n_rows, temperature, biases, seed=0):
    """Logits of a head that is too sure or not sure enough, and classes drawn from what they should have said."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(scale=2.0, size=(n_rows, len(biases)))
    truth = Calibration(temperature, biases, 0.0).probabilities(logits)
    return logits, (truth.cumsum(axis=1) > rng.random((n_rows, 1))).argmax(axis=1)


def log_loss(calibration, logits, y):
    return -np.log(calibration.probabilities(logits)[np.arange(len(y)), y]).mean()


def rows_of(n_classes):
    return st.integers(1, 40).flatmap(
        lambda n: st.tuples(
            arrays(np.float64, (n, n_classes), elements=st.floats(-30, 30)),
            arrays(np.int64, n, elements=st.integers(0, n_classes - 1)),
        )
    )


def answers():
    """Confidences with many ties, and which answers are right."""
    return st.integers(1, 60).flatmap(
        lambda n: st.tuples(
            arrays(np.float64, n, elements=st.sampled_from([0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99])),
            arrays(np.bool_, n),
        )
    )


@given(
    arrays(np.float64, (4, 3), elements=st.floats(-1e6, 1e6)),
    st.floats(0.01, 100),
    st.tuples(*[st.floats(-10, 10)] * 3),
)
def test_probabilities_are_none_below_zero_and_sum_to_one(logits, temperature, biases):
    probabilities = Calibration(temperature, biases, 0.5).probabilities(logits)

    assert (probabilities >= 0).all()
    assert probabilities.sum(axis=1) == pytest.approx(1.0)


@given(arrays(np.float64, (4, 3), elements=st.floats(-20, 20)), st.floats(-20, 20))
def test_what_is_added_to_all_logits_of_a_row_changes_nothing(logits, constant):
    calibration = Calibration(1.7, BIASES, 0.5)

    assert calibration.probabilities(logits + constant) == pytest.approx(calibration.probabilities(logits), abs=1e-9)


def test_a_higher_temperature_is_less_sure_of_the_same_class():
    logits = np.array([[2.0, 1.0, -1.0]])
    sure, unsure = (Calibration(t, (0.0, 0.0, 0.0), 0.5).probabilities(logits) for t in (0.5, 4.0))

    assert sure.argmax() == unsure.argmax() == 0
    assert sure.max() > unsure.max()


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_a_known_temperature_and_known_biases_are_recovered(temperature):
    fitted = fit_calibration(*simulate(8_000, temperature, BIASES), precision=0.7)

    assert fitted.temperature == pytest.approx(temperature, rel=0.1)
    assert fitted.biases == pytest.approx(BIASES, abs=0.1)


def test_two_classes_are_calibrated_as_three_are():
    fitted = fit_calibration(*simulate(8_000, 2.0, (0.3, -0.3)), precision=0.7)

    assert fitted.temperature == pytest.approx(2.0, rel=0.1)
    assert fitted.biases == pytest.approx((0.3, -0.3), abs=0.1)


def test_a_few_rows_correct_the_shares_of_classes_less_than_many_do():
    few, many = (fit_calibration(*simulate(n_rows, 1.0, BIASES), precision=0.7) for n_rows in (60, 6_000))

    assert max(map(abs, few.biases)) < 0.5 * max(map(abs, many.biases))


def test_calibration_helps_on_rows_that_it_did_not_see():
    fitted = fit_calibration(*simulate(1_000, 3.0, BIASES), precision=0.7)
    others = simulate(1_000, 3.0, BIASES, seed=1)

    assert log_loss(fitted, *others) < 0.8 * log_loss(Calibration(1.0, (0.0, 0.0, 0.0), 0.0), *others)


@settings(max_examples=30, deadline=None)
@given(rows_of(3))
def test_true_classes_are_never_less_likely_after_calibration(rows):
    logits, y = rows
    fitted = fit_calibration(logits, y, precision=0.7)

    assert log_loss(fitted, logits, y) <= log_loss(Calibration(1.0, (0.0, 0.0, 0.0), 0.0), logits, y) + 1e-6
    assert sum(fitted.biases) == pytest.approx(0.0, abs=1e-9)


def test_a_class_that_no_row_has_gets_a_bias_all_the_same():
    logits, y = simulate(300, 1.0, (0.0, 0.0, 0.0))
    fitted = fit_calibration(logits[y < 2], y[y < 2], precision=0.7)

    assert np.isfinite(fitted.biases).all()
    assert fitted.biases[2] == min(fitted.biases)


@pytest.mark.parametrize("precision", [0.6, 0.75, 0.9])
def test_calibrated_answers_are_right_as_often_as_stated(precision):
    logits, y = simulate(2_000, 2.0, BIASES)
    fitted = fit_calibration(logits, y, precision=precision)
    others, truth = simulate(2_000, 2.0, BIASES, seed=1)
    probabilities = fitted.probabilities(others)
    answered = probabilities.max(axis=1) >= fitted.threshold

    assert answered.mean() > 0.1
    assert (probabilities.argmax(axis=1) == truth)[answered].mean() >= precision - 0.03


@given(answers(), st.floats(0.05, 0.95))
def test_the_threshold_keeps_its_promise(answers, precision):
    confidence, correct = answers
    answered = confidence >= choose_threshold(confidence, correct, precision=precision)

    assert not answered.any() or correct[answered].mean() >= precision


@given(answers(), st.floats(0.05, 0.95))
def test_no_lower_threshold_would_keep_the_promise(answers, precision):
    confidence, correct = answers
    threshold = choose_threshold(confidence, correct, precision=precision)
    lower = [confidence >= value for value in set(confidence) if value < threshold]

    assert all(correct[given].mean() < precision for given in lower if given.sum() > len(correct) // 10)


@given(answers(), st.floats(0.05, 0.9))
def test_more_precision_never_lowers_the_threshold(answers, precision):
    thresholds = [choose_threshold(*answers, precision=p) for p in (precision, precision + 0.05)]

    assert thresholds[0] <= thresholds[1]


def test_equally_sure_answers_are_all_given_or_none():
    confidence = np.array([0.9, 0.8, 0.8, 0.8])

    assert choose_threshold(confidence, np.array([True, True, False, False]), precision=0.9) == 0.9


def test_a_few_lucky_answers_do_not_set_the_threshold():
    confidence = np.linspace(0.99, 0.4, 200)
    correct = np.arange(200) < 10

    assert choose_threshold(confidence, correct, precision=0.7) > confidence.max()


def test_where_nothing_is_right_often_enough_nothing_is_answered():
    assert choose_threshold(np.array([0.8, 0.7]), np.array([False, False]), precision=0.7) > 0.8


def test_a_threshold_is_never_above_one():
    assert choose_threshold(np.array([1.0, 0.7]), np.array([False, False]), precision=0.7) == 1.0


def draw(shares: list[float], n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Logits and classes of n rows whose classes have the shares; a class is alike whatever its share."""
    rng = np.random.default_rng(seed)
    y = rng.choice(3, size=n, p=shares)
    return 2.0 * np.eye(3)[y] + rng.normal(size=(n, 3)), y


@pytest.mark.parametrize("shares", [[0.1, 0.8, 0.1], [0.6, 0.1, 0.3], [1 / 3, 1 / 3, 1 / 3]])
def test_shares_of_new_statements_are_found_without_labels(shares):
    logits, y = draw([0.3, 0.3, 0.4], 6_000, seed=1)
    calibration = fit_calibration(logits, y, precision=0.8)
    old = np.bincount(y) / len(y)
    logits, y = draw(shares, 4_000, seed=2)
    found = estimate_shares(calibration.probabilities(logits), old)

    assert found == pytest.approx(np.bincount(y, minlength=3) / len(y), abs=0.03)


def test_probabilities_for_other_shares_are_right_more_often_there():
    logits, y = draw([1 / 3, 1 / 3, 1 / 3], 6_000, seed=1)
    calibration = fit_calibration(logits, y, precision=0.8)
    old = np.bincount(y) / len(y)
    logits, y = draw([0.05, 0.9, 0.05], 4_000, seed=2)
    before = calibration.probabilities(logits)
    after = adjust_shares(before, old, estimate_shares(before, old))

    assert after.sum(axis=1) == pytest.approx(1.0)
    assert (after.argmax(axis=1) == y).mean() > (before.argmax(axis=1) == y).mean() + 0.05


def test_shares_as_in_training_change_nothing():
    p = np.array([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]])
    shares = np.array([0.2, 0.3, 0.5])

    assert adjust_shares(p, shares, shares) == pytest.approx(p)
