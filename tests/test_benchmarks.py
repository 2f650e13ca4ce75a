import re
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "speed.py"


def test_quick_benchmark_prints_every_figure() -> None:
    done = subprocess.run([sys.executable, SCRIPT, "--quick"], capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    rows = re.findall(r"^\| (.+?) \| ([\d.,e+-]+) .*\| (.*?) \| (yes|NO|) \|$", done.stdout, re.MULTILINE)
    figures = {what: float(value.replace(",", "")) for what, value, _, _ in rows}
    marks = {what: mark for what, _, mark, _ in rows if mark}
    assert list(marks.values()) == [
        *(
            "≤ 2.5 s",
            "≤ 15 ms",
            "≥ 150 statements/s",
            "≤ 0.5 GB",
            "≤ 90 s",
            "≤ 2 GB",
            "≤ 1.5 GB",
            "≥ 500 kB/s",
            "≤ 0 of 2",
        )
    ]
    assert len(figures) == 13
    assert figures.pop("same seed, jobs 1 and 2: folders that differ") == 0
    assert all(value > 0 for value in figures.values())
