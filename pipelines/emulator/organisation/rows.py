"""Log rows in stored form: every column text, times UTC, references plain sys_ids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from pipelines.emulator.organisation.streams import Ints, sys_ids

GUEST = "5136503cc611227c0183e96598c4f706"
NODES = ("app140012.ams2", "app140013.ams2", "app140112.fra3", "app140113.fra3")

TRANSACTION = (
    "sys_id", "sys_created_on", "sys_created_by", "url", "type", "remote_ip", "user_agent", "session", "response_time",
    "sql_count", "sql_time", "business_rule_count", "output_length", "system_id", "protocol", "status",
)  # fmt: skip
EVENT = (
    "sys_id", "sys_created_on", "sys_created_by", "sys_updated_on", "sys_updated_by", "name", "parm1", "parm2", "table",
    "instance", "user_id", "user_name", "uri", "queue", "state", "processed", "process_on", "processing_duration",
    "claimed_by",
)  # fmt: skip

Texts = Sequence[str] | pl.Series | str


def stamps(seconds: Ints | Sequence[int], name: str = "sys_created_on") -> pl.Series:
    """Epoch seconds as 'YYYY-MM-DD HH:MM:SS'."""
    values = pl.Series(name, np.asarray(seconds, dtype=np.int64)) * 1000
    return values.cast(pl.Datetime("ms")).dt.strftime("%Y-%m-%d %H:%M:%S")


def texts(numbers: Ints) -> pl.Series:
    return pl.Series(numbers).cast(pl.String)


def frame(columns: Mapping[str, Texts], height: int) -> pl.DataFrame:
    """Columns of one table; a single string fills its whole column."""
    return pl.DataFrame(
        {
            name: pl.repeat(values, height, dtype=pl.String, eager=True)
            if isinstance(values, str)
            else pl.Series(values, dtype=pl.String)
            for name, values in columns.items()
        }
    )


def transactions(
    rng: np.random.Generator,
    time: Ints,
    *,
    user_name: Texts,
    url: Texts,
    kind: Texts,
    address: Texts,
    agent: Texts,
    session: Texts,
    length: Ints,
    status: Texts = "200",
) -> pl.DataFrame:
    """`syslog_transaction`: one row a request; `length` bytes returned."""
    count = len(time)
    response = np.clip(rng.lognormal(5.3, 0.8, count), 8, 60_000).astype(np.int64)
    statements = np.clip(rng.lognormal(3.2, 0.9, count), 1, 4_000).astype(np.int64)
    columns: dict[str, Texts] = {
        "sys_id": sys_ids(rng, count),
        "sys_created_on": stamps(time),
        "sys_created_by": user_name,
        "url": url,
        "type": kind,
        "remote_ip": address,
        "user_agent": agent,
        "session": session,
        "response_time": texts(response),
        "sql_count": texts(statements),
        "sql_time": texts(statements * 2 // 3),
        "business_rule_count": texts(statements // 4),
        "output_length": texts(length),
        "system_id": pl.Series(NODES, dtype=pl.String).gather(rng.integers(0, len(NODES), count)),
        "protocol": "HTTP/1.1",
        "status": status,
    }
    return frame(columns, count).select(TRANSACTION)


def events(
    rng: np.random.Generator,
    delay: tuple[int, int],
    time: Ints,
    *,
    name: Texts,
    parm1: Texts,
    parm2: Texts,
    user_id: Texts,
    user_name: Texts,
    table: Texts = "",
    instance: Texts = "",
    uri: Texts = "",
) -> pl.DataFrame:
    """`sysevent`: raised at `time`, processed `delay` seconds later by the queue."""
    count = len(time)
    processed = stamps(np.asarray(time) + rng.integers(delay[0], delay[1] + 1, count))
    columns: dict[str, Texts] = {
        "sys_id": sys_ids(rng, count),
        "sys_created_on": stamps(time),
        "sys_created_by": user_name,
        "sys_updated_on": processed,
        "sys_updated_by": "system",
        "name": name,
        "parm1": parm1,
        "parm2": parm2,
        "table": table,
        "instance": instance,
        "user_id": user_id,
        "user_name": user_name,
        "uri": uri,
        "queue": "",
        "state": "processed",
        "processed": processed,
        "process_on": stamps(time),
        "processing_duration": texts(rng.integers(1, 90, count)),
        "claimed_by": pl.Series(NODES, dtype=pl.String).gather(rng.integers(0, len(NODES), count)),
    }
    return frame(columns, count).select(EVENT)
