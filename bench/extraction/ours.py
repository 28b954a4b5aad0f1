"""Child: from the wire to checked, ledgered Parquet. Prints one JSON line of facts.

python -m bench.extraction.ours --url URL --rows N --out FOLDER [--workers 4] [--page 10000] [--no-lake]
"""

from __future__ import annotations

import argparse
import json
import os
import time
from datetime import timedelta
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as `nowguard run` does

from pydantic import SecretStr

from bench.extraction.contract import TABLE
from bench.extraction.span import FIRST_DAY, last_moment
from pipelines.sources.servicenow import Connection, Extracted, Pace, ReadRequest, ServiceNow
from pipelines.window import Window


def silent(table: str, rows: int, pages: int = 0) -> None:
    """Progress that nobody watches."""


def land(got: Extracted, out: Path) -> int:
    """Every day of `got` under the ledger; returns the rows that the ledger lists."""
    from pipelines.lake import Lake
    from pipelines.state_store import StateStore

    store = StateStore(out / "state" / "nowguard.sqlite")
    lake = Lake(out, store)
    with lake.acquire("bench", None, "bench", timedelta(minutes=5)) as lease:
        return sum(lake.replace(lease, TABLE, "bench", day, parts).rows for day, parts in sorted(got.parts.items()))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--page", type=int, default=10_000)
    parser.add_argument("--no-lake", action="store_true", help="stop at Parquet parts")
    given = parser.parse_args()
    secret = SecretStr("s")
    connection = Connection(given.url, "bench", "oauth_password", "u", secret, "c", secret)
    window = Window(FIRST_DAY, last_moment(given.rows))
    started = time.monotonic()
    with ServiceNow(connection, Pace(workers=given.workers, page_size=given.page)) as source:
        (got,) = source.read_many([ReadRequest(TABLE, window=window)], given.out / "spool", silent)
        requests = source.transport.requests
    read = time.monotonic() - started
    rows = got.rows if given.no_lake else land(got, given.out)
    assert got.state == "ok", got.reason
    assert rows == given.rows, f"{rows} rows landed, {given.rows} served"
    print(
        json.dumps(
            {
                "rows": rows,
                "pages": got.pages,
                "requests": requests,
                "read_seconds": round(read, 3),
                "hidden": got.hidden_rows,
            }
        )
    )


if __name__ == "__main__":
    main()
