"""What the data card says of the shipped statements, measured: counts, agreement of readers, shortcuts, learning curve.

    python benchmarks/corpus.py [--only PART ...] [--check]

Each part of data/README.md between `<!-- NAME -->` and `<!-- /NAME -->` is written anew; `--check` writes nothing and
fails if the parts that take no training (counts, readers, skews) are not as the data says. The curve goes to
data/learning-curve.png as well, the shortcuts of every agreement to data/shortcuts.csv. Some four minutes.
"""

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.metrics import cohen_kappa_score, f1_score
from sklearn.model_selection import GroupKFold
from sklearn.naive_bayes import BernoulliNB
from sklearn.pipeline import make_pipeline

from stance.config import TrainingConfig
from stance.data import load_statements
from stance.estimator import Candidate, StanceClassifier, _block_logits, _fit_head, _fit_lexical, _one_thread, _Rows
from stance.files import write_atomically
from stance.predictor import StancePredictor
from stance.schema import LABELS
from stance.splits import grouped_folds, statement_groups
from stance.training import build_classifier

DATA = Path(__file__).resolve().parents[1] / "data"
ATTRIBUTES = ("country", "party", "role", "lang", "form", "length")
FORMS = ("reported", "first_person", "direct", "parliament", "tweet")
SIZES = (100, 200, 400, 800, 1600, 3200)
REPEATS = 3  # samples of each size
CANDIDATE = Candidate(C=4.0, authored_weight=0.3, sentence_weight=1.0, stance_weight=1.0)


# --- counts ---


