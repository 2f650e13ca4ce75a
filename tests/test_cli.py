"""The command line: what it prints, what it leaves behind, and how it says that something is wrong."""

import csv
import io
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import fields
from functools import partial
from pathlib import Path

import pytest

import stance
from stance import cli, crossvalidation, data, evaluation
from stance.cli import main
from stance.config import TrainingConfig
from stance.errors import MissingExtraError
from stance.persistence import read_manifest
from stance.schema import LABELS

ROOT = Path(__file__).parents[1]
VERBS = ("train", "predict", "explain", "evaluate", "audit", "quotes", "read")
KEYS = ["statement", "target", "stance", "abstained", "reason", "score", "probabilities"]
QUICK = ["--C", "4", "--authored-weight", "0.3", "--blocks", "lexical", "--folds", "2", "--jobs", "1"]
STORY = "The Touquet agreement is over: the border belongs in Dover."
ESCAPE = "\x1b[2J\x1b]0;title\x07"


@pytest.fixture
def predict(tiny_folder, capsys):
    """Run `stance predict` with the tiny model: exit status, standard output, lines on standard error."""

    def run(*arguments):
        status = main(["predict", "--model", str(tiny_folder), *map(str, arguments)])
        out, err = capsys.readouterr()
        return status, out, err.splitlines()

    return run


@pytest.fixture(scope="module")
def table(tiny_frame, tmp_path_factory):
    """The tiny table as a file."""
    path = tmp_path_factory.mktemp("tables") / "tiny.jsonl"
    tiny_frame.to_json(path, orient="records", lines=True, force_ascii=False)
    return path


@pytest.fixture
def as_stdin(monkeypatch):
    def give(content: bytes):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))

    return give


@pytest.fixture
def two_at_a_time(monkeypatch):
    """Statements of a file are read and scored two by two."""
    monkeypatch.setattr(data, "read_batches", partial(data.read_batches, batch_size=2))


@contextmanager
def running(*arguments, stdout):
    """`python -m stance …` in a process group of its own."""
    command = [sys.executable, "-m", "stance", *map(str, arguments)]
    options = {"cwd": ROOT, "start_new_session": True, "stdout": stdout, "stderr": subprocess.PIPE, "text": True}
    # A shell that runs the tests in the background has interrupts ignored, which processes inherit.
    options["preexec_fn"] = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    with subprocess.Popen(command, **options) as process:
        yield process


def usage_error(*arguments):
    with pytest.raises(SystemExit) as raised:
        main(list(map(str, arguments)))
    return raised.value.code


def names(folder):
    return sorted(path.name for path in folder.iterdir())


# --- help and usage ---


@pytest.mark.parametrize("verb", VERBS)
def test_verb_has_help_and_is_in_the_readme(verb, capsys):
    assert usage_error(verb, "--help") == 0
    assert f"usage: stance {verb}" in capsys.readouterr().out
    assert f"stance {verb}" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_version_is_that_of_the_package(capsys):
    assert usage_error("--version") == 0
    assert capsys.readouterr().out == f"stance {stance.__version__}\n"


def test_help_loads_nothing_heavy():
    code = "import sys; from stance.cli import main\ntry: main(['--help'])\nexcept SystemExit: print(*sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert not {"numpy", "pandas", "sklearn", "joblib"} & set(out.split())


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["judge"],
        ["predict", "--format", "xml", "It is over."],
        ["predict", "It is over.", "--input", "file.csv"],
        ["train", "data"],
        ["train", "data", "--output", "m", "--folds", "1"],
        ["train", "data", "--output", "m", "--C", "nan"],
        ["evaluate", "data", "--cross-validate", "--model", "m"],
        ["evaluate", "data", "--folds", "3"],
    ],
    ids=" ".join,
)
def test_wrong_usage_exits_with_2(arguments, capsys):
    assert usage_error(*arguments) == 2
    assert "usage: stance" in capsys.readouterr().err


def test_nothing_to_score_is_wrong_usage(monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)
    assert usage_error("predict") == 2


