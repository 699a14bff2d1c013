"""The page is self-contained, escaped and whole; its tables sort by the numbers they show."""

import base64
import hashlib
import math
import re
import shutil
import subprocess
from html.parser import HTMLParser

import pandas as pd
import pytest
from matplotlib import pyplot as plt

from studies.report import page
from studies.report.page import Section, write_page
from studies.report.page_table import SCRIPT, Link, column_numbers, number_of, shown

ATTACK = "<script>alert('&')</script>"
VOID = {"meta", "img", "br"}
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
MIXED = pd.DataFrame(
    {
        "accuracy": ["96.3 ± 0.6 %", "9.5 %", "", "1,000 %", "\u22123 %"],
        "name": ["b10", "b9", "a", "c", "b9"],
        "order": [0, 1, 2, 3, 4],
    }
)


class Reader(HTMLParser):
    """Collects tags, attributes and text; fails on tags that do not nest."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.words: list[str] = []
        self.feed(source)
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.addresses += [str(value) for name, value in attributes if name in ("src", "href", "srcset")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not self.open or self.open[-1] not in ("script", "style"):
            self.words.append(data)


def small_figure():
    figure, axes = plt.subplots(figsize=(2, 1))
    axes.plot([0, 1])
    return figure


def read(path) -> Reader:
    return Reader(path.read_text(encoding="utf-8"))


def test_everything_on_the_page_is_escaped(tmp_path):
    table = pd.DataFrame({ATTACK: [ATTACK]})
    hostile = Link(ATTACK, f'"><{ATTACK}')
    section = Section(
        ATTACK, ATTACK, small_figure(), ATTACK, ATTACK, table, ATTACK, {ATTACK: table}, [hostile], f'"{ATTACK}'
    )
    write_page(tmp_path / "index.html", ATTACK, [section], {ATTACK: ATTACK})
    found = read(tmp_path / "index.html")
    assert found.tags.count("script") == 1  # ours
    # title twice; heading, text, caption, command, made, column, cell, name of details, its column and cell, file;
    # provenance key and value
    assert "".join(found.words).count(ATTACK) == 15


def test_only_the_script_of_the_page_may_run(tmp_path):
    write_page(tmp_path / "index.html", "t", [], {})
    source = (tmp_path / "index.html").read_text(encoding="utf-8")
    (inside,) = re.findall(r"<script>(.*?)</script>", source, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
    assert inside == SCRIPT and f"script-src 'sha256-{digest}'" in source and "default-src 'none'" in source
    assert "unsafe-eval" not in source and "script-src 'unsafe-inline'" not in source


def test_figures_are_inside_the_page_and_closed(tmp_path):
    figures = [small_figure(), small_figure()]
    open_before = len(plt.get_fignums())
    sections = [Section("a", figure=figures[0]), Section("b", figure=page.picture(figures[1]))]
    write_page(tmp_path / "index.html", "t", sections, {})
    source = (tmp_path / "index.html").read_text(encoding="utf-8")
    addresses = Reader(source).addresses
    assert len(addresses) == 2
    for address in addresses:
        head, data = address.split(",")
        assert head == "data:image/png;base64"
        assert base64.b64decode(data, validate=True).startswith(b"\x89PNG")
    assert not re.search(r"https?:|url\(|@import", source)
    assert len(plt.get_fignums()) == open_before - 2


def test_picture_keeps_a_readable_width(tmp_path):
    write_page(tmp_path / "index.html", "t", [Section("a", figure=small_figure())], {})
    source = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert f"width: {2 * page.CSS_PIXELS_PER_INCH}px; min-width: 144px" in source


def test_page_adapts_to_phone_and_darkness(tmp_path):
    write_page(tmp_path / "index.html", "t", [], {})
    source = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "width=device-width" in source and "prefers-color-scheme: dark" in source
    assert "How this was made" not in source  # no provenance, no section


def test_paragraphs_table_and_provenance_keep_their_order(tmp_path):
    section = Section("Heading", "one\n\ntwo", table=pd.DataFrame({"n": [3, 4]}))
    write_page(tmp_path / "index.html", "Title", [section], {"commit": "abc"})
    found = read(tmp_path / "index.html")
    words = [word.strip() for word in found.words if word.strip()]
    expected = ["Title", "Title", "Heading", "one", "two", "n", "3", "4"]
    assert words == [*expected, "How this was made", "what", "value", "commit", "abc"]
    assert found.tags.count("p") == 2


def test_a_long_page_lists_its_sections_and_the_links_arrive(tmp_path):
    sections = [
        Section(f"part {number}", anchor="third" if number == 3 else "") for number in range(page.WORTH_CONTENTS)
    ]
    write_page(tmp_path / "index.html", "t", sections, {})
    source = (tmp_path / "index.html").read_text(encoding="utf-8")
    targets = [address.removeprefix("#") for address in Reader(source).addresses]
    assert len(targets) == len(sections) and "third" in targets
    assert all(source.count(f'id="{target}"') == 1 for target in targets)
    write_page(tmp_path / "index.html", "t", sections[1:], {})
    assert "nav" not in read(tmp_path / "index.html").tags


def test_a_page_that_fails_leaves_the_old_one(tmp_path, monkeypatch):
    file = tmp_path / "index.html"
    file.write_text("old")

    def refuse(*paths):
        raise OSError("disk full")

    monkeypatch.setattr("os.replace", refuse)
    with pytest.raises(OSError, match="disk full"):
        write_page(file, "t", [], {})
    assert [path.name for path in tmp_path.iterdir()] == ["index.html"] and file.read_text() == "old"


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        ("96.3 ± 0.6 %", 96.3),
        ("96.3\u00a0±\u00a00.6\u00a0%", 96.3),
        ("12,345", 12345),
        ("\u22121e-5", -1e-5),
        ("-.5", -0.5),
        ("3 of 5 runs", 3),
        (7, 7),
        (0.25, 0.25),
        ("5b2ad76", None),
        ("2026-11-21", None),
        ("3.11.7", None),
        ("1,23", None),
        ("e5", None),
        ("%", None),
        ("", None),
        (True, None),
    ],
)
def test_the_number_a_cell_is_sorted_by(cell, number):
    assert number_of(cell) == number


def test_a_column_is_of_numbers_only_if_every_cell_has_one():
    assert column_numbers(["3", "", None, math.nan, 4.5]) == [3, None, None, None, 4.5]
    assert column_numbers(["3", "x"]) == [None, None]
    assert shown(1234567) == "1,234,567" and shown(0.1234567) == "0.123457" and shown(math.nan) == shown(None) == ""
    assert shown(False) == "False" and shown(Link("a", "b.nc")) == '<a href="b.nc">a</a>'


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")
@pytest.mark.parametrize(
    ("clicks", "order"),
    [
        ([0], [4, 1, 0, 3, 2]),  # numbers rise; the empty cell last
        ([0, 0], [3, 0, 1, 4, 2]),  # and fall; the empty cell still last
        ([1], [2, 1, 4, 0, 3]),  # words, with the numbers in them; equal rows keep their order
        ([0, 2], [0, 1, 2, 3, 4]),  # another column begins anew
    ],
)
def test_a_click_on_a_heading_sorts(tmp_path, clicks, order):
    """In a browser: a copy of the page with a second script that clicks; what it logs must be nothing."""
    write_page(tmp_path / "index.html", "t", [Section("a", table=MIXED)], {})
    source = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "data-number" in source
    clicking = "".join(f'document.querySelectorAll("th button")[{place}].click();' for place in clicks)
    source = re.sub(r'<meta http-equiv="Content-Security-Policy".*?>', "", source, flags=re.DOTALL)
    (tmp_path / "clicked.html").write_text(source.replace("</body>", f"<script>{clicking}</script></body>"))
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--dump-dom"]
    command += [f"--user-data-dir={tmp_path / 'profile'}", (tmp_path / "clicked.html").as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert "CONSOLE" not in done.stderr
    rows = re.findall(r'<td class="number" data-number="(\d)\.0">\d</td></tr>', done.stdout)
    assert [int(row) for row in rows] == order
    assert done.stdout.count("aria-sort=") == source.count("aria-sort=") + 1
