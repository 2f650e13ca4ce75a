"""How fast the package is and how much memory it takes, against the marks that it is held to.

    python benchmarks/speed.py [--rows N] [--repeat 5] [--only NAME] [--quick]

It needs the package and the data of the checkout, and no network. Every measurement runs in a process of its own,
and this one imports nothing heavy: on Linux the peak memory of a process counts from that of the one that started it.
"""

import argparse
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter
from timeit import timeit
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
ONE_CANDIDATE = {"C": 4.0, "authored_weight": 0.3}  # nothing to search
COLD_START = """
import sys
from time import perf_counter
start = perf_counter()
from stance import StancePredictor
StancePredictor.load(sys.argv[1]).predict(sys.argv[2])
print(perf_counter() - start)
"""
time = partial(timeit, number=1)  # seconds that a call takes


class Figure(NamedTuple):
    """A row of the table; `mark` is the most it may be, or the least if `at_least`; None: for information."""

    what: str
    value: float
    unit: str
    mark: float | None = None
    at_least: bool = False

    def __str__(self) -> str:
        """Return the row in Markdown."""
        value, mark, met = f"{self.value:,.0f}" if self.value >= 1000 else f"{self.value:.3g}", "", ""
        if self.mark is not None:
            mark = f"{'≥' if self.at_least else '≤'} {self.mark:g} {self.unit}"
            met = "yes" if (self.value >= self.mark if self.at_least else self.value <= self.mark) else "NO"
        return f"| {self.what} | {value} {self.unit} | {mark} | {met} |"


class Setting(NamedTuple):
    """What is measured on how much; the marks are for the defaults."""

    model: Path
    folder: Path  # temporary
    rows: int  # to score from a file
    repeat: int
    statements: int = 1_600  # documented ones, judged one by one and in a batch
    training_rows: int = 4_000
    training: dict[str, Any] = {}  # noqa: RUF012 (never changed)
    same_rows: int = 1_200  # more than two chunks of the encoder, so that two processes have work
    same_jobs: tuple[int, ...] = (1, 2, 1, 2)


def measure_cold(setting: Setting) -> Iterator[Figure]:
    """Measure the time from `import stance` to the first prediction in a fresh interpreter, its start left out."""
    command = [sys.executable, "-c", COLD_START, str(setting.model), read_rows(1)[0]["statement"]]
    yield Figure("cold start to first prediction", median(float(run(command)) for _ in range(setting.repeat)), "s", 2.5)


def measure_predict(setting: Setting) -> Iterator[Figure]:
    """Measure what documented statements take after that: one by one, and all against the encoder and head alone."""
    measured = call(predict, str(setting.model), setting.repeat, setting.statements)
    yield Figure("single statement, p50", measured["p50"] * 1000, "ms", 15.0)
    yield Figure("single statement, p95", measured["p95"] * 1000, "ms")
    yield Figure("a table of statements, all cores", measured["speed"], "statements/s", 150.0, at_least=True)
    yield Figure("of that time, reading by the stance encoder", measured["reading"], "of 1")
    yield Figure("peak memory of these", measured["gigabytes"], "GB", 0.5)


def measure_train(setting: Setting) -> Iterator[Figure]:
    """Measure loading, training with the default settings on all cores, and saving; three times at most."""
    folder, n = str(setting.folder / "trained"), setting.training_rows
    measured = [call(fit, folder, n, setting.training) for _ in range(min(setting.repeat, 3))]
    yield Figure(f"training on {n:,} rows, time", median(one["seconds"] for one in measured), "s", 90.0)
    yield Figure(f"training on {n:,} rows, peak memory", median(one["gigabytes"] for one in measured), "GB", 2.0)


def measure_score(setting: Setting) -> Iterator[Figure]:
    """Measure scoring a file from the command line; once, as it takes long."""
    source, lines = setting.folder / "statements.jsonl", [f"{json.dumps(row)}\n" for row in read_rows()]
    with source.open("w", encoding="utf-8") as file:
        file.writelines(islice(cycle(lines), setting.rows))
    measured, what = call(score, str(setting.model), str(source)), f"scoring a file of {setting.rows:,} rows"
    mark_is_for = "" if setting.rows >= 1_000_000 else " (the mark: of 1,000,000)"
    yield Figure(f"{what}, peak memory{mark_is_for}", measured["gigabytes"], "GB", 1.5)
    yield Figure(f"{what}, speed", setting.rows / measured["seconds"], "statements/s")


