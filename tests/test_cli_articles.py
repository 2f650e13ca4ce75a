"""`stance quotes` and `stance read`: what they print, leave behind, and say of what they cannot read."""

import csv
import io
import json
import logging
import sys
from pathlib import Path

import pytest

from stance import cli, reading
from stance.articles import load_stories
from stance.cli import main
from stance.predictor import StancePredictor
from stance.quotes import extract_quotes
from stance.reading import COLUMNS, read_article
from stance.schema import LABELS

CALAIS = """\
Border checks at Calais will stay, says minister

The British minister for borders, Harriet Lowe, said on Tuesday that the Le Touquet agreement would remain in force.

“The agreement works for both countries and we see no reason to reopen it,” Lowe told reporters in Dover.

“If London will not talk, the Touquet deal is over,” said Étienne Marchand, the president of the northern region.
"""
SAID = [
    "the Le Touquet agreement would remain in force",
    "The agreement works for both countries and we see no reason to reopen it,",
    "If London will not talk, the Touquet deal is over,",
]
ESCAPE = "\x1b[2J\x1b]0;title\x07"
VERBS = ("quotes", "read")


@pytest.fixture
def run(tiny_model, capsys, monkeypatch):
    """Run a verb with the tiny model: exit status, standard output, lines on standard error."""
    predictor = StancePredictor(tiny_model)
    load = cli._load_predictor
    monkeypatch.setattr(cli, "_load_predictor", lambda args: load(args) if args.model else predictor)

    def call(*arguments):
        status = main(list(map(str, arguments)))
        out, err = capsys.readouterr()
        return status, out, err.splitlines()

    return call


@pytest.fixture
def calais(tmp_path):
    path = tmp_path / "calais.txt"
    path.write_text(CALAIS, encoding="utf-8")
    return path


@pytest.fixture
def folder(tmp_path):
    """Two articles; a copy of the first under another headline; one on something else."""
    path = tmp_path / "articles"
    path.mkdir()
    (path / "a.txt").write_text(CALAIS, encoding="utf-8")
    (path / "b.txt").write_text("Another headline\n" + CALAIS[CALAIS.index("\n") :], encoding="utf-8")
    (path / "c.txt").write_text("The Touquet talks went on.\n\n“We must end this deal at once,” said Ann Reid.\n")
    (path / "d.txt").write_text("The ferry was late.\n\n“We will be in port by noon on Monday,” said Joe Hill.\n")
    return path


@pytest.fixture
def as_stdin(monkeypatch):
    def give(content: bytes):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))

    return give


def usage_error(*arguments):
    with pytest.raises(SystemExit) as raised:
        main(list(map(str, arguments)))
    return raised.value.code


def names(path):
    return sorted(file.name for file in path.iterdir())


# --- help and usage ---


@pytest.mark.parametrize("verb", VERBS)
def test_verb_has_help(verb, capsys):
    assert usage_error(verb, "--help") == 0
    assert f"usage: stance {verb}" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        *(["quotes"], ["read"], ["quotes", "a.txt", "--language", "de"], ["read", "a.txt", "--format", "xml"]),
        *(["quotes", "a.txt", "--html", "x.html"], ["read", "a.txt", "b.txt"]),
    ],
    ids=" ".join,
)
def test_wrong_usage_exits_with_2(arguments, capsys):
    assert usage_error(*arguments) == 2
    assert "usage: stance" in capsys.readouterr().err


# --- quotes ---


def test_quotes_in_json_have_exactly_the_promised_keys(run, calais):
    status, out, err = run("quotes", calais, "--format", "json")
    rows = list(map(json.loads, out.splitlines()))
    assert (status, err) == (0, [])
    for row in rows:
        assert list(row) == [
            *("article", "text", "start", "end", "form", "statement", "pieces", "cue", "mention", "speaker"),
            *("candidates", "rule"),
        ]
        spans = [row, *row["pieces"], row["cue"], row["mention"]]
        assert [CALAIS[span["start"] : span["end"]] for span in spans] == [span["text"] for span in spans]
    assert [(row["article"], row["speaker"], row["form"], row["statement"]) for row in rows] == [
        ("calais.txt", "Harriet Lowe", "indirect", SAID[0]),
        ("calais.txt", "Harriet Lowe", "direct", SAID[1]),
        ("calais.txt", "Étienne Marchand", "direct", SAID[2]),
    ]


