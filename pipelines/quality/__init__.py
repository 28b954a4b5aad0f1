"""Judge a day's partitions with Great Expectations: bad rows to quarantine, a failed `stop` halts a partition.

Row checks are judged on bounded frames (rows, or a column's distinct values with their counts), equal questions of many
columns together; cross-row checks are counted by DuckDB and judged on a frame of one row per number. Great Expectations is imported when the first partition is judged.
"""

from pipelines.quality.docs_site import build_data_docs
from pipelines.quality.history import PartitionStats, past
from pipelines.quality.quarantine import accept
from pipelines.quality.validate import TOLERANCE, Part, QualityReport, validate_partition, validate_partitions

__all__ = [
    "TOLERANCE",
    "Part",
    "PartitionStats",
    "QualityReport",
    "accept",
    "build_data_docs",
    "past",
    "validate_partition",
    "validate_partitions",
]