def count_rows(frame: pd.DataFrame) -> str:
    """Return how many rows there are, of which kind."""
    documented = frame[frame["origin"] == "documented"]
    folder = frame["target"].where(frame["target"] == "le-touquet", "agreements")
    files = {f"`{name}.jsonl`": rows for name, rows in frame.groupby(folder + "/" + frame["origin"])}
    files["`contrast/pairs.jsonl`"] = load_statements("contrast")
    sizes = documented["target"].value_counts()
    others = sizes.drop("le-touquet")
    languages = documented["lang"].value_counts(normalize=True)
    years = documented["date"].str[:4].astype(int)
    words = frame["statement"].str.split().str.len()
    countries = documented["country"].str.split("/").explode().nunique()
    return "\n\n".join(
        [
            table(
                ["file", "rows", "agreements", "en", "fr", *LABELS],
                [
                    [
                        name,
                        len(rows),
                        rows["target"].nunique(),
                        *_by(rows, "lang", ("en", "fr")),
                        *_by(rows, "stance", LABELS),
                    ]
                    for name, rows in files.items()
                ],
            ),
            f"{len(frame):,} rows of {words.min()} to {words.max()} words on {frame['target'].nunique()} agreements "
            f"are for training and measuring. {len(documented):,} of them are documented: {sizes['le-touquet']} on Le "
            f"Touquet and {others.sum():,} on {len(others)} other agreements, of which {(others >= 30).sum()} have 30 "
            f"or more (median {others.median():.0f}, most {others.max()}). {languages['en']:.0%} are in English, "
            f"{languages['fr']:.0%} in French. They come from {documented['source'].nunique():,} pages on "
            f"{documented['speaker'].nunique():,} speakers of {countries} countries and bodies "
            f"at {documented['event'].nunique():,} events, {years.min()} to {years.max()}.",
            stances(documented, "documented rows", (years // 10 * 10).astype(str) + "s"),
            table(
                ["file", *FORMS],
                [[name, *_by(rows, "form", FORMS)] for name, rows in files.items()],
            ),
        ]
    )


def count_skews(frame: pd.DataFrame) -> str:
    """Return in what documented and authored rows differ, and how stances are spread over attributes."""
    documented, authored = (frame[frame["origin"] == origin] for origin in ("documented", "authored"))
    touquet = documented[documented["target"] == "le-touquet"]
    others = documented[documented["target"] != "le-touquet"]
    sides = touquet[touquet["country"].isin(["FR", "UK"]) & (touquet["stance"] != "neutral")]
    right = ((sides["country"] == "FR") == (sides["stance"] == "oppose")).mean()
    words = [rows["statement"].str.split().str.len() for rows in (documented, authored)]
    years = touquet["date"].str[:4]
    speakers = touquet["speaker"].where(touquet["speaker"].isin(touquet["speaker"].value_counts().index[:10]))
    hard = documented["hard"].fillna(False).map({True: "hard", False: "not hard"})
    return "\n\n".join(
        [
            table(
                ["", "documented", "authored"],
                [
                    ["neutral", *(f"{(rows['stance'] == 'neutral').mean():.0%}" for rows in (documented, authored))],
                    [
                        "reported speech",
                        *(f"{(rows['form'] == 'reported').mean():.0%}" for rows in (documented, authored)),
                    ],
                    ["words in a statement, median", *(f"{length.median():.0f}" for length in words)],
                    ["words in a statement, most", *(length.max() for length in words)],
                ],
            ),
            f"**Nationality goes far on Le Touquet.** Of the {len(sides)} documented rows by French or British "
            "speakers that take a side, guessing `oppose` for French and `support` for British is right for "
            f"{right:.0%}. Compare any model with that floor; country, party and speaker must never be features.",
            stances(touquet, "Le Touquet: country", touquet["country"]),
            stances(touquet, "Le Touquet: language", touquet["lang"]),
            stances(touquet, "Le Touquet: years", years.where(years > "2013", "2002–2013")),
            stances(touquet, "Le Touquet: the ten speakers with the most rows", speakers),
            "**Form and `hard`.** Neutral rows are near misses that were looked for, so most of them are marked as "
            "hard: scores on hard rows are scores on another mix of stances.",
            stances(others, "other agreements: form", others["form"]),
            stances(documented, "all documented rows: `hard`", hard),
        ]
    )


def stances(frame: pd.DataFrame, title: str, values: pd.Series) -> str:
    """Return a table of how many rows with each value have each stance."""
    groups = frame.groupby(values)
    return table([title, *LABELS], [[value, *_by(rows, "stance", LABELS)] for value, rows in groups])


def _by(rows: pd.DataFrame, column: str, values: Sequence[str]) -> list[int]:
    return [int((rows[column] == value).sum()) for value in values]


# --- two readers ---


def compare_readers(frame: pd.DataFrame) -> str:
    """Return how far the first label and that of the second reader agree, before differences were settled."""
    rows = frame[frame["origin"] == "documented"]
    first = rows["label_1"].fillna(rows["stance"])
    second = rows["label_2"]
    groups = {
        "all documented rows": slice(None),
        **{name: rows["lang"] == lang for lang, name in (("en", "English"), ("fr", "French"))},
        "Le Touquet": rows["target"] == "le-touquet",
        "other agreements": rows["target"] != "le-touquet",
        "marked as hard": rows["hard"].fillna(False).astype(bool),
    }
    lines = []
    for name, chosen in groups.items():
        one, two = first[chosen], second[chosen]
        lines.append([name, len(one), f"{(one == two).mean():.1%}", f"{cohen_kappa_score(one, two):.2f}"])
    for label in LABELS:  # one label against the rest
        kappa = cohen_kappa_score(first == label, second == label)
        lines.append(
            [f"`{label}` or not", len(rows), f"{((first == label) == (second == label)).mean():.1%}", f"{kappa:.2f}"]
        )
    return table(["first and second reader", "rows", "agreement", "Cohen's κ"], lines)


# --- shortcuts ---


def measure_shortcuts(frame: pd.DataFrame, prepared: "Prepared") -> str:
    """Return, per agreement, how well each attribute alone tells the label, and how well the text does."""
    documented = frame[frame["origin"] == "documented"].reset_index(drop=True)
    length = pd.cut(documented["statement"].str.split().str.len(), [0, 12, 18, 24, 30, 999], labels=list("abcde"))
    documented["length"] = length.astype(str)
    text = prepared.out_of_fold(frame)
    lines = []
    for target, rows in documented.groupby("target"):
        for sides, chosen in (("all", rows), ("support, oppose", rows[rows["stance"] != "neutral"])):
            if len(rows) >= 30:
                majority = chosen["stance"].value_counts(normalize=True).iloc[0]
                groups = statement_groups(chosen)
                folds = list(GroupKFold(min(5, groups.max() + 1)).split(chosen, groups=groups))
                right = {name: _guess(chosen[name].fillna("none"), chosen["stance"], folds) for name in ATTRIBUTES}
                answers = text.loc[chosen.index, sorted(chosen["stance"].unique())].idxmax(axis=1)
                right["text"] = (answers == chosen["stance"]).mean()
                points = {name: round(100 * (share - majority)) for name, share in right.items()}
                lines.append(
                    {
                        "target": target,
                        "stances": sides,
                        "rows": len(chosen),
                        "majority": round(100 * majority),
                        **points,
                    }
                )
    result = pd.DataFrame(lines)
    write_atomically(DATA / "shortcuts.csv", result.to_csv(index=False))
    parts = []
    for sides, chosen in result.groupby("stances", sort=False):
        header = [f"alone, on {sides}", "median", "highest", "agreements at 25 points or more", "at 12 or more"]
        summary = [
            [
                name,
                f"{chosen[name].median():+.0f}",
                f"{chosen[name].max():+d}",
                (chosen[name] >= 25).sum(),
                (chosen[name] >= 12).sum(),
            ]
            for name in (*ATTRIBUTES, "text")
        ]
        parts.append(table(header, summary))
    strong = result[(result[list(ATTRIBUTES)] >= 25).any(axis=1)]
    worst = [
        [
            row["target"],
            row["stances"],
            row["rows"],
            ", ".join(f"{name} {row[name]:+d}" for name in ATTRIBUTES if row[name] >= 25),
            f"{row['text']:+d}",
        ]
        for row in strong.to_dict("records")
    ]
    if worst:
        parts += [
            "What remains at 25 points or more:",
            table(["agreement", "stances", "rows", "attribute", "text"], worst),
        ]
    return "\n\n".join(parts)


def _guess(attribute: pd.Series, stance: pd.Series, folds: Sequence[tuple[np.ndarray, np.ndarray]]) -> float:
    """Return the share of labels that naive Bayes on the words of one attribute gets right, out of fold."""
    right = 0
    for train, test in folds:
        model = make_pipeline(CountVectorizer(binary=True, token_pattern=r"\w+"), BernoulliNB())
        model.fit(attribute.iloc[train], stance.iloc[train])
        right += (model.predict(attribute.iloc[test]) == stance.iloc[test]).sum()
    return right / len(stance)


# --- learning curve ---


class Prepared:
    """Masked texts and embeddings of all rows, made once; fits heads on some rows and answers for others.

    Without the stance encoder, which learnt from all rows: how many a head has would matter little beside that.
    """

    def __init__(self, frame: pd.DataFrame) -> None:
        config = TrainingConfig(target="le-touquet", blocks=("lexical", "sentence"))
        classifier: StanceClassifier = build_classifier(config)
        self.classes, y = np.unique(frame["stance"].to_numpy(str), return_inverse=True)
        classifier.classes_ = self.classes
        encoded = classifier._encode(frame["statement"].tolist(), frame["target"].tolist(), 2)
        documented = (frame["origin"] == "documented").to_numpy(bool)
        main = (frame["target"] == "le-touquet").to_numpy(bool)
        weight = np.where(main, classifier.target_weight, 1.0)
        self.rows = _Rows(*encoded, y.astype(np.int64), documented, main, weight)

    def logits(self, train: np.ndarray, test: np.ndarray, candidate: Candidate = CANDIDATE) -> pd.DataFrame:
        """Return the logits of the rows `test`, a column per stance, by a head fitted on the rows `train`."""
        with _one_thread():
            union, block = _fit_lexical(self.rows, train)
            head = _fit_head(self.rows, train, candidate, block, candidate.sentence_weight)
            texts = [self.rows.texts[row] for row in test]
            dense = self.rows.dense(test, candidate.sentence_weight)
            logits = _block_logits(head, union, texts, dense, self.rows.main[test])
        return pd.DataFrame(logits, index=test, columns=self.classes[head.classes_])

    def out_of_fold(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return logits of the documented rows by heads that saw nothing of their events."""
        groups = statement_groups(frame)
        documented = np.flatnonzero(self.rows.documented)
        rows = frame.iloc[documented]
        parts = []
        for _, test in grouped_folds(rows, rows["stance"], groups=groups[documented]):
            train = np.flatnonzero(~np.isin(groups, groups[documented[test]]))
            parts.append(self.logits(train, documented[test]))
        return pd.concat(parts).loc[documented].reset_index(drop=True)


def draw_curve(frame: pd.DataFrame, prepared: Prepared) -> str:
    """Return macro-F1 on both splits by number and kind of training rows, and what more rows would buy."""
    groups = statement_groups(frame)
    points = []
    for split in ("split_time", "split_agreement"):
        test = np.flatnonzero(frame[split] == "test")
        tested = np.isin(groups, groups[test])
        if split == "split_agreement":
            tested |= frame["target"].isin(frame["target"].iloc[test]).to_numpy()
        documented = np.flatnonzero((frame[split] == "train") & ~tested)
        authored = np.flatnonzero((frame["origin"] == "authored") & ~tested)
        truth = frame["stance"].iloc[test]
        for kind in ("documented", "authored", "mixed"):
            pool, always = (authored, []) if kind == "authored" else (documented, authored if kind == "mixed" else [])
            candidate = CANDIDATE._replace(authored_weight=1.0) if kind == "authored" else CANDIDATE
            for size in sorted({*(size for size in SIZES if size < len(pool)), len(pool)}):
                for seed in range(REPEATS if size < len(pool) else 1):
                    sample = np.random.default_rng(seed).permutation(pool)[:size]
                    train = np.sort(np.concatenate([sample, always]).astype(int))
                    predicted = prepared.logits(train, test, candidate).idxmax(axis=1)
                    score = f1_score(truth, predicted, average="macro")
                    points.append({"split": split.removeprefix("split_"), "kind": kind, "rows": size, "f1": score})
                print(points[-1], file=sys.stderr)
    curve = pd.DataFrame(points).groupby(["split", "kind", "rows"], sort=False)["f1"].mean().reset_index()
    _plot(curve)
    gains = [[split, kind, *_extrapolate(rows)] for (split, kind), rows in curve.groupby(["split", "kind"], sort=False)]
    wide = curve.pivot_table(index="rows", columns=["split", "kind"], values="f1")
    wide = wide.reindex(
        columns=[(split, kind) for split in ("time", "agreement") for kind in ("documented", "authored", "mixed")]
    )
    lines = [
        [f"{size:,}", *("" if pd.isna(value) else f"{value:.2f}" for value in row)]
        for size, row in zip(wide.index, wide.to_numpy(), strict=True)
    ]
    return "\n\n".join(
        [
            table(["training rows", *(f"{split}: {kind}" for split, kind in wide.columns)], lines),
            table(
                [
                    "split",
                    "kind of row",
                    "macro-F1 with all",
                    "gained per doubling",
                    "1,000 more would add about",
                ],
                gains,
            ),
        ]
    )


def _extrapolate(rows: pd.DataFrame) -> list[str]:
    """Return the last score, the slope per doubling over the last three points, and what it gives 1,000 rows on."""
    last = rows.tail(3)
    slope = np.polyfit(np.log2(last["rows"]), last["f1"], 1)[0]
    size, score = last.iloc[-1][["rows", "f1"]]
    return [f"{score:.2f}", f"{slope:+.3f}", f"{slope * np.log2((size + 1000) / size):+.3f}"]


def _plot(curve: pd.DataFrame) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(9, 3.8), sharey=True, layout="constrained")
    titles = {"time": "Later statements on agreements trained on", "agreement": "Agreements never seen"}
    for axis, (split, title) in zip(axes, titles.items(), strict=True):
        for (kind, marker), colour in zip(
            {"documented": "o", "authored": "s", "mixed": "^"}.items(), ("C0", "C1", "C2"), strict=True
        ):
            rows = curve[(curve["split"] == split) & (curve["kind"] == kind)]
            label = {"mixed": "documented, beside all authored rows"}.get(kind, f"{kind} rows alone")
            axis.plot(rows["rows"], rows["f1"], marker=marker, color=colour, label=label)
        axis.axhline(1 / 3, color="0.6", linestyle=":", linewidth=1)
        axis.set(title=title, xscale="log", xlabel="training rows")
        axis.set_xticks(SIZES, [f"{size:,}" for size in SIZES])
        axis.minorticks_off()
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("macro-F1 on documented statements")
    axes[1].text(SIZES[0], 1 / 3 + 0.004, "chance", color="0.4", fontsize=9)
    axes[0].legend(fontsize=9, loc="lower right")
    figure.savefig(DATA / "learning-curve.png", dpi=120)


# --- contrast pairs ---


def measure_contrast(frame: pd.DataFrame, prepared: Prepared) -> str:
    """Return how many contrast pairs the shipped model gets right if it must answer, by what the edit does.

    The stance encoder learnt from them, too; their scores come from one that did not.
    """
    pairs = load_statements("contrast")
    answers = StancePredictor.load().predict_frame(pairs)
    leaning = answers[[f"p_{label}" for label in LABELS]].idxmax(axis=1).str.removeprefix("p_")
    pairs["right"] = leaning == pairs["stance"]
    groups = [("all", pairs), *pairs.groupby("lang"), *pairs.groupby("phenomenon")]
    lines = []
    for name, rows in groups:
        both = rows.groupby("pair")["right"].all()
        lines.append([name, len(both), f"{rows['right'].mean():.0%}", f"{both.mean():.0%}"])
    return table(["pairs", "number", "statements right", "both of a pair right"], lines)


# --- the card ---


def table(header: Sequence[str], lines: Sequence[Sequence[object]]) -> str:
    """Return a table in Markdown."""
    rows = [header, ["---"] * len(header), *lines]
    return "\n".join(
        f"| {' | '.join(f'{cell:,}' if isinstance(cell, int | np.integer) else str(cell) for cell in row)} |"
        for row in rows
    )


def replace_part(card: str, name: str, content: str) -> str:
    """Return the card with new content between the marks of a part."""
    pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
    if not pattern.search(card):
        raise SystemExit(f"data/README.md has no part <!-- {name} --> … <!-- /{name} -->")
    return pattern.sub(lambda marks: f"{marks[1]}{content}\n{marks[2]}", card)


def write_spreadsheet(frame: pd.DataFrame) -> bytes:
    """Return the documented rows as CSV that spreadsheets open with the right letters, and that runs nothing there."""
    documented = frame[frame["origin"] == "documented"].dropna(axis="columns", how="all")
    for column in documented.columns:
        formulas = documented[documented[column].astype("string").str.match(r"[=+\-@\t\r]").fillna(False)]
        if len(formulas):
            raise SystemExit(f"{column} of row {formulas['id'].iloc[0]} begins like a formula; word it otherwise")
    return documented.to_csv(index=False, lineterminator="\r\n").encode("utf-8-sig")


def main() -> None:
    """Write the parts of the card, or check those that take no training."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parts = ["counts", "readers", "skews", "shortcuts", "curve", "contrast"]
    parser.add_argument("--only", nargs="+", choices=parts, metavar="PART", help=", ".join(parts))
    parser.add_argument("--check", action="store_true", help="fail if a count is not as the card says")
    arguments = parser.parse_args()
    frame = load_statements("agreements")
    plain: dict[str, Callable[[pd.DataFrame], str]] = {
        "counts": count_rows,
        "readers": compare_readers,
        "skews": count_skews,
    }
    trained = {"shortcuts": measure_shortcuts, "curve": draw_curve, "contrast": measure_contrast}
    names = list(plain) if arguments.check else arguments.only or [*plain, *trained]
    path = DATA / "README.md"
    old = card = path.read_text(encoding="utf-8")
    prepared = Prepared(frame) if set(names) & set(trained) else None
    for name in names:
        content = plain[name](frame) if name in plain else trained[name](frame, prepared)
        card = replace_part(card, name, content)
        print(content, end="\n\n")
    spreadsheet = write_spreadsheet(frame)
    if arguments.check:
        same = card == old and (DATA / "agreements.csv").read_bytes() == spreadsheet
        sys.exit(0 if same else "the card or agreements.csv is not as the data says: run benchmarks/corpus.py")
    write_atomically(path, card)
    write_atomically(DATA / "agreements.csv", spreadsheet)


if __name__ == "__main__":
    main()
