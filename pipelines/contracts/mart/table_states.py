"""`mart.table_states`: how well each ServiceNow table could be read."""

from pipelines.contracts.mart._view import View, of_table
from pipelines.contracts.out.table_state import TABLE

VIEW = View(
    name="table_states",
    title="Readability of source tables",
    grain="one source table on one day",
    columns=of_table(TABLE),
    sql="SELECT * FROM wh.table_state",
    reads=("out__table_state",),
)
