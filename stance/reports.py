"""Evaluations as files that people and programs can read: JSON, Markdown and pictures.

In each set of results the first model is the one reported on; the others stand beside it for comparison.
"""

import io
import json
import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from stance.errors import MissingExtraError
from stance.evaluation import LOWER_IS_BETTER, METRICS, ROWS_PER_SLICE, Estimate, Evaluation, Slice
from stance.files import write_atomically
from stance.schema import LABELS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Results = Mapping[str, Mapping[str, Evaluation]]
Pictures = Mapping[str, Mapping[str, tuple[str, bytes]]]

# What Markdown acts on in a cell: "a|b", "*word*", "_word_", "<br>", the "(" of "[x](y)"; not "first_person".
MARKUP = re.compile(r"[\\|*`<]|(?<!\w)_|_(?!\w)|(?<=\])\(")

# Okabe & Ito (2008): told apart by the colour-blind and in print; line styles tell them apart once more.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#E69F00", "#CC79A7", "#56B4E9", "#000000")
LINES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 3)))
GREY = "#666666"
DPI = 150

COLUMN_NAMES = {"lang": "language"}
SLICE_METRICS = ("macro_f1", "support_oppose_accuracy", "accuracy", "ece")


def write_report(
    results: Results,
    folder: str | Path,
    *,
    title: str = "Evaluation",
    notes: Iterable[str] = (),
    errors: Mapping[str, pd.DataFrame] | None = None,
    pictures: bool = True,
) -> list[Path]:
    """Return the paths of the report's files in `folder`: `report.json`, `report.md` and the pictures.

    Everything is made before the first file is written, and each file is written whole or not at all. The
    same results give the same bytes.

    Parameters
    ----------
    results
        What was measured → model → its evaluation, the model in question first.
    notes
        Paragraphs to put under the title: which data, which folds, what to beware of.
    errors
        For some of the keys of `results`, rows as `worst_errors` gives them.
    pictures
        False for JSON and Markdown only, which need no matplotlib.

    Raises
    ------
    MissingExtraError
        When pictures are wanted and matplotlib is not installed.
    """
    notes = list(notes)
    drawn = draw_pictures(results) if pictures else {}
    values = {
        "title": title,
        "notes": notes,
        "results": {
            name: {model: evaluation.to_dict() for model, evaluation in models.items()}
            for name, models in results.items()
        },
    }
    files: dict[str, str | bytes] = {
        "report.json": json.dumps(values, ensure_ascii=False, indent=1, allow_nan=False) + "\n",
        "report.md": format_markdown(results, title=title, notes=notes, errors=errors, pictures=drawn),
    }
    for shown in drawn.values():
        files |= {name: content for name, (_, content) in shown.items()}
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    return [write_atomically(folder / name, content) for name, content in files.items()]


def format_markdown(
    results: Results,
    *,
    title: str,
    notes: Sequence[str] = (),
    errors: Mapping[str, pd.DataFrame] | None = None,
    pictures: Pictures | None = None,
) -> str:
    """Return the report as Markdown, with links to the pictures in the same folder."""
    parts = [
        f"# {title}",
        *notes,
        "In brackets: 95 % intervals from a bootstrap over events. ↓: lower is better; else, higher is. "
        "A dash: not defined, or not something that the model gives.",
    ]
    for name, models in results.items():
        shown = pictures.get(name, {}) if pictures else {}
        model, evaluation = next(iter(models.items()))
        parts += [f"## {name}", f"{evaluation.n:,} statements at {evaluation.n_events:,} events."]
        parts += [_table_metrics(models)]
        parts += [f"![{what}]({file})" for file, (what, _) in shown.items()]
        slices = _list_slices(models)
        if slices:
            parts += [f"### {model}: parts of the statements", *slices]
        wrong = (errors or {}).get(name)
        if wrong is not None and len(wrong):
            parts += [f"### {model}: wrong, and surest of it", _table_errors(wrong)]
    return "\n\n".join(parts) + "\n"


def _table_metrics(models: Mapping[str, Evaluation]) -> str:
    rows = [
        [
            heading + (" ↓" if metric in LOWER_IS_BETTER else ""),
            *(str(e.metrics[metric]) for e in models.values()),
        ]
        for metric, heading in METRICS.items()
    ]
    return _table(["", *models], rows)