# --- predict ---


def test_json_has_exactly_the_promised_keys(predict):
    status, out, err = predict(STORY, "", "--format", "json")
    first, second = map(json.loads, out.splitlines())
    assert (status, err) == (0, [])
    assert list(first) == list(second) == KEYS
    assert (first["statement"], first["target"]) == (STORY, "le-touquet")
    assert list(first["probabilities"]) == list(LABELS)
    assert first["score"] == pytest.approx(first["probabilities"]["support"] - first["probabilities"]["oppose"])
    assert (second["stance"], second["abstained"], second["reason"]) == (None, True, "empty")


def test_json_keeps_the_id_of_rows_that_have_one(predict, tmp_path):
    (tmp_path / "in.jsonl").write_text('{"id": 7, "statement": "It is over."}\n{"statement": "Keep it."}\n')
    _, out, _ = predict("--input", tmp_path / "in.jsonl", "--format", "json")
    assert [list(json.loads(line)) for line in out.splitlines()] == [["id", *KEYS], KEYS]


def test_csv_has_the_columns_of_the_input_and_those_of_the_prediction(predict, tmp_path):
    (tmp_path / "in.csv").write_text("note,statement,stance\nx,It is over.,oppose\n,Keep it.,\n", encoding="utf-8")
    status, out, _ = predict("--input", tmp_path / "in.csv", "--format", "csv")
    first, second = csv.DictReader(io.StringIO(out))
    assert status == 0
    assert (first["note"], first["statement"], first["stance_given"]) == ("x", "It is over.", "oppose")
    assert (second["note"], second["stance_given"]) == ("", "")
    assert first["abstained"] in ("True", "False")
    assert float(first["score"]) == pytest.approx(float(first["p_support"]) - float(first["p_oppose"]))


def test_csv_disarms_formulas_in_texts_and_leaves_numbers_alone(predict, tmp_path):
    rows = [{"statement": "=HYPERLINK(A1)", "@x": "+1", "n": -2}, {"statement": "No = sign first", "@x": "-", "n": 1}]
    (tmp_path / "in.jsonl").write_text("\n".join(map(json.dumps, rows)))
    _, out, _ = predict("--input", tmp_path / "in.jsonl", "--format", "csv")
    first, second = csv.DictReader(io.StringIO(out))
    assert (first["statement"], first["'@x"], first["n"]) == ("'=HYPERLINK(A1)", "'+1", "-2")
    assert (second["statement"], second["'@x"], second["n"]) == ("No = sign first", "'-", "1")


def test_csv_keeps_its_columns_when_later_rows_have_others(predict, tmp_path, two_at_a_time):
    lines = ['{"statement": "Keep it.", "note": "x"}'] * 2 + ['{"statement": "It is over.", "late": 1}']
    (tmp_path / "in.jsonl").write_text("\n".join(lines))
    _, out, err = predict("--input", tmp_path / "in.jsonl", "--format", "csv")
    header, *rows = csv.reader(io.StringIO(out))
    assert "late" not in header
    assert [len(row) for row in rows] == [len(header)] * 3
    assert [dict(zip(header, row, strict=True))["note"] for row in rows] == ["x", "x", ""]
    assert "['late']" in err[-1]


def test_table_does_not_let_a_statement_steer_the_terminal(predict):
    status, out, _ = predict(f"{ESCAPE}Gardez «\u00a0l’accord\u00a0»\n\u202eoppose")
    assert status == 0
    assert "Gardez « l’accord » �oppose" in out
    assert all(c.isprintable() or c == "\n" for c in out)


def test_table_shows_why_there_is_no_answer(predict):
    _, out, _ = predict("", "Beat the eggs with the sugar, fold in the flour and bake for half an hour.")
    _, empty, recipe = out.splitlines()
    assert empty.startswith("(empty)")
    assert recipe.startswith("(off-topic)")


