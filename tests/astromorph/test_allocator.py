"""A training keeps freed memory."""

import subprocess
import sys

import pytest

CODE = """
import resource, torch
from astromorph.allocator import keep_freed_memory
assert keep_freed_memory()
faults = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_minflt
torch.zeros(2**24)
before = faults()
for _ in range(20):
    torch.zeros(2**24)
print(faults() - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's way")
def test_large_tensors_take_the_same_pages_again():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert int(done.stdout) <= 10 * 2**24 * 4 / 4096  # pages of half the tensors; a busy system may take some away
