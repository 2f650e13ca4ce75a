"""The command line: one thin function per verb.

Exit status: 0 done; 1 the input or the model is at fault, which one line on stderr says; 2 usage; 130 interrupted.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import shlex
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, fields
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

import stance
from stance.config import BLOCKS, TrainingConfig, read_config
from stance.errors import ConfigError, DataError, SchemaError, StanceError

if TYPE_CHECKING:  # pandas and scikit-learn load when a verb needs them: `stance --help` comes at once
    import pandas as pd

    from stance.articles import Story
    from stance.evaluation import Evaluation
    from stance.predictor import StancePredictor
    from stance.quotes import Quote
    from stance.reading import Article, SpeakerTally

_T = TypeVar("_T")

_SHOWN = (
    "macro_f1", "accuracy", "support_oppose_accuracy", "confident_accuracy", "ece", "coverage", "precision"
)  # fmt: skip
_KEYS = ("statement", "target", "stance", "abstained", "reason", "score", "probabilities")
_QUOTE_KEYS = (
    "article", "text", "start", "end", "form", "statement", "pieces", "cue", "mention", "speaker", "candidates", "rule"
)  # fmt: skip
_QUOTE_COLUMNS = ("article", "speaker", "candidates", "form", "statement", "cue", "mention", "rule", "start", "end")
# A spreadsheet takes a cell that starts so for a formula.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_JOINERS = "\u200c\u200d"  # hold together emoji and Persian words; harmless though not "printable"
_MAX_MESSAGE = 4_000  # characters of an error: a column's name may have a million
_PROGRESS_EVERY = 20_000
_PROGRESS_SECONDS = 10.0  # between reports on articles, of which some take a second and some none
_CSV_ARTICLES = 100  # put into one frame: a frame for each would take longer than reading them
_CSV_ROWS = 1_000
_MOST_SPEAKERS = 50  # in the tally for people


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status of the command with these arguments (by default those of the process)."""
    args = _build_parser().parse_args(arguments)
    try:
        with _logging_to_stderr(logging.ERROR if args.quiet else logging.INFO):
            args.run(args)
        sys.stdout.flush()
    except StanceError as error:
        return _fail(str(error))
    except BrokenPipeError:  # the reader of a pipe has seen enough
        _forget_output()
    except OSError as error:
        _forget_output()
        return _fail(f"{error.filename or 'the output'}: {error.strerror or error}")
    except KeyboardInterrupt:
        _fail("interrupted")
        return 130
    return 0


class _OneLine(logging.Formatter):
    """One line a record: a file's name may steer the terminal, and a traceback is for `logging` in Python."""

    def format(self, record: logging.LogRecord) -> str:
        """Text without line breaks and without what could steer a terminal."""
        return f"stance: {_one_line(record.getMessage()[:_MAX_MESSAGE])}"


@contextmanager
def _logging_to_stderr(level: int) -> Iterator[None]:
    logger, handler = logging.getLogger("stance"), logging.StreamHandler()
    handler.setFormatter(_OneLine())
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(level)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)


def _fail(message: str) -> int:
    print(f"stance: {_one_line(message[:_MAX_MESSAGE])}", file=sys.stderr)
    return 1


