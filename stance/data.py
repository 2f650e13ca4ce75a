"""Statements from files, frames and the hub, in our columns and labels; what was assumed is said.

Whatever the source, the steps are the same: read rows, name the columns, name the labels, check every row.
"""

import os
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from stance.errors import DataError, SchemaError
from stance.files import shipped_path
from stance.schema import COLUMNS, LABELS, REQUIRED, BadRowsError, validate_statements
from stance.tables import SUFFIXES, Table, note_assumption, read_tables, reading

if TYPE_CHECKING:
    import datasets

# What others call our columns and labels, folded: lower case, no accents, letters and digits only.
_COLUMN_WORDS = {
    ours: words.split()
    for ours, words in {
        "id": "identifier identifiant uuid tweetid statementid",
        "statement": "text quote quotation sentence tweet utterance texte citation phrase enonce declaration propos",
        "target": "topic agreement treaty claim cible accord traite sujet",
        "stance": "label position opinion class etiquette classe",
        "lang": "language langue",
        "form": "forme",
        "speaker": "author politician name person orateur auteur locuteur politicien nom",
        "role": "function office fonction",
        "country": "nationality pays nationalite",
        "party": "politicalparty parti partipolitique",
        "date": "year day annee jour",
        "source": "url link lien",
        "event": "evenement",
        "pair": "contrastpair paire",
        "origin": "provenance origine",
        "hard": "difficult difficile",
        "theme": "themes",
        "label_2": "label2 secondlabel stance2",
    }.items()
}
_LABEL_WORDS = {
    word: label
    for label, words in {
        "support": "support supports supported favor favour infavor infavour favorable favourable pro for "
        "agree agrees pour soutien soutient daccord",
        "oppose": "oppose opposes opposed against con contra anti unfavorable unfavourable disagree "
        "disagrees contre opposition soppose defavorable pasdaccord",
        "neutral": "neutral none neither neutre aucun aucune",
    }.items()
    for word in words.split()
}
_NUMBER_LABELS = {1.0: "support", -1.0: "oppose", 0.0: "neutral"}

SHIPPED = {
    "agreements": [
        f"{folder}/{origin}.jsonl" for folder in ("le-touquet", "agreements") for origin in ("documented", "authored")
    ],
    "contrast": ["contrast/pairs.jsonl"],
}
"""The statements that come with the package, by name, and their files."""

_MAX_CARD_HEADER = 65_536  # bytes; the header of a dataset card is a page or two
_NUMBER = re.compile(r"[+-]?\d{1,9}(\.0*)?")  # "1", "-1.0"; not "1.5"
_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")  # "owner/name"; not "name", "a/b/c"