def measure_quotes(setting: Setting) -> Iterator[Figure]:
    """Measure finding statements and speakers in articles, without scoring, and reading them whole."""
    measured = call(read_news, str(setting.model), setting.repeat)
    yield Figure("finding quotes in 1 MB of articles", measured["finding"], "kB/s", 500.0, at_least=True)
    yield Figure("reading articles whole, without evidence", measured["reading"], "articles/s")


def measure_same(setting: Setting) -> Iterator[Figure]:
    """Train with one process and thread, then with two, then both again, and compare the folders byte by byte."""
    folders: list[dict[str, bytes]] = []
    for jobs in setting.same_jobs:
        folder = setting.folder / f"same-{len(folders)}"
        call(fit, str(folder), setting.same_rows, setting.training | {"jobs": jobs}, threads=jobs)
        folders.append({path.name: path.read_bytes() for path in folder.iterdir()})
    differ = sum(folder != folders[0] for folder in folders[1:])
    yield Figure("same seed, jobs 1 and 2: folders that differ", differ, f"of {len(folders)}", 0.0)


_MEASURES = (measure_cold, measure_predict, measure_train, measure_score, measure_quotes, measure_same)
MEASUREMENTS = {measure.__name__.removeprefix("measure_"): measure for measure in _MEASURES}


