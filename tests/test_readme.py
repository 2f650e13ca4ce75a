import re
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_code_blocks_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, make_network: Callable[..., Path]) -> None:
    """Models on the hub are replaced by a tiny one in a folder."""
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len(blocks) >= 4
    monkeypatch.chdir(ROOT)
    code = "\n".join(blocks).replace("build/example-model", str(tmp_path / "model"))
    code, n = re.subn(r'entailment="[\w.-]+/[\w.-]+"', f"entailment={str(make_network())!r}", code)
    assert n == 2
    namespace: dict[str, object] = {}
    exec(compile(code, "README.md", "exec"), namespace)
    assert (tmp_path / "model" / "manifest.json").is_file()


@pytest.mark.parametrize("verb", ["train", "predict", "explain", "evaluate", "audit", "read", "quotes"])
def test_every_verb_is_shown(verb: str) -> None:
    assert f"stance {verb} " in README


def test_tree_names_what_there_is() -> None:
    tree = README[README.index("## The tree") :]
    for name in re.findall(r"^([a-z]+(?:/|\.toml)) ", tree, re.MULTILINE):
        assert (ROOT / name).exists(), name