def load_statements(
    source: object,
    *,
    target: str | None = None,
    require_stance: bool = True,
    columns: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Return the statements of a file, folder, frame or hub data set, checked and in our columns and labels.

    Columns and labels are recognised by their usual English and French names ("text", "auteur", "FAVOR",
    "contre", 1/-1/0). What was assumed is logged, at INFO, and kept in `frame.attrs["assumptions"]`.

    Parameters
    ----------
    source
        A file: CSV (``,`` ``;`` or tab; UTF-8, UTF-16 with BOM or cp1252), TSV, JSON Lines, a JSON list,
        Parquet, or text with one statement per line. A folder: all its tables (not ".txt"), or, where its
        README.md is a dataset card of the hub, those of the card's default configuration. A pandas or polars
        frame, a list of dicts, a `datasets.Dataset`, or a `DatasetDict`, whose splits are named in a column
        `split`. Or, if there is no such path, "agreements", the statements that come with the package;
        "contrast", its pairs for testing; or the id "owner/name" of a data set on the hub.
    target
        The target of rows that name none.
    require_stance
        If false, `target` and `stance` may be missing; a stance that is there must still be one.
    columns
        Their names to ours, for columns that are not recognised or not as meant.

    Returns
    -------
    pandas.DataFrame
        As `validate_statements` returns it, with rows numbered from 0 in the order of the source.

    Raises
    ------
    DataError
        If the source cannot be read.
    SchemaError
        If columns are missing or rows are bad: all of them at once, with their lines or row numbers.

    Examples
    --------
    >>> frame = load_statements([{"quote": "It is over.", "label": "AGAINST"}], target="le-touquet")
    >>> frame.to_dict("records")
    [{'statement': 'It is over.', 'target': 'le-touquet', 'stance': 'oppose'}]
    >>> frame.attrs["assumptions"][0]
    "column 'quote' read as statement"
    """
    notes: list[str] = []
    require = REQUIRED if require_stance else REQUIRED[:1]
    tables = []
    for table in _find_tables(source, notes, columns or {}):
        tables.append(_translate(table, notes, target=target, columns=columns or {}))
        _check_columns(tables[-1], require)
    whole = _join(tables, source=str(source) if isinstance(source, str | os.PathLike) else "the table")
    if not len(whole.frame) and not whole.problems:
        raise SchemaError(f"{whole.source} has no rows; expected at least one statement")
    return _validate(whole, require, notes)


def to_dataset_dict(frame: pd.DataFrame, split: str | None = None) -> "datasets.DatasetDict":
    """Return labelled statements as a `datasets.DatasetDict` whose stances are a ClassLabel.

    Class numbers follow `LABELS`: 0 support, 1 oppose, 2 neutral; a missing second label is None. `split` is a
    column that names the part of each row, such as "split_time"; rows without a part are left out. Without it
    all rows are in the part "train". Columns that have no meaning here are kept as text.

    >>> frame = load_statements([{"statement": "It is over.", "target": "le-touquet", "stance": "oppose"}])
    >>> to_dataset_dict(frame)["train"].features["stance"].names
    ['support', 'oppose', 'neutral']
    """
    from datasets import ClassLabel, Dataset, DatasetDict, Features, Value

    if split is not None and split not in frame.columns:
        raise SchemaError(f"no column {split!r} to split by; the table has {list(frame.columns)}")
    labels = ClassLabel(names=list(LABELS))
    kinds = {"stance": labels, "label_1": labels, "label_2": labels, "hard": Value("bool")}
    columns = [column for column in frame.columns if column != split]
    features = Features({column: kinds.get(column, Value("string")) for column in columns})
    cells = frame[columns].astype(object).where(frame[columns].notna(), None)
    others = [column for column in columns if column not in kinds]
    cells[others] = cells[others].map(lambda cell: None if cell is None else str(cell))
    parts = {"train": cells} if split is None else dict(iter(cells.groupby(frame[split])))
    return DatasetDict(
        {str(name): Dataset.from_dict(rows.to_dict("list"), features=features) for name, rows in parts.items()}
    )


def read_batches(
    path: str | os.PathLike[str],
    *,
    batch_size: int = 2000,
    target: str | None = None,
    columns: Mapping[str, str] | None = None,
) -> Iterator[pd.DataFrame]:
    r"""Yield the statements of a file, to be scored, in frames of at most `batch_size` rows.

    Memory stays constant, however long the file (but a JSON list, unlike JSON Lines, is read whole). A file
    is read as by `load_statements`; "-" is standard input in UTF-8: JSON Lines if it begins with ``{``, else
    one statement per line, where an empty line is an empty statement. The index counts the rows of the
    whole file. No stance is needed: a column `stance` keeps those that are recognised, and other columns,
    such as "label", are not taken for it.

    Raises
    ------
    DataError
        If the file cannot be read.
    SchemaError
        At the first batch with bad rows, with their lines; the batches before it have been yielded.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp(), "quotes.txt")
    >>> _ = file.write_text("It is over.\nKeep it.\nWe meet on Monday.\n")
    >>> [batch["statement"].tolist() for batch in read_batches(file, batch_size=2)]
    [['It is over.', 'Keep it.'], ['We meet on Monday.']]
    """
    notes: list[str] = []
    columns = columns or {}
    start = 0
    for table in read_tables(
        Path(path), str(path), notes, is_column=_find_column_words(columns), batch_size=batch_size
    ):
        table = _translate(table, notes, target=target, columns=columns, labelled=False)
        _check_columns(table, REQUIRED[:1])
        if not len(table.frame) and not table.problems:  # a header alone
            continue
        batch = _validate(table, REQUIRED[:1], notes)
        batch.index = pd.RangeIndex(start, start + len(batch))
        start += len(batch)
        yield batch


# --- from rows as found to statements ---


def _translate(
    table: Table, notes: list[str], *, target: str | None, columns: Mapping[str, str], labelled: bool = True
) -> Table:
    """Return the table in our columns and labels, with the target given to rows that have none."""
    if not len(table.frame) and table.problems:  # not one row could be read
        return table
    validate_statements(table.frame.head(0), require=(), source=table.source)  # no column twice
    names = _name_columns([str(name) for name in table.frame.columns], columns, table.source, labelled)
    for theirs, ours in names.items():
        note_assumption(notes, table.source, f"column {theirs!r} read as {ours}")
    replaced = [name for name in table.frame.columns if name in names.values() and name not in names]
    for name in replaced:
        note_assumption(notes, table.source, f"column {name!r} left out: another was named in its place")
    frame = table.frame.drop(columns=replaced).rename(columns=names)
    if "stance" in frame.columns:
        frame["stance"] = _name_labels(frame["stance"], table.source, notes, labelled)
    if target is not None:
        targets = frame["target"] if "target" in frame.columns else pd.Series(None, frame.index, dtype=object)
        empty = targets.isna() | (targets.astype(str).str.strip() == "")
        if empty.any():
            note_assumption(notes, table.source, f"target {target!r} given to rows without one")
        frame["target"] = targets.astype(object).mask(empty, target)
    return table._replace(frame=frame)


def _name_columns(names: Sequence[str], given: Mapping[str, str], source: str, labelled: bool) -> dict[str, str]:
    """Return their name to ours for the columns to rename: as given, else by spelling, else by a synonym."""
    absent = [name for name in given if name not in names]
    if absent:
        raise SchemaError(f"{source} has no columns {absent} to rename; it has {list(names)}")
    if len(set(given.values()) & set(COLUMNS)) < len(given):
        raise SchemaError(f"columns can be read as each of {list(COLUMNS)} once; asked for {dict(given)}")
    renamed = dict(given)
    for ours, words in _COLUMN_WORDS.items():
        if ours in given.values() or (ours in names and ours not in given):
            continue
        folded = {name: _fold(name) for name in names if name not in renamed}
        found = [name for name, word in folded.items() if word == _fold(ours)]
        if not found and (labelled or ours != "stance"):
            found = [name for name, word in folded.items() if word in words]
        if len(found) > 1:
            raise SchemaError(
                f"the columns {found} of {source} could each be the {ours}; "
                f"rename one to {ours!r} or say which it is with columns={{{found[0]!r}: {ours!r}}}"
            )
        renamed |= dict.fromkeys(found, ours)
    return renamed


def _find_column_words(given: Mapping[str, str]) -> Callable[[str], bool]:
    """Return a function that knows the names that a header may hold."""
    known = {_fold(ours) for ours in _COLUMN_WORDS} | {_fold(theirs) for theirs in given}
    known.update(*_COLUMN_WORDS.values())
    return lambda name: _fold(name) in known


def _name_labels(labels: pd.Series, source: str, notes: list[str], labelled: bool) -> pd.Series:
    """Return the labels in our words; one not recognised stays as it is, or is None if none was asked for."""
    scalars = labels.where(labels.map(pd.api.types.is_scalar)).astype(object)
    texts = ["" if pd.isna(value) else str(value).strip() for value in scalars]
    words = set(texts) - {""}
    numbers = {word: float(word) for word in words if _NUMBER.fullmatch(word)}
    known = {word: _LABEL_WORDS[_fold(word)] for word in words if _fold(word) in _LABEL_WORDS}
    if numbers and len(numbers) == len(words) and labelled:
        # 0, 1, 2 may stand for anything, and so may 0 and 1: only -1 tells how the others are meant.
        if -1 not in numbers.values() or not set(numbers.values()) <= set(_NUMBER_LABELS):
            raise SchemaError(
                f"the stances of {source} are numbers, which may mean anything: {sorted(numbers)[:9]}; "
                "expected support, oppose, neutral (or 1, -1, 0): put names in their place"
            )
        known = {word: _NUMBER_LABELS[number] for word, number in numbers.items()}
    for word, label in sorted(known.items()):
        if word != label:
            note_assumption(notes, source, f"stance {word!r} read as {label}")
    if not labelled and len(known) < len(words):
        note_assumption(notes, source, "stances that are not recognised left out")
    read = [known.get(text, value if labelled else None) for text, value in zip(texts, labels, strict=True)]
    return pd.Series(read, labels.index, dtype=object)


def _check_columns(table: Table, require: Sequence[str]) -> None:
    found = [str(name) for name in table.frame.columns]
    missing = [name for name in require if name not in found]
    if missing and (len(table.frame) or (found and not table.problems)):
        raise SchemaError(
            f"missing columns {missing} in {table.source}; expected {list(require)}, found {found}; "
            f"say which it is with columns={{'their name': {missing[0]!r}}}"
            + (", or give one target for all with target=" if "target" in missing else "")
        )


def _validate(table: Table, require: Sequence[str], notes: list[str]) -> pd.DataFrame:
    """Return the checked table; its rows that could not be read are reported with those that are bad."""
    problems = list(table.problems)
    checked = table.frame
    if len(table.frame):
        try:
            checked = validate_statements(table.frame, require=require, source=table.source, rows=table.rows)
        except BadRowsError as error:
            problems += error.problems
    if problems:
        problems.sort(key=lambda problem: problem.row if isinstance(problem.row, int) else 0)
        raise BadRowsError(problems, table.source, table.unit)
    checked.attrs = {"assumptions": list(notes)}
    return checked


def _join(tables: Sequence[Table], source: str) -> Table:
    """Return the tables as one; where they are several, a row is called "table:row"."""
    if len({table.source for table in tables}) > 1:
        tables = [
            table._replace(
                rows=[f"{table.source}:{row}" for row in table.rows],
                problems=[p._replace(row=f"{table.source}:{p.row}") for p in table.problems],
            )
            for table in tables
        ]
    frame = pd.concat([table.frame for table in tables], ignore_index=True)
    rows = [row for table in tables for row in table.rows]
    return Table(source, tables[0].unit, frame, rows, [p for table in tables for p in table.problems])


def _fold(text: str) -> str:
    """Return the letters and digits alone, lower case, without accents: "Énoncé_1" is "enonce1"."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKD", text.casefold())))


