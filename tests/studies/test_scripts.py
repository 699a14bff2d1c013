"""A script of one's own that spreads work over processes, and has no `if __name__ == "__main__"`, runs once."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SWEEP = """
import biophys
axes = {"stimulus.I": "0.2:0.7:4*umolar", "astrocyte.O_P": "0.6:1.2:2*umolar/second"}
print(dict(biophys.sweep("li-rinzel", axes, record=["calcium"], seconds=1, jobs=2).sizes))
"""
STUDY = """
from studies.patterns import pattern_sampling
print(dict(pattern_sampling.simulate(1_000_000, union_comparisons=1000, jobs=2).sizes))
"""
BENCH = """
from studies.benches import delays
print(len(delays.bench([8], against=["dense"], batch=2, steps=10, inputs=4, hidden=4, repeats=1, threads=1)))
"""


@pytest.mark.slow
@pytest.mark.parametrize("script", [SWEEP, STUDY, BENCH], ids=["sweep", "study", "bench"])
def test_without_a_main_guard(script, tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(f"print('begins')\n{script}", encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, file], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("begins") == 1 and len(done.stdout.splitlines()) == 2
