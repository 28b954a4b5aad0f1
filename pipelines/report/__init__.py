"""The last run as one offline HTML page, read from the published warehouse only."""

from pipelines.report.render import environment, number, render, shown, write

__all__ = ["environment", "number", "render", "shown", "write"]
