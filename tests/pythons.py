"""Runs the tests of biophys and mapping on each Python named, from 3.11 on: `make test-pythons`.

Every version gets an environment of its own, .pythons/3.12 for example, which is installed into again when
pyproject.toml asks for more. Torch is left out unless --torch is given, as above 3.11 it comes with several GB of CUDA
libraries; tests that need it then stay away (tests/mapping/conftest.py).
"""

import argparse
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
SUITES = ("tests/biophys", "tests/mapping")
VERSION = 'import ensurepip, sys, venv; print("%d.%d" % sys.version_info[:2]); sys.exit(sys.version_info < (3, 11))'
SHOWN = """import importlib.metadata as m, platform
names = {d.name.lower() for d in m.distributions()} & {"brian2", "numpy", "scipy", "xarray", "torch"}
print("Python", platform.python_version(), *(f"{name} {m.version(name)}" for name in sorted(names)))"""


def interpreters(candidates: list[str]) -> dict[str, str]:
    """By version, the first of `candidates` that runs, is new enough and has venv."""
    usable: dict[str, str] = {}
    for candidate in candidates:
        if shutil.which(candidate) is None:
            continue
        answer = subprocess.run([candidate, "-c", VERSION], capture_output=True, text=True)
        if answer.returncode == 0:
            usable.setdefault(answer.stdout.strip(), candidate)
    return usable


def requirements(torch: bool) -> list[str]:
    """What the tests need of pyproject.toml; the package itself, and what its extras repeat, is installed apart."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    left_out = ("astromorph",) if torch else ("astromorph", "torch")
    lines = [*project["dependencies"], *extras["cluster"], *extras["dev"]]
    return [line for line in lines if not line.startswith(left_out)]


def environment(version: str, interpreter: str, torch: bool) -> Path:
    """Path of the Python of an environment that holds everything; the stamp comes last."""
    folder = ROOT / ".pythons" / version
    python, stamp = folder / "bin" / "python", folder / ".installed"
    wanted = requirements(torch)
    if stamp.is_file() and set(wanted) <= set(stamp.read_text(encoding="utf-8").splitlines()):
        return python
    print(f"Installing into {folder.relative_to(ROOT)} (a few minutes, once)", flush=True)
    subprocess.run([interpreter, "-m", "venv", str(folder)], check=True)
    install = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    subprocess.run([*install, *wanted], check=True)
    subprocess.run([*install, "--no-deps", "-e", str(ROOT)], check=True)
    stamp.write_text("\n".join(wanted), encoding="utf-8")
    return python


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pythons", nargs="+", help="names or paths of interpreters")
    parser.add_argument("--torch", action="store_true", help="install torch too")
    options = parser.parse_args()
    usable = interpreters(options.pythons)
    if not usable:
        sys.exit(
            f"none of these is Python 3.11 or newer with venv: {' '.join(options.pythons)}; name others in PYTHONS"
        )
    failed = []
    for version, interpreter in usable.items():
        python = environment(version, interpreter, options.torch)
        subprocess.run([str(python), "-c", SHOWN], check=True)
        tests = [str(python), "-m", "pytest", "-q", "-n", "2", "--dist", "loadfile", *SUITES]
        if subprocess.run(tests, cwd=ROOT).returncode:
            failed.append(version)
    outcome = f"failed on {', '.join(failed)}" if failed else "all passed"
    print(f"Python {', '.join(usable)}: {outcome}")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
