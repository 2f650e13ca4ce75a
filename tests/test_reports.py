import errno
import json
import os
import sys

import numpy as np
import pandas as pd
import pytest

from stance.errors import MissingExtraError
from stance.evaluation import Evaluation, score_predictions, worst_errors
from stance.reports import draw_pictures, draw_slices, format_markdown, write_report
from stance.schema import LABELS

PICTURES = ["confusion-1.png", "models-1.png", "reliability-1.png", "risk-coverage-1.png", "slices-1.png"]


@pytest.fixture(scope="module")
def frame():
    random = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "statement": [f"Scrap it | or *keep* it,\n_now_ [{i}](http://example.org)" for i in range(90)],
            "target": "le-touquet",
            "stance": np.array(LABELS)[random.choice(3, size=90)],
            "event": [f"e{i // 2}" for i in range(90)],
            "lang": ["en", "fr", "fr"] * 30,
            "form": ["first_person"] * 85 + ["direct"] * 5,
        }
    )


@pytest.fixture(scope="module")
def probabilities(frame):
    gold = np.array([LABELS.index(stance) for stance in frame["stance"]])
    shares = np.random.default_rng(1).dirichlet([1, 1, 1], size=90) + 0.4 * np.eye(3)[gold]
    return shares / shares.sum(axis=1, keepdims=True)


@pytest.fixture(scope="module")
def results(frame, probabilities):
    model = score_predictions(frame, probabilities, abstained=probabilities.max(axis=1) < 0.5, n_bootstrap=30)
    floor = score_predictions(frame, np.tile([0.0, 0.0, 1.0], (90, 1)), probabilistic=False, n_bootstrap=30)
    return {"Known agreement": {"stance": model, "majority": floor}}


def rows_of(text):
    """Cells of every table row, by the first cell."""
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return {row[0]: row[1:] for row in rows}


def test_report_has_numbers_text_and_pictures(results, frame, probabilities, tmp_path):
    errors = {"Known agreement": worst_errors(frame, probabilities)}
    folder = tmp_path / "new" / "reports"
    paths = write_report(results, folder, title="Scores", notes=["Read with care."], errors=errors)
    assert sorted(path.name for path in paths) == sorted([*PICTURES, "report.json", "report.md"])
    assert sorted(path.name for path in folder.iterdir()) == sorted(path.name for path in paths)
    assert all((folder / name).read_bytes().startswith(b"\x89PNG") for name in PICTURES)
    text = (folder / "report.md").read_text()
    assert text.startswith("# Scores\n\nRead with care.\n")
    assert all(f"]({name})" in text for name in PICTURES)


def test_json_gives_the_evaluations_back(results, tmp_path):
    write_report(results, tmp_path, notes=["n"], pictures=False)
    report = json.loads((tmp_path / "report.json").read_text())
    assert (report["title"], report["notes"]) == ("Evaluation", ["n"])
    models = report["results"]["Known agreement"]
    assert {name: Evaluation.from_dict(values) for name, values in models.items()} == results["Known agreement"]


def test_same_results_give_the_same_bytes(results, tmp_path):
    first = write_report(results, tmp_path / "a")
    second = write_report(results, tmp_path / "b")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_metrics_stand_beside_the_floors_with_intervals(results):
    models = results["Known agreement"]
    rows = rows_of(format_markdown(results, title="t"))
    expected = [str(models[name].metrics["macro_f1"]) for name in ("stance", "majority")]
    assert rows["macro-F1"] == expected
    assert "[" in expected[0]
    assert rows["expected calibration error ↓"][1] == "–"


def test_slices_are_scored_beside_the_floors_and_small_ones_counted(results):
    models = results["Known agreement"]
    text = format_markdown(results, title="t")
    row = rows_of(text)["language: fr"]
    french = models["stance"].slices["lang"]["fr"].metrics
    assert row[:2] == ["60", str(french["macro_f1"])]
    assert row[-1] == f"{models['majority'].slices['lang']['fr'].metrics['macro_f1'].value:.2f}"
    assert "form: first person" in rows_of(text)
    assert "Fewer than 10 statements, not scored: form: direct (5)." in text


def test_errors_are_told_in_one_row_each_without_markup(results, frame, probabilities):
    errors = worst_errors(frame, probabilities, n=3)
    text = format_markdown(results, title="t", errors={"Known agreement": errors})
    lines = [line for line in text.splitlines() if line.startswith("| Scrap")]
    number = errors.index[0]
    chances = " / ".join(f"{p:.2f}" for p in probabilities[number])
    assert len(lines) == 3
    assert lines[0].startswith(rf"| Scrap it \| or \*keep\* it, \_now\_ [{number}]\(http://example.org) | le-touquet |")
    assert lines[0].endswith(f"| {errors['stance'].iloc[0]} | {errors['predicted'].iloc[0]} | {chances} |")


def test_report_without_slices_or_errors_has_no_empty_parts(frame, probabilities):
    scores = score_predictions(frame, probabilities, by=(), n_bootstrap=0)
    text = format_markdown({"r": {"m": scores}}, title="t", errors={"r": frame.iloc[:0]})
    assert "parts of the statements" not in text
    assert "wrong, and surest" not in text
    assert "\n\n\n" not in text


def test_pictures_that_would_be_empty_are_not_drawn(frame):
    one = frame.iloc[:1]
    bare = {"m": score_predictions(one, [[1.0, 0.0, 0.0]], probabilistic=False, by=(), n_bootstrap=0)}
    assert sorted(draw_pictures({"r": bare})["r"]) == [
        "confusion-1.png",
        "models-1.png",
        "risk-coverage-1.png",
    ]


def test_slices_are_drawn_without_another_model_and_where_it_is_undefined(frame, probabilities, results):
    scores = score_predictions(frame, probabilities, by=["lang"], n_bootstrap=0)
    without = score_predictions(frame, probabilities, by=(), n_bootstrap=0)
    alone, beside = draw_slices({"m": scores}), draw_slices({"m": scores, "other": without})
    labels = [text.get_text() for text in alone.axes[0].get_yticklabels()]
    assert labels == ["language: fr (60)", "language: en (30)"]
    assert len(beside.axes[0].collections[0].get_offsets()) == 0
    assert len(draw_slices(results["Known agreement"]).axes[0].collections[0].get_offsets()) == 3


def test_missing_matplotlib_is_told_before_anything_is_written(results, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match=r'pip install "stance-classifier\[plots\]"'):
        write_report(results, tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert len(write_report(results, tmp_path, pictures=False)) == 2


def test_full_disk_leaves_the_old_report(results, tmp_path, monkeypatch):
    (tmp_path / "report.json").write_text("old")

    def no_space(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(OSError, match="No space left"):
        write_report(results, tmp_path, pictures=False)
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]
    assert (tmp_path / "report.json").read_text() == "old"


def test_drawing_leaves_no_window_and_no_global_figure(results, tmp_path):
    write_report(results, tmp_path)
    pyplot = sys.modules.get("matplotlib.pyplot")
    assert pyplot is None or pyplot.get_fignums() == []
