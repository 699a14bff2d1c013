"""A benchmark with fewer instructions runs in a process of its own, and says which it had."""

import os
import subprocess
import sys

import pytest

from astromorph.native.capability import CAPABILITIES, flags

PROGRAM = "from studies.command_line import command; raise SystemExit(command())"


def bench(*words: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-c", PROGRAM, "bench", "attention", "--lengths", "16", "--repeats", "1", *words]
    return subprocess.run(command, capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"})


def test_an_unknown_capability_is_one_sentence():
    done = bench("--capability", "sse")
    assert (done.returncode, done.stderr) == (
        2,
        "astromorph: capability 'sse' is not known; use sse4, avx2 or avx512\n",
    )


@pytest.mark.slow
def test_a_bench_is_held_to_avx2_and_its_figure_says_so(tmp_path):
    if not {*CAPABILITIES["avx2"].needed} <= flags():
        pytest.skip("the processor has no AVX2")
    done = bench("--capability", "avx2", "--out", str(tmp_path / "a.csv"), "--threads", "1")
    assert done.returncode == 0, done.stderr
    assert "(AVX2, " in done.stdout.splitlines()[-2] and (tmp_path / "a.png").exists()
