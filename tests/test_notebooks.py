import ast
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).parents[1] / "notebooks"
NAMES = ("01-data.ipynb", "02-training.ipynb", "03-errors.ipynb")


@pytest.fixture(params=NAMES)
def notebook(request):
    return nbformat.read(FOLDER / request.param, as_version=4)


def list_code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def parse(cell):
    """Return the syntax tree of a cell without its magics, such as "%matplotlib inline"."""
    return ast.parse("\n".join(line for line in cell.source.splitlines() if not line.startswith("%")))


def test_every_notebook_is_tested():
    assert sorted(path.name for path in FOLDER.glob("*.ipynb")) == list(NAMES)


@pytest.fixture
def quiet_home(tmp_path, monkeypatch):
    """Keep what Jupyter and IPython write (connections, history) out of the user's home."""
    for variable in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR"):
        monkeypatch.setenv(variable, str(tmp_path / variable.lower()))


@pytest.mark.usefixtures("quiet_home")
def test_notebook_runs_to_its_end_without_a_warning(notebook):
    client = NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(FOLDER)}})

    client.execute()  # raises CellExecutionError at the first cell that fails

    cells = list_code_cells(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    said = [output.text for cell in cells for output in cell.outputs if output.get("name") == "stderr"]
    assert not said


def test_notebook_is_kept_without_outputs(notebook):
    assert [cell.id for cell in list_code_cells(notebook) if cell.outputs or cell.execution_count] == []


def test_notebook_defines_nothing_to_reuse(notebook):
    defined = [
        node.name
        for cell in list_code_cells(notebook)
        for node in ast.walk(parse(cell))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    ]
    assert defined == []


def test_notebook_says_first_how_to_install(notebook):
    assert "pip install" in list_code_cells(notebook)[0].source