def _forget_output() -> None:
    """Drop what standard output did not take: Python would try again at its end, and complain."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


# --- arguments ---


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
        "take for a formula (it starts with = + - @) gets an apostrophe in front (default: table)",
    )
    predict.add_argument("--output", metavar="FILE", help="written whole or not at all (default: standard output)")
    _add_model(predict)

    explain = _add_verb(verbs, "explain", _explain, "show what each part of a statement adds to its score")
    explain.add_argument("statement", metavar="STATEMENT")
    explain.add_argument("--format", choices=("table", "json"), default="table", help="default: table")
    _add_model(explain)

    quotes = _add_verb(verbs, "quotes", _quotes, "show the statements of an article, or of many, and who made each")
    _add_articles(quotes)

    read = _add_verb(verbs, "read", _read, "read an article, or many: who said what, and which side each takes")
    _add_articles(read)
    read.add_argument(
        "--html",
        metavar="FILE",
        help="a page that shows the article with its statements marked; one article only; without --format and "
        "--output nothing else is given out",
    )
    read.add_argument(
        "--evidence",
        action=argparse.BooleanOptionalAction,
        help="the words that led to each verdict, which takes most of the time (default: for a single article)",
    )
    _add_model(read)

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
    audit.add_argument("--format", choices=("text", "json"), default="text", help="default: text")
    return parser


def _add_verb(verbs: Any, name: str, run: Any, summary: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = verbs.add_parser(name, help=summary, description=summary[0].upper() + summary[1:])
    parser.add_argument("--quiet", action="store_true", help="nothing on stderr but errors")
    parser.set_defaults(run=run, parser=parser)
    return parser


def _add_articles(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "path",
        metavar="PATH",
        help="a text file; a table with a column `text` (JSON Lines, CSV, TSV, Parquet); a folder of them; - is "
        "standard input, one article or JSON Lines",
    )
    parser.add_argument("--language", choices=("en", "fr"), help="of the articles (default: told from each)")
    parser.add_argument("--format", choices=("table", "json", "csv"), help="as for predict (default: table)")
    parser.add_argument("--output", metavar="FILE", help="written whole or not at all (default: standard output)")


def _add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", metavar="FOLDER", help="default: the model that comes with the package")
    parser.add_argument("--target", metavar="NAME", help="the agreement (default: the table's, or the model's own)")


_SETTINGS = {
    "target": "the agreement that the model is for, also given to rows without one; none: the one with the most rows",
    "blocks": "blocks of features",
    "entailment": "folder or hub id of a model of natural language inference, for one more block",
    "C": "inverse strengths of regularisation to search",
    "authored_weight": "weights of authored rows, against 1 of documented ones, to search",
    "sentence_weight": "weights of the sentence block to search",
    "stance_weight": "weights of the stance encoder to search",
    "target_weight": "weight of a row on the target, against 1 of others",
    "folds": "folds of the search and of calibration",
    "precision": "how often an answer should be right",
    "hold_out": "events or ids of rows to leave out of training",
    "seed": "reaches every random step",
    "jobs": "processes; -1: one per core",
}


def _add_settings(parser: argparse.ArgumentParser) -> None:
    """Add a flag for each setting of training."""
    group = parser.add_argument_group("settings", "each replaces what --config says")
    group.add_argument("--config", metavar="FILE", help="settings, TOML")
    for field in fields(TrainingConfig):
        default: Any = field.default
        several = isinstance(default, tuple)
        kind = str if field.name == "hold_out" else type(default[0] if several else default)
        shown = " ".join(map(str, default)) if several else default
        options: dict[str, Any] = {"metavar": "NAME" if kind is str else "N"}
        if field.name == "blocks":
            options = {"choices": BLOCKS}
        if several:
            options["nargs"] = "+"
        group.add_argument(
            f"--{field.name.replace('_', '-')}",
            dest=f"set_{field.name}",
            type=kind,
            help=f"{_SETTINGS[field.name]} (default: {shown if shown != '' else 'none'})",
            **options,
        )


def _flags(args: argparse.Namespace) -> dict[str, Any]:
    """Settings that were given as flags."""
    return {name[4:]: value for name, value in vars(args).items() if name.startswith("set_") and value is not None}


def _read_settings(args: argparse.Namespace) -> TrainingConfig:
    config = read_config(args.config) if args.config else TrainingConfig()
    parser: argparse.ArgumentParser = args.parser
    try:
        return config.with_values(_flags(args), source="flags")
    except ConfigError as error:
        parser.error(str(error))


# --- verbs ---


def _train(args: argparse.Namespace) -> None:
    import pandas as pd

    from stance.crossvalidation import KNOWN, UNSEEN
    from stance.evaluation import score_predictions
    from stance.persistence import save_model
    from stance.schema import LABELS
    from stance.targets import read_targets
    from stance.training import train, training_rows

    config = _read_settings(args)
    targets = read_targets(args.targets) if args.targets else None
    frame = _load(args.data, config)
    rows = training_rows(frame, config)
    _say(args, f"training on {len(rows):,} of {len(frame):,} statements; 5,000 take about a minute …")
    classifier = train(frame, config, targets=targets)
    scores: dict[str, Evaluation] = {}
    for regime, answers in classifier.out_of_fold_.items():
        table = pd.DataFrame(answers.probabilities, columns=classifier.classes_)
        probabilities = table.reindex(columns=list(LABELS), fill_value=0.0)
        tried = rows.iloc[answers.rows]
        scores[regime] = score_predictions(tried, probabilities, abstained=answers.abstained, by=())
    folder = save_model(
        classifier,
        args.output,
        scores={
            regime: {metric: asdict(estimate) for metric, estimate in evaluation.metrics.items()}
            for regime, evaluation in scores.items()
        },
    )
    for regime, evaluation in scores.items():
        _print_scores(f"{KNOWN if regime == 'known' else UNSEEN}, out of fold", {"the model": evaluation})
    chosen = ", ".join(f"{name} {value:g}" for name, value in classifier.candidate_._asdict().items())
    size = sum(file.stat().st_size for file in folder.iterdir())
    print(f"\nchosen: {chosen}\nsaved: {_one_line(args.output)} ({size / 1e6:.1f} MB)")
    model = shlex.quote(args.output)
    print(f'now try: {_command()} predict --model {model} "Scrap this treaty and move the border to Dover."')


def _predict(args: argparse.Namespace) -> None:
    if args.statements and args.input:
        args.parser.error("give statements or --input, not both")
    if not args.statements and not args.input and (sys.stdin is None or sys.stdin.isatty()):
        args.parser.error("nothing to score: give statements, --input FILE, or text on standard input")
    from stance.data import read_batches

    frames = iter([_to_frame(args.statements)]) if args.statements else read_batches(args.input or "-")
    predictor = _load_predictor(args)
    scored = (predictor.predict_frame(frame, target=args.target) for frame in frames)
    parts = {"table": _to_table, "json": _to_json_lines, "csv": _to_csv}[args.format]
    with _open_output(args.output) as file:
        for part in parts(_count(scored, args)):
            file.write(part.encode())


def _explain(args: argparse.Namespace) -> None:
    statement = str(_to_frame([args.statement])["statement"][0])
    predictor = _load_predictor(args)
    prediction = predictor.predict(statement, target=args.target)
    parts = predictor.explain(statement, target=args.target)
    if args.format == "json":
        _print_json({**prediction.to_dict(), "spans": [asdict(part) for part in parts]})
        return
    print(f"{prediction.stance or f'no answer ({prediction.reason})'}, score {prediction.score:+.2f}\n")
    largest = max((abs(part.weight) for part in parts), default=0.0) or 1.0
    for part in parts:
        bar = ("+" if part.weight > 0 else "-") * round(20 * abs(part.weight) / largest)
        print(f"{part.start:>6} {part.end:>6} {part.weight:>+7.3f}  {_shorten(part.text, 30):<30} {bar}".rstrip())
    print("\nstart, end, weight: + speaks for support, - for opposition")


def _quotes(args: argparse.Namespace) -> None:
    stories, several = _open_stories(args)
    _refuse_overwriting(args, args.output)
    found = _find_quotes(stories, args.language, several=several)
    found = _count_articles(found, args, lambda one: len(one[1])) if several else found
    parts = {"table": _quotes_to_table, "json": _quotes_to_json_lines, "csv": _quotes_to_csv}[args.format or "table"]
    with _open_output(args.output) as file:
        for part in parts(found):
            file.write(part.encode())


def _refuse_overwriting(args: argparse.Namespace, *outputs: str | None) -> None:
    """Keep an output from taking the place of the article that is read."""
    if args.path != "-" and any(output and Path(output).resolve() == Path(args.path).resolve() for output in outputs):
        args.parser.error(f"the output would replace {args.path}, which is to be read: give another file")


def _read(args: argparse.Namespace) -> None:
    from stance.files import write_atomically
    from stance.reading import read_article, read_articles

    stories, several = _open_stories(args)
    if several and args.html:
        args.parser.error("--html shows one article, and there are several here; give one, or --format json")
    _refuse_overwriting(args, args.html, args.output)
    if args.html and args.output and Path(args.html).resolve() == Path(args.output).resolve():
        args.parser.error("--html and --output name the same file: give two")
    options = {"target": args.target, "language": args.language}
    options["evidence"] = not several if args.evidence is None else args.evidence
    predictor = _load_predictor(args)
    if several:
        articles = _count_articles(read_articles(stories, predictor, **options), args, lambda one: len(one.statements))
    else:
        story = next(stories)
        article = read_article(story.text, predictor, title=story.title, name=story.name, **options)
        if args.html:
            write_atomically(args.html, article.to_html())
            _say(args, f"written: {_one_line(args.html)}")
            if not args.format and not args.output:
                return
        articles = iter([article])
    parts: dict[str, Callable[[Iterable[Article]], Iterator[str]]] = {
        "table": partial(_articles_to_table, several=several),
        "json": _articles_to_json_lines,
        "csv": _articles_to_csv,
    }
    with _open_output(args.output) as file:
        for part in parts[args.format or "table"](articles):
            file.write(part.encode())


def _evaluate(args: argparse.Namespace) -> None:
    if args.cross_validate and args.model:
        args.parser.error("--cross-validate trains models of its own: give it or --model, not both")
    if not args.cross_validate and (args.config or set(_flags(args)) - {"target"}):
        args.parser.error("settings are for --cross-validate; a model that was trained has its own")
    from stance.crossvalidation import cross_validate
    from stance.reports import require_pictures, write_report

    if not args.no_pictures:
        require_pictures()
    config = _read_settings(args)
    frame = _load(args.data, config)
    if args.cross_validate:
        title = "How well the model does on real positions that it did not see"
        results, errors, notes = cross_validate(frame, config, say=lambda text: _say(args, text))
    else:
        title = "How well the model does on statements that it did not see"
        results, errors, notes = _evaluate_model(_load_predictor(args), frame)
    paths = write_report(results, args.output, title=title, notes=notes, errors=errors, pictures=not args.no_pictures)
    for name, models in results.items():
        _print_scores(name, models)
    print()
    for note in notes:
        print(note)
    print(f"\nwritten: {', '.join(_one_line(os.path.relpath(path)) for path in paths)}")


def _evaluate_model(
    predictor: StancePredictor, frame: pd.DataFrame
) -> tuple[dict[str, dict[str, Evaluation]], dict[str, pd.DataFrame], list[str]]:
    """Results, errors and notes, as `write_report` takes them, on the rows that the model was not trained on."""
    from stance.evaluation import evaluate, predict_scores, worst_errors
    from stance.training import is_seen

    seen = is_seen(predictor.classifier, frame["statement"])
    rows = frame[~seen].reset_index(drop=True)
    if rows.empty:
        raise SchemaError(f"the model was trained on all {len(frame)} statements; expected some that it did not see")
    name = "statements that the model did not see"
    errors = worst_errors(rows, predict_scores(predictor, rows).probabilities)
    note = f"{seen.sum():,} of {len(frame):,} statements were left out: the model was trained on them."
    return {name: {"the model": evaluate(predictor, rows)}}, {name: errors}, [note]


def _audit(args: argparse.Namespace) -> None:
    from stance.audit import audit
    from stance.data import load_statements

    tables = {path: load_statements(path, require_stance=False) for path in args.data}
    found = audit(tables if len(tables) > 1 else next(iter(tables.values())))
    if args.format == "json":
        _print_json(found.to_dict())
    else:
        print("\n".join(map(_visible, str(found).splitlines())))


# --- statements in ---


def _load(paths: Sequence[str], config: TrainingConfig) -> pd.DataFrame:
    import pandas as pd

    from stance.data import load_statements

    return pd.concat([load_statements(path, target=config.target or None) for path in paths], ignore_index=True)


def _to_frame(statements: Sequence[str]) -> pd.DataFrame:
    """Checked table of statements from the command line, whose bytes need not be text."""
    from stance.data import load_statements

    return load_statements([{"statement": statement} for statement in statements], require_stance=False)


def _load_predictor(args: argparse.Namespace) -> StancePredictor:
    from stance.predictor import StancePredictor

    return StancePredictor.load(args.model)


# --- articles in ---


def _open_stories(args: argparse.Namespace) -> tuple[Iterator[Story], bool]:
    """Stories of the path, and whether there is more than one."""
    from stance.articles import load_stories

    stories = load_stories(args.path)
    first = list(islice(stories, 2))
    return chain(first, stories), len(first) > 1


def _find_quotes(
    stories: Iterable[Story], language: str | None, *, several: bool
) -> Iterator[tuple[Story, list[Quote]]]:
    from stance.reading import find_quotes

    for story in stories:
        try:
            yield story, find_quotes(story.text, language=language, name=story.name)
        except DataError as error:
            if not several:
                raise
            logging.getLogger("stance").warning("skipped: %s", error)


def _count_articles(articles: Iterable[_T], args: argparse.Namespace, count: Callable[[_T], int]) -> Iterator[_T]:
    done = statements = 0
    said = time.monotonic()
    for article in articles:
        yield article
        done += 1
        statements += count(article)
        if time.monotonic() - said >= _PROGRESS_SECONDS:
            _say(args, f"{done:,} articles, {statements:,} statements …")
            said = time.monotonic()
    _say(args, f"{done:,} articles, {statements:,} statements")


# --- results out ---


@contextmanager
def _open_output(path: str | None) -> Iterator[BinaryIO]:
    from stance.files import open_atomically

    if path is None:
        yield sys.stdout.buffer
    else:
        with open_atomically(path) as file:
            yield file


def _count(frames: Iterable[pd.DataFrame], args: argparse.Namespace) -> Iterator[pd.DataFrame]:
    done = 0
    for frame in frames:
        yield frame
        done += len(frame)
        if done % _PROGRESS_EVERY < len(frame) <= done - len(frame):
            _say(args, f"{done:,} statements …")


def _records(frame: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Rows with None for what is missing."""
    plain = frame.astype(object)
    yield from plain.mask(plain.isna(), None).to_dict("records")  # type: ignore[misc]


