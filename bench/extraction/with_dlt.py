"""Child: dlt's REST source to Parquet files, as its documentation shows it. Run by an interpreter that has dlt[parquet].

Offset paging is what it offers for this API. `--tuned`: four workers in extract, normalize and load.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
os.environ["RUNTIME__LOG_LEVEL"] = "ERROR"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--page", type=int, default=10_000)
    parser.add_argument("--tuned", action="store_true")
    given = parser.parse_args()
    if given.tuned:
        os.environ.update({"EXTRACT__WORKERS": "4", "NORMALIZE__WORKERS": "2", "LOAD__WORKERS": "4"})
    import dlt
    from dlt.sources.rest_api import rest_api_source

    shares = 4 if given.tuned else 1
    each = -(-given.rows // shares)
    source = rest_api_source(
        {
            "client": {"base_url": f"{given.url}/api/now/table/"},
            "resources": [
                {
                    "name": "syslog_transaction" if shares == 1 else f"part_{n}",
                    "table_name": "syslog_transaction",
                    "parallelized": given.tuned,
                    "write_disposition": "append",
                    "endpoint": {
                        "path": "syslog_transaction",
                        "params": {"sysparm_no_count": "true"},
                        "data_selector": "result",
                        "paginator": {
                            "type": "offset", "limit": given.page, "offset": n * each, "limit_param": "sysparm_limit",
                            "offset_param": "sysparm_offset", "total_path": None,
                            "maximum_offset": min(given.rows, (n + 1) * each),
                        },
                    },
                }
                for n in range(shares)
            ],
        }
    )  # fmt: skip
    pipeline = dlt.pipeline(
        "bench", destination=dlt.destinations.filesystem(given.out.resolve().as_uri()), dataset_name="raw",
        pipelines_dir=str(given.out / "state"), progress=None,
    )  # fmt: skip
    pipeline.run(source, loader_file_format="parquet")
    counts = pipeline.last_trace.last_normalize_info.row_counts
    assert counts["syslog_transaction"] == given.rows, counts


if __name__ == "__main__":
    main()