def predict(model: str, repeat: int, n: int) -> dict[str, float]:
    """Medians of the percentiles of seconds per statement, of throughput and of what the stance encoder takes of it.

    The statements are translations of the shipped ones, for which the encoder has no scores in store.
    """
    import pandas as pd

    from stance import StancePredictor
    from stance.stance_encoder import load_stance_encoder

    predictor = StancePredictor.load(model)
    targets = {row["id"]: row["target"] for row in read_rows()}
    lines = (ROOT / "data" / "rewritten" / "translated.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines[:: len(lines) // n][:n]]
    frame = pd.DataFrame([{"statement": row["statement"], "target": targets[row["id"]]} for row in rows])
    predictor.predict_frame(frame.head(n // 10))  # compiles the names of most agreements, reads all weights
    pairs = list(zip(frame["statement"], frame["target"], strict=True))
    passes = [[time(partial(predictor.predict, s, target=t)) for s, t in pairs] for _ in range(repeat)]
    whole = median(time(partial(predictor.predict_frame, frame)) for _ in range(repeat))
    columns = frame["statement"].tolist(), frame["target"].tolist()
    read = median(time(partial(load_stance_encoder().score, *columns, jobs=-1)) for _ in range(repeat))
    return {
        "p50": median(map(median, passes)),
        "p95": median(quantiles(times, n=20)[-1] for times in passes),
        "speed": n / whole,
        "reading": read / whole,
        "gigabytes": peak_gigabytes(),
    }


def read_news(model: str, repeat: int) -> dict[str, float]:
    """Medians of kilobytes of articles a second in which statements are found, and of articles read a second."""
    from stance import StancePredictor, extract_quotes
    from stance.articles import Story
    from stance.reading import read_articles

    texts = [text for path in sorted((ROOT / "tests" / "gold").glob("*/*.txt")) if (text := untag(path))]
    big = "\n\n".join(texts * 4)[:1_000_000]
    kilobytes = len(big.encode()) / 1000
    predictor = StancePredictor.load(model)
    stories = [Story(text, str(number)) for number, text in enumerate(texts)]
    finding = median(time(lambda: extract_quotes(big, language="en")) for _ in range(repeat))
    reading = median(time(lambda: list(read_articles(stories, predictor))) for _ in range(min(repeat, 3)))
    return {"finding": kilobytes / finding, "reading": len(stories) / reading}


def untag(path: Path) -> str:
    """Text of an English article of the gold set, without its annotation; "" of a French one."""
    head, _, body = path.read_text(encoding="utf-8").partition("\n---\n")
    return re.sub(r"</?(?:q|cue|sp)\b[^>]*>", "", body) if head.startswith("lang: en") else ""


def fit(folder: str, n: int, settings: dict[str, Any]) -> dict[str, float]:
    """Train on a sample of the shipped rows and save the model; its workers count as if all peaked together."""
    start = perf_counter()
    from joblib import effective_n_jobs
    from joblib.externals.loky import get_reusable_executor

    from stance import TrainingConfig, load_statements, save_model, train

    rows = load_statements(ROOT / "data")
    config = TrainingConfig().with_values(settings)
    save_model(train(rows.sample(min(n, len(rows)), random_state=0), config), folder)
    took = perf_counter() - start
    get_reusable_executor().shutdown(wait=True)  # only workers that have ended are counted
    return {"seconds": took, "gigabytes": peak_gigabytes(workers=effective_n_jobs(config.jobs))}


def score(model: str, source: str) -> dict[str, float]:
    """Score a file as the command line does, into another file."""
    from stance.cli import main as stance

    start, output = perf_counter(), f"{source}.scored"
    arguments = ["--input", source, "--format", "json", "--model", model, "--output", output, "--quiet"]
    if stance(["predict", *arguments]):
        raise SystemExit("stance predict failed")
    return {"seconds": perf_counter() - start, "gigabytes": peak_gigabytes()}


def read_rows(n: int | None = None) -> list[dict[str, Any]]:
    """Shipped documented rows, or n of them from all over the files."""
    files = sorted(ROOT.glob("data/*/documented.jsonl"))
    rows = [json.loads(line) for file in files for line in file.open(encoding="utf-8")]
    return rows[:: 1 if n is None else len(rows) // n][:n]


def peak_gigabytes(*, workers: int = 0) -> float:
    """Largest resident memory so far of this process, and as often as there are workers of the largest that ended."""
    own, largest = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return (own + workers * largest) * (1 if sys.platform == "darwin" else 1024) / 1e9


def call(function: Callable[..., Any], *arguments: Any, threads: int | None = None) -> Any:
    """Result of a function of this script in a process of its own, whose linear algebra has so many threads."""
    return json.loads(run([sys.executable, __file__, "--child", function.__name__, json.dumps(arguments)], threads))


def run(command: list[str], threads: int | None = None) -> str:
    """Standard output of a command; what it logs is shown."""
    environment = os.environ | ({"OMP_NUM_THREADS": str(threads)} if threads else {})
    return subprocess.run(command, env=environment, stdout=subprocess.PIPE, encoding="utf-8", check=True).stdout


def main(arguments: list[str] | None = None) -> None:
    """Print the table, each row as soon as it is known."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000, help="rows of the file to score (%(default)s)")
    parser.add_argument("--repeat", type=int, default=5, help="runs that a median is of (%(default)s)")
    parser.add_argument("--only", choices=MEASUREMENTS, help="a single measurement")
    parser.add_argument("--quick", action="store_true", help="try the script on a few rows: its figures mean nothing")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as temporary:
        setting = Setting(ROOT / "models" / "le-touquet", Path(temporary), given.rows, given.repeat)
        if given.quick:
            few = Setting(
                setting.model, setting.folder, rows=60, repeat=1, statements=20, training_rows=60, same_rows=60
            )
            setting = few._replace(training=ONE_CANDIDATE | {"folds": 2, "jobs": 1}, same_jobs=(1, 2))
        if not setting.model.is_dir():
            print(f"No model in {setting.model.relative_to(ROOT)}: using one trained for now, without a search.\n")
            setting = setting._replace(model=setting.folder / "model")
            call(fit, str(setting.model), setting.training_rows, setting.training | ONE_CANDIDATE)
        print("| what | figure | mark | met |\n|---|---|---|---|")
        for name in [given.only] if given.only else MEASUREMENTS:
            for figure in MEASUREMENTS[name](setting):
                print(figure, flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        print(json.dumps(globals()[sys.argv[2]](*json.loads(sys.argv[3]))))
    else:
        try:
            main()
        except subprocess.CalledProcessError as error:
            sys.exit(f"a measurement failed with exit status {error.returncode}: what it said stands above")
