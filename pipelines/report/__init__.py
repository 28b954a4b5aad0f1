"""The last run as one offline HTML page, read from the published warehouse only."""

from pipelines.report.render import render

__all__ = ["render"]
