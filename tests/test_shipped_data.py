import json
import re
from pathlib import Path

import pandas as pd
import pytest

from stance.schema import COLUMNS, LABELS, validate_statements
from stance.targets import read_targets

DATA = Path(__file__).parents[1] / "data"
FILES = ("le-touquet/documented", "le-touquet/authored", "agreements/documented", "agreements/authored")
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
    assert set(frame.columns) <= set(COLUMNS)
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


@pytest.mark.parametrize("name", FILES)
def test_the_card_counts_each_file(card, files, name):
    frame, file = files[name], f"`{name}.jsonl`"
    languages = [(frame["lang"] == lang).sum() for lang in ("en", "fr")]

    assert table_row(file, len(frame), frame["target"].nunique(), *languages, *by_stance(frame)) in card
    assert table_row(file, *((frame["form"] == form).sum() for form in FORMS)) in card


def test_the_card_counts_the_whole(card, rows):
    targets = read_targets(DATA / "targets.toml")
    used = rows["target"].nunique()
    words = rows["statement"].str.split().str.len()

    assert f"{len(rows)} rows on {used} agreements" in card
    assert f"the rest is on {used - 1} other agreements" in card
    assert f"aliases of {len(targets)} agreements in English and French ({len(targets) - used} of them" in card
    assert f"{words.min()} to {words.max()} words" in card
    assert f"`{CALAIS}`, {(rows['event'] == CALAIS).sum()} rows" in card


@pytest.mark.parametrize("field", [name for name in COLUMNS if name != "label_2"])
def test_the_card_explains_each_field(card, field):
    assert f"| `{field}` |" in card


@pytest.mark.parametrize("column", ["country", "lang"])
def test_the_card_shows_the_skew_by(card, touquet, column):
    for value, group in touquet.groupby(column):
        assert table_row(value, *by_stance(group)) in card


def test_the_card_shows_the_skew_by_year(card, touquet):
    year = touquet["date"].str[:4].astype(int)
    assert table_row("2002–2013", *by_stance(touquet[year <= 2013])) in card
    assert year.between(2002, 2016).all()
    for recent in (2014, 2015, 2016):
        assert table_row(recent, *by_stance(touquet[year == recent])) in card
    assert f"Two years hold {(year >= 2015).mean() * 100:.0f} % of the rows" in card


def test_the_card_shows_the_speakers_with_the_most_rows(card, touquet):
    counts = touquet["speaker"].value_counts()
    shown = [name for name in counts.index if f"| {name} |" in card]

    assert f"{len(counts)} speakers in {touquet['event'].nunique()} events" in card
    assert len(shown) == 10
    assert counts[shown].min() >= counts.drop(shown).max()
    for name in shown:
        assert table_row(name, *by_stance(touquet[touquet["speaker"] == name])) in card


def test_the_card_shows_form_and_hard_rows(card, documented, touquet):
    others = documented[documented["target"] != "le-touquet"]
    for form, group in others.groupby("form"):
        assert table_row(form, *by_stance(group)) in card
    for title, frame in (("Le Touquet", touquet), ("other agreements", others)):
        hard = frame["hard"].astype(bool)
        assert table_row(f"{title}, hard", *by_stance(frame[hard])) in card
        assert table_row(f"{title}, not hard", *by_stance(frame[~hard])) in card


def test_the_card_tells_how_documented_and_authored_rows_differ(card, files):
    for title, folder in (("Le Touquet", "le-touquet"), ("other agreements", "agreements")):
        pair = [files[f"{folder}/{origin}"] for origin in ("documented", "authored")]
        neutral = [f"{(frame['stance'] == 'neutral').mean():.0%}".replace("%", " %") for frame in pair]
        reported = [f"{(frame['form'] == 'reported').mean():.0%}".replace("%", " %") for frame in pair]
        assert table_row(f"neutral, {title}", *neutral) in card
        assert table_row(f"reported speech, {title}", *reported) in card


def test_the_card_tells_how_long_statements_are(card, rows):
    words = rows["statement"].str.split().str.len().groupby(rows["origin"])
    for title, of in (("median", words.median()), ("longest", words.max())):
        cells = [int(of["documented"]), int(of["authored"])]
        assert table_row(f"words in a statement, {title}", *cells) in card


def test_the_card_tells_what_nationality_alone_gives(card, touquet):
    sides = touquet[touquet["country"].isin(["FR", "UK"]) & (touquet["stance"] != "neutral")]
    right = (sides["country"] == "FR") == (sides["stance"] == "oppose")
    assert f"Of the {len(sides)} documented rows" in card
    assert f"is right for {right.mean() * 100:.0f} %" in card


def test_the_card_tells_how_uneven_other_agreements_are(card, documented):
    others = documented[documented["target"] != "le-touquet"]
    sizes = others["target"].value_counts()
    year = others["date"].str[:4].astype(int)

    assert f"{sizes.min()} to {sizes.max()} documented rows each" in card
    assert f"run from {year.min()} to {year.max()}" in card
    assert f"The {(year >= 2016).sum()} documented rows with a date of 2016 or later" in card


def test_the_codebook_that_ships_has_all_labels():
    codebook = (DATA / "codebook.md").read_text(encoding="utf-8")
    assert all(f"| `{label}` |" in codebook for label in LABELS)
