"""Parquet partitions under a ledger, and the published warehouse: what exists is what the ledger says."""

from pipelines.lake.draft import drafted
from pipelines.lake.lease import Lease
from pipelines.lake.ledger import LakeFile, Partition
from pipelines.lake.partitions import Lake, reading
from pipelines.lake.publish import Published, publish, require_warehouse
from pipelines.lake.runs import Runs
from pipelines.lake.status import status
from pipelines.lake.verify import repair, sweep, verify

__all__ = [
    "Lake",
    "LakeFile",
    "Lease",
    "Partition",
    "Published",
    "Runs",
    "drafted",
    "publish",
    "reading",
    "repair",
    "require_warehouse",
    "status",
    "sweep",
    "verify",
]
