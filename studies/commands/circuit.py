"""Run a trained model in Brian2 and compare the two on test inputs: the attention of a transformer as a network of
neurons and astrocytes, a spiking network as neurons and synapses with its delays.

Every finished chunk of inputs to attention is kept: stopped at any moment, the same command goes on.

example: astromorph circuit runs/digits-astromorphic-seed0 --examples 20 --out circuit.nc
example: astromorph circuit runs/spoken-digits --examples 100 --out spikes.nc
"""

import shutil
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from astromorph.files.locks import alone
from studies.shell.outputs import claim, save_figure
from studies.shell.parser import parse, verb_parser
from studies.shell.provenance import provenance

if TYPE_CHECKING:
    import xarray as xr


def run(words: list[str]) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from biophys.simulation.recording import save
    from studies.circuits import circuit
    from studies.delays import delayed_circuit

    spiking = any(is_spiking(Path(word)) for word in words)
    study = delayed_circuit if spiking else circuit
    parser = verb_parser("astromorph circuit", __doc__ or "", "RUN [--option value ...]")
    parser.add_argument(
        "run", type=Path, help="run folder of a training with astromorphic or linear attention, or of spikes"
    )
    parser.add_argument("--out", type=Path, default=Path("circuit.nc"), help="dataset to write, and a PNG beside it")
    parser.add_argument("--overwrite", action="store_true", help="replace what --out names")
    parser.add_function_arguments(study.simulate, skip={"run", "parts", "provenance"})
    asked = parse(parser, words)
    out, overwrite = asked.pop("out"), asked.pop("overwrite")
    picture, parts = out.with_suffix(".png"), out.with_name(f"{out.name}.parts")
    with nullcontext() if spiking else alone(parts):
        begun = not spiking and any(parts.iterdir())
        claim(out, picture, overwrite=overwrite or begun, endings=(".nc",))
        asked |= {} if spiking else {"parts": parts}
        dataset = study.simulate(**asked, provenance=provenance(["circuit", *words]))
        save(dataset, out)
        save_figure(study.draw(dataset), picture)
        shutil.rmtree(parts, ignore_errors=True)
    if spiking:
        print(dataset.attrs["caption"])
    else:
        tell(dataset)
    print(f"wrote {out} and {picture}")


def is_spiking(path: Path) -> bool:
    """Whether this is the folder of a run on a spiking data set."""
    from astromorph.runs.run_folder import RunFolder
    from astromorph.settings import SpikingSettings

    return (path / "settings.yaml").is_file() and isinstance(RunFolder.open(path).settings, SpikingSettings)


def tell(dataset: "xr.Dataset") -> None:
    same, count = int(dataset.same_class.sum()), dataset.sizes["input"]
    print(
        f"{count} {dataset.attrs['unit']}: same class in {same}, largest relative error "
        f"{float(dataset.relative_error.max(skipna=False)):.2g}, largest difference of a logit "
        f"{float(dataset.logit_difference.max()):.2g}"
    )
    right = {who: float((dataset[f"{who}_class"] == dataset.label).mean()) for who in ("model", "circuit")}
    print(f"accuracy on these {dataset.attrs['unit']}: model {right['model']:.4f}, circuit {right['circuit']:.4f}")
    print(
        f"{float(dataset.synapse_steps.mean()):.3g} synapse steps an input, "
        f"{float(dataset.seconds_per_token.mean()):.3g} s a token"
    )
