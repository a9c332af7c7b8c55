"""Results of the main job, saved and read; see ``neuromod/experiment/results.py``."""

from neuromod.experiment.report import report_html, save_report
from neuromod.experiment.results import (
    Results,
    load_results,
    new_directory,
    results_table,
    save_results,
)

__all__ = [
    "Results",
    "load_results",
    "new_directory",
    "report_html",
    "results_table",
    "save_report",
    "save_results",
]
