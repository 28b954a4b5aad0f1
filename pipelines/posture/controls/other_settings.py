"""Properties that scans of the instance ask for and the hardening settings do not list (of D8-D55)."""

from __future__ import annotations

from functools import partial

from pipelines.posture.checks import Property
from pipelines.posture.controls._declare import other, scan
from pipelines.posture.core import Category
from pipelines.posture.values import FALSE, TRUE, Filled, Isnt

_access = partial(other, Category.ACCESS_CONTROL)
_upkeep = partial(other, Category.INTEGRATIONS)

CONTROLS = (
    other(
        Category.ACCOUNTS,
        "D8",
        "default_password_changed",
        "New accounts do not get the password that everybody knows",
        Property("glide.user.default_password", Isnt("password", empty_counts=True)),
        scan("Act", "SE10266"),
        why="Whoever knows a new user name can log in before its owner does.",
        impact="Nothing changes for accounts that exist.",
    ),
    _access(
        "D30",
        "roleless_rules_closed_to_guests",
        "Access rules without a role do not let guests in",
        Property("glide.security.allow_unauth_roleless_acl", FALSE),
        scan("Act", "SE10643"),
        why="A rule that asks for no role would otherwise open its table to people who never logged in.",
        impact="Guests lose whatever such rules gave them.",
    ),
    other(
        Category.CONTENT,
        "D32",
        "article_read_criteria_apply_to_contributors",
        "Contributors read only the articles that their criteria allow",
        Property("glide.knowman.apply_article_read_criteria", TRUE),
        scan("", "SE10639"),
        why="Whoever may write into a knowledge base otherwise reads all of it.",
        impact="Contributors see fewer articles.",
    ),
    _upkeep(
        "D51",
        "trusted_mail_domains_set",
        "The trusted mail domains are named",
        Property("glide.user.trusted_domain", Filled("a list of mail domains")),
        scan("", "SE10216"),
        why="Without a list mail from any domain can make a user.",
        impact="Mail from other domains makes no user.",
    ),
    _upkeep(
        "D52",
        "mobile_pin_required",
        "The mobile application asks for a PIN",
        Property("glide.sg.require_mobile_application_pin", TRUE),
        scan("", "SE10450"),
        why="A lost telephone otherwise opens the account of its owner.",
        impact="People type a PIN when they open the application.",
    ),
    _upkeep(
        "D53",
        "attachment_extensions_listed",
        "The kinds of files that may be attached are listed",
        Property("glide.attachment.extensions", Filled("a list of extensions")),
        scan("Act", "SE10198"),
        why="Without a list programs and scripts can be attached.",
        impact="Files of other kinds are refused.",
    ),
    _upkeep(
        "D54",
        "smtp_authenticates",
        "The instance logs in to its mail server",
        Property("glide.smtp.auth", TRUE),
        scan("Act", "SE10174"),
        why="A server that asks for no login sends mail for anybody.",
        impact="Mail needs an account on the server.",
    ),
    _upkeep(
        "D55",
        "login_form_not_completed",
        "The login form is not completed by the browser",
        Property("glide.login.autocomplete", FALSE),
        scan("Act", "SE10190"),
        why="On a shared computer the browser would fill in who logged in before.",
        impact="People type their name and password.",
    ),
)
