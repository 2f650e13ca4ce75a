"""Fixtures for several test modules: a small table of statements, a model trained on it, and its folder."""

from pathlib import Path

import pandas as pd
import pytest

from stance.config import TrainingConfig
from stance.data import load_statements
from stance.persistence import save_model
from stance.training import train

DATA = Path(__file__).parents[1] / "data"
OTHERS = ("chagos-deal", "fiscal-compact", "schengen-agreement")


@pytest.fixture(scope="session")
def tiny_frame() -> pd.DataFrame:
    """Some 150 rows of the shipped tables: both languages, all stances, four agreements; copy it to change it."""
    main = load_statements(DATA / "le-touquet" / "documented.jsonl")
    others = load_statements(DATA / "agreements" / "documented.jsonl")
    authored = load_statements(DATA / "le-touquet" / "authored.jsonl")
    others = others[others["target"].isin(OTHERS)]
    # So many, however the shipped tables grow: other tests count them.
    parts = [main.iloc[::7].head(76), others.iloc[::3].head(53), authored.iloc[::84]]
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="session")
def tiny_model(tiny_frame):
    """Both blocks, one combination of settings, one process; its answers are poor."""
    config = TrainingConfig(target="le-touquet", C=(4.0,), authored_weight=(0.3,), folds=2, jobs=1)
    return train(tiny_frame, config)


@pytest.fixture(scope="session")
def tiny_folder(tiny_model, tmp_path_factory) -> Path:
    """The folder of the tiny model; copy it to change it."""
    return save_model(tiny_model, tmp_path_factory.mktemp("models") / "tiny")
