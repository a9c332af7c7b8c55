"""Configuration of Sphinx; `.docs/build` assembles the sources and runs it."""

from __future__ import annotations

import neuromod

project = "neuromod"
author = "the neuromod developers"
copyright = "2026, the neuromod developers"
version = release = neuromod.__version__

extensions = ["sphinx.ext.autodoc", "sphinx.ext.mathjax", "numpydoc", "myst_nb"]
exclude_patterns = ["csrc/*.h", "**.ipynb_checkpoints"]
default_role = "literal"  # `name` in a docstring

autodoc_typehints = "none"  # the docstrings have the types, with shapes and units
autodoc_member_order = "bysource"
numpydoc_show_class_members = False  # autodoc lists the members, with their whole text
numpydoc_class_members_toctree = False

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = "force"
nb_execution_timeout = 120
nb_execution_raise_on_error = True
nb_execution_show_tb = True

html_theme = "pydata_sphinx_theme"
html_title = "neuromod"
html_static_path = ["."]
html_css_files = ["neuromod.css"]
html_show_sourcelink = False
html_copy_source = False
html_sidebars = {"index": []}
html_theme_options = {
    "navbar_align": "left",
    "show_prev_next": True,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "navigation_with_keys": False,
    "show_toc_level": 2,
}