def test_quotes_need_no_model(calais, capsys, monkeypatch):
    monkeypatch.setattr(cli, "_load_predictor", None)
    assert main(["quotes", str(calais)]) == 0
    header, *lines = capsys.readouterr().out.splitlines()
    assert header.split() == ["article", "start", "end", "speaker", "form", "cue", "statement"]
    for line, quote in zip(lines, extract_quotes(CALAIS), strict=True):
        assert line.startswith(f"calais.txt            {quote.start:>6} {quote.end:>6}  {quote.speaker}")
        assert quote.statement[:50] in line


def test_quotes_of_many_articles_are_one_table(run, folder):
    status, out, err = run("quotes", folder, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert status == 0
    assert err == ["stance: 4 articles, 8 statements"]
    assert [row["article"] for row in rows] == ["a.txt"] * 3 + ["b.txt"] * 3 + ["c.txt", "d.txt"]
    assert [row["statement"] for row in rows[:3]] == SAID


def test_csv_of_no_quotes_has_a_header(run, tmp_path):
    (tmp_path / "a.txt").write_text("The ferry was late.")
    assert run("quotes", tmp_path / "a.txt", "--format", "csv")[1] == ",".join(cli._QUOTE_COLUMNS) + "\n"
    assert run("read", tmp_path / "a.txt", "--format", "csv")[1] == ",".join(COLUMNS) + "\n"
    assert run("read", tmp_path / "a.txt")[1].endswith("(no statements)\n")
    assert run("quotes", tmp_path / "a.txt", "--format", "json") == (0, "", [])


def test_language_may_be_given(run, calais, monkeypatch):
    told = []
    monkeypatch.setattr(reading, "extract_quotes", lambda text, language: told.append(language) or [])
    for verb in VERBS:
        run(verb, calais, "--language", "fr")
        run(verb, calais)
    assert told == ["fr", None, "fr", None]


# --- read ---


def test_read_in_json_has_exactly_the_promised_keys(run, calais):
    status, out, err = run("read", calais, "--format", "json")
    rows = list(map(json.loads, out.splitlines()))
    assert (status, err) == (0, [])
    for row in rows:
        assert list(row) == [
            *("statement", "target", "stance", "abstained", "reason", "score", "probabilities", "article", "speaker"),
            *("candidates", "form", "context", "evidence", "start", "end", "mention", "cue", "rule"),
        ]
        assert list(row["probabilities"]) == list(LABELS)
        assert all(CALAIS[part["start"] : part["end"]] == part["text"] for part in row["evidence"])
    assert [row["statement"] for row in rows] == SAID
    assert any(row["evidence"] for row in rows)


def test_table_for_people_has_the_statements_and_the_tally_of_speakers(run, calais):
    status, out, _ = run("read", calais, "--no-evidence")
    lines = out.splitlines()
    assert status == 0
    assert lines[:3] == ["Border checks at Calais will stay, says minister", "stances on Le Touquet agreement", ""]
    assert lines[3].split() == ["speaker", "stance", "score", "statement"]
    assert [line[:28].strip() for line in lines[4:7]] == ["Harriet Lowe", "Harriet Lowe", "Étienne Marchand"]
    assert [line.split("  ")[-1][:40] for line in lines[4:7]] == [said[:40] for said in SAID]
    assert all(len(line) <= 110 for line in lines)
    assert lines[8][28:].strip().split("  ") == ["support", "oppose", "neutral", "no answer"]
    tallies = {line[:28].strip(): sum(map(int, line[28:].split())) for line in lines[9:]}
    assert tallies == {"Harriet Lowe": 2, "Étienne Marchand": 1}


def test_csv_is_the_frame_of_the_article(run, calais, tiny_model):
    _, out, _ = run("read", calais, "--format", "csv", "--no-evidence")
    frame = read_article(CALAIS, StancePredictor(tiny_model), name="calais.txt", evidence=False).to_frame()
    rows = list(csv.DictReader(io.StringIO(out)))
    assert list(rows[0]) == list(COLUMNS)
    assert [row["statement"] for row in rows] == frame["statement"].tolist()
    assert [float(row["score"]) for row in rows] == pytest.approx(frame["score"].tolist())


def test_evidence_is_for_a_single_article_unless_asked(run, calais, folder, monkeypatch):
    asked = []
    monkeypatch.setattr(reading, "_find_evidence", lambda *_: asked.append(1) or ())
    for path, flags, expected in [
        *[(calais, [], True), (calais, ["--no-evidence"], False)],
        *[(folder, [], False), (folder, ["--evidence"], True)],
    ]:
        asked.clear()
        assert run("read", path, *flags)[0] == 0
        assert bool(asked) == expected


def test_many_articles_are_one_table_and_copies_count_once(run, folder):
    status, out, err = run("read", folder)
    header, *lines = out.splitlines()
    assert status == 0
    assert header.split() == ["article", "speaker", "stance", "score", "statement"]
    assert [line.split()[0] for line in lines[: lines.index("")]] == ["a.txt", "a.txt", "a.txt", "c.txt", "d.txt"]
    assert [line[:28].strip() for line in lines[lines.index("") + 2 :]] == [
        *("Harriet Lowe", "Étienne Marchand", "Ann Reid", "Joe Hill")
    ]
    assert err == [
        "stance: 1 of 4 articles tell a story that was read before: 3 statements that it had are counted once",
        "stance: 1 of 4 articles never name le-touquet: their statements are taken to be on something else",
        "stance: 4 articles, 5 statements",
    ]
    assert run("read", folder, "--quiet") == (0, out, [])


@pytest.mark.parametrize("verb", VERBS)
def test_progress_is_said_from_time_to_time(run, folder, monkeypatch, verb):
    monkeypatch.setattr(cli, "_PROGRESS_SECONDS", 0.0)
    lines = [line for line in run(verb, folder)[2] if line.endswith(" …")]
    assert len(lines) == 4
    assert lines[0] == "stance: 1 articles, 3 statements …"


def test_csv_of_many_articles_has_one_header(run, folder, monkeypatch):
    whole = run("read", folder, "--format", "csv")[1]
    quotes = run("quotes", folder, "--format", "csv")[1]
    monkeypatch.setattr(cli, "_CSV_ARTICLES", 1)
    monkeypatch.setattr(cli, "_CSV_ROWS", 1)
    assert run("read", folder, "--format", "csv")[1] == whole
    assert run("quotes", folder, "--format", "csv")[1] == quotes
    assert len(list(csv.DictReader(io.StringIO(whole)))) == 5


def test_only_the_largest_of_many_tallies_are_shown(run, folder, monkeypatch):
    monkeypatch.setattr(cli, "_MOST_SPEAKERS", 1)
    *_, largest, last = run("read", folder)[1].splitlines()
    assert (largest[:12], last) == ("Harriet Lowe", "and 3 more")


def test_agreement_and_model_may_be_given(run, calais, tiny_folder):
    arguments = ["read", calais, "--model", tiny_folder, "--target", "Dover pact", "--format", "json", "--no-evidence"]
    status, out, err = run(*arguments)
    assert status == 0
    assert {json.loads(line)["target"] for line in out.splitlines()} == {"Dover pact"}
    assert {json.loads(line)["reason"] for line in out.splitlines()} == {"off-topic"}
    assert err == ["stance: the article never names Dover pact: its statements are taken to be on something else"]


@pytest.mark.parametrize("verb", VERBS)
def test_article_may_come_from_standard_input(run, as_stdin, verb):
    as_stdin(CALAIS.encode())
    status, out, _ = run(verb, "-", "--format", "json")
    assert status == 0
    assert [json.loads(line)["statement"] for line in out.splitlines()] == SAID
    as_stdin(b"".join(json.dumps({"id": n, "text": CALAIS}).encode() + b"\n" for n in range(2)))
    out = run(verb, "-", "--format", "json")[1]
    assert {json.loads(line)["article"] for line in out.splitlines()} == ({"0", "1"} if verb == "quotes" else {"0"})


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("form", ["table", "json", "csv"])
def test_output_file_has_what_would_be_printed(run, calais, tmp_path, verb, form):
    printed = run(verb, calais, "--format", form)[1]
    assert run(verb, calais, "--format", form, "--output", tmp_path / "out") == (0, "", [])
    assert (tmp_path / "out").read_text(encoding="utf-8") == printed
    assert names(tmp_path) == ["calais.txt", "out"]


# --- the page ---


def test_page_is_written_and_nothing_else(run, calais, tmp_path):
    status, out, err = run("read", calais, "--html", tmp_path / "page.html")
    assert (status, out, err) == (0, "", [f"stance: written: {tmp_path / 'page.html'}"])
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert "Étienne Marchand" in page
    assert names(tmp_path) == ["calais.txt", "page.html"]


def test_page_may_be_had_with_a_table(run, calais, tmp_path):
    table = run("read", calais, "--format", "table")[1]
    assert run("read", calais, "--html", tmp_path / "page.html", "--format", "table")[1] == table
    run("read", calais, "--html", tmp_path / "page.html", "--output", tmp_path / "out")
    assert (tmp_path / "out").read_text(encoding="utf-8") == table


def test_page_of_several_articles_is_wrong_usage(run, folder, tmp_path, capsys):
    assert usage_error("read", folder, "--html", tmp_path / "page.html") == 2
    assert "--html shows one article, and there are several here" in capsys.readouterr().err
    assert names(tmp_path) == ["articles"]


def test_page_of_a_folder_with_one_article_is_written(run, tmp_path):
    (tmp_path / "articles").mkdir()
    (tmp_path / "articles" / "a.txt").write_text(CALAIS, encoding="utf-8")
    assert run("read", tmp_path / "articles", "--html", tmp_path / "page.html")[0] == 0
    assert names(tmp_path) == ["articles", "page.html"]


# --- hostile and bad input ---


@pytest.mark.parametrize("verb", VERBS)
def test_article_does_not_steer_the_terminal(run, tmp_path, verb):
    text = f"Title{ESCAPE}\n\nTouquet talks.\n\n“We must{ESCAPE} end this deal now,” said Ann{ESCAPE} Reid{ESCAPE}.\n"
    rows = [{"id": f"{ESCAPE}{n}", "text": text.replace("now", f"now{n}")} for n in range(2)]
    path = tmp_path / f"{ESCAPE}.jsonl"
    for content in (rows[:1], rows, [*rows, {"text": 7, "id": ESCAPE}]):
        path.write_text("\n".join(map(json.dumps, content)))
        status, out, err = run(verb, path, "--target", ESCAPE) if verb == "read" else run(verb, path)
        assert status == 0
        assert "must" in out
        assert not {"\x1b", "\x07"} & set("".join([out, *err]))


@pytest.mark.parametrize("verb", VERBS)
def test_csv_disarms_formulas(run, tmp_path, verb):
    row = {"id": "=1+1", "text": "The Touquet talks.\n\n“@SUM(A1) is what we must end,” said Ann Reid."}
    (tmp_path / "a.jsonl").write_text(json.dumps(row))
    [read] = csv.DictReader(io.StringIO(run(verb, tmp_path / "a.jsonl", "--format", "csv")[1]))
    assert (read["article"], read["statement"]) == ("'=1+1", "'@SUM(A1) is what we must end,")


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("form", ["table", "json", "csv"])
def test_half_characters_do_not_stop_the_output(run, tmp_path, verb, form):
    text = "The Touquet \ud83d talks.\n\n“We must \ud83d\0 end it,” said Ann Reid."
    row = {"id": "\ud83d", "title": "\ud83d", "text": text}
    (tmp_path / "a.jsonl").write_text(json.dumps(row))
    status, out, _ = run(verb, tmp_path / "a.jsonl", "--format", form)
    assert status == 0
    assert "We must \ufffd\ufffd end it," in out


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        ("absent.txt", None, "cannot read absent.txt: No such file"),
        ("absent.csv", None, "cannot read absent.csv: No such file"),
        ("", None, "cannot read ''"),
        ("a.txt", b"", "a.txt is empty; expected the text of an article"),
        ("a.txt", b" \n", "a.txt is empty"),
        ("a.txt", b"\x7fELF\0\0", "NUL byte"),
        ("a.txt", bytes(range(256)) * 9, "neither UTF-8 nor cp1252"),
        ("a.html", b"<!doctype html><p>It is over.", "a.html is a web page"),
        ("a.csv", b"a,b\n1,2\n", "no column of articles"),
        ("a.jsonl", b"{", "not a whole JSON object"),
        ("a.parquet", b"PAR1", "Parquet"),
        ("a/", None, "no articles in a; expected files that end in .txt"),
    ],
)
def test_bad_input_is_one_line_and_leaves_no_output(run, tmp_path, monkeypatch, verb, name, content, fault):
    monkeypatch.chdir(tmp_path)
    if name == "a/":
        Path("a").mkdir()
    if content is not None:
        Path(name).write_bytes(content)
    before = names(tmp_path)
    status, out, err = run(verb, name, "--output", "out")
    assert (status, out, len(err)) == (1, "", 1)
    assert err[0].startswith("stance: ")
    assert fault in err[0]
    assert names(tmp_path) == before


