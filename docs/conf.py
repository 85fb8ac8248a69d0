# SPDX-License-Identifier: GPL-2.0
"""Sphinx, for scripts/docs (make docs), which gives it the version."""

project = "ksworker"
author = "The ksworker project"
extensions = ["myst_parser"]
myst_heading_anchors = 3
html_theme = "alabaster"
html_theme_options = {"show_powered_by": False}
html_show_copyright = False
html_copy_source = False
primary_domain = "c"
