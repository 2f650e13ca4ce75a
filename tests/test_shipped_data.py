import json
import re
import subprocess
import sys
from difflib import SequenceMatcher
from pathlib import Path

import datasets
import pandas as pd
import pytest
from sklearn.metrics import cohen_kappa_score

from stance.data import load_statements
from stance.duplicates import near_duplicate_groups
from stance.schema import COLUMNS, LABELS, validate_statements
from stance.splits import split_by_agreement, split_by_time, statement_groups
from stance.targets import read_targets

DATA = Path(__file__).parents[1] / "data"
FILES = ("le-touquet/documented", "le-touquet/authored", "agreements/documented", "agreements/authored")
SCRIPT = Path(__file__).parents[1] / "benchmarks" / "corpus.py"
KEPT_ASIDE = (
    "paris-climate iran-nuclear-deal ni-protocol windsor-framework withdrawal-agreement rwanda-asylum "
    "un-migration-compact eu-turkey-migration ceta eu-mercosur ttip usmca aukus inf-treaty new-start sandhurst-treaty"
).split()
FORMS = ("reported", "first_person", "direct", "parliament", "tweet")
CALAIS = "2016-08-30-calais-story"


@pytest.fixture(scope="module")
def files():
    """One frame a file, read without the loader that other tests are about."""
    lines = {name: (DATA / f"{name}.jsonl").read_text(encoding="utf-8").splitlines() for name in FILES}
    return {name: pd.DataFrame(map(json.loads, lines[name])) for name in FILES}


@pytest.fixture(scope="module")
def rows(files):
    frame = pd.concat(files.values(), ignore_index=True)
    frame["file"] = [name for name in FILES for _ in range(len(files[name]))]
    return frame


@pytest.fixture(scope="module")
def documented(rows):
    return rows[rows["origin"] == "documented"]


@pytest.fixture(scope="module")
def touquet(documented):
    return documented[documented["target"] == "le-touquet"]


@pytest.fixture(scope="module")
def card():
    return " ".join((DATA / "README.md").read_text(encoding="utf-8").split())


def table_row(*cells):
    return "| " + " | ".join(map(str, cells)) + " |"


def by_stance(frame):
    return [int((frame["stance"] == label).sum()) for label in LABELS]


@pytest.mark.parametrize("name", FILES)
def test_every_shipped_row_is_valid(files, name):
    frame = files[name]
    checked = validate_statements(frame)

    assert len(checked) == len(frame)
    assert set(frame.columns) <= {*COLUMNS, "label_1", "split_time", "split_agreement"}
    assert frame["statement"].str.strip().eq(frame["statement"]).all()
    assert frame["lang"].isin(["en", "fr"]).all()
    assert frame["form"].isin(FORMS).all()
    assert frame["origin"].eq(name.rpartition("/")[2]).all()
    assert frame["target"].eq("le-touquet").all() == name.startswith("le-touquet")
    assert frame["id"].is_monotonic_increasing


def test_no_field_is_shipped_empty(files):
    for name in FILES:
        for number, line in enumerate((DATA / f"{name}.jsonl").read_text(encoding="utf-8").splitlines(), 1):
            assert not re.search(r'": (""|null)[,}]', line), f"{name}.jsonl, line {number}"


def test_ids_are_unique_over_all_files(rows):
    assert not rows["id"].duplicated().any()


def test_documented_rows_say_who_when_where_and_in_which_event(documented):
    needed = ["speaker", "date", "source", "event", "hard"]
    assert documented[needed].notna().all(axis=None)
    assert documented["date"].str.fullmatch(r"\d{4}(-\d\d(-\d\d)?)?").all()
    assert documented["source"].str.match(r"https?://\S+$").all()


def test_authored_rows_name_no_speaker(rows):
    authored = rows[rows["origin"] == "authored"]
    assert authored[["speaker", "party", "date", "source", "event"]].isna().all(axis=None)


def test_a_pair_has_two_rows_on_one_agreement_with_different_stances(rows):
    pairs = rows.groupby("pair").agg({"id": "size", "stance": "nunique", "target": "nunique"})
    assert pairs.eq([2, 2, 1]).all(axis=None)


def test_no_two_rows_have_the_same_statement(rows):
    plain = rows["statement"].str.casefold().str.replace(r"\W+", " ", regex=True).str.strip()
    assert rows.loc[plain.duplicated(keep=False), "id"].tolist() == []


def test_every_target_is_in_the_table(rows):
    assert set(rows["target"]) - set(read_targets(DATA / "targets.toml")) == set()


