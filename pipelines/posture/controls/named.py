"""The four that Microsoft names (their neighbours follow in the files of their categories)."""

from __future__ import annotations

from pipelines.posture.checks import Every, Plugin, Property, WhereReadable
from pipelines.posture.controls._declare import page, scan, score
from pipelines.posture.controls._tables import enforcement_policy, role_criterion
from pipelines.posture.core import Category, Control
from pipelines.posture.values import TRUE

CONTROLS = (
    Control(
        id="script_request_authorization_enabled",
        ref="71",
        title="Scripted processors ask for a login",
        category=Category.ENDPOINTS,
        check=Property("glide.basicauth.required.scriptedprocessor", TRUE, absent="false"),
        severity=score(7.2),
        source=page("sc-script-request-authorization"),
        why="Without it a visitor who never signed in can call scripted processors and read what they return.",
        impact="Whoever called scripted processors as a guest needs an account from then on.",
        irreversible=True,
        named_by_microsoft=True,
    ),
    Control(
        id="mfa_enabled",
        ref="21",
        title="Multi-factor authentication is on",
        category=Category.AUTHENTICATION,
        check=Every(
            (
                Property("glide.authenticate.multifactor", TRUE, absent="false"),
                WhereReadable(role_criterion()),
                WhereReadable(enforcement_policy(), "yokohama"),
            )
        ),
        severity=score(7.2),
        source=page("sc-activate-role-based-multi-factor-authentication"),
        why="A stolen password alone opens the account.",
        impact="People set up a second factor at their next login.",
        named_by_microsoft=True,
    ),
    Control(
        id="explicit_roles_plugin_active",
        ref="D1",
        title="The explicit roles plugin is active",
        category=Category.ACCOUNTS,
        check=Plugin("com.glide.explicit_roles"),
        severity=scan("Act", "SE10169")[0],
        source=scan("Act", "SE10169")[1],
        why="Without it external users reach every table that asks for no role.",
        impact="Users get the internal or the external role; who has neither sees less.",
        irreversible=True,
        named_by_microsoft=True,
    ),
    Control(
        id="high_security_plugin_active",
        ref="1",
        title="The high security plugin is active",
        category=Category.PLATFORM,
        check=Plugin("com.glide.high_security"),
        severity=score(9.8),
        source=page("sc-high-security-plugin"),
        why="It sets hundreds of secure defaults and makes administrators elevate before they edit access controls.",
        impact="Administrators elevate to security_admin before they change access controls.",
        irreversible=True,
        named_by_microsoft=True,
    ),
)
