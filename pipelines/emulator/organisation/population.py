"""Every number that shapes the organisation, with where it comes from; none is tuned to a policy of ours."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Any

OWN = "own assumption"
RBA = "RBA login data set, figures of hour and weekday"
RBA_DEVICES = "RBA login data set, device shares moved towards office work"
DEFENDER = "Defender for Cloud Apps documentation"
SAMPLE = "ServiceNow sample records"
GEO = "comparison of two free city databases"


def _parameter(default: Any, meaning: str, source: str = OWN) -> Any:
    return field(default=default, metadata={"meaning": meaning, "source": source})


@dataclass(frozen=True)
class Population:
    """Parameters of the generator. Shares are 0 to 1, rates are per unit named in the meaning."""

    # who
    external_share: float = _parameter(0.08, "customer contacts among all users")
    part_time_share: float = _parameter(0.08, "employees who work three or four days a week")
    remote_share: float = _parameter(0.18, "employees who never come to an office")
    service_desk_share: float = _parameter(0.06, "employees in the service desk, who also impersonate")
    administrators: int = _parameter(12, "holders of the admin role, whatever the size of the organisation")
    sso_share: float = _parameter(0.62, "employees who sign in through the identity provider")
    vpn_share: float = _parameter(
        0.40, "employees whose laptop tunnels through a company gateway when not in an office"
    )
    foreign_gateway_share: float = _parameter(0.12, "tunnels that end at a gateway of another region")
    mobile_share: float = _parameter(0.45, "employees who also use a phone")
    ipv6_share: float = _parameter(0.20, "homes whose provider gives IPv6")
    border_commuter_share: float = _parameter(0.08, "employees of Rotterdam and Lyon who live across the border")
    secure_edge_share: float = _parameter(
        0.03, "employees behind a secure edge whose exits hop between countries", "request to Microsoft, issue 661"
    )
    cloud_desktop_share: float = _parameter(0.02, "employees on virtual desktops in a cloud region")
    privacy_relay_share: float = _parameter(0.02, "employees whose home browsing leaves through a privacy relay")
    personal_vpn_share: float = _parameter(0.007, "employees with a commercial VPN of their own, at home, always")
    shared_desk_share: float = _parameter(
        0.20, "employees of Lyon who work from a shared desk that databases place abroad", GEO
    )
    client_site_share: float = _parameter(
        0.25, "employees of Denver who work at a client's site that a list calls a proxy", DEFENDER
    )
    traveller_share: float = _parameter(0.15, "employees who travel on business")
    leavers_a_month: float = _parameter(
        0.015, "share of employees who leave in 30 days", "usual staff turnover, about 18 % a year"
    )
    joiners_a_month: float = _parameter(
        0.015, "share of employees who join in 30 days", "usual staff turnover, about 18 % a year"
    )
    dormant_share: float = _parameter(0.04, "employees whose account is active and never used")
    # when
    office_day_share: float = _parameter(0.60, "working days that employees with an office spend in it")
    absence_share: float = _parameter(0.06, "working days off: ill, holiday")
    weekend_share: float = _parameter(
        0.07, "weekend days on which an employee works a little; consumer services have 0.80 to 0.85", RBA
    )
    workday_start_hour: float = _parameter(8.4, "mean local hour of the first login", RBA)
    workday_start_spread: float = _parameter(
        0.8, "standard deviation of that hour between users, half of it within a user", RBA
    )
    second_session_share: float = _parameter(0.65, "working days with a second session in the afternoon", RBA)
    evening_session_share: float = _parameter(0.07, "working days with an evening session from home", RBA)
    mobile_session_share: float = _parameter(
        0.30, "working days with a phone session, of those who use one", RBA_DEVICES
    )
    trips_a_day: float = _parameter(0.015, "chance that a traveller's working day begins a trip of two to five days")
    conference_size: int = _parameter(7, "colleagues who travel to the same conference for three days")
    new_office_size: int = _parameter(6, "employees who move to an office opened in the middle of the period")
    holiday_share: float = _parameter(
        0.06, "employees on a long holiday in 30 days, some of whom look at their mail from there"
    )
    roaming_home_share: float = _parameter(
        0.5, "phone sessions abroad that leave at the home carrier (home-routed roaming)"
    )
    # how much
    requests_a_session: float = _parameter(15.0, "median requests of a browser session")
    requests_spread: float = _parameter(
        0.75, "sigma of the lognormal of requests in a session", "heavy tail as in CLUE's user-days"
    )
    user_load_spread: float = _parameter(
        0.45, "sigma of the lognormal of activity between users", "heavy tail as in CLUE's user-days"
    )
    downloads_a_request: float = _parameter(0.030, "requests that fetch an attachment")
    portal_download_share: float = _parameter(
        0.15, "of those, fetched through the attachment API, which raises no event"
    )
    uploads_a_day: float = _parameter(0.45, "files an employee attaches in a working day")
    exports_a_day: float = _parameter(0.05, "list exports an employee makes in a working day")
    updates_a_day: float = _parameter(2.5, "audited field changes of an employee in a working day")
    mails_a_day: float = _parameter(1.6, "notifications sent in a day, per employee")
    logout_share: float = _parameter(0.35, "sessions closed by a logout", SAMPLE)
    typo_share: float = _parameter(0.07, "password logins that follow one to three failures")
    impersonations_a_day: float = _parameter(0.25, "impersonations of a service desk agent in a working day")
    role_grants_a_day: float = _parameter(
        0.8, "roles granted or revoked by administrators in a working day, per 300 users"
    )
    stock_files: float = _parameter(9.0, "files attached before the first day, per user")
    file_median_bytes: float = _parameter(60_000.0, "median size of an attachment")
    file_spread: float = _parameter(1.4, "sigma of the lognormal of file sizes")
    quarter_end_factor: float = _parameter(
        2.5, "activity of finance in the last three working days of a quarter and the first two after"
    )
    # log mechanics
    late_share: float = _parameter(0.002, "log rows that become readable 1 to 40 minutes after their time")
    very_late_share: float = _parameter(0.0001, "log rows that become readable 2 to 40 hours after their time")
    event_update_seconds: tuple[int, int] = _parameter(
        (5, 30), "delay between a sysevent row and its processing", SAMPLE
    )
    transferred_share: float = _parameter(
        0.0005,
        "sysevent rows that have a twin in state transferred, besides those of midnight",
        "table rotation documentation",
    )
    sso_without_login_share: float = _parameter(
        0.2, "SSO logins seen as session.established instead of login", "two parser libraries"
    )
    export_log: bool = _parameter(
        True,
        "whether the security product runs, which records exports in `isc_export_event`; if not, there is no such table",
        SAMPLE,
    )
    # what location data gets wrong
    citiless_share: float = _parameter(0.12, "home networks whose record has no city, only the country's centre", GEO)
    misplaced_share: float = _parameter(0.04, "home networks recorded in another country", GEO)
    # how it is configured
    hardened_share: float = _parameter(0.85, "hardening properties that follow the vendor's recommendation")
    absent_property_share: float = _parameter(0.15, "hardening properties that have no row")
    access_rules: int = _parameter(1_200, "access control rules; a grown instance has tens of thousands")
    open_rule_share: float = _parameter(
        0.01, "of those, rules without role, condition and script", "about 70 % of tested instances have some"
    )
    public_rule_share: float = _parameter(0.005, "roles asked for that are the role public")
    scripts: int = _parameter(60, "script includes of the organisation's own")
    dynamic_script_share: float = _parameter(0.03, "of those, scripts that evaluate text as code")
    enrolled_share: float = _parameter(0.6, "employees with a local password who enrolled a second factor")
    refused_passwords: int = _parameter(5_200, "passwords that nobody may choose")
    tokens_a_client: int = _parameter(12, "OAuth tokens of each kind that a client holds")
    # attacks and look-alikes
    learning_days: int = _parameter(7, "days after the first in which no scenario is played", DEFENDER)
    scene_rate: float = _parameter(1.0, "copies of each scenario per 300 users and 30 days; at least one")


def parameters() -> Iterator[tuple[str, object, str, str]]:
    """Name, default, meaning and source of each parameter, in order of declaration."""
    for item in fields(Population):
        yield item.name, item.default, item.metadata["meaning"], item.metadata["source"]


def parameter_table() -> str:
    """The Markdown table of docs/explanation/population.md."""
    lines = [f"| `{name}` | {default} | {meaning} | {source} |" for name, default, meaning, source in parameters()]
    return "\n".join(["| parameter | default | meaning | source |", "| --- | --- | --- | --- |", *lines])
