"""Child: ServiceNow's own client, its records to zstd Parquet."""

from __future__ import annotations

import argparse
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--page", type=int, default=10_000)
    given = parser.parse_args()
    import pyarrow as pa
    import pyarrow.parquet as pq
    from pysnc import ServiceNowClient

    client = ServiceNowClient("https://localhost", ("u", "s"))
    client._ServiceNowClient__instance = given.url  # it insists on TLS, which this comparison leaves out for everybody
    records = client.GlideRecord("syslog_transaction", batch_size=given.page)
    records.limit = given.rows
    records.query()
    rows = [{name: record.get_value(name) for name in record.fields} for record in records]
    assert len(rows) == given.rows, len(rows)
    given.out.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), given.out / "rows.parquet", compression="zstd")


if __name__ == "__main__":
    main()
