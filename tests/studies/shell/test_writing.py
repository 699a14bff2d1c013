"""No two commands write one file, whatever the verbs; what a killed one left of its lock hinders nobody and goes."""

import shutil
from pathlib import Path

import pytest

from astromorph.files.locks import alone, writing
from astromorph.runs.run_folder import RunFolder
from studies.catalogue import BENCHES, QUESTIONS
from studies.command_line import VERBS, main
from studies.commands.patterns import QUESTIONS as CALCULATIONS

RESULTS = Path(__file__).parents[3] / "studies" / "results"
SEGMENT = "--population 200 --active 20 --synapses 10 --threshold 5"
QUICK = {  # words, files that they write
    "simulate": ("simulate li-rinzel --seconds 1 --target numpy --out a.nc", "a.nc a.png"),
    "sweep": ("sweep li-rinzel --axis stimulus.I=0.2,0.5*umolar --seconds 1 --jobs 1 --out a.nc", "a.nc a.png"),
    "map": ("map data.nc --at loop=none --out a.yaml", "a.yaml a.png"),
    "study": ("study union-property --populations 1000 --most-patterns 3 --out a.nc", "a.nc a.png"),
    "patterns": (f"patterns false-match {SEGMENT} --out a.csv", "a.csv"),
    "plot": ("plot data.nc --out a.pdf", "a.pdf"),
    "report": ("report data.nc --out a.html", "a.html"),
    "compare": ("compare digits --out a.csv", "a.csv a.png"),
    "evaluate": ("evaluate imdb --text film --out a.png", "a.png"),
}
OF_A_RUN = {"spiking-attention": "--run digits"}
STUDIES = {f"study {name}": (f"study {name} {OF_A_RUN.get(name, '')} --out a.nc", "a.nc a.png") for name in QUESTIONS}
LONG = {
    **{f"bench {name}": (f"bench {name} --out a.csv", "a.csv a.png") for name in BENCHES},
    "experiment": ("simulate calcium-response --out a.nc", "a.nc a.png"),
    "circuit": ("circuit digits --out a.nc", "a.nc a.png"),
    "report page": ("evaluate digits --out a.html", "a.html"),
    "export": ("export digits --nir a.nir", "a.nir"),
}
FOLDERS = {  # which are locked themselves
    "train": "train digits --epochs 1 --out a",
    "export": "export digits --out a",
    "demo": "demo --out a",
}


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(RESULTS / "release-rate.nc", tmp_path / "data.nc")
    return tmp_path


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {"data.nc"}


@pytest.mark.parametrize(("words", "files"), (QUICK | LONG).values(), ids=QUICK | LONG)
def test_the_second_command_is_told_so(words, files, here, capsys):
    for file in files.split():
        with writing(Path(file)):
            assert main(words.split()) == 2
            told = capsys.readouterr().err
            assert told == (
                f"astromorph: another process is writing {file}; wait until it has ended, or name another output\n"
            )
    assert names(here) == set()


@pytest.mark.slow
@pytest.mark.parametrize(("words", "files"), STUDIES.values(), ids=STUDIES)
def test_the_second_study_is_told_so(words, files, here, capsys):
    test_the_second_command_is_told_so(words, files, here, capsys)


@pytest.mark.parametrize("words", FOLDERS.values(), ids=FOLDERS)
def test_a_folder_is_written_by_one(words, here, monkeypatch, capsys):
    monkeypatch.setattr(RunFolder, "summary", lambda folder: {"test_accuracy": 0.5})
    with alone(Path("a")):
        assert main(words.split()) == 2
        assert "another process is at work in a; " in capsys.readouterr().err
    assert names(here) == set()


def test_every_verb_that_writes_is_tried(capsys):
    """`data` writes what is published, the same whoever does."""
    asks = {verb: verb for verb in VERBS} | {"train": "train digits", "simulate": "simulate li-rinzel"}
    asks |= {"sweep": "sweep li-rinzel", "study": f"study {next(iter(QUESTIONS))}", "bench": "bench attention"}
    asks |= {"patterns": f"patterns {next(iter(CALCULATIONS))}"}
    tried = {words.split()[0] for words, _ in (QUICK | LONG).values()} | set(FOLDERS)
    for verb, words in asks.items():
        assert main([*words.split(), "--help"]) == 0
        assert ("--out" in capsys.readouterr().out) == (verb in tried), verb


@pytest.mark.parametrize(("words", "files"), QUICK.values(), ids=QUICK)
def test_what_a_killed_command_left_hinders_nobody_and_goes(words, files, here):
    for file in files.split():
        Path(f".{file}.writing").mkdir()
        Path(f".{file}.123.part").write_text("half")
    assert main(words.split()) == (2 if words.startswith("compare") else 0)  # a shipped model is no finished run
    assert names(here) == (set() if words.startswith("compare") else set(files.split()))


def test_a_lock_is_told_by_the_file_it_is_for(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError) as told, writing(tmp_path / "file" / "a.nc"):
        pass
    assert told.value.filename == str(tmp_path / "file" / "a.nc")