# --- from a source to tables ---


def _find_tables(source: object, notes: list[str], columns: Mapping[str, str]) -> Iterator[Table]:
    """Yield the tables of a source, each whole."""
    if isinstance(source, str | os.PathLike):
        yield from _find_files(source, notes, columns)
    elif isinstance(source, Mapping) and source and all(hasattr(split, "to_pandas") for split in source.values()):
        for name, split in source.items():
            frame = _decode_dataset(split)
            yield _make_table(frame if "split" in frame else frame.assign(split=str(name)), str(name))
    elif isinstance(source, pd.DataFrame):
        yield _make_table(source)
    elif hasattr(source, "to_pandas"):
        yield _make_table(_decode_dataset(source))
    else:
        records = list(source) if isinstance(source, Iterable) else [source]
        if isinstance(source, Mapping) or not all(isinstance(record, Mapping) for record in records):
            raise DataError(
                f"cannot load statements from {type(source).__name__}; expected a path, a data frame, "
                "a list of dicts, a datasets.Dataset or the id of one on the hub"
            )
        yield _make_table(pd.DataFrame(records, dtype=object))


def _find_files(source: str | os.PathLike[str], notes: list[str], columns: Mapping[str, str]) -> Iterator[Table]:
    path = Path(source)
    is_column = _find_column_words(columns)
    with reading(str(source)):
        is_folder, exists = path.is_dir(), path.exists()
    if is_folder:
        on_card = _files_on_card(path)
        found = path.rglob("*") if on_card is None else on_card
        names = sorted({file.relative_to(path) for file in found if file.suffix.lower() in SUFFIXES})
        names = [name for name in names if not any(part.startswith(".") for part in name.parts)]
        if not names:
            raise DataError(f"no tables in {path}; expected files that end in {', '.join(SUFFIXES)}")
        for name in names:
            yield _join(list(read_tables(path / name, str(name), notes, is_column=is_column)), str(name))
    elif exists or str(source) == "-":
        yield _join(list(read_tables(path, str(source), notes, is_column=is_column)), str(source))
    elif source in SHIPPED:
        for file in shipped_files(str(source)):
            yield _join(list(read_tables(file, str(source), notes, is_column=is_column)), str(source))
    elif isinstance(source, str) and _HUB_ID.fullmatch(source) and path.suffix.lower() not in SUFFIXES:
        yield from _find_tables(_load_from_hub(source), notes, columns)
    else:
        raise DataError(f"there is no file or folder {str(source)!r}; by name there are {list(SHIPPED)}")


