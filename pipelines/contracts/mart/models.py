"""`mart.models`: every fitted model, and which one scores."""

from pipelines.contracts.mart._view import View, of_table
from pipelines.contracts.out.model import TABLE

VIEW = View(
    name="models",
    title="Fitted anomaly models",
    grain="one revision of one model",
    columns=of_table(TABLE),
    sql="SELECT * FROM wh.model",
)