def test_missing_model_and_places_that_cannot_be_written_are_one_line(run, calais, tmp_path):
    for flags, fault in [
        (["--model", tmp_path / "absent"], "no model folder"),
        (["--html", tmp_path / "absent" / "page.html"], "absent/page.html: No such file"),
        (["--output", tmp_path / "absent" / "out"], "absent/out: No such file"),
    ]:
        status, out, err = run("read", calais, "--no-evidence", *flags)
        assert (status, out, len(err)) == (1, "", 1)
        assert fault in err[0]
    assert names(tmp_path) == ["calais.txt"]


def test_bad_articles_of_a_folder_are_skipped_and_said(run, folder):
    (folder / "0.txt").write_text("")
    (folder / "e.csv").write_text("a,b\n1,2\n")
    status, out, err = run("quotes", folder)
    assert (status, len(out.splitlines())) == (0, 9)
    assert [line.split(";")[0] for line in err] == [
        f"stance: skipped: {folder}/0.txt is empty",
        f"stance: skipped: {folder}/e.csv has no column of articles",
        "stance: 4 articles, 8 statements",
    ]


@pytest.mark.parametrize("verb", VERBS)
def test_article_that_defeats_the_rules_is_one_line(run, calais, folder, monkeypatch, verb):
    extract = extract_quotes
    monkeypatch.setattr(reading, "extract_quotes", lambda text, language: extract(text) if "ferry" in text else {}[0])
    assert run(verb, calais) == (1, "", ["stance: no statements can be found in calais.txt: KeyError: 0"])
    status, out, err = run(verb, folder)
    assert status == 0
    assert "Joe Hill" in out
    assert [line for line in err if "skipped" in line] == [
        f"stance: skipped: no statements can be found in {name}.txt: KeyError: 0" for name in "abc"
    ]


def test_what_is_logged_is_one_line_without_a_traceback(run, calais, monkeypatch):
    def extract(text, language):
        try:
            return {}[0]
        except KeyError:
            logging.getLogger("stance.quotes").warning("paragraph %s\nwas skipped", ESCAPE, exc_info=True)
            return []

    monkeypatch.setattr(reading, "extract_quotes", extract)
    [line] = run("quotes", calais)[2]
    assert line.startswith("stance: paragraph ")
    assert line.endswith(" was skipped")
    assert "\x1b" not in line


def test_stories_are_read_as_they_are_needed(folder, capsys, monkeypatch):
    """A stream of articles is not gathered first."""
    seen = []

    def load(path):
        for story in load_stories(path):
            seen.append(story.name)
            yield story

    monkeypatch.setattr("stance.articles.load_stories", load)
    args = cli._build_parser().parse_args(["quotes", str(folder)])
    stories, several = cli._open_stories(args)
    assert (several, seen) == (True, ["a.txt", "b.txt"])
    assert [story.name for story in stories] == ["a.txt", "b.txt", "c.txt", "d.txt"]
