"""Spark as an engine for the cases of policies, and the reason where it is not there."""

from __future__ import annotations

import importlib.util
import os
import shutil
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from pipelines.features.core import Dialect


def missing() -> str:
    """Why Spark cannot run here; empty where it can."""
    if importlib.util.find_spec("pyspark") is None:
        return "PySpark is not installed: make test-spark"
    if shutil.which("java") is None and not os.environ.get("JAVA_HOME"):
        return "Java is not installed: apt install openjdk-17-jre-headless"
    return ""


def session() -> Any:
    """One small local session, in UTC, without a web page."""
    os.environ.setdefault("TZ", "UTC")
    from pyspark.sql import SparkSession  # only where it is installed

    settings = {
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "1",
        "spark.default.parallelism": "1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.memory": "1g",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.sql.execution.arrow.pyspark.enabled": "true",
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.codegen.wholeStage": "false",  # tiny rows: compiling Java costs more than interpreting it
    }
    builder = SparkSession.builder.master("local[1]").appName("nowguard-tests")
    for name, value in settings.items():
        builder = builder.config(name, value)
    found = builder.getOrCreate()
    found.sparkContext.setLogLevel("ERROR")
    return found


@dataclass
class Spark:
    """The engine that `pipelines.policies.prove` asks for, over a Spark session."""

    spark: Any
    dialect: Dialect = "pyspark"

    def load(self, name: str, rows: pa.Table) -> None:
        self.spark.createDataFrame(_without_zone(rows)).createOrReplaceTempView(name)

    def define(self, name: str, select: str) -> None:
        self.load(name, self.fetch(select))  # a view would be computed again wherever it is read

    def fetch(self, select: str) -> pa.Table:
        found: pa.Table = self.spark.sql(select).toArrow()
        return found


def _without_zone(rows: pa.Table) -> pa.Table:
    """Spark's TIMESTAMP is an instant: say that ours are in UTC."""
    fields = [pa.field(f.name, pa.timestamp("us", "UTC")) if pa.types.is_timestamp(f.type) else f for f in rows.schema]
    return rows.cast(pa.schema(fields))