def _list_slices(models: Mapping[str, Evaluation]) -> list[str]:
    """Return a table of the slices that are large enough, and a sentence that counts the others."""
    evaluation, *others = models.values()
    header = [
        "",
        "n",
        *(METRICS[metric] + (" ↓" if metric in LOWER_IS_BETTER else "") for metric in SLICE_METRICS),
    ]
    header += [f"{METRICS['macro_f1']} of {name}" for name in list(models)[1:]]
    rows, few = [], []
    for column, slices in evaluation.slices.items():
        for value, part in slices.items():
            name = _name_slice(column, value)
            if part.metrics:
                beside = [_value(_macro_f1(other, column, value)) for other in others]
                rows.append([name, str(part.n), *(str(part.metrics[metric]) for metric in SLICE_METRICS), *beside])
            else:
                few.append(f"{name} ({part.n})")
    parts = [_table(header, rows)] if rows else []
    if few:
        parts.append(f"Fewer than {ROWS_PER_SLICE} statements, not scored: {', '.join(few)}.")
    return parts


def _name_slice(column: str, value: str) -> str:
    return f"{COLUMN_NAMES.get(column, column)}: {value.replace('_', ' ')}"


def _macro_f1(evaluation: Evaluation, column: str, value: str) -> Estimate:
    part = evaluation.slices.get(column, {}).get(value)
    return part.metrics["macro_f1"] if part is not None and part.metrics else Estimate(None, None, None)


def _value(estimate: Estimate) -> str:
    """Return the estimate without its interval."""
    return str(Estimate(estimate.value, None, None))


def _table_errors(errors: pd.DataFrame) -> str:
    rows = [
        [
            str(row["statement"]),
            str(row["target"]),
            str(row["stance"]),
            str(row["predicted"]),
            " / ".join(f"{row[f'p_{label}']:.2f}" for label in LABELS),
        ]
        for _, row in errors.iterrows()
    ]
    return _table(["statement", "target", "stance", "predicted", " / ".join(LABELS)], rows)


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    cells = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(_escape(cell) for cell in row) + " |" for row in cells)


def _escape(cell: str) -> str:
    """Return one line in which nothing ends the cell or is read as markup, a link or an image."""
    return MARKUP.sub(r"\\\g<0>", " ".join(cell.split()))


def require_pictures() -> None:
    """Raise `MissingExtraError` now, and not after minutes of work, if matplotlib is missing."""
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(
            'pictures need matplotlib, which is not installed: pip install "stance-classifier[plots]"'
        ) from error


def draw_pictures(results: Results) -> dict[str, dict[str, tuple[str, bytes]]]:
    """Return for each key of `results` its pictures: file name → what it shows, PNG bytes.

    Scores that are not probabilities have no picture of reliability, too small slices none of slices.
    """
    kinds = {
        "models": ("macro-F1 of the models", draw_models),
        "reliability": ("how often it is right, by how sure it is", draw_reliability),
        "risk-coverage": ("errors among the surest statements", draw_risk_coverage),
        "confusion": ("which stances are taken for which", draw_confusion),
        "slices": ("macro-F1 on parts of the statements", draw_slices),
    }
    pictures: dict[str, dict[str, tuple[str, bytes]]] = {}
    for number, (name, models) in enumerate(results.items(), start=1):
        evaluation = next(iter(models.values()))
        empty = set() if evaluation.reliability else {"reliability"}
        if not _scored_slices(evaluation):
            empty.add("slices")
        pictures[name] = {}
        for kind, (what, draw) in kinds.items():
            if kind in empty:
                continue
            content = io.BytesIO()
            draw(models, title=name).savefig(content, format="png", dpi=DPI, metadata={"Software": None})
            pictures[name][f"{kind}-{number}.png"] = (what, content.getvalue())
    return pictures


def draw_models(models: Mapping[str, Evaluation], *, title: str = "") -> "Figure":
    """Return a picture of the macro-F1 of each model with its interval."""
    figure, axes = _new_axes(7, 1.4 + 0.4 * len(models), title)
    for place, evaluation in enumerate(models.values()):
        _dot(axes, evaluation.metrics["macro_f1"], place, COLOURS[0] if place == 0 else GREY)
    axes.set_yticks(range(len(models)), [_wrap(name) for name in models])
    axes.set_ylim(len(models) - 0.5, -0.5)
    axes.set_xlim(0, 1)
    axes.set_xlabel("macro-F1, with 95 % interval")
    return figure


def draw_reliability(models: Mapping[str, Evaluation], *, title: str = "") -> "Figure":
    """Return a picture of how often the first model is right, by how sure it is."""
    name, evaluation = next(iter(models.items()))
    figure, axes = _new_axes(5.2, 5.2, title)
    axes.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=1, label="as sure as right")
    bins = evaluation.reliability
    sure, right = [b.confidence for b in bins], [b.accuracy for b in bins]
    axes.plot(sure, right, color=COLOURS[0], marker="o", clip_on=False, label=_wrap(name))
    axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
    axes.set_xlabel("probability of the predicted stance (mean of bin)")
    axes.set_ylabel("share of right predictions")
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    ece = evaluation.metrics["ece"]
    axes.text(0.97, 0.04, f"calibration error {ece}", transform=axes.transAxes, ha="right")
    return figure


