"""Parquet partitions under a ledger, and the published warehouse: what exists is what the ledger says."""

from pipelines.lake.lease import Lease
from pipelines.lake.ledger import LakeFile, Partition
from pipelines.lake.partitions import Lake
from pipelines.lake.runs import Runs

__all__ = ["Lake", "LakeFile", "Lease", "Partition", "Runs"]
