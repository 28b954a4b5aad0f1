"""The last run and the anomaly models as offline HTML pages, read from the published warehouse only."""

from pipelines.report.models import render_models
from pipelines.report.render import render
from pipelines.report.templates import environment, number, shown, write

__all__ = ["environment", "number", "render", "render_models", "shown", "write"]