def _to_json_lines(frames: Iterable[pd.DataFrame]) -> Iterator[str]:
    from stance.schema import LABELS

    for frame in frames:
        for row in _records(frame):
            row["probabilities"] = {label: row[f"p_{label}"] for label in LABELS}
            named = {"id": row["id"]} if row.get("id") is not None else {}
            yield json.dumps({**named, **{key: row[key] for key in _KEYS}}, ensure_ascii=False) + "\n"


def _to_csv(frames: Iterable[pd.DataFrame]) -> Iterator[str]:
    from pandas.api.types import is_numeric_dtype

    columns: list[str] = []
    for frame in frames:
        first = not columns
        columns = columns or list(frame.columns)
        if late := [name for name in frame.columns if name not in columns]:
            logging.getLogger("stance").warning("columns %s, not in the first rows, left out of the CSV", late)
        texts = [name for name in frame.columns if not is_numeric_dtype(frame[name])]
        safe = frame.assign(**{name: frame[name].map(_defuse) for name in texts}).reindex(columns=columns)
        yield safe.to_csv(index=False, header=list(map(_defuse, columns)) if first else False, lineterminator="\n")


def _defuse(cell: Any) -> Any:
    """Keep a spreadsheet from running a text."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA_STARTS) else cell


def _to_table(frames: Iterable[pd.DataFrame]) -> Iterator[str]:
    from stance.schema import LABELS

    header = f"{'stance':<11} {'score':>5}  {' '.join(f'{label:>7}' for label in LABELS)}  statement\n"
    for frame in frames:
        yield header
        header = ""
        for row in _records(frame):
            shares = " ".join(f"{row[f'p_{label}']:>7.2f}" for label in LABELS)
            verdict = row["stance"] or f"({row['reason']})"
            yield f"{verdict:<11} {row['score']:>+5.2f}  {shares}  {_shorten(row['statement'], 70)}\n"


def _quotes_to_table(found: Iterable[tuple[Story, list[Quote]]]) -> Iterator[str]:
    header = f"{'article':<20}  {'start':>6} {'end':>6}  {'speaker':<28}  {'form':<8}  {'cue':<14}  statement\n"
    for story, quotes in found:
        yield header
        header = ""
        for quote in quotes:
            cue = _shorten(quote.cue.text, 14) if quote.cue else ""
            yield (
                f"{_shorten(story.name, 20):<20}  {quote.start:>6} {quote.end:>6}  {_name_speaker(quote):<28}  "
                f"{quote.form:<8}  {cue:<14}  {_shorten(quote.statement, 60)}\n"
            )


def _quotes_to_json_lines(found: Iterable[tuple[Story, list[Quote]]]) -> Iterator[str]:
    for story, quotes in found:
        for quote in quotes:
            row = {"article": story.name, **asdict(quote)}
            yield json.dumps({key: row[key] for key in _QUOTE_KEYS}, ensure_ascii=False) + "\n"


def _quotes_to_csv(found: Iterable[tuple[Story, list[Quote]]]) -> Iterator[str]:
    import pandas as pd

    rows = (_quote_row(story, quote) for story, quotes in found for quote in quotes)
    batches = chain([list(islice(rows, _CSV_ROWS))], iter(lambda: list(islice(rows, _CSV_ROWS)), []))
    yield from _to_csv(pd.DataFrame(batch, columns=list(_QUOTE_COLUMNS)) for batch in batches)


def _quote_row(story: Story, quote: Quote) -> dict[str, Any]:
    return {
        **vars(quote),
        "article": story.name,
        "candidates": "; ".join(quote.candidates) or None,
        "cue": quote.cue.text if quote.cue else None,
        "mention": quote.mention.text if quote.mention else None,
    }


def _name_speaker(quote: Quote) -> str:
    """Name such as "Anna Reid", or "unknown (Anna Reid?)"."""
    maybe = f" ({', '.join(quote.candidates)}?)" if quote.candidates else ""
    return _shorten(quote.speaker or f"unknown{maybe}", 28)


def _articles_to_table(articles: Iterable[Article], *, several: bool) -> Iterator[str]:
    from stance.reading import tally_speakers

    counts: Counter[tuple[str | None, str]] = Counter()
    first = f"{'article':<20}  " if several else ""
    header = f"{first}{'speaker':<28}  {'stance':<11} {'score':>5}  statement\n"
    for article in articles:
        if header and not several:
            yield f"{_shorten(article.title or article.name or '', 100)}\n"
            yield f"stances on {_one_line(article.target_name)}\n\n"
        yield header
        header = ""
        for read in article.statements:
            said = read.prediction
            counts[read.quote.speaker, said.stance or "abstained"] += 1
            verdict = said.stance or f"({said.reason})"
            where = f"{_shorten(article.name or '', 20):<20}  " if several else ""
            who = f"{where}{_name_speaker(read.quote):<28}"
            yield f"{who}  {verdict:<11} {said.score:>+5.2f}  {_shorten(read.quote.statement, 60)}\n"
    yield from _tallies_to_table(tally_speakers(counts))


def _tallies_to_table(tallies: Sequence[SpeakerTally]) -> Iterator[str]:
    if not tallies:
        yield "(no statements)\n"
        return
    yield f"\n{'speaker':<28}  support  oppose  neutral  no answer\n"
    for tally in tallies[:_MOST_SPEAKERS]:
        counts = f"{tally.support:>7}  {tally.oppose:>6}  {tally.neutral:>7}  {tally.abstained:>9}"
        yield f"{_shorten(tally.name or 'unknown', 28):<28}  {counts}\n"
    if len(tallies) > _MOST_SPEAKERS:
        yield f"and {len(tallies) - _MOST_SPEAKERS:,} more\n"


def _articles_to_json_lines(articles: Iterable[Article]) -> Iterator[str]:
    for article in articles:
        for row in article.to_dicts():
            yield json.dumps(row, ensure_ascii=False) + "\n"


def _articles_to_csv(articles: Iterable[Article]) -> Iterator[str]:
    from stance.reading import articles_frame

    left = iter(articles)
    batches = iter(lambda: list(islice(left, _CSV_ARTICLES)), [])
    yield from _to_csv(map(articles_frame, batches))


def _print_scores(name: str, models: Mapping[str, Evaluation]) -> None:
    """Print the scores of the first model, and the macro-F1 of the others."""
    from stance.evaluation import METRICS

    evaluation, *others = models.values()
    print(f"\n{name}: {evaluation.n:,} statements at {evaluation.n_events:,} events [95 % interval]")
    for metric in _SHOWN:
        print(f"  {METRICS[metric]:<34} {evaluation.metrics[metric]}")
    for rival, other in zip(list(models)[1:], others, strict=True):
        print(f"  {f'macro-F1 of {rival}':<34} {other.metrics['macro_f1']}")


def _print_json(value: Any) -> None:
    sys.stdout.buffer.write(f"{json.dumps(value, ensure_ascii=False)}\n".encode())


def _say(args: argparse.Namespace, text: str) -> None:
    if not args.quiet:
        print(f"stance: {text}", file=sys.stderr, flush=True)


def _visible(text: str) -> str:
    """Text without what could steer a terminal."""
    return "".join(
        c if c.isprintable() or c in _JOINERS else " " if c.isspace() else "\N{REPLACEMENT CHARACTER}" for c in text
    )


def _one_line(text: str) -> str:
    return _visible(" ".join(text.split()))


def _shorten(text: str, length: int) -> str:
    line = _one_line(text)
    return line if len(line) <= length else f"{line[: length - 1]}…"


def _command() -> str:
    """How this command can be called again, where `stance` may not be on the path."""
    called = Path(sys.argv[0])
    if called.name == "__main__.py":
        return "python -m stance"
    found = shutil.which("stance")
    if not called.is_file() or (found and Path(found).resolve() == called.resolve()):
        return "stance"
    return shlex.quote(os.path.relpath(called))
