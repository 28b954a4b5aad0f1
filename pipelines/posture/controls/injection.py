"""Injection: forged requests, XML, markup and scripts that come from outside (120-134)."""

from __future__ import annotations

from functools import partial

from pipelines.posture.checks import Every, Property, Some
from pipelines.posture.controls._declare import setting
from pipelines.posture.core import Category, Release, Severity
from pipelines.posture.values import FALSE, TRUE, Filled, Holds

_setting = partial(setting, Category.INJECTION)

_XML_SOURCE = "http://java.sun.com/j2ee/dtds/"  # all that the platform itself needs

CONTROLS = (
    _setting(
        "120",
        "csrf_token_used",
        "Writing requests carry a token of the session",
        Property("glide.security.use_csrf_token", TRUE, ships="true"),
        8.1,
        "sc-anti-csrf-token",
        why="A foreign page can otherwise make a logged-in browser change records.",
        impact="Forms that are open when the session ends have to be loaded again.",
        release=Release(since=2.0, until=5.0),
    ),
    # Listed as new in baseline 6.0, and by its title updated in two before: it counts in all.
    _setting(
        "121",
        "csrf_validation_strict",
        "A wrong token cannot be clicked away",
        Property("glide.security.csrf.strict.validation.mode", TRUE, ships="true"),
        Severity(3.7, "Medium"),
        "sc-csrf-strict-validation",
        why="The warning offers to send the forged request all the same.",
        impact="Requests with a token of another session are refused without a button to go on.",
    ),
    _setting(
        "122",
        "expired_csrf_tokens_rejected",
        "Expired tokens are refused",
        Property("glide.security.csrf_previous.allow", FALSE, absent="true", ships="false"),
        6.5,
        "sc-block-expired-csrf-tokens",
        why="A token that leaked once would work for ever.",
        impact="Forms that are open for very long have to be loaded again.",
    ),
    _setting(
        "123",
        "xml_entities_allowlisted",
        "XML entities are loaded from listed places only",
        Every(
            (
                Property("glide.xml.entity.whitelist", Holds((_XML_SOURCE,)), absent=_XML_SOURCE, ships=_XML_SOURCE),
                Property("glide.xml.entity.whitelist.enabled", TRUE, absent="true", ships="true"),
            )
        ),
        9.8,
        "sc-xml-entity-validation-url-allowlist",
        why="A document could otherwise make the server read its own files or call other hosts.",
        impact="Documents that load entities from elsewhere fail until the place is listed.",
        irreversible=True,
        steps=("Look through the entries of glide.xml.entity.whitelist and remove what nobody needs.",),
    ),
    _setting(
        "124",
        "xml_entity_expansion_disabled",
        "The streaming XML parser expands no entities",
        Property("glide.stax.allow_entity_resolution", FALSE, absent="true", ships="false"),
        9.0,
        "sc-disable-entity-expansion",
        why="Expanding entities reads files of the server, or brings it down.",
        impact="Documents with entities are parsed without them.",
        irreversible=True,
        steps=("First set glide.xml.entity.whitelist.enabled and glide.stax.whitelist_enabled to true.",),
    ),
    _setting(
        "125",
        "html_scripts_escaped",
        "Scripts in HTML fields are escaped in lists",
        Property("glide.html.escape_script", TRUE, ships="true"),
        8.8,
        "sc-escape-javascript",
        why="A script in a field runs with the session of whoever opens the list.",
        impact="Script tags in HTML fields are shown as text.",
        irreversible=True,
    ),
    _setting(
        "126",
        "xml_markup_escaped",
        "Markup in values is escaped before it reaches the browser",
        Property("glide.ui.escape_text", TRUE, absent="false"),
        8.8,
        "sc-escape-xml",
        why="Values would otherwise become part of the page, their scripts included.",
        impact="Pages that relied on markup in values show it as text.",
        irreversible=True,
    ),
    _setting(
        "127",
        "jelly_scripts_escaped",
        "Values in Jelly pages are escaped",
        Property("glide.ui.escape_all_script", TRUE, ships="true"),
        7.3,
        "sc-escape-jelly",
        why="A value in a UI page could otherwise run as a script.",
        impact="UI pages that put markup into values show it as text.",
    ),
    _setting(
        "128",
        "jelly_interpolation_protected",
        "Jelly expressions inside scripts are protected",
        Property("glide.ui.jelly.js_interpolation.protect", TRUE, absent="false"),
        9.0,
        "sc-enable-jelly-js-interpolation-protection",
        why="An expression inside a script lets a visitor write part of that script.",
        impact="UI pages that use unsafe expressions in scripts fail until these are marked safe.",
        irreversible=True,
        release=Release(since=8.0),
    ),
    _setting(
        "129",
        "chat_html_sanitized",
        "The virtual agent sanitizes HTML",
        Property("com.glide.cs.html.sanitizer.enabled", TRUE, absent="true"),
        8.0,
        "sc-enable-html-sanitizer",
        why="A message in the chat could otherwise run as a script on the other side.",
        impact="Chat messages lose markup that is not allowed.",
        irreversible=True,
    ),
    _setting(
        "130",
        "html_fields_sanitized",
        "HTML fields are sanitized when they are saved",
        Property("glide.html.sanitize_all_fields", TRUE, ships="true"),
        8.8,
        "sc-html-sanitizer",
        why="A stored script runs with the session of every reader.",
        impact="HTML fields lose tags and attributes that are not allowed.",
    ),
    _setting(
        "131",
        "code_tag_disallowed",
        "Journal fields render no HTML",
        Property("glide.ui.security.allow_codetag", FALSE, ships="true"),
        4.2,
        "sc-allow-embedded-html-code",
        why="Whoever may comment could put a script between code tags.",
        impact="HTML between code tags is shown as text.",
    ),
    _setting(
        "132",
        "updates_checked_twice",
        "Submitted forms are checked against access controls again",
        Property("glide.security.strict.updates", TRUE, absent="false"),
        8.1,
        "sc-double-check-inbound-transactions",
        why="Otherwise whoever sees a field can change it by a request of his own.",
        impact="Submissions that write a field without write access are refused.",
        irreversible=True,
    ),
    _setting(
        "133",
        "ui_actions_checked",
        "The conditions of UI actions are checked before they run",
        Property("glide.security.strict.actions", TRUE, absent="true"),
        3.3,
        "sc-check-ui-action-conditions-before-execution",
        why="A button that is hidden can otherwise be pressed by a request of one's own.",
        impact="UI actions run only where their button would be shown.",
    ),
    # The page says that either leaves the instance secure: strict with no list sends nobody outside.
    _setting(
        "134",
        "redirects_allowlisted",
        "Redirects lead to listed addresses only",
        Some(
            (
                Property("glide.security.url.whitelist.strict_check", TRUE, absent="true"),
                Property("glide.security.url.whitelist", Filled("a list of addresses"), absent=""),
            )
        ),
        6.3,
        "sc-enforce-url-allowlist-check",
        why="A link to the instance could otherwise end on the page of an attacker.",
        impact="Logout pages of single sign-on and other external addresses have to be listed.",
    ),
)
