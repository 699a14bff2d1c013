"""The command line: the road in miniature, and one sentence for everything that can go wrong."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import fields, replace
from pathlib import Path

import pytest
import xarray as xr
import yaml

import mapping
from astromorph.settings import SETTINGS, CalciumResponse, DigitsSettings
from studies.command_line import VERBS, main
from studies.shell.parser import _typed, parse, spell, verb_parser

ROOT = Path(__file__).parents[2]
PROGRAM = [sys.executable, "-m", "studies.command_line"]
QUICK = ["--seconds", "50", "--step", "0.01", "--synapses", "10", "--trials", "1", "--pattern", "regular"]


@pytest.fixture(scope="module")
def road(tmp_path_factory):
    """A folder with response.nc, astrocyte.yaml and the one-epoch run `run`, made by the verbs themselves."""
    folder = tmp_path_factory.mktemp("road")
    response, astrocyte, run = (str(folder / name) for name in ("response.nc", "astrocyte.yaml", "run"))
    assert (
        main(["simulate", "calcium-response", "--rates", "0.5", "1", "2,4", "8", "16", "30", *QUICK, "--out", response])
        == 0
    )
    assert main(["map", response, "--out", astrocyte]) == 0
    assert main(["train", "digits", "--astrocyte", astrocyte, "--epochs", "1", "--out", run]) == 0
    return folder


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def sentence(capsys, *words):
    """Run a command that must fail; its one sentence."""
    capsys.readouterr()
    assert main(words) == 2
    told = capsys.readouterr().err
    assert told.startswith("astromorph: ") and told.count("\n") == 1 and told.endswith("\n")
    return told.removeprefix("astromorph: ").strip()


def test_road_leaves_dataset_coefficients_run_and_figures(road):
    dataset = xr.load_dataset(road / "response.nc", engine="h5netcdf")
    assert dataset.rate.values.tolist() == [0.5, 1, 2, 4, 8, 16, 30]
    assert dataset.attrs["study"] == "calcium-response"
    assert dataset.attrs["provenance_command"].startswith("astromorph simulate calcium-response --rates 0.5 1 2,4")
    for figure in ("response.png", "astrocyte.png"):
        assert (road / figure).read_bytes().startswith(b"\x89PNG")
    assert (road / "run/coefficients.yaml").read_bytes() == (road / "astrocyte.yaml").read_bytes()
    settings = yaml.safe_load((road / "run/settings.yaml").read_text())
    section = mapping.read(road / "astrocyte.yaml").calcium_response
    assert settings["calcium_response"]["exponent"] == section.response.exponent
    summary = json.loads((road / "run/summary.json").read_text())
    assert 0 <= summary["test_accuracy"] <= 1 and summary["epochs"] == 1
    assert summary["command"].startswith("astromorph train digits --astrocyte")
    assert not [path for path in road.rglob("*.part")]


def test_evaluation_repeats_the_summary(road, capsys):
    assert main(["evaluate", str(road / "run")]) == 0
    accuracy = json.loads((road / "run/summary.json").read_text())["test_accuracy"]
    assert f"test accuracy {accuracy:.4f}," in capsys.readouterr().out.splitlines()[-1]


@pytest.mark.parametrize(("source", "figure"), [("response.nc", "a.svg"), ("run", "b.png")])
def test_plot_draws_from_the_file(road, here, source, figure, capsys):
    assert main(["plot", str(road / source), "--out", figure]) == 0
    assert capsys.readouterr().out == f"wrote {figure}\n"
    assert (here / figure).stat().st_size > 5000


def test_study_writes_dataset_and_figure_and_replaces_them_only_when_asked(here, capsys):
    words = ["study", "union-property", "--populations", "1000", "--most-patterns", "3", "--out", "new/union.nc"]
    assert main(words) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("After Ahmad and ") and printed.endswith("wrote new/union.nc and new/union.png\n")
    before = (here / "new/union.nc").read_bytes()
    assert sentence(capsys, *words).startswith("new/union.nc exists already; name another with --out, or ")
    assert (here / "new/union.nc").read_bytes() == before
    words[words.index("3")] = "4"
    assert main([*words, "--overwrite"]) == 0
    assert xr.load_dataset("new/union.nc", engine="h5netcdf").sizes["patterns"] == 4
    (here / "new/union.nc").unlink()
    assert sentence(capsys, *words).startswith("new/union.png exists already")


def test_printed_settings_are_read_again(here, capsys):
    asked = ["--attention", "linear", "--learning-rate", "1e-3", "--epochs", "7", "--compile", "true"]
    assert main(["train", "digits", *asked, "--print_config"]) == 0
    text = capsys.readouterr().out
    assert DigitsSettings(**yaml.safe_load(text)) == replace(
        DigitsSettings(), attention="linear", learning_rate=1e-3, epochs=7, compile=True
    )
    Path("settings.yaml").write_text(text)
    assert main(["train", "digits", "--config", "settings.yaml", "--seed", "2", "--print-config"]) == 0
    assert yaml.safe_load(capsys.readouterr().out) == yaml.safe_load(text) | {"seed": 2}
    assert os.listdir() == ["settings.yaml"]


def test_print_config_shows_the_calcium_response_and_its_source(road, capsys):
    assert main(["train", "digits", "--print_config"]) == 0
    assert f"#   source: {CalciumResponse().source}" in capsys.readouterr().out
    assert main(["train", "digits", "--astrocyte", str(road / "astrocyte.yaml"), "--print_config"]) == 0
    assert "#   source: response.nc " in capsys.readouterr().out
    assert main(["train", "digits", "--attention", "softmax", "--print_config"]) == 0
    assert "calcium response" not in capsys.readouterr().out


@pytest.mark.parametrize("data_set", SETTINGS)
def test_help_shows_every_setting_with_its_comment(data_set, capsys):
    assert main(["train", data_set, "--help"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    for field in fields(SETTINGS[data_set]):
        assert f"--{field.name} " in told and f"default: {_typed(field.default)}" in told, field.name
    assert ("model width" in told or "neurons of each hidden layer" in told) and "example: astromorph train" in told
    assert "they choose the epoch" in told or data_set == "wikitext2"


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself_with_an_example(verb, capsys):
    assert main([verb, "--help"]) == 0
    told = capsys.readouterr().out
    assert told.startswith(f"usage: astromorph {verb}") and f"example: astromorph {verb}" in told


def test_alone_it_lists_the_verbs(capsys):
    assert main([]) == 0
    told = capsys.readouterr().out
    assert all(f"  {verb} " in told for verb in VERBS)
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("astromorph ")


WRONG_WORDS = [
    ("trian", "there is no verb 'trian' (did you mean train?); use one of simulate, sweep, map, train, "),
    ("train", "train needs a data set first; use one of imdb, cifar10, wikitext2, digits"),
    ("train mnist", "there is no data set 'mnist'; use one of imdb, cifar10, wikitext2, digits"),
    ("train digits --lerning-rate 1", "there is no setting 'lerning_rate' (did you mean learning_rate?); "),
    ("train digits --epoch 3", "there is no setting 'epoch' (did you mean epochs?); "),
    ("train digits --vocabulary 9", "there is no setting 'vocabulary'; astromorph train digits --help lists them"),
    ("train digits --epochs many", "epochs 'many' is not a whole number; use one such as "),
    ("train digits --epochs 2.5", "epochs '2.5' is not a whole number; use one such as "),
    ("train digits --epochs", "--epochs needs a value such as "),
    ("train digits --dropout nan", "dropout 'nan' is not a number; use one such as "),
    ("train digits --compile maybe", "compile 'maybe' is not true or false; use one of them"),
    ("train digits --attention soft", "attention 'soft' is not known (did you mean softmax?); use one of softmax, "),
    ("train digits --width 130 --heads 4", "width 130 does not divide into 4 heads; use a multiple of 4"),
    ("train digits --help=3", "--help takes no value; leave out '3', see astromorph train digits --help"),
    ("train digits --epochs.x 3", "there is no setting 'epochs.x' (did you mean epochs?)"),
    ("train digits extra", "'extra' is not expected here; "),
    ("train digits --config none.yaml", "settings file none.yaml does not exist; "),
    ("train digits --astrocyte none.yaml", "there is no coefficients file none.yaml; "),
    ("train cifar10 --data none", "data folder none (--data) does not exist; "),
    ("train cifar10 --data .", "cifar-10-python.tar.gz is missing; expected 170,498,071 bytes with md5 "),
    ("train imdb --data .", "aclImdb_v1.tar.gz is missing; expected 84,125,825 bytes with md5 "),
    ("train digits --resume none", "none holds no run "),
    ("simulate calcium", "there is no network 'calcium' (did you mean calcium-response?)"),
    ("simulate calcium-response --rates 1 x", "rates 'x' is not a number; use one such as 0.2"),
    ("simulate calcium-response --rates 1 -2", "rate -2 Hz does not drive a synapse; use rates above 0 Hz"),
    ("simulate calcium-response --out a.txt", "output file a.txt must end in .nc; "),
    ("map", "map needs a FILE; see astromorph map --help"),
    ("map none.nc", "there is no file none.nc; "),
    ("map none.nc --reference-rate fast", "reference_rate 'fast' is not a number; "),
    ("plot none.nc", "there is no file none.nc; "),
    ("plot a.yaml", "a.yaml holds coefficients without their data; "),
    ("plot none.nc --out a.doc", "output file a.doc must end in .png or .pdf or .svg; "),
    ("evaluate none", "none holds no run "),
    ("study union", "there is no study 'union' (did you mean union-property?); "),
    ("study union-property --threshold 26", "threshold 26 is above the 25 synapses "),
    ("data check svhn", "there is no data set 'svhn'; use one of imdb, cifar10, wikitext2, mnist, digits"),
    ("data look digits", "there is no action 'look'; use one of fetch, check"),
    (
        "bench speed",
        "there is no benchmark 'speed' (did you mean sweep?); use one of attention, training, sweep, synapses",
    ),
]


@pytest.mark.parametrize(("words", "start"), WRONG_WORDS, ids=[words for words, _ in WRONG_WORDS])
def test_bad_words_get_one_sentence_and_write_nothing(words, start, here, capsys):
    assert sentence(capsys, *words.split()).startswith(start)
    assert not list(here.iterdir())


@pytest.mark.parametrize(
    ("content", "start"),
    [
        (b"epoch: 3", "a.yaml: there is no setting 'epoch' (did you mean epochs?); "),
        (b"epochs: many", "a.yaml: epochs 'many' is not a whole number; "),
        (b"epochs: true", "a.yaml: epochs 'True' is not a whole number; "),
        (b"epochs: null", "epochs has no value; use one such as "),
        (b"epochs: {a: 3}", "a.yaml: epochs \"{'a': 3}\" is not a whole number; "),
        (b"epochs: [3\n", "a.yaml is not valid YAML (line 2); "),
        (b"\xff\xfe", "a.yaml is not valid YAML; "),
        (b"3", "a.yaml holds no settings; "),
        (b"", "a.yaml holds no settings; "),
        (b"width: 130", "width 130 does not divide into 4 heads; use a multiple of 4"),
    ],
)
def test_bad_settings_file_gets_one_sentence(content, start, here, capsys):
    Path("a.yaml").write_bytes(content)
    assert sentence(capsys, "train", "digits", "--config", "a.yaml").startswith(start)
    assert os.listdir() == ["a.yaml"]


def test_coefficients_without_effect_or_of_a_failed_fit_are_refused(road, here, capsys):
    astrocyte = str(road / "astrocyte.yaml")
    told = sentence(capsys, "train", "digits", "--attention", "softmax", "--astrocyte", astrocyte)
    assert told == ("--astrocyte has no effect on softmax attention; use --attention astromorphic or leave it out")
    dataset = xr.load_dataset(road / "response.nc", engine="h5netcdf")
    dataset["calcium_mean"] = -dataset.calcium_mean + 2
    dataset.to_netcdf("falling.nc", engine="h5netcdf")
    told = sentence(capsys, "map", "falling.nc")
    assert told.startswith("the fit to falling.nc failed (calcium does not rise") and "cannot be trained" in told
    told = sentence(capsys, "train", "digits", "--astrocyte", "falling.yaml")
    assert told.startswith("the fit to falling.nc failed (calcium does not rise")
    assert not Path("runs").exists()
    mapping.write(mapping.fit("falling.nc"), "again.yaml")
    assert sentence(capsys, "map", "falling.nc", "--out", "again.yaml").startswith("again.yaml exists already")


def test_a_run_is_neither_overwritten_nor_resumed_with_other_settings(road, here, capsys):
    run = str(road / "run")
    before = {path: path.read_bytes() for path in (road / "run").iterdir()}
    told = sentence(capsys, "train", "digits", "--out", run)
    assert told == f"{run} already holds a run; give another folder, --resume {run}, or --overwrite"
    told = sentence(capsys, "train", "digits", "--resume", run, "--epochs", "4", "--print-config")
    assert told == f"--resume goes on with the settings of {run}; leave out --epochs, --print_config"
    told = sentence(capsys, "train", "cifar10", "--resume", run)
    assert told.endswith(f"trains on digits, not cifar10; use astromorph train digits --resume {run}")
    assert sentence(capsys, "train", "digits", "--resume", run).startswith(f"run {run} is finished; ")
    told = sentence(capsys, "train", "cifar10", "--out", run, "--overwrite", "--data", str(here))
    assert "is missing" in told  # found out before the run is replaced
    assert {path: path.read_bytes() for path in (road / "run").iterdir()} == before


def test_dataset_of_no_study_is_not_drawn(here, capsys):
    xr.Dataset(attrs={"study": "weather"}).to_netcdf("a.nc", engine="h5netcdf")
    assert sentence(capsys, "plot", "a.nc").startswith("a.nc names the study 'weather', which is not known; ")


def test_data_check_names_every_file(here, capsys):
    assert main(["data", "check", "digits"]) == 0
    assert capsys.readouterr().out.endswith("digits.csv.gz: intact\n")
    folder = here / "cifar-10-batches-py"
    folder.mkdir()
    (folder / "test_batch").write_bytes(b"short")
    assert main(["data", "check", "cifar10", "--data", "."]) == 2
    told = capsys.readouterr()
    assert len(told.out.splitlines()) == 7 and "test_batch: truncated (it has 5 bytes); expected" in told.out
    assert "data_batch_1 is missing" in told.err and told.err.rstrip().endswith(
        "run `astromorph data fetch cifar10 --data .`"
    )


def test_lists_and_hyphens_are_spelled_for_jsonargparse():
    def study(rates: list[float] = [1.0], seed_of_all: int = 0) -> None:  # noqa: B006
        pass

    parser = verb_parser("astromorph x", "")
    parser.add_function_arguments(study)
    for words in (["--rates", "0.5", "1e1", "--seed-of-all", "3"], ["--rates=0.5,10", "--seed_of_all=3"]):
        assert parse(parser, words) == {"rates": [0.5, 10.0], "seed_of_all": 3}
    assert parse(parser, ["--rates", "[0.5, 2]"])["rates"] == [0.5, 2.0]
    assert spell(["file-a", "--out-put", "a-b", "--x-y=c-d"]) == ["file-a", "--out_put", "a-b", "--x_y=c-d"]


def test_debug_shows_the_traceback(monkeypatch, capsys):
    monkeypatch.setenv("ASTROMORPH_DEBUG", "1")
    assert main(["trian"]) == 2
    told = capsys.readouterr().err
    assert told.startswith("Traceback") and told.splitlines()[-1].startswith("astromorph: there is no verb")


def test_help_loads_neither_torch_nor_brian2():
    program = (
        "import sys; from studies.command_line import VERBS, main\n"
        "verbs = [*VERBS, 'train imdb', 'study delay-learning', 'simulate calcium-response', 'bench synapses']\n"
        "assert main([]) == 0\n"
        "for verb in verbs:\n"
        "    assert main([*verb.split(), '--help']) == 0\n"
        "sys.exit(str(set(sys.modules) & {'torch', 'brian2', 'xarray', 'matplotlib'}))"
    )
    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert ended.stderr.strip() == "set()"


def started(words, folder):
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([*PROGRAM, *words], cwd=folder, env=environment, **pipes)


def test_interrupted_training_is_continued(here):
    process = started(["train", "digits", "--epochs", "60", "--out", "run"], here)
    assert process.stdout.readline().startswith("epoch 1/60")
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130
    assert told.strip() == "interrupted; continue with: astromorph train digits --resume run"
    assert (here / "run/checkpoint.safetensors").is_file() and not (here / "run/summary.json").exists()


@pytest.mark.slow
def test_interrupted_simulation_writes_nothing(here):
    long = ["--seconds", "2000", "--target", "numpy", "--out", "a.nc"]
    process = started(["simulate", "calcium-response", *long], here)
    time.sleep(5)  # a Brian2 run ends early on the signal unless it is told not to; 2000 s take minutes
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130
    assert told.strip().splitlines()[0] == "interrupted; nothing was written"
    assert not list(here.iterdir())


def test_signs_that_an_encoding_lacks_are_written_as_escapes(tmp_path):
    code = "from studies import command_line; command_line.open_streams(); print('caf\\xe9', flush=True)"
    surroundings = os.environ | {"PYTHONIOENCODING": "ascii"}
    ended = subprocess.run([sys.executable, "-c", code], env=surroundings, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (0, "caf\\xe9\n")
