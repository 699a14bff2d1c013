"""Studies that end in a dataset: run one from its signature's options, and find the one that drew a file."""

import importlib
import inspect
import shutil
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from astromorph.files.locks import alone
from astromorph.files.whole_files import whole
from studies.shell.outputs import claim, save_figure
from studies.shell.parser import parse, verb_parser
from studies.shell.provenance import provenance

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

STUDIES = {
    "calcium-response": "studies.physiology.calcium_response",
    "union-property": "studies.patterns.union_property",
    "nmda-threshold": "studies.patterns.nmda_threshold",
    "calcium-regimes": "studies.physiology.calcium_regimes",
    "rate-response": "studies.physiology.rate_response",
    "release-rate": "studies.physiology.release_rate",
    "gap-junction-synchrony": "studies.physiology.gap_junction_synchrony",
    "process-length": "studies.physiology.process_length",
    "self-repair": "studies.physiology.self_repair",
    "stdp-window": "studies.physiology.stdp_window",
    "delay-coincidence": "studies.delays.delay_coincidence",
    "false-match": "studies.patterns.false_match",
    "missed-match": "studies.patterns.missed_match",
    "pattern-sampling": "studies.patterns.pattern_sampling",
    "union-capacity": "studies.patterns.union_capacity",
    "threshold-scaling": "studies.patterns.threshold_scaling",
    "nmda-segment": "studies.dendrites.nmda_segment",
    "segment-detection": "studies.dendrites.segment_detection",
    "segment-physiology": "studies.dendrites.segment_physiology",
    "permuted-mnist": "studies.dendrites.permuted_mnist",
    "delay-learning": "studies.delays.delay_learning",
    "attention-ablation": "studies.attention.ablation",
    "physiology-accuracy": "studies.attention.physiology_accuracy",
    "circuit": "studies.circuits.circuit",
    "circuit-error": "studies.circuits.circuit_error",
    "delayed-circuit": "studies.delays.delayed_circuit",
    "spiking-attention": "studies.circuits.spiking_attention",
    "traces": "studies.report.traces",
    "sweep": "studies.report.sweep_figure",
}


def run_study(verb: str, name: str, words: list[str]) -> None:
    """`astromorph VERB NAME [parameters]`: writes the dataset, its figure beside it, and its table if it has one."""
    study = study_module(name)
    command = f"astromorph {verb} {name}"
    opening = (study.__doc__ or "").split("\n\n")[0]
    parser = verb_parser(command, f"{opening}\n\nexample: {command} --out {name}.nc")
    parser.add_argument("--out", type=Path, default=Path(f"{name}.nc"), help="dataset to write, and a PNG beside it")
    parser.add_argument("--overwrite", action="store_true", help="replace what --out names")
    parser.add_function_arguments(study.simulate, skip={"provenance", "parts"})
    asked = parse(parser, words)
    out, overwrite = asked.pop("out"), asked.pop("overwrite")
    picture, sheet = out.with_suffix(".png"), out.with_suffix(".csv")
    has_table = hasattr(study, "table")
    parts = out.with_name(f"{out.name}.parts")  # what a long study has finished, until it is whole
    resumable = "parts" in inspect.signature(study.simulate).parameters
    with alone(parts) if resumable else nullcontext():
        written = [out, picture, *([sheet] if has_table else [])]
        claim(*written, overwrite=overwrite or (resumable and any(parts.iterdir())), endings=(".nc",))
        if resumable:
            asked["parts"] = parts
        dataset = study.simulate(**asked, provenance=provenance([verb, name, *words]))
        from biophys.simulation.recording import save

        save(dataset, out)
        save_figure(study.draw(dataset), picture)
        if has_table:
            rows = study.table(dataset)
            with whole(sheet) as part:
                rows.to_csv(part, index=False)
            print(study.printed(rows))
        shutil.rmtree(parts, ignore_errors=True)
    if "caption" in dataset.attrs:
        print(dataset.attrs["caption"])
    print(f"wrote {' and '.join(map(str, written))}")


def study_module(name: str) -> ModuleType:
    """The study's module, with figures drawn to files and never to a window."""
    import matplotlib

    matplotlib.use("Agg")
    return importlib.import_module(STUDIES[name])


def figure_of(file: Path, dataset: "xr.Dataset") -> "Figure":
    """The figure of the study that made a dataset. ValueError if none did, or the dataset lacks what is drawn."""
    study = study_of(file, dataset.attrs)
    try:
        return study.draw(dataset)
    except (KeyError, AttributeError, TypeError, IndexError, ValueError) as error:
        name, lacking = dataset.attrs["study"], " ".join(str(error).split())[:120]
        raise ValueError(f"{file} lacks what the figure of {name} shows ({lacking}); make the dataset anew") from error


def study_of(file: Path, attributes: Mapping[str, object]) -> ModuleType:
    """The study whose dataset a file holds. ValueError if the file does not say."""
    name = str(attributes.get("study", ""))
    if name not in STUDIES:
        said = f"names the study {name!r}, which is not known" if name else "names no study"
        raise ValueError(f"{file} {said}; plot a dataset of {', '.join(STUDIES)}")
    return study_module(name)
