"""`mart.exposed_resources`: what can be reached without the right to, as last seen."""

from pipelines.contracts.mart._view import View, of_table
from pipelines.contracts.out.exposed_resource import TABLE
from pipelines.contracts.table import Dtype, Field, Pii

VIEW = View(
    name="exposed_resources",
    title="Exposed resources as last seen",
    grain="one resource and what is wrong with it; nothing of a recommendation that is unknown in mart.posture",
    columns=(
        *of_table(TABLE),
        Field("title", Dtype.STRING, "What the recommendation asks for"),
        Field("remediation", Dtype.STRING, "How to comply, one step a line"),
        Field("account_name", Dtype.STRING, "Login name of the account", pii=Pii.IDENTIFIER),
        Field("excepted_by", Dtype.STRING, "Who answers for the recommendation; null: nobody", pii=Pii.IDENTIFIER),
    ),
    sql="""
    WITH accounts AS (
        SELECT instance, user_uid, any_value(user_name) AS user_name FROM wh.user_day
        WHERE (instance, event_date) IN (SELECT (instance, max(event_date)) FROM wh.user_day GROUP BY instance) GROUP BY ALL
    )
    SELECT r.*, p.title, p.remediation, u.user_name AS account_name, p.excepted_by
    FROM wh.exposed_resource r
    LEFT JOIN wh.posture p USING (instance, event_date, control_id)
    LEFT JOIN accounts u ON u.instance = r.instance AND u.user_uid = r.account_uid
    """,
    reads=("out__exposed_resource", "out__posture", "core__user"),
)