def test_targets_without_rows_are_marked_as_names_only(rows):
    text = (DATA / "targets.toml").read_text(encoding="utf-8")
    with_rows, _, names_only = text.partition("# Well known, without rows")
    headings = re.compile(r"^\[(.+)\]$", re.MULTILINE)

    assert set(headings.findall(with_rows)) == set(rows["target"])
    assert headings.findall(names_only)


def test_the_calais_story_is_one_event_with_its_two_quotes(touquet):
    story = touquet[touquet["event"] == CALAIS]
    quotes = story.set_index("id")["stance"]

    assert len(story) >= 8
    assert {"Xavier Bertrand", "Downing Street spokesman", "Home Office source"} <= set(story["speaker"])
    assert quotes["d363"] == "oppose"
    assert quotes["d369"] == "support"


def test_no_other_event_tells_of_the_calais_story(touquet):
    days = touquet["date"].isin(["2016-08-29", "2016-08-30"])
    speakers = touquet["speaker"].isin(touquet.loc[touquet["event"] == CALAIS, "speaker"])
    assert touquet.loc[days & speakers, "event"].unique().tolist() == [CALAIS]


def test_the_corpus_is_as_large_as_it_says(documented):
    sizes = documented["target"].value_counts()
    others = sizes.drop("le-touquet")

    assert len(documented) >= 5000
    assert sizes["le-touquet"] >= 500
    assert (others >= 30).sum() >= 80
    assert 0.35 <= (documented["lang"] == "fr").mean() <= 0.45
    assert documented["stance"].value_counts(normalize=True).between(0.25, 0.45).all()


def test_what_is_kept_aside_to_measure_with_is_not_documented(documented):
    later = documented["target"].eq("le-touquet") & documented["date"].ge("2017")
    assert not later.any()
    assert set(documented["target"]) & set(KEPT_ASIDE) == set()


@pytest.mark.parametrize("name", FILES)
def test_the_card_counts_each_file(card, files, name):
    frame = files[name]
    languages = [int((frame["lang"] == lang).sum()) for lang in ("en", "fr")]
    cells = [len(frame), frame["target"].nunique(), *languages, *by_stance(frame)]

    assert table_row(f"`{name}.jsonl`", *(f"{cell:,}" for cell in cells)) in card


