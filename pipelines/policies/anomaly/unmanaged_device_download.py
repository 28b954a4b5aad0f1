"""Somebody takes files to a device that neither they nor the organisation know: bring-your-own, or somebody else's.

ServiceNow does not know who manages a device, so a device counts as unmanaged while the person has hardly used it and hardly
anybody in the organisation uses its like. A few files are how people start on a new laptop; many, or some of the tables that
hold people's, money's or customers' data, are not. From an address of the organisation it is the new laptop.
"""

from __future__ import annotations

from typing import Any

import ibis
import ibis.expr.types as ir

from pipelines.features.volumes import DEVICE_COLLEAGUES, OWN_DEVICE_DAYS, on_strange_device
from pipelines.policies.cases import HOSTILE, download, downloads, fires, held, known, quiet, regular
from pipelines.policies.core import Evidence, Kind, Param, Params, Policy, Row, Suppression, Tables
from pipelines.policies.habits import with_learning
from pipelines.policies.volume import acts, evidence

SENSITIVE = (
    "sn_hr_",
    "sn_customerservice_",
    "sn_legal_",
    "ast_contract",
    "alm_",
    "fm_",
    "fx_",
    "sys_user",
    "sn_si_",
    "sn_grc_",
)


def detect(tables: Tables, params: Params) -> ir.Table:
    """One row per person and strange device of the day, where what was taken is many files, sensitive ones, or large."""
    activity, seen = tables["core__activity"], tables["state__seen"]
    a = on_strange_device(activity, seen, OWN_DEVICE_DAYS, DEVICE_COLLEAGUES, ("file_downloaded", "exported"))
    table = ibis.coalesce(a.parent_table, a.resource_type, "")
    rows = acts(
        a,
        bytes=a.bytes.fill_null(0),
        file=ibis.coalesce(a.resource_uid, a.activity_uid),
        is_sensitive=ibis.or_(*(table.startswith(prefix) for prefix in params.sensitive_tables)),
        at_work=a.ip_categories.contains("corporate").fill_null(False),
        device=a.device_key,
    )
    found = rows.group_by("user_uid", "device").agg(
        **evidence(rows),
        file_count=rows.file.nunique(),
        sensitive_count=rows.file.nunique(where=rows.is_sensitive).fill_null(0),
        total_bytes=rows.bytes.sum(),
        corporate_address=rows.at_work.all(),
    )
    many = (found.file_count >= params.min_files) | (found.sensitive_count >= params.min_sensitive)
    found = found.filter(many | (found.total_bytes >= params.min_bytes))
    found = with_learning(
        found,
        seen,
        tables["state__user_tenure"],
        "first_seen",
        days=params.learning_days,
        logins=params.learning_logins,
    )
    return found.mutate(
        integration=found.is_integration,
        trait_kind=ibis.literal("device"),
        trait_value=found.device,
    )


def _taken(user: str, count: int, **values: Any) -> tuple[Row, ...]:
    given: dict[str, Any] = {"device_key": "opera/windows/pc", "parent_table": "incident"}
    return downloads(user, "21:00", count, 30, **given | values)


ANN = regular("ann")

POLICY = Policy(
    id="unmanaged_device_download",
    kind=Kind.ANOMALY,
    severity="medium",
    attack=("T1213", "T1567"),
    title="{actor} took {file_count} files, {sensitive_count} of sensitive tables, to {trait_value}, a device never used before",
    summary=__doc__,
    blind_to="A private device of a kind that colleagues use as well; a browser that names itself as the person's own; files taken a few "
    "a day; devices behind clients that send no user agent, and behind programs and scripts, which do not say where they run "
    "(`unusual_file_downloads` and `large_list_export` count what these take).",
    triage=(
        "Ask the person whether the device is theirs, and whether it is managed.",
        "Look at what else was done from its address and whether the usual device was active at the same time.",
        "Where it is not theirs: require a new sign-in, then see impossible travel and failed logins of the same person.",
        "Where it is: have the copies deleted, and restrict downloads from unmanaged devices (adaptive authentication).",
    ),
    reads=("core__activity", "state__seen", "state__user_tenure"),
    needs=Evidence(
        tables=("syslog_transaction", "sysevent"), helpful_tables=("sys_attachment", "isc_export_event", "sys_user"),
        columns=("syslog_transaction.user_agent",), learning_days=7,
    ),
    params=(
        Param("min_files", 30, "Different files and exports of a day from which they are many", "ours; a sitting of reading", "files"),
        Param("min_sensitive", 10, "Of these, files of sensitive tables from which they count", "ours; more than a case's own papers", "files"),
        Param("min_bytes", 200_000_000, "Size of all of them from which it counts", "ours", "bytes"),
        Param("sensitive_tables", SENSITIVE, "Beginnings of the names of tables whose files are sensitive", "ours; HR, customers, contracts, money, accounts, security, risk"),
        Param("learning_days", 7, "Days from which a person's devices are known", "Microsoft: a learning period of seven days", "days"),
        Param("learning_logins", 20, "Logins from which they are known sooner", "ours", "logins"),
    ),
    suppressions=(
        Suppression("integration", "system", "An integration account: its client is no device of a person"),
        Suppression("still_learning", "system", "The person is new: every device is"),
        Suppression("corporate_address", "user", "Only from addresses of the organisation: a new laptop at work"),
    ),
    facts=("file_count", "sensitive_count", "total_bytes"),
    detect=detect,
    cases=(
        fires("thirty files", *ANN, *_taken("ann", 30), having={"file_count": 30, "sensitive_count": 0, "trait_value": "opera/windows/pc"}),
        quiet("twenty-nine", *ANN, *_taken("ann", 29)),
        quiet("the same file thirty times", *ANN, *_taken("ann", 30, files=1)),
        fires("ten of personnel", *ANN, *_taken("ann", 10, parent_table="sn_hr_core_case"), having={"sensitive_count": 10}),
        quiet("nine of personnel", *ANN, *_taken("ann", 9, parent_table="sn_hr_core_case")),
        fires("one of 200 MB", *ANN, download("ann", "21:00", device_key="opera/windows/pc", bytes=200_000_000)),
        quiet("on the person's own device", *ANN, *_taken("ann", 30, device_key="firefox/linux/pc")),
        quiet("on a device like those of colleagues", *ANN, known("*", "device", "opera/windows/pc", users=3), *_taken("ann", 30)),
        fires("on a device of four days", *ANN, known("ann", "device", "opera/windows/pc", days=4), *_taken("ann", 30)),
        quiet("on two devices, a half each", *ANN, *_taken("ann", 15), *_taken("ann", 15, device_key="vivaldi/mac/pc", city="Antwerp")),
        held("in the office", "corporate_address", *ANN, *_taken("ann", 30, ip_categories=["corporate"])),
        held("by a new colleague", "still_learning", *_taken("ann", 30)),
        held("by an integration", "integration", *ANN, *_taken("ann", 30, is_integration=True)),
        quiet("refused", *ANN, *_taken("ann", 30, status="failure")),
        quiet("by a program that synchronises", *ANN, *_taken("ann", 70, device_key="drivesync/windows", agent_kind="api")),
        quiet("without a device", *ANN, *_taken("ann", 30, device_key=None)),
        quiet("of nothing"),
        fires("hostile names", *ANN, *(download("ann", "21:00", nth=n, file=f"{name}{n}", device_key="opera/windows/pc", parent_table="sn_hr_" + name,
              src_ip=name) for n, name in enumerate(HOSTILE * 2))),
    ),
)  # fmt: skip