@pytest.mark.parametrize(
    "statement", ["👩‍👧 Keep it! 👍🏽", "يجب إلغاء الاتفاق", "יש לשמור על ההסכם", "L\u2019e\u0301te\u0301"]
)
def test_statement_of_any_script_comes_back_to_the_character(predict, statement):
    status, out, _ = predict(statement, "--format", "json")
    assert (status, json.loads(out)["statement"]) == (0, statement)


def test_target_may_be_any_name_of_an_agreement(predict):
    _, out, _ = predict("It is over.", "--target", "Iran nuclear deal", "--format", "json")
    assert json.loads(out)["target"] == "iran-nuclear-deal"


@pytest.mark.parametrize(
    ("content", "statements"),
    [
        (b"It is over.\n\nKeep it.\n", ["It is over.", "", "Keep it."]),
        (b'{"statement": "It is over."}\n{"quote": "Keep it.", "statement": "Keep."}\n', ["It is over.", "Keep."]),
    ],
    ids=["text", "JSON Lines"],
)
def test_statements_come_from_standard_input(predict, as_stdin, content, statements):
    as_stdin(content)
    status, out, _ = predict("--format", "json")
    assert (status, [json.loads(line)["statement"] for line in out.splitlines()]) == (0, statements)


@pytest.mark.parametrize("form", ["table", "json", "csv"])
def test_output_file_has_what_would_be_printed(predict, tmp_path, form):
    _, printed, _ = predict(STORY, "--format", form)
    status, out, _ = predict(STORY, "--format", form, "--output", tmp_path / "out")
    assert (status, out) == (0, "")
    assert (tmp_path / "out").read_text(encoding="utf-8") == printed
    assert names(tmp_path) == ["out"]


def test_progress_and_assumptions_are_said_unless_quiet(predict, tmp_path, two_at_a_time, monkeypatch):
    monkeypatch.setattr(cli, "_PROGRESS_EVERY", 4)
    (tmp_path / "in.csv").write_text("quote\n" + "It is over.\n" * 9)
    _, out, err = predict("--input", tmp_path / "in.csv")
    assert err[0].endswith("column 'quote' read as statement")
    assert err[1:] == ["stance: 4 statements …", "stance: 8 statements …"]
    assert predict("--input", tmp_path / "in.csv", "--quiet") == (0, out, [])


# --- bad input: one line, exit 1, no output file ---

GOOD = b'{"statement": "It is over."}\n'


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        ("half.jsonl", GOOD + b'{"statement": "It is', "line 2"),
        ("nul.jsonl", GOOD + b'{"statement": "a\0b"}\n', "NUL"),
        ("nul.txt", b"It is\0over\n", "NUL"),
        ("mixed.csv", "statement\nl’été\n".encode() + "l'été\n".encode("cp1252"), "mixes encodings"),
        ("surrogate.jsonl", GOOD + b'{"statement": "\\ud83d"}\n', "half a character"),
        ("long.txt", b"Keep it. " * 1_200_000, "longer than"),
        ("ragged.csv", b"statement,note\nIt is over.\n", "line 2"),
        ("columns.csv", b"a,b\n1,2\n", "statement"),
        ("wide.csv", b"a" * 1_000_000 + b",b\n1,2\n", "statement"),
        ("empty.csv", b"", "empty"),
        ("odd.docx", b"PK", "format"),
        ("part.parquet", b"PAR1", "Parquet"),
    ],
)
def test_bad_file_is_one_line_and_leaves_no_output(predict, tmp_path, name, content, fault):
    (tmp_path / name).write_bytes(content)
    status, out, err = predict("--input", tmp_path / name, "--format", "json", "--output", tmp_path / "out.jsonl")
    assert (status, out) == (1, "")
    assert err[-1].startswith("stance: ")
    assert fault in err[-1]
    assert len(err[-1]) < 5_000
    assert all(" read as " in line for line in err[:-1])
    assert names(tmp_path) == [name]


