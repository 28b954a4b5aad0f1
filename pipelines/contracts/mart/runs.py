"""`mart.runs`: what each run did."""

from pipelines.contracts.mart._view import INSTANCE, View
from pipelines.contracts.table import Dtype, Field

S = Dtype.STRING

VIEW = View(
    name="runs",
    title="Runs by step and table",
    grain="one step of one run over one table and day; an empty table name stands for the whole step",
    columns=(
        INSTANCE,
        Field("run_uid", S, "The run"),
        Field("event_date", Dtype.DATE, "UTC day that was processed"),
        Field("step", S, "Step of the night"),
        Field("table", S, "Table or policy; empty for the step as a whole"),
        Field("state", S, "ok, empty, unchanged, passed, warned, denied, missing or failed"),
        Field("rows", Dtype.INT64, "Rows handled", unit="rows"),
        Field("seconds", Dtype.FLOAT64, "Time taken", unit="seconds"),
        Field("message", S, "What a person should know; empty where nothing"),
        Field("time", Dtype.TIMESTAMP, "When it was recorded", unit="UTC"),
    ),
    sql="SELECT * FROM wh.run",
)