def shipped_files(name: str) -> list[Path]:
    """Return the files of statements that come with the package, in a checkout or inside it."""
    folder = shipped_path("corpus", "data")
    return [folder / file for file in SHIPPED[name]]


def _files_on_card(folder: Path) -> list[Path] | None:
    """Return the tables of the default configuration on a folder's dataset card, or None if it has no such card.

    The card is the hub's: https://huggingface.co/docs/hub/datasets-manual-configuration. It may come from a stranger:
    its header is read as plain data, up to a size and without aliases, and names no files outside the folder.
    """
    card = folder / "README.md"
    with reading(str(card)):
        if not card.is_file():
            return None
        with card.open("rb") as file:
            text = file.read(_MAX_CARD_HEADER).decode("utf-8-sig", errors="replace")
    header = text.split("\n---", 1)[0]
    if not text.startswith("---") or (len(header) == len(text) < _MAX_CARD_HEADER):
        return None
    import yaml  # few folders have a card

    try:
        if len(header) == len(text) or any(isinstance(token, yaml.AliasToken) for token in yaml.scan(header)):
            raise ValueError(f"its header has aliases, or no end within {_MAX_CARD_HEADER:,} bytes")
        chosen = _default_configuration((yaml.safe_load(header) or {}).get("configs") or [])
        if "data_dir" in chosen:
            patterns = [f"{chosen['data_dir']}/**/*"]
        else:
            patterns = _list_patterns(chosen.get("data_files") or [])
        found = [file for pattern in patterns for file in folder.glob(_inside(pattern))]
    except Exception as error:  # no YAML, or not in the form that the hub describes
        reason = " ".join(str(error).split())[:300]
        raise DataError(
            f"cannot read the dataset card {card} ({type(error).__name__}: {reason}); mend or remove it"
        ) from error
    tables = [file for file in found if file.suffix.lower() in SUFFIXES]
    if patterns and not tables:
        raise DataError(f"the dataset card {card} names {patterns}; there are no such tables beside it")
    return tables or None


