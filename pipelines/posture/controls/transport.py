"""Headers, transport and pages that tell about the platform (135-141)."""

from __future__ import annotations

from functools import partial

from pipelines.posture.checks import Property
from pipelines.posture.controls._declare import setting
from pipelines.posture.core import Category, Release
from pipelines.posture.values import FALSE, TRUE

_setting = partial(setting, Category.INJECTION)

CONTROLS = (
    _setting(
        "135",
        "framing_restricted",
        "Other sites cannot frame the instance",
        Property("glide.set_x_frame_options", TRUE, absent="false"),
        5.9,
        "sc-x-frame-options-sameorigin",
        why="A page over an invisible frame makes people click what they do not see.",
        impact="Portals that show the instance in a frame stop doing so.",
    ),
    _setting(
        "136",
        "deprecated_tls_disabled",
        "TLS 1.0 and 1.1 are not spoken",
        Property("com.glide.communications.disable.deprecated.tls", TRUE, absent="true", ships="true"),
        4.4,
        "sc-disable-deprecated-tls-versions",
        why="The old versions can be broken on the way.",
        impact="Servers that know no TLS 1.2 cannot be called.",
        release=Release(since=6.0),
    ),
    _setting(
        "137",
        "outbound_sslv3_disabled",
        "Outbound calls never fall back to SSL 3",
        Property("glide.outbound.sslv3.disabled", TRUE, absent="false"),
        6.5,
        "sc-disabling-sslv2-sslv3",
        why="SSL 3 has been broken since 2014.",
        impact="Servers that know SSL 3 only cannot be called.",
    ),
    _setting(
        "138",
        "outbound_hostname_verified",
        "Outbound calls check the name and the chain of the certificate",
        Property("com.glide.communications.httpclient.verify_hostname", TRUE, absent="false"),
        7.4,  # the page has the number and the word in each other's place
        "sc-verify-certificate-chain-and-hostname",
        why="Otherwise anybody on the way can pose as the other side.",
        impact="Calls to servers with a wrong or private certificate fail until it is trusted.",
    ),
    _setting(
        "139",
        "outbound_certificates_not_all_trusted",
        "Outbound calls do not trust every certificate",
        Property("com.glide.communications.trustmanager_trust_all", FALSE),
        5.7,
        "sc-certificate-trust",
        why="An expired or self-made certificate would be taken for a good one.",
        impact="Calls to servers with such certificates fail until these are trusted.",
        release=Release(until=5.0, again=7.0),
    ),
    _setting(
        "140",
        "diagnostic_pages_protected",
        "Diagnostic pages need a login",
        Property("glide.security.diag_txns_acl", TRUE, absent="true"),
        5.3,
        "sc-performance-monitoring-acl",
        why="stats.do, threads.do and their like tell strangers how the instance is built.",
        impact="Monitors that read these pages as a guest need an account.",
    ),
    _setting(
        "141",
        "sql_errors_hidden",
        "Errors of the database are not shown in the browser",
        Property("glide.db.loguser", FALSE, absent="true", ships="true"),
        3.1,
        "sc-disabling-sql-error-messages",
        why="They name tables and columns, which is what an attacker tries to learn.",
        impact="People see a general message; the log keeps the details.",
    ),
)
