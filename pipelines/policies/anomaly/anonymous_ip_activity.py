"""Somebody acts from a Tor exit or an anonymous proxy: a way out that exists to hide who comes.

All successful activities count, not only logins: a stolen token or session never logs in. Failed logins and logins
without a person do not, as at Microsoft. An address that colleagues use regularly is listed by mistake, and the
organisation's own ranges (`corporate`) and gateways (`vpn`) beat every list. A relay that a phone or browser brings along
(`privacy_relay`) hides nobody from us and is no anonymous address.
"""

from __future__ import annotations

from typing import Any

import ibis.expr.types as ir

from pipelines.policies.cases import HOSTILE, activity, failure, fires, held, known, login, quiet, regular
from pipelines.policies.core import Evidence, Kind, Params, Policy, Tables
from pipelines.policies.listed import ANONYMOUS, FACTS, PARAMS, SUPPRESSIONS, explained, from_listed, gathered


def detect(tables: Tables, params: Params) -> ir.Table:
    """Episodes of activity from anonymous addresses."""
    rows = from_listed(tables["core__activity"], ANONYMOUS)
    return gathered(explained(rows, tables["state__seen"], params), params)


TOR: dict[str, Any] = {
    "city": "Denver", "src_ip": "198.51.100.7", "asn": 64910, "as_org": "Exit Hosting", "device_key": "tor/windows/pc",
    "ip_categories": ["tor"],
}  # fmt: skip
PROXY: dict[str, Any] = TOR | {
    "as_org": "Veil",
    "ip_categories": ["anonymous_proxy"],
    "device_key": "chrome/windows/pc",
}
OWN: dict[str, Any] = PROXY | {"device_key": "firefox/linux/pc"}

POLICY = Policy(
    id="anonymous_ip_activity",
    kind=Kind.ANOMALY,
    severity="medium",
    attack=("T1078", "T1090.003"),
    title="{actor} acted from {trait_value}, an anonymous address ({listed_as}, {network})",
    summary=__doc__,
    blind_to="Proxies and private tunnels that no list knows; rented servers; activities without an address; whoever comes "
    "through an address that colleagues use regularly.",
    triage=(
        "Ask the person, by a channel other than the account, whether they use such a service.",
        "Look at the device: a new one beside a hidden address speaks for theft.",
        "Read what was done from there: downloads, exports, role changes, new credentials.",
        "If nobody explains it, end all sessions, reset credentials and revoke tokens.",
    ),
    reads=("core__activity", "state__seen"),
    needs=Evidence(
        tables=("sysevent",),
        helpful_tables=("syslog_transaction", "sys_user"),
        columns=("sysevent.parm2", "syslog_transaction.remote_ip"),
        data=("ip_lists", "asn"),
    ),
    params=PARAMS,
    suppressions=SUPPRESSIONS,
    facts=FACTS,
    detect=detect,
    cases=(
        fires("a login through Tor", *regular("ann"), login("ann", "08:00", **TOR),
              having={"listed_as": "tor", "trait_value": "198.51.100.7", "severity": "high", "login_count": 1}),
        fires("a login through a proxy", *regular("ann"), login("ann", "08:00", **PROXY), having={"listed_as": "anonymous_proxy"}),
        fires("a token used through Tor, without a login", *regular("ann"), *(
              activity("ann", "08:00", "api_request", nth=n, later=15 * n, is_interactive=False, **TOR) for n in range(25)),
              having={"evidence_count": 25, "login_count": 0}),
        fires("an integration's secret used through Tor", login("svc", "08:00", is_integration=True, **TOR | {"is_interactive": None})),
        fires("somebody who is new", login("ann", "08:00", **PROXY)),
        fires("one alert for an evening", *(activity("ann", "18:00", "page_viewed", later=600 * n, **TOR) for n in range(20))),
        fires("two episodes", login("ann", "02:00", **TOR), login("ann", "12:00", **TOR), alerts=2),
        quiet("an address on no list", *regular("ann"), login("ann", "08:00", **TOR | {"ip_categories": ["hosting"]})),
        quiet("a privacy relay", *regular("ann"), login("ann", "08:00", **TOR | {"ip_categories": ["privacy_relay"]})),
        quiet("a botnet", login("ann", "08:00", **TOR | {"ip_categories": ["botnet"]})),
        quiet("failures", *(failure("ann", "08:00", nth=n, **TOR) for n in range(5))),
        quiet("a login without a person", login("ann", "08:00", is_interactive=False, **TOR)),
        quiet("a session that times out", activity("ann", "08:00", "logout", **TOR)),
        quiet("an address inferred from the last login", activity("ann", "08:00", "file_downloaded", ip_source="last_login", **TOR)),
        quiet("our own account", login("nowguard.collector", "08:00", is_own=True, **TOR)),
        fires("a proxy of a list that is half sure", *regular("ann"), login("ann", "08:00", **PROXY | {"ip_confidence": 50}), having={"severity": "medium"}),
        held("a proxy of a list that is not sure", "unsure_list", *regular("ann"), login("ann", "08:00", **PROXY | {"ip_confidence": 29})),
        held("the organisation's own gateway on a list", "own_gateway", login("ann", "08:00", **PROXY | {"ip_categories": ["anonymous_proxy", "vpn"]}),
             sensitivity="high"),
        held("a client's site on a list", "shared_address", known("bob", "ip", "198.51.100.7", days=2), known("cem", "ip", "198.51.100.7", days=2),
             login("ann", "08:00", **PROXY)),
        held("the second address of such a site", "shared_address", *regular("ann"), known("bob", "ip", "198.51.100.8"), known("cem", "ip", "198.51.100.9"),
             login("ann", "08:00", **OWN)),
        held("a new colleague on such a site", "shared_address", known("bob", "ip", "198.51.100.8"), known("cem", "ip", "198.51.100.9"),
             login("ann", "08:00", **PROXY)),
        fires("a strange device beside colleagues' addresses", *regular("ann"), known("bob", "ip", "198.51.100.8"), known("cem", "ip", "198.51.100.9"),
              login("ann", "08:00", **PROXY)),
        fires("a proxy that one colleague uses", known("bob", "ip", "198.51.100.7"), login("ann", "08:00", **PROXY)),
        fires("a proxy through which many accounts came once", *(known(f"u{n}", "ip", "198.51.100.7", days=1) for n in range(9)),
              login("ann", "08:00", **PROXY)),
        fires("a Tor exit that colleagues use", *(known(f"u{n}", "ip", "198.51.100.7") for n in range(9)), login("ann", "08:00", **TOR)),
        held("a private VPN", "usual_way_out", *regular("ann"), known("ann", "asn", "64910"), login("ann", "08:00", **OWN)),
        fires("a private VPN, at high sensitivity", *regular("ann"), known("ann", "asn", "64910"), login("ann", "08:00", **OWN), sensitivity="high"),
        fires("a private VPN in its first days", *regular("ann"), known("ann", "asn", "64910", days=2), login("ann", "08:00", **OWN)),
        fires("the person's VPN on a strange device", *regular("ann"), known("ann", "asn", "64910"), login("ann", "08:00", **PROXY)),
        fires("Tor beside a private VPN", *regular("ann"), known("ann", "asn", "64910"), login("ann", "08:00", **OWN), login("ann", "08:05", **TOR),
              behaviors=1),
        quiet("of nothing"),
        fires("hostile names", *(login(name, "08:00", nth=n, actor_user_uid="uid-x", **TOR | {"src_ip": name, "as_org": name, "device_key": name})
              for n, name in enumerate(HOSTILE))),
    ),
)  # fmt: skip
