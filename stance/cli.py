"""The command line: one thin function per verb.

Exit status: 0 done; 1 the input or the model is at fault, which one line on stderr says; 2 usage; 130 interrupted.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import stance
from stance.errors import StanceError

if TYPE_CHECKING:  # pandas and scikit-learn load when a verb needs them: `stance --help` comes at once
    import pandas as pd

    from stance.config import TrainingConfig
    from stance.evaluation import Evaluation
    from stance.predictor import StancePredictor

REGIMES = {"known": "known agreement, new event", "unseen": "agreement never seen"}
_SHOWN = ("macro_f1", "accuracy", "support_oppose_accuracy", "confident_accuracy", "ece", "coverage", "precision")
# A spreadsheet takes a cell that starts so for a formula.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_KEYS = ("id", "statement", "target", "stance", "abstained", "reason", "score", "probabilities")


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status of the command with these arguments (by default those of the process)."""
    parser = _build_parser()
    args = parser.parse_args(arguments)
    level = logging.ERROR if args.quiet else logging.INFO
    logging.basicConfig(level=logging.WARNING, format="stance: %(message)s", stream=sys.stderr, force=True)
    logging.getLogger("stance").setLevel(level)
    try:
        args.run(args, parser)
    except StanceError as error:
        return _fail(str(error))
    except BrokenPipeError:  # the reader of a pipe has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        return _fail(f"{error.filename or 'output'}: {error.strerror or error}")
    except KeyboardInterrupt:
        print("stance: interrupted; nothing was written", file=sys.stderr)
        return 130
    return 0


def _fail(message: str) -> int:
    print(f"stance: {_visible(message)}", file=sys.stderr)
    return 1


def _build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="stance", description="Which side a politician's statement takes on an agreement."
    )
    parser.add_argument("--version", action="version", version=f"stance {stance.__version__}")
    verbs = parser.add_subparsers(metavar="VERB", required=True)

    train = _add_verb(verbs, "train", _train, "fit a model to labelled statements and save it as a folder")
    train.add_argument("data", nargs="+", metavar="DATA", help="tables of statements, or folders of them")
    train.add_argument("--output", required=True, metavar="FOLDER", help="where the model goes")
    train.add_argument("--targets", metavar="FILE", help="agreements and their names, TOML (default: those shipped)")
    _add_settings(train)

    predict = _add_verb(
        verbs, "predict", _predict, "score statements: arguments, --input, or standard input, one a line or JSON Lines"
    )
    predict.add_argument("statements", nargs="*", metavar="STATEMENT")
    predict.add_argument("--input", metavar="FILE", help="CSV, TSV, JSON Lines, Parquet or text; - is standard input")
    predict.add_argument(
        "--format",
        choices=("table", "json", "csv"),
        default="table",
        help="table for reading, JSON Lines, or CSV with the input's columns, where a text that a spreadsheet would "
        "take for a formula gets an apostrophe in front (default: table)",
    )
    predict.add_argument("--output", metavar="FILE", help="written whole or not at all (default: standard output)")
    _add_model(predict)

    explain = _add_verb(verbs, "explain", _explain, "show what each part of a statement adds to its score")
    explain.add_argument("statement", metavar="STATEMENT")
    explain.add_argument("--format", choices=("table", "json"), default="table")
    _add_model(explain)

    evaluate = _add_verb(verbs, "evaluate", _evaluate, "score a model on labelled statements that it did not see")
    evaluate.add_argument("data", nargs="+", metavar="DATA", help="tables of statements, or folders of them")
    evaluate.add_argument("--model", metavar="FOLDER", help="default: the model that comes with the package")
    evaluate.add_argument(
        "--cross-validate",
        action="store_true",
        help="instead of a model, train on parts of DATA and score the rest, so that every documented row is tried",
    )
    evaluate.add_argument("--output", default="reports", metavar="FOLDER", help="default: reports")
    evaluate.add_argument("--no-pictures", action="store_true", help="without the PNG files, which need matplotlib")
    _add_settings(evaluate)

    audit = _add_verb(verbs, "audit", _audit, "look for duplicates, leaks, label conflicts, gaps and skews in tables")
    audit.add_argument("data", nargs="+", metavar="DATA", help="several are taken for the parts of a split")
    audit.add_argument("--format", choices=("text", "json"), default="text")
    return parser