def test_the_card_and_the_spreadsheet_are_as_the_data_says():
    done = subprocess.run([sys.executable, SCRIPT, "--check"], capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr


def test_the_spreadsheet_has_the_documented_rows_and_no_formula(documented):
    content = (DATA / "agreements.csv").read_bytes()
    cells = pd.read_csv(DATA / "agreements.csv", dtype=str, keep_default_na=False)

    assert content.startswith(b"\xef\xbb\xbf")
    assert sorted(cells["id"]) == sorted(documented["id"])
    assert not cells.map(lambda cell: cell.startswith(tuple("=+-@\t\r"))).any(axis=None)
    assert len(load_statements(DATA / "agreements.csv")) == len(documented)


@pytest.mark.parametrize("field", [*COLUMNS, "label_1", "split_time", "split_agreement", "phenomenon"])
def test_the_card_explains_each_field(card, field):
    assert f"| `{field}` |" in card


def test_every_documented_row_was_read_twice_and_differences_are_rare(documented):
    first = documented["label_1"].fillna(documented["stance"])
    assert documented["label_2"].isin(LABELS).all()
    for lang in ("en", "fr"):
        rows = documented["lang"] == lang
        assert cohen_kappa_score(first[rows], documented.loc[rows, "label_2"]) >= 0.85
    for label in LABELS:
        assert cohen_kappa_score(first == label, documented["label_2"] == label) >= 0.85


def test_the_splits_are_those_of_the_functions(documented):
    frame = documented.drop(columns=["split_time", "split_agreement"]).reset_index(drop=True)
    for column, split in (
        ("split_time", split_by_time(frame)),
        ("split_agreement", split_by_agreement(frame, keep="le-touquet")),
    ):
        shipped = documented[column].astype(object).where(documented[column].notna(), None)
        assert shipped.tolist() == split.tolist()


@pytest.mark.parametrize("column", ["split_time", "split_agreement"])
def test_no_event_speaker_or_near_duplicate_is_on_both_sides_of_a_split(documented, column):
    frame = documented[documented[column].notna()].reset_index(drop=True)
    sides = frame[column].groupby(statement_groups(frame)).nunique()

    assert sides.max() == 1
    assert 0.15 <= (frame[column] == "test").mean() <= 0.4
    assert set(frame.loc[frame[column] == "test", "stance"]) == set(LABELS)


def test_the_split_by_time_tests_on_what_came_later(documented):
    for _, rows in documented.groupby("target"):
        train, test = (rows.loc[rows["split_time"] == part, "date"] for part in ("train", "test"))
        if len(test):
            assert test.min() > train.max()
            assert not any(date.startswith(tuple(test)) for date in train)
            assert not any(date.startswith(tuple(train)) for date in test)


def test_the_split_by_agreement_tests_on_whole_agreements(documented):
    parts = documented.groupby("target")["split_agreement"].unique()
    assert parts.map(len).eq(1).all()
    assert parts["le-touquet"].tolist() == ["train"]


def test_contrast_pairs_are_for_testing_only(rows):
    pairs = load_statements("contrast")

    assert pairs["origin"].eq("contrast").all()
    assert not set(pairs["id"]) & set(rows["id"])
    groups = near_duplicate_groups(pd.concat([pairs["statement"], rows["statement"]]))
    assert not set(groups[: len(pairs)]) & set(groups[len(pairs) :])


def test_a_contrast_pair_flips_the_stance_by_a_small_edit():
    pairs = load_statements("contrast")
    grouped = pairs.groupby("pair")

    assert len(grouped) >= 300
    assert (
        grouped.agg({"id": "size", "stance": "nunique", "target": "nunique", "lang": "nunique"})
        .eq([2, 2, 1, 1])
        .all(axis=None)
    )
    assert grouped["lang"].first().value_counts().min() >= 140
    assert grouped["phenomenon"].first().value_counts().min() >= 25
    for first, second in grouped["statement"].apply(list):
        assert SequenceMatcher(None, first.lower().split(), second.lower().split()).ratio() >= 0.5


def test_the_folder_is_a_data_set_of_the_hub(tmp_path):
    parts = datasets.load_dataset(str(DATA), cache_dir=str(tmp_path))

    assert {name: len(rows) for name, rows in parts.items()} == {
        origin: len(load_statements("agreements").query("origin == @origin")) for origin in ("documented", "authored")
    }
    assert parts["documented"].features["stance"].names == list(LABELS)
    assert "CC BY 4.0" in (DATA / "README.md").read_text(encoding="utf-8")


def test_the_codebook_that_ships_has_all_labels():
    codebook = (DATA / "codebook.md").read_text(encoding="utf-8")
    assert all(f"| `{label}` |" in codebook for label in LABELS)


# --- rewritten statements ---


@pytest.fixture(scope="module")
def rewritten():
    lines = {
        name: (DATA / "rewritten" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
        for name in ("translated", "revised")
    }
    return {name: pd.DataFrame(map(json.loads, lines[name])) for name in lines}


def test_every_documented_statement_is_translated_once_into_the_other_language(rewritten, documented):
    translated = rewritten["translated"].set_index("id")
    own = documented.set_index("id")

    assert translated.index.is_unique
    assert set(translated.index) == set(own.index)
    assert (translated["lang"] == own["lang"].map({"en": "fr", "fr": "en"})[translated.index]).all()
    assert translated["statement"].str.strip().str.len().gt(10).all()
    assert not (translated["statement"] == own["statement"][translated.index]).any()


def test_a_revised_statement_has_another_stance_and_no_source(rewritten, documented):
    revised = rewritten["revised"]
    own = documented.set_index("id").loc[revised["revises"]]

    assert revised["id"].is_unique
    assert set(revised["stance"]) == set(LABELS)
    assert (revised["stance"].to_numpy() != own["stance"].to_numpy()).all()
    assert (revised["lang"].to_numpy() == own["lang"].to_numpy()).all()
    assert set(revised["origin"]) == {"authored"}
    assert not {"speaker", "source"} & set(revised.columns)


def test_a_revised_statement_does_not_name_the_person_whose_position_it_turns(rewritten, documented):
    surnames = documented.set_index("id")["speaker"].dropna().str.split().str[-1]
    title = r"\b(?:Mr|Mrs|Ms|MM?\.|Mme|Sir|Lord|Lady|Senator|President|Minister|Le président|Le ministre)\.? (?:\w+ )?"
    named = [
        row["id"]
        for row in rewritten["revised"].to_dict("records")
        if row["revises"] in surnames
        and re.search(title + re.escape(surnames[row["revises"]]) + r"\b", row["statement"])
    ]
    assert named == []