def draw_risk_coverage(models: Mapping[str, Evaluation], *, title: str = "") -> "Figure":
    """Return a picture of the errors among the surest rows, the more of them are answered."""
    figure, axes = _new_axes(7, 4 + 0.12 * len(models), title)
    for place, (name, evaluation) in enumerate(models.items()):
        points = [point for point in evaluation.risk_coverage if point.risk.value is not None]
        coverage = [point.coverage for point in points]
        style: dict[str, Any] = {
            "color": COLOURS[place % 7],
            "linestyle": LINES[place % 7],
            "label": _wrap(name),
        }
        axes.plot(coverage, [p.risk.value or 0.0 for p in points], linewidth=2.4 if place == 0 else 1.4, **style)
        if place == 0 and all(point.risk.low is not None for point in points):
            low, high = [p.risk.low or 0.0 for p in points], [p.risk.high or 0.0 for p in points]
            axes.fill_between(coverage, low, high, color=COLOURS[0], alpha=0.15, linewidth=0)
    axes.set(xlim=(0, 1), ylim=(0, None))
    axes.set_xlabel("coverage: share of the statements, the surest first")
    axes.set_ylabel("share of wrong predictions")
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    return figure


def draw_confusion(models: Mapping[str, Evaluation], *, title: str = "") -> "Figure":
    """Return a picture of which stances the first model takes for which."""
    evaluation = next(iter(models.values()))
    figure, axes = _new_axes(5.2, 4.8, title)
    shares = [[count / max(1, sum(row)) for count in row] for row in evaluation.confusion]
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for i, row in enumerate(evaluation.confusion):
        for j, count in enumerate(row):
            colour = "white" if shares[i][j] > 0.65 else "black"
            axes.text(j, i, f"{shares[i][j]:.0%}\n({count})", ha="center", va="center", color=colour)
    axes.set_xticks(range(len(LABELS)), LABELS)
    axes.set_yticks(range(len(LABELS)), LABELS)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    return figure


def draw_slices(models: Mapping[str, Evaluation], *, title: str = "") -> "Figure":
    """Return a picture of the first model's macro-F1 by slice, and that of the best of the others."""
    (name, evaluation), *others = models.items()
    places = _scored_slices(evaluation)
    figure, axes = _new_axes(7, 1.8 + 0.32 * len(places), title)
    for place, (_, _, part) in enumerate(places):
        _dot(axes, part.metrics["macro_f1"], place, COLOURS[0], label=_wrap(name) if place == 0 else None)
    if others:
        rival, best = max(others, key=lambda item: item[1].metrics["macro_f1"].value or 0.0)
        values = [_macro_f1(best, column, value).value for column, value, _ in places]
        known = [(value, place) for place, value in enumerate(values) if value is not None]
        axes.scatter(
            [value for value, _ in known],
            [place for _, place in known],
            facecolors="none",
            edgecolors=COLOURS[1],
            marker="D",
            s=36,
            zorder=3,
            label=_wrap(rival),
        )
    for place in range(1, len(places)):
        if places[place][0] != places[place - 1][0]:
            axes.axhline(place - 0.5, color=GREY, linewidth=0.5)
    labels = [f"{_name_slice(column, value)} ({part.n})" for column, value, part in places]
    axes.set_yticks(range(len(places)), labels)
    axes.set_ylim(len(places) - 0.5, -0.5)
    axes.set_xlim(0, 1)
    axes.set_xlabel("macro-F1, with 95 % interval (in brackets: statements)")
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    return figure


def _scored_slices(evaluation: Evaluation) -> list[tuple[str, str, Slice]]:
    return [
        (column, value, part)
        for column, slices in evaluation.slices.items()
        for value, part in slices.items()
        if part.metrics
    ]


def _new_axes(width: float, height: float, title: str) -> tuple["Figure", "Axes"]:
    """Return a figure that belongs to no window and no global state, and its axes."""
    require_pictures()
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.add_subplot()
    figure.suptitle(textwrap.fill(title, int(10 * width)), x=0.01, ha="left", fontsize=11)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _dot(axes: "Axes", estimate: Estimate, place: int, colour: str, label: str | None = None) -> None:
    if estimate.value is None:
        return
    if estimate.low is not None and estimate.high is not None:
        axes.plot([estimate.low, estimate.high], [place, place], color=colour, linewidth=2, clip_on=False)
    dot: dict[str, Any] = {"marker": "o", "linestyle": "none", "markersize": 7, "clip_on": False}
    axes.plot([estimate.value], [place], color=colour, label=label, **dot)
    end = estimate.value if estimate.high is None else estimate.high
    axes.annotate(
        f"{estimate.value:.2f}",
        (end, place),
        xytext=(8, 0),
        textcoords="offset points",
        va="center",
        fontsize=9,
    )


def _wrap(name: str) -> str:
    return textwrap.fill(name, 30)
