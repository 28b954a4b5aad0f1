"""ServiceNow over its REST APIs: connect, check, and read many tables at once, nothing lost and nothing twice."""

from pipelines.sources.servicenow.check import CheckReport, TableCheck, check
from pipelines.sources.servicenow.client import ServiceNow
from pipelines.sources.servicenow.connect import connect, stored_token
from pipelines.sources.servicenow.connection import Connection, Pace
from pipelines.sources.servicenow.reading import Extracted, ReadRequest
from pipelines.sources.servicenow.release import PROPERTIES as BUILD_PROPERTIES
from pipelines.sources.servicenow.release import RELEASES, Release, release_of
from pipelines.sources.servicenow.table_api import TableUnreadable

__all__ = [
    "BUILD_PROPERTIES",
    "RELEASES",
    "CheckReport",
    "Connection",
    "Extracted",
    "Pace",
    "ReadRequest",
    "Release",
    "ServiceNow",
    "TableCheck",
    "TableUnreadable",
    "check",
    "connect",
    "release_of",
    "stored_token",
]
