"""Questions, one file each (`simulate` makes a labelled dataset, `draw` its figure), and the command line."""

import os
import sys

HOME = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
COMMANDS = "-m", "astromorph", "astromorph.exe", "astromorph-script.py"  # programs that begin here


def refuse_shadows() -> None:
    """ImportError in one sentence if another file has the place of a package of ours, which then cannot be imported."""
    for name in ("astromorph", "biophys", "mapping"):
        module = sys.modules.get(name)
        finders = () if module is not None else sys.meta_path  # importlib.util would cost twenty modules
        specs = (finder.find_spec(name, None) for finder in finders)
        spec = module.__spec__ if module is not None else next(filter(None, specs), None)
        file = spec and spec.origin
        if file and os.path.dirname(os.path.dirname(os.path.realpath(file))) != HOME:
            raise ImportError(f"{file} hides the package {name} of Astromorph; rename it, or start Python elsewhere")


try:
    refuse_shadows()
except ImportError as error:
    if os.path.basename(sys.argv[0]) not in COMMANDS:
        raise
    print(f"astromorph: {error}", file=sys.stderr)
    raise SystemExit(2) from None