def test_file_that_goes_bad_late_leaves_the_old_output(predict, tmp_path, two_at_a_time):
    (tmp_path / "in.jsonl").write_bytes(5 * GOOD + b"{")
    (tmp_path / "out.csv").write_text("old")
    status, _, err = predict("--input", tmp_path / "in.jsonl", "--format", "csv", "--output", tmp_path / "out.csv")
    assert status == 1
    assert "line 6" in err[0]
    assert (tmp_path / "out.csv").read_text() == "old"
    assert names(tmp_path) == ["in.jsonl", "out.csv"]


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (["--input", "absent.csv"], "absent.csv"),
        (["--input", "."], "format"),
        (["It is over.", "--output", "absent/out.json"], "absent/out.json: No such file"),
        (["It is over.", "--output", "."], "Is a directory"),
        (["It is over.", "--output", "/dev/full"], "No space left on device"),
        (["It is \udcff over."], "half a character"),
        (["x" * 100_001], "longer than"),
    ],
    ids=lambda value: str(value)[:40].encode("ascii", "replace").decode(),
)
def test_fault_outside_the_file_is_one_line(predict, tmp_path, monkeypatch, arguments, fault):
    monkeypatch.chdir(tmp_path)
    status, out, err = predict(*arguments)
    assert (status, len(err)) == (1, 1)
    assert err[0].startswith("stance: ")
    assert fault in err[0]
    assert out == ""
    assert names(tmp_path) == []
    assert not Path("/dev/full").is_file()


