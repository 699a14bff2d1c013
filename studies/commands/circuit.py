"""Run the attention of a trained model as a neuron-astrocyte network in Brian2, and compare the two on test inputs.

Every finished chunk of inputs is kept: stopped at any moment, the same command goes on.

example: astromorph circuit runs/digits-astromorphic-seed0 --examples 20 --out circuit.nc
"""

import shutil
from pathlib import Path

from studies.commands.outputs import claim, save_figure
from studies.commands.parser import parse, verb_parser
from studies.provenance import provenance


def run(words: list[str]) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from biophys.recording import save
    from studies import circuit

    parser = verb_parser("astromorph circuit", __doc__ or "", "RUN [--option value ...]")
    parser.add_argument("run", type=Path, help="run folder of a training with astromorphic or linear attention")
    parser.add_argument("--out", type=Path, default=Path("circuit.nc"), help="dataset to write, and a PNG beside it")
    parser.add_argument("--overwrite", action="store_true", help="replace what --out names")
    parser.add_function_arguments(circuit.simulate, skip={"run", "parts", "provenance"})
    asked = parse(parser, words)
    out, overwrite = asked.pop("out"), asked.pop("overwrite")
    picture, parts = out.with_suffix(".png"), out.with_name(f"{out.name}.parts")
    claim(out, picture, overwrite=overwrite, endings=(".nc",))
    dataset = circuit.simulate(**asked, parts=parts, provenance=provenance(["circuit", *words]))
    save(dataset, out)
    save_figure(circuit.draw(dataset), picture)
    shutil.rmtree(parts)
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
    print(f"wrote {out} and {picture}")
