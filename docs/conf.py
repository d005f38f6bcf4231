"""The configuration of the documents' site: `make docs` builds it from the whole repository."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from luthier.version import VERSION

project = "Luthier"
copyright = "the authors of Luthier"
release = version = VERSION

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "site_pages.extension"]
root_doc = "docs/index"
include_patterns = ["docs/**", "CONTRIBUTING.md", "CHANGELOG.md", "benchmarks/results/*.md"]
exclude_patterns = [
    ".*",
    "out",
    "src",
    "tests",
    "docs/reference/examples",
    "docs/site_pages",
    "docs/decisions/template.md",
]
suppress_warnings = ["misc.highlighting_failure"]  # blocks that show a part of a file, or what a command prints

default_role = "py:obj"
myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence", "deflist"]

autodoc_default_options = {"members": True, "member-order": "bysource", "exclude-members": "set_fit_request"}
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
maximum_signature_line_length = 90
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_rtype = False

html_theme = "furo"
html_title = f"Luthier {VERSION}"
html_static_path = ["site_pages/static"]
html_css_files = ["site.css"]
html_copy_source = False
html_search_scorer = str(Path(__file__).parent / "site_pages" / "scorer.js")
html_show_sphinx = False
html_theme_options = {"navigation_with_keys": True}