def test_full_disk_leaves_the_old_output(predict, tmp_path, monkeypatch):
    (tmp_path / "out.csv").write_text("old")

    def no_space(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    status, _, err = predict("It is over.", "--format", "csv", "--output", tmp_path / "out.csv")
    assert (status, err) == (1, [f"stance: {tmp_path / 'out.csv'}: No space left on device"])
    assert (tmp_path / "out.csv").read_text() == "old"
    assert names(tmp_path) == ["out.csv"]


def test_error_does_not_steer_the_terminal_either(capsys):
    assert main(["predict", "--input", f"{ESCAPE}.csv"]) == 1
    err = capsys.readouterr().err
    assert "\x1b" not in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("verb", ["predict", "explain"])
def test_missing_model_is_one_line(verb, tmp_path, capsys):
    assert main([verb, "It is over.", "--model", str(tmp_path / "absent")]) == 1
    assert "no model folder" in capsys.readouterr().err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
@pytest.mark.parametrize("verb", ["predict", "explain"])
def test_full_standard_output_is_one_line(verb, tiny_folder):
    with open("/dev/full", "w") as full, running(verb, STORY, "--model", tiny_folder, stdout=full) as process:
        err = process.stderr.read()
    assert (process.returncode, err) == (1, "stance: the output: No space left on device\n")


def test_reader_that_has_seen_enough_is_no_fault(tiny_folder):
    with running("predict", STORY, "--model", tiny_folder, stdout=subprocess.PIPE) as process:
        process.stdout.close()
        err = process.stderr.read()
    assert (process.returncode, err) == (0, "")


# --- explain ---


def test_spans_of_an_explanation_are_parts_of_the_statement(tiny_folder, capsys):
    assert main(["explain", STORY, "--model", str(tiny_folder), "--format", "json"]) == 0
    explained = json.loads(capsys.readouterr().out)
    assert list(explained) == [*KEYS, "spans"]
    assert [STORY[span["start"] : span["end"]] for span in explained["spans"]] == [
        span["text"] for span in explained["spans"]
    ]
    assert any(span["weight"] for span in explained["spans"])


def test_bars_of_an_explanation_are_as_long_as_the_weights(tiny_folder, capsys):
    assert main(["explain", STORY, "--model", str(tiny_folder)]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()[2:-2]]
    weights = [float(line[2]) for line in lines]
    bars = [line[-1] if set(line[-1]) <= {"+", "-"} else "" for line in lines]
    assert max(map(len, bars)) == 20
    assert len(bars[max(range(len(weights)), key=lambda i: abs(weights[i]))]) == 20
    assert all(bar[0] == ("+" if weight > 0 else "-") for bar, weight in zip(bars, weights, strict=True) if bar)


def test_a_folder_that_is_no_model_ends_the_command_in_good_order(tmp_path):
    """The networks are read in threads meanwhile; an interpreter that left them behind would be aborted."""
    command = [sys.executable, "-m", "stance", "predict", "--model", str(tmp_path), "Keep it."]
    for _ in range(3):
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert done.stderr.startswith("stance: ")
        assert done.stderr.count("\n") == 1


# --- train ---


def test_training_ends_with_scores_and_a_command_that_works(table, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["stance"])
    folder = tmp_path / "a model"
    (tmp_path / "settings.toml").write_text('target = "le-touquet"\nfolds = 3\nhold_out = ["d001"]\n')
    arguments = ["train", str(table), "--config", str(tmp_path / "settings.toml"), "--output", str(folder), *QUICK]
    assert main(arguments) == 0
    out, err = capsys.readouterr()
    rows = len(table.read_text(encoding="utf-8").splitlines())
    assert f"training on {rows - 1} of {rows} statements" in err
    for regime in ("known agreement, new event", "agreement never seen"):
        assert f"\n{regime}, out of fold: " in out
    assert out.count("macro-F1") == 2
    training = read_manifest(folder)["training"]["config"]
    assert (training["folds"], training["blocks"], training["hold_out"]) == (2, ["lexical"], ["d001"])
    scores = read_manifest(folder)["scores"]
    assert set(scores) == {"known", "unseen"}
    assert 0 < scores["known"]["macro_f1"]["low"] < scores["known"]["macro_f1"]["value"] < 1
    prefix, command = out.splitlines()[-1].split(": ", 1)
    assert prefix == "now try"
    assert main([*shlex.split(command)[1:], "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["target"] == "le-touquet"


@pytest.mark.parametrize(
    ("content", "more", "fault"),
    [
        (b'{"statement": "a", "target": "b", "stance": "maybe"}\n', [], "maybe"),
        (b'{"statement": "It is over.", "stance": "oppose"}\n', [], "target"),
        (b'{"statement": "It is over.", "stance": "oppose"}\n', ["--target", "le-touquet"], "at least two"),
        (b'{"statement": "a", "target": "b", "stance": "oppose"}\n', ["--hold-out", "e9"], "e9"),
        (b'{"statement": "a", "target": "b", "stance": "oppose"}\n', ["--config", "absent.toml"], "absent.toml"),
        (b'{"statement": "a", "target": "b", "stance": "oppose"}\n', ["--targets", "absent.toml"], "absent.toml"),
    ],
)
def test_table_or_file_that_cannot_train_is_one_line(tmp_path, capsys, content, more, fault):
    (tmp_path / "in.jsonl").write_bytes(content)
    assert main(["train", str(tmp_path / "in.jsonl"), "--output", str(tmp_path / "m"), "--quiet", *more]) == 1
    err = capsys.readouterr().err
    assert err.startswith("stance: ")
    assert err.count("\n") == 1
    assert fault in err
    assert names(tmp_path) == ["in.jsonl"]


def test_every_setting_is_a_flag():
    parser = cli._build_parser()
    for field in fields(TrainingConfig):
        value = {"blocks": "lexical", "hold_out": "e1", "target": "t"}.get(field.name, "1")
        args = parser.parse_args(["train", "d", "--output", "o", f"--{field.name.replace('_', '-')}", value])
        assert list(cli._flags(args)) == [field.name]


def test_interrupted_training_leaves_nothing(tmp_path):
    arguments = ["train", "data", "--jobs", "2", "--output", tmp_path / "model"]
    with running(*arguments, stdout=subprocess.DEVNULL) as process:
        started = process.stderr.readline()
        time.sleep(1)  # the workers are at work
        os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C does: to the workers too
        err = process.stderr.read()
    assert "training on" in started
    assert (process.returncode, err) == (130, "stance: interrupted\n")
    assert names(tmp_path) == []


# --- evaluate ---


def test_rows_that_the_model_was_trained_on_are_left_out(tiny_folder, table, tmp_path, capsys):
    new = [{"statement": text, "target": "le-touquet", "stance": label} for label in LABELS for text in (label, "Why?")]
    (tmp_path / "new.jsonl").write_text("\n".join(map(json.dumps, new)))
    folder = tmp_path / "reports"
    arguments = ["evaluate", str(tmp_path / "new.jsonl"), str(table), "--model", str(tiny_folder)]
    assert main([*arguments, "--output", str(folder), "--no-pictures"]) == 0
    out = capsys.readouterr().out
    assert "statements that the model did not see: 6 statements" in out
    assert "149 of 155 statements were left out" in out
    assert names(folder) == ["report.json", "report.md"]


def test_model_is_not_evaluated_on_what_it_was_trained_on(tiny_folder, table, tmp_path, capsys):
    folder = tmp_path / "reports"
    arguments = ["evaluate", str(table), "--model", str(tiny_folder), "--output", str(folder), "--quiet"]
    assert main(arguments) == 1
    assert "trained on all 149 statements" in capsys.readouterr().err
    assert not folder.exists()


def test_missing_matplotlib_is_said_before_the_work(tmp_path, capsys, monkeypatch):
    def missing():
        raise MissingExtraError("pictures need matplotlib")

    monkeypatch.setattr("stance.reports.require_pictures", missing)
    assert main(["evaluate", "absent.csv", "--output", str(tmp_path / "r")]) == 1
    assert "pictures need matplotlib" in capsys.readouterr().err


def test_cross_validation_sets_the_model_beside_the_floors(table, tmp_path, capsys, monkeypatch):
    quick = partial(evaluation.cross_evaluate, n_bootstrap=20, by=("lang",))
    monkeypatch.setattr(crossvalidation, "cross_evaluate", quick)
    folder = tmp_path / "reports"
    settings = [
        "--target",
        "le-touquet",
        "--C",
        "4",
        "--authored-weight",
        "0.3",
        "--blocks",
        "sentence",
        "--folds",
        "2",
    ]
    arguments = ["evaluate", str(table), "--cross-validate", "--output", str(folder), "--no-pictures"]
    assert main([*arguments, *settings, "--jobs", "1"]) == 0
    out, err = capsys.readouterr()
    results = json.loads((folder / "report.json").read_text(encoding="utf-8"))["results"]
    assert {question: models["the model"]["n"] for question, models in results.items()} == {
        "known agreement, new event": 76,
        "agreement never seen": 53,
    }
    for question, models in results.items():
        assert list(models) == ["the model", *evaluation.baselines()]
        assert all(f"macro-F1 of {name}" in out for name in evaluation.baselines())
        assert f"{question}: fold 2 of 2" in err
    assert names(folder) == ["report.json", "report.md"]


# --- audit ---


def test_audit_reports_what_stands_in_two_tables(tmp_path, capsys):
    row = {"statement": f"It is over.{ESCAPE}", "stance": "oppose"}
    paths = [tmp_path / "a.jsonl", tmp_path / "b.jsonl"]
    for path in paths:
        path.write_text(json.dumps(row))
    assert main(["audit", *map(str, paths)]) == 0
    text = capsys.readouterr().out
    assert text.startswith("# Audit: 2 statements in 2 tables\n")
    assert "\x1b" not in text
    assert main(["audit", *map(str, paths), "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [len(leak["rows"]) for leak in found["leaks"]["duplicates"]] == [2]


# --- the command's own name ---


def test_command_is_called_as_it_was(monkeypatch, tmp_path):
    script = tmp_path / "bin" / "stance"
    script.parent.mkdir()
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(script)])
    monkeypatch.setenv("PATH", "/usr/bin")
    assert cli._command() == "bin/stance"
    monkeypatch.setenv("PATH", str(script.parent))
    assert cli._command() == "stance"
    monkeypatch.setattr(sys, "argv", [str(tmp_path / "__main__.py")])
    assert cli._command() == "python -m stance"
