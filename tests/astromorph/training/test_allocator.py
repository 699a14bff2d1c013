"""A training keeps freed memory."""

import subprocess
import sys

import pytest

CODE = """
import resource, torch
from astromorph.training.allocator import keep_freed_memory
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        torch.zeros(2**24)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
handed_back = faults()
assert keep_freed_memory()
torch.zeros(2**24)
print(handed_back, faults())
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's way")
def test_large_tensors_take_the_same_pages_again():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    handed_back, kept = map(int, done.stdout.split())
    assert kept <= min(handed_back / 2, 10 * 2**24 * 4 / 4096)  # a busy system may take some pages away
