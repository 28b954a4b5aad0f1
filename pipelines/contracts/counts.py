"""Questions that need a number and no row: what the instance counts for us, and whatever it counts stays there.

Read with one request each. A count over a table that may not be read is no answer: the question is then unknown.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Question:
    """How many rows of `table` match the encoded `query`; empty: all of them.

    `column` is what the query looks into and the account might not: an instance drops such a filter without a word.
    `is_secret`: no account should be given that column for this; who may see it anyway is told, others are not asked to.
    """

    table: str
    query: str
    about: str
    column: str = ""
    is_secret: bool = False

    @property
    def access(self) -> str:
        """The right without which there is no answer."""
        return f"{self.table}.{self.column}: read" if self.column else f"{self.table}: read"


QUESTIONS = MappingProxyType(
    {
        "blacklisted_password": Question("blacklisted_password", "", "Passwords that nobody may choose"),
        "script_include_eval": Question(
            "sys_script_include", "active=true^scriptLIKEeval(", "Script includes that evaluate text as code", "script"
        ),
        "script_include_evaluator": Question(
            "sys_script_include",
            "active=true^scriptLIKEGlideEvaluator",
            "Script includes that evaluate stored expressions",
            "script",
        ),
        "callable_script_without_secure_api": Question(
            "sys_script_include",
            "active=true^client_callable=true^scriptLIKEnew GlideRecord(^scriptNOT LIKEcanRead",
            "Scripts that a browser may call and that read records without asking for rights",
            "script",
        ),
        "directory_account_with_password": Question(
            "sys_user",
            "active=true^sourceISNOTEMPTY^user_passwordISNOTEMPTY",
            "Accounts of a directory that have a local password too",
            "user_password",
            is_secret=True,
        ),
    }
)
