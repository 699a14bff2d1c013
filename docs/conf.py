"""How the documentation is built (`make docs`): the tutorials run, the reference comes from docstrings, no network.

Warnings are errors: a link that leads nowhere and a public name without a docstring fail.
"""

import os
import shutil
import sys
from pathlib import Path

DOCS = Path(__file__).parent
BUILD = DOCS / "_build"
sys.path[:0] = [str(DOCS / "extensions"), str(DOCS.parent)]
os.environ.setdefault("MPLBACKEND", "Agg")

import link_lists  # noqa: E402
import tutorials  # noqa: E402

import astromorph  # noqa: E402

project = "Astromorph"
author = copyright = "Astromorph contributors"
version = release = astromorph.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "sphinx.ext.viewcode",
    "sphinx_gallery.gen_gallery",
    "command_help",
    "docstrings",
    "included",
    "mathml",
    "rooms",
]
exclude_patterns = ["_build", "extensions", "links", "templates"]
templates_path = ["templates"]
nitpicky = True  # every name that a signature or a text refers to leads somewhere
nitpick_ignore = [  # what stands for other types, or is imported for their check only
    ("py:class", "Model"),
    ("py:class", "DeployedClassifier"),
    ("py:class", "mapping.section.Fit"),
    ("py:class", "astromorph.attention.parts.Parts"),
    ("py:class", "astromorph.models.spiking_classifier.DeployedLayer"),
    ("py:class", "numpy._typing._array_like._ScalarT"),
]
default_role = "code"  # `name` in a docstring is code, as in Markdown
myst_enable_extensions = ["colon_fence", "dollarmath", "attrs_inline"]
myst_heading_anchors = 3

# The reference. Names keep the spelling of the source: defaults as written, aliases as named.
autodoc_default_options = {
    "members": True,
    "undoc-members": True,
    "member-order": "bysource",
    "exclude-members": "extra_repr",  # what torch prints
}
autodoc_inherit_docstrings = False
autodoc_preserve_defaults = True
autoclass_content = "class"
autodoc_typehints_format = "short"
autosummary_generate = True
shutil.rmtree(DOCS / "reference" / "generated", ignore_errors=True)  # pages of names that are no more
autosummary_imported_members = True
python_maximum_signature_line_length = 100
toc_object_entries_show_parents = "hide"
intersphinx_mapping = link_lists.compiled(DOCS / "links", BUILD / "inventories")

# The tutorials, run as scripts from a folder of the build; what they write stays there.
tutorials.written(
    DOCS.parent / "studies" / "tutorials",
    BUILD / "tutorials",
    (DOCS / "templates" / "tutorials.rst").read_text(encoding="utf-8"),
)
sphinx_gallery_conf = {
    "examples_dirs": str(BUILD / "tutorials"),
    "gallery_dirs": "tutorials",
    "filename_pattern": r"/\d_",
    "within_subsection_order": "FileNameSortKey",
    "abort_on_example_error": True,
    "download_all_examples": False,
    "notebook_extensions": set(),
    "remove_config_comments": True,
    "show_signature": False,
    "write_computation_times": False,
    "min_reported_time": 1e6,  # seconds of this machine are no news
    "image_scrapers": ("matplotlib",),
    "copyfile_regex": "",
}

html_theme = "pydata_sphinx_theme"
html_title = "Astromorph"
html_math_renderer = "mathml"
html_static_path = ["static"]
html_css_files = ["page.css"]
html_show_sourcelink = False
html_copy_source = False
html_sidebars = {page: [] for page in ("index", "start", "results", "claims", "what_failed", "symbols")}
html_theme_options = {
    "header_links_before_dropdown": 9,
    "navbar_persistent": ["search-button"],
    "navbar_end": ["theme-switcher"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
    "show_prev_next": True,
}
