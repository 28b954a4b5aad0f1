"""Somebody logs in from an address of the category *risky*: a Tor exit, an anonymous proxy or a botnet.

Only successful logins of a person count, as in Microsoft's template; what else is done from such addresses is told by
`anonymous_ip_activity` and `suspicious_ip_activity`. An address that is listed hours after the login is found all the
same, within the look-back of the lists. The organisation's own ranges (`corporate`) and gateways (`vpn`) beat every list.
"""

from __future__ import annotations

from typing import Any

import ibis.expr.types as ir

from pipelines.policies.cases import HOSTILE, activity, failure, fires, held, known, login, quiet, regular
from pipelines.policies.core import Evidence, Kind, Params, Policy, Tables
from pipelines.policies.listed import FACTS, PARAMS, RISKY, SUPPRESSIONS, explained, from_listed, gathered


def detect(tables: Tables, params: Params) -> ir.Table:
    """Episodes of logins from risky addresses."""
    activity = tables["core__activity"]
    rows = from_listed(activity.filter(activity.activity_name == "login"), RISKY)
    return gathered(explained(rows, tables["state__seen"], params), params)


BOTNET: dict[str, Any] = {
    "src_ip": "198.51.100.7", "asn": 64910, "as_org": "Utrecht Cable", "device_key": "chrome/windows/pc", "ip_categories": ["botnet"],
}  # fmt: skip

POLICY = Policy(
    id="risky_ip_logon",
    kind=Kind.ACTIVITY,
    severity="medium",
    attack=("T1078", "T1090"),
    title="{actor} logged in from {trait_value}, a risky address ({listed_as}, {network})",
    summary=__doc__,
    blind_to="Sessions and tokens that were stolen after the login; addresses that no list knows, or that are listed later "
    "than the look-back; whoever logs in through an address that colleagues use regularly.",
    triage=(
        "Ask the person, by a channel other than the account, whether the login was theirs.",
        "Look at the device and the network: both new beside a listed address speak for theft.",
        "Search for other accounts that logged in from the same address.",
        "If nobody explains it, end all sessions and reset credentials.",
    ),
    reads=("core__activity", "state__seen"),
    needs=Evidence(
        tables=("sysevent",), helpful_tables=("sys_user",), columns=("sysevent.parm2",), data=("ip_lists", "asn")
    ),
    params=PARAMS,
    suppressions=SUPPRESSIONS,
    facts=FACTS,
    detect=detect,
    cases=(
        *(fires(f"a login from an address of the list {name}", *regular("ann"), login("ann", "08:00", **BOTNET | {"ip_categories": [name]}),
                having={"listed_as": name, "severity": "high"}) for name in RISKY),
        fires("on the person's own device", *regular("ann"), login("ann", "08:00", **BOTNET | {"device_key": "firefox/linux/pc"}),
              having={"severity": "medium"}),
        fires("three logins of one evening", *(login("ann", f"{hour}:00", **BOTNET) for hour in (18, 19, 21)), having={"login_count": 3}),
        quiet("other activities", *regular("ann"), activity("ann", "08:00", "page_viewed", **BOTNET)),
        quiet("a source of spraying", login("ann", "08:00", **BOTNET | {"ip_categories": ["password_spray"]})),
        quiet("failures", *(failure("ann", "08:00", nth=n, **BOTNET) for n in range(5))),
        quiet("a failure that is called a login", login("ann", "08:00", status="failure", **BOTNET)),
        quiet("a login without a person", login("ann", "08:00", is_interactive=False, **BOTNET)),
        fires("a list that is half sure", *regular("ann"), login("ann", "08:00", **BOTNET | {"ip_confidence": 50}), having={"severity": "medium"}),
        held("a list that is not sure", "unsure_list", *regular("ann"), login("ann", "08:00", **BOTNET | {"ip_confidence": 0})),
        held("an own gateway on a list", "own_gateway", login("ann", "08:00", **BOTNET | {"ip_categories": ["anonymous_proxy", "vpn"]})),
        held("a client's site on a list", "shared_address", known("bob", "ip", "198.51.100.7", days=2), known("cem", "ip", "198.51.100.7", days=2),
             login("ann", "08:00", **BOTNET)),
        fires("an address where two colleagues were once", known("bob", "ip", "198.51.100.7", days=1), known("cem", "ip", "198.51.100.7", days=1),
              login("ann", "08:00", **BOTNET)),
        held("a home that is listed by mistake", "usual_way_out", *regular("ann"), known("ann", "ip", "198.51.100.7"),
             login("ann", "08:00", **BOTNET | {"device_key": "firefox/linux/pc"})),
        fires("a neighbour on the same network", *regular("ann"), known("ann", "asn", "64910"), login("ann", "08:00", **BOTNET | {"device_key": "firefox/linux/pc"})),
        quiet("of nothing"),
        fires("hostile names", *(login(name, "08:00", nth=n, actor_user_uid="uid-x", **BOTNET | {"src_ip": name, "as_org": name, "device_key": name})
              for n, name in enumerate(HOSTILE))),
    ),
)  # fmt: skip