def _default_configuration(configurations: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the one marked or named as the default, or the only one; an empty one if none is."""
    for configuration in configurations:
        if configuration.get("default") or configuration["config_name"] == "default":
            return configuration
    return configurations[0] if len(configurations) == 1 else {}


def _list_patterns(data_files: Any) -> list[str]:
    """Return the paths and patterns in any of the forms that the hub takes: one, a list, or a list of splits."""
    parts = data_files if isinstance(data_files, list) else [data_files]
    paths = [part["path"] if isinstance(part, dict) else part for part in parts]
    return [pattern for path in paths for pattern in (path if isinstance(path, list) else [path])]


def _inside(pattern: str) -> str:
    """Return the pattern if it stays in its folder and is cheap to look for."""
    if "://" in pattern or ".." in Path(pattern).parts or pattern.count("**") > 1:
        raise ValueError(f"{pattern!r} leads out of the folder, or has '**' twice")
    return pattern


def _load_from_hub(name: str) -> Any:
    import datasets  # takes a second to import, and most tables are files

    try:
        return datasets.load_dataset(name)
    except Exception as error:  # the hub's client raises many kinds, some of them those of its own libraries
        reason = " ".join(str(error).split())[:300]
        raise DataError(
            f"there is no file or folder {name!r}, and it could not be loaded from the hub ({reason}); "
            "check the name and the connection, or pass what datasets.load_dataset returns"
        ) from error


def _decode_dataset(dataset: Any) -> pd.DataFrame:
    """Return the rows of a data set or of another library's frame, class numbers replaced by their names."""
    frame: pd.DataFrame = dataset.to_pandas()
    for column, feature in (getattr(dataset, "features", None) or {}).items():
        if names := getattr(feature, "names", None):  # a ClassLabel, where -1 stands for a label held back
            read = [names[int(value)] if pd.notna(value) and value >= 0 else None for value in frame[column]]
            frame[column] = pd.Series(read, frame.index, dtype=object)
    return frame


def _make_table(frame: pd.DataFrame, source: str = "the table") -> Table:
    return Table(source, "row", frame.reset_index(drop=True), range(1, len(frame) + 1), [])
