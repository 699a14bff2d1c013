"""Compiled passes for fewer instructions than the processor has give the same numbers and gradients."""

import os
import subprocess
import sys

import numpy as np
import pytest

from astromorph.native import build, capability

PROGRAM = """
import sys, torch
from astromorph.attention import compiled, scans
torch.manual_seed(0)
q, k, v, g = (torch.randn(2, 3, 150, 20) for _ in range(4))
one, decay, rho = torch.ones(3), torch.full((3,), 0.9), torch.tensor([1, 0.8, 0.2, 0.25, 0])
keep = (torch.rand(2, 3, 150, 1) > 0.2).view(torch.uint8)
made = []
for x in (torch.float32, torch.bfloat16):
    a, b, c = (y.to(x).requires_grad_() for y in (q, k, v))
    weight, total = scans.write(b, c, keep)
    outputs = [
        scans.read(a, weight, total, c, keep, one, decay)[0],
        scans.causal(a, b, c, keep, rho, one, decay)[0],
        scans.fading(a, b, c, keep, rho, one, 1 - decay, 1 - decay, True)[0],
    ]
    gradients = torch.autograd.grad(outputs, (a, b, c), [g.to(x)] * 3)
    made += [y.detach().float().flatten() for y in (*outputs, *gradients)]
assert compiled.available() and compiled.available(compiled.FADING)
torch.save(torch.stack(made), sys.argv[1])
"""


def held(name: str, file: str) -> None:
    environment = os.environ | (capability.held_to(name) if name else {}) | {"OMP_NUM_THREADS": "1"}
    environment.pop("ASTROMORPH_PLAIN", None)
    subprocess.run([sys.executable, "-c", PROGRAM, file], check=True, env=environment)


@pytest.mark.slow
def test_numbers_and_gradients_are_the_same_to_rounding(tmp_path):
    import torch

    supported = [name for name, each in capability.CAPABILITIES.items() if {*each.needed} <= capability.flags()]
    made = []
    for name in ("", *supported):
        held(name, str(tmp_path / f"a{name}.pt"))
        made.append(torch.load(tmp_path / f"a{name}.pt").numpy())
    half = len(made[0]) // 2
    for other in made[1:]:
        np.testing.assert_allclose(other[:half], made[0][:half], rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(other[half:], made[0][half:], rtol=2e-2, atol=2e-2)


def test_a_capability_that_is_none_or_not_there_is_refused(monkeypatch):
    monkeypatch.setattr(capability, "flags", lambda: {"avx2", "fma", "bmi2"})
    assert capability.check_capability("avx2").architecture == "x86-64-v3"
    with pytest.raises(ValueError, match=r"has no avx512f, .* for capability 'avx512'; leave it out"):
        capability.held_to("avx512")
    monkeypatch.setenv(capability.VARIABLE, "sse9")
    build.library.cache_clear()
    with pytest.raises(ValueError, match="capability 'sse9' is not known; use sse4, avx2 or avx512"):
        capability.architecture()


def test_everything_is_held_by_variables_that_count_when_a_process_starts():
    if not {*capability.CAPABILITIES["avx2"].needed} <= capability.flags():
        pytest.skip("the processor has no AVX2")
    names = capability.held_to("avx2")
    program = "import torch; print(torch.backends.cpu.get_cpu_capability())"
    done = subprocess.run([sys.executable, "-c", program], env=os.environ | names, capture_output=True, text=True)
    assert done.stdout.strip() == "AVX2"