def _add_verb(verbs: Any, name: str, run: Any, summary: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = verbs.add_parser(name, help=summary, description=summary[0].upper() + summary[1:])
    parser.add_argument("--quiet", action="store_true", help="nothing on stderr but errors")
    parser.set_defaults(run=run)
    return parser


def _add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", metavar="FOLDER", help="default: the model that comes with the package")
    parser.add_argument("--target", metavar="NAME", help="the agreement (default: the table's, or the model's own)")


def _add_settings(parser: argparse.ArgumentParser) -> None:
    """Add a flag for each setting of training."""
    from stance.config import BLOCKS, TrainingConfig

    group = parser.add_argument_group("settings", "each replaces what --config says")
    group.add_argument("--config", metavar="FILE", help="settings, TOML")
    words = {"target": str, "hold_out": str}
    for field in fields(TrainingConfig):
        default = field.default
        kind = words.get(field.name, float if isinstance(default, tuple | float) else int)
        shown = " ".join(map(str, default)) if isinstance(default, tuple) else default
        text = f"{_SETTINGS[field.name]} (default: {shown if shown != '' else 'none'})"
        options: dict[str, Any] = {"help": text, "dest": f"set_{field.name}", "type": kind}
        if field.name == "blocks":
            options.update(type=str, choices=BLOCKS)
        if isinstance(default, tuple):
            options.update(nargs="+")
        if "choices" not in options:
            options["metavar"] = "N" if kind is not str else "NAME"
        group.add_argument(f"--{field.name.replace('_', '-')}", **options)


_SETTINGS = {
    "target": "the agreement that the model is for; none: the one with the most rows",
    "blocks": "blocks of features",
    "C": "inverse strengths of regularisation to search",
    "authored_weight": "weights of authored rows, against 1 of documented ones, to search",
    "sentence_weight": "weights of the sentence block to search",
    "target_weight": "weight of a row on the target, against 1 of others",
    "folds": "folds of the search and of calibration",
    "precision": "how often an answer should be right",
    "hold_out": "events or ids of rows to leave out of training",
    "seed": "reaches every random step",
    "jobs": "processes; -1: one per core",
}


def _read_settings(args: argparse.Namespace) -> TrainingConfig:
    from stance.config import TrainingConfig, read_config

    config = read_config(args.config) if args.config else TrainingConfig()
    flags = {name[4:]: value for name, value in vars(args).items() if name.startswith("set_") and value is not None}
    return config.with_values(flags, source="flags")


def _load(paths: Sequence[str]) -> pd.DataFrame:
    import pandas as pd

    from stance.data import load_statements

    return pd.concat([load_statements(path) for path in paths], ignore_index=True)


def _say(args: argparse.Namespace, text: str) -> None:
    if not args.quiet:
        print(text, file=sys.stderr, flush=True)


def _train(args: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    from stance.evaluation import score_predictions
    from stance.persistence import save_model
    from stance.schema import LABELS
    from stance.targets import read_targets
    from stance.training import train, training_rows

    config = _read_settings(args)
    frame = _load(args.data)
    targets = read_targets(args.targets) if args.targets else None
    rows = training_rows(frame, config)
    _say(args, f"training on {len(rows):,} statements; about a minute for 5,000 …")
    classifier = train(frame, config, targets=targets)
    scores: dict[str, Evaluation] = {}
    for name, answers in classifier.out_of_fold_.items():
        columns = [list(classifier.classes_).index(label) for label in LABELS if label in classifier.classes_]
        if len(columns) == len(LABELS):
            scores[name] = score_predictions(
                rows.iloc[answers.rows], answers.probabilities[:, columns], abstained=answers.abstained, by=()
            )
    folder = save_model(
        classifier,
        args.output,
        scores={name: {key: vars(value) for key, value in e.metrics.items()} for name, e in scores.items()},
    )
    for name, evaluation in scores.items():
        print(f"\n{REGIMES[name]}: {evaluation.n} documented statements, out of fold [95 % interval]")
        for metric in _SHOWN:
            value = evaluation.metrics[metric]
            print(f"  {_METRICS[metric]:<28} {value.value:.2f}  [{value.low:.2f}, {value.high:.2f}]")
    chosen = ", ".join(f"{name} {value:g}" for name, value in classifier.candidate_._asdict().items())
    print(f"\nchosen: {chosen}\nsaved: {args.output} ({sum(f.stat().st_size for f in folder.iterdir()) / 1e6:.1f} MB)")
    print(f'\nnow try: {_command()} predict --model {args.output} "Scrap this treaty and move the border to Dover."')


_METRICS = {
    "macro_f1": "macro-F1",
    "accuracy": "accuracy",
    "support_oppose_accuracy": "support against oppose",
    "confident_accuracy": "right on the surest 40 %",
    "ece": "expected calibration error",
    "coverage": "answers given",
    "precision": "right when answering",
}


def _command() -> str:
    """How the command can be called again, where `stance` may not be on the path."""
    called = Path(sys.argv[0])
    return (
        "python -m stance"
        if called.name == "__main__.py"
        else os.path.relpath(called)
        if called.is_file()
        else "stance"
    )


def _load_predictor(args: argparse.Namespace) -> StancePredictor:
    from stance.predictor import StancePredictor

    return StancePredictor.load(args.model)


def _predict(args: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    if args.statements and args.input:
        parser.error("give statements or --input, not both")
    if not args.statements and not args.input and sys.stdin.isatty():
        parser.error("nothing to score: give statements, --input FILE, or text on standard input")
    import pandas as pd

    from stance.data import read_batches

    predictor = _load_predictor(args)
    frames: Iterable[pd.DataFrame] = (
        [pd.DataFrame({"statement": list(args.statements)})] if args.statements else read_batches(args.input or "-")
    )
    write = {"table": _write_table, "json": _write_json, "csv": _write_csv}[args.format]
    done = 0
    with _open_output(args.output) as file:
        for number, frame in enumerate(frames):
            write(file, predictor.predict_frame(frame, target=args.target), number == 0)
            done += len(frame)
            if not args.statements and done % 20_000 < len(frame):
                _say(args, f"{done:,} statements …")


@contextmanager
def _open_output(path: str | None) -> Iterator[BinaryIO]:
    from stance.files import open_atomically

    if path is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    else:
        with open_atomically(path) as file:
            yield file


def _write_json(file: BinaryIO, scored: pd.DataFrame, first: bool) -> None:
    from stance.schema import LABELS

    for row in scored.to_dict("records"):
        row["probabilities"] = {label: row[f"p_{label}"] for label in LABELS}
        kept = {key: row[key] for key in _KEYS if key in row}
        file.write((json.dumps(kept, ensure_ascii=False) + "\n").encode())


def _write_csv(file: BinaryIO, scored: pd.DataFrame, first: bool) -> None:
    texts = scored.select_dtypes(include=["object", "str"]).columns
    safe = scored.assign(**{name: scored[name].map(_defuse) for name in texts})
    # Excel takes UTF-8 for another encoding without the mark at the beginning.
    file.write(safe.to_csv(index=False, header=first, lineterminator="\n").encode("utf-8-sig" if first else "utf-8"))


def _defuse(cell: object) -> object:
    """Keep a spreadsheet from running a text."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA_STARTS) else cell


def _write_table(file: BinaryIO, scored: pd.DataFrame, first: bool) -> None:
    if first:
        file.write(f"{'stance':<10} {'score':>6}  {'support':>7} {'oppose':>7} {'neutral':>7}  statement\n".encode())
    for row in scored.to_dict("records"):
        verdict = row["stance"] or f"({row['reason']})"
        shares = " ".join(f"{row[f'p_{label}']:>7.2f}" for label in ("support", "oppose", "neutral"))
        statement = " ".join(_visible(row["statement"]).split())
        shown = statement if len(statement) <= 70 else f"{statement[:69]}…"
        file.write(f"{verdict:<10} {row['score']:>+6.2f}  {shares}  {shown}\n".encode())


def _visible(text: str) -> str:
    """Text without what could steer a terminal."""
    return "".join(c if c.isprintable() or c in "\n\t" else "�" for c in text)


def _explain(args: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    predictor = _load_predictor(args)
    prediction = predictor.predict(args.statement, target=args.target)
    parts = predictor.explain(args.statement, target=args.target)
    if args.format == "json":
        spans = [vars(part) for part in parts]
        print(json.dumps({**prediction.to_dict(), "spans": spans}, ensure_ascii=False))
        return
    verdict = prediction.stance or f"no answer ({prediction.reason})"
    print(f"{verdict}, score {prediction.score:+.2f}\n")
    largest = max((abs(part.weight) for part in parts), default=0.0) or 1.0
    for part in parts:
        bar = ("+" if part.weight > 0 else "-") * round(20 * abs(part.weight) / largest)
        print(f"{part.start:>5} {part.end:>5}  {part.weight:>+7.3f}  {_visible(part.text):<24} {bar}".rstrip())
    print("\n+ speaks for support, - for opposition")


def _evaluate(args: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    from stance.errors import SchemaError
    from stance.evaluation import evaluate, predict_scores, worst_errors
    from stance.reports import require_pictures, write_report
    from stance.training import is_seen

    if not args.no_pictures:
        require_pictures()
    frame = _load(args.data)
    if args.cross_validate:
        _cross_validate(args, frame)
        return
    predictor = _load_predictor(args)
    seen = is_seen(predictor.classifier, frame["statement"])
    rows = frame[~seen].reset_index(drop=True)
    if rows.empty:
        raise SchemaError(f"the model was trained on all {len(frame)} statements; expected some that it did not see")
    notes = [f"{seen.sum()} of {len(frame)} statements were left out: the model was trained on them."]
    evaluation = evaluate(predictor, rows)
    errors = worst_errors(rows, predict_scores(predictor, rows).probabilities)
    name = "statements that the model did not see"
    paths = write_report(
        {name: {"stance": evaluation}},
        args.output,
        title="How well the model does",
        notes=notes,
        errors={name: errors},
        pictures=not args.no_pictures,
    )
    _say(args, notes[0])
    _print_report(paths)


def _cross_validate(args: argparse.Namespace, frame: pd.DataFrame) -> None:
    from stance.crossvalidation import cross_validate
    from stance.reports import write_report

    config = _read_settings(args)
    results, errors, notes = cross_validate(frame, config, say=lambda text: _say(args, text))
    paths = write_report(
        results,
        args.output,
        title="How well the model does on real positions that it did not see",
        notes=notes,
        errors=errors,
        pictures=not args.no_pictures,
    )
    _print_report(paths)


def _print_report(paths: Iterable[Path]) -> None:
    for path in paths:
        if path.suffix == ".md":
            text = path.read_text(encoding="utf-8")
            print(text[: text.find("\n## Slices")] if "\n## Slices" in text else text)
        print(f"written: {os.path.relpath(path)}", file=sys.stderr)


def _audit(args: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    from stance.audit import audit
    from stance.data import load_statements

    tables = {path: load_statements(path, require_stance=False) for path in args.data}
    found = audit(tables if len(tables) > 1 else next(iter(tables.values())))
    print(json.dumps(found.to_dict(), ensure_ascii=False, indent=2) if args.format == "json" else found)
