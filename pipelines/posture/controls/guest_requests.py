"""Unauthenticated endpoints: what answers a request without a login (70, 72-89; 71 is in `named`)."""

from __future__ import annotations

from functools import partial

from pipelines.posture.checks import Every, Property
from pipelines.posture.controls._declare import EVERY_RELEASE, setting
from pipelines.posture.core import Category, Control, Release
from pipelines.posture.values import TRUE, Is

_setting = partial(setting, Category.ENDPOINTS)


def _asks_for_login(
    ref: str,
    what: str,
    title: str,
    page: str,
    severity: float,
    why: str,
    *,
    processor: str = "",
    absent: str | None = "false",
    ships: str | None = None,
    irreversible: bool = True,
    release: Release = EVERY_RELEASE,
) -> Control:
    """One of the switches `glide.basicauth.required.*`; where it has no row the processor answers guests."""
    return _setting(
        ref,
        f"{what}_requests_authenticated",
        title,
        Property(f"glide.basicauth.required.{processor or what}", TRUE, absent=absent, ships=ships),
        severity,
        page,
        why=why,
        impact="Whoever asked for it without a login needs an account from then on.",
        irreversible=irreversible,
        release=release,
    )


CONTROLS = (
    _asks_for_login(
        "70",
        "rest",
        "REST requests need a login",
        "sc-api-request-authorization",
        8.6,
        "The REST interface otherwise gives guests whatever their role allows.",
        processor="api",
    ),
    _setting(
        "72",
        "soap_requests_authenticated",
        "SOAP requests need a login and message security",
        Every(
            (
                Property("glide.basicauth.required.soap", TRUE, ships="false"),
                Property("glide.soap.require_ws_security", TRUE, ships="false"),
            )
        ),
        8.1,
        "sc-soap-request-authorization",
        why="A SOAP call without a login runs as the SOAP guest.",
        impact="SOAP clients sign their messages and need an account.",
        irreversible=True,
    ),
    _setting(
        "73",
        "soap_strict_security_enabled",
        "SOAP requests need a SOAP role",
        Property("glide.soap.strict_security", TRUE, absent="true"),
        6.8,
        "sc-soap-request-strict-security",
        why="Without it any account may call what is not public.",
        impact="SOAP clients need one of the soap roles.",
    ),
    _setting(
        "74",
        "soap_content_type_checked",
        "SOAP requests are XML by their content type",
        Property("glide.soap.require_content_type_xml", TRUE, absent="false"),
        8.8,
        "sc-soap-content-type-checking",
        why="A web page can otherwise make the browser of a logged-in person send one.",
        impact="Clients that send another content type than text/xml are refused.",
        irreversible=True,
    ),
    _setting(
        "75",
        "soap_guest_user_limited",
        "SOAP without a login runs as soap.guest",
        Property("com.glide.soap.guest_user", Is("soap.guest"), absent="soap.guest", ships="soap.guest"),
        8.1,
        "sc-set-guest-user-for-soap-requests",
        why="A user with more rights would lend them to everybody.",
        impact="Calls without a login can do what soap.guest may do, and no more.",
    ),
    _asks_for_login(
        "76",
        "excel",
        "Excel exports need a login",
        "sc-excel-request-authorization",
        7.5,
        "A guest can otherwise export tables as Excel files.",
    ),
    _asks_for_login(
        "77",
        "csv",
        "CSV exports need a login",
        "sc-require-authorization-for-csv-requests",
        7.5,
        "A guest can otherwise export tables as CSV.",
    ),
    _asks_for_login(
        "78",
        "pdf",
        "PDF exports need a login",
        "sc-require-authorization-for-pdf-requests",
        7.5,
        "A guest can otherwise export tables as PDF.",
    ),
    _asks_for_login(
        "79",
        "jsonv2",
        "JSONv2 requests need a login",
        "sc-jsonv2-request-authorization",
        7.5,
        "A guest can otherwise dump tables as JSON.",
    ),
    _asks_for_login(
        "80",
        "xml",
        "XML exports need a login",
        "sc-xml-request-authorization",
        7.5,
        "A guest can otherwise export tables as XML.",
    ),
    _asks_for_login(
        "81",
        "xml_output",
        "The XML output processor needs a login",
        "sc-xml-output-authorization",
        7.5,
        "It gives records to guests otherwise.",
        processor="xmloutputprocessor",
    ),
    _asks_for_login(
        "82",
        "rss",
        "RSS feeds need a login",
        "sc-rss-request-authorization",
        7.5,
        "A guest can otherwise follow tables as a feed.",
    ),
    _asks_for_login(
        "83",
        "unload",
        "Unload exports need a login",
        "sc-require-authorization-for-unload-requests",
        7.5,
        "A guest can otherwise take configuration and data as an unload file.",
        processor="unl",
        irreversible=False,
    ),
    _asks_for_login(
        "84",
        "import",
        "Import requests need a login",
        "sc-import-request-authorization",
        5.3,
        "A guest can otherwise start an import.",
        processor="importprocessor",
    ),
    _asks_for_login(
        "85",
        "schema",
        "Requests for a table's schema need a login",
        "sc-schema-request-authorization",
        5.3,
        "The schema tells a stranger what there is to look for.",
    ),
    _asks_for_login(
        "86",
        "wsdl",
        "WSDL requests need a login",
        "sc-wsdl-request-authorization",
        5.3,
        "The description of a service tells a stranger the columns of its table.",
    ),
    _asks_for_login(
        "87",
        "xsd",
        "XSD requests need a login",
        "sc-xsd-request-authorization",
        5.3,
        "A schema file tells a stranger the columns of a table.",
    ),
    _asks_for_login(
        "88",
        "data_broker",
        "Requests to the data broker need a login",
        "sc-data-broker-rest-api-authorization",
        8.6,
        "The data broker otherwise answers guests.",
        processor="databrokerrestapiprocessor",
        ships="true",
    ),
    _asks_for_login(
        "89",
        "event_management",
        "Events are taken from known senders only",
        "sc-require-authentication-on-event-management-http-processor",
        7.0,
        "Anybody can otherwise inject events, where event management is active.",
        processor="evtmgmthttpprocessor",
        absent=None,
        ships="true",
        irreversible=False,
        release=Release(since=2.0, until=5.0),
    ),
)
