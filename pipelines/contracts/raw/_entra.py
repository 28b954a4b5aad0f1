"""What the two contracts of the identity provider share. Names on the wire are Graph's; times stay text, as received."""

from __future__ import annotations

from pipelines.contracts.raw._fields import OBSERVED_AT
from pipelines.contracts.table import CheckKind, Dtype, Field, Pii, Table, warn

ZULU_PATTERN = r"^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z)?$"


def _text(name: str, source: str, description: str, pii: Pii = Pii.NONE, pattern: str = "") -> Field:
    return Field(name, Dtype.STRING, description, source=source, pii=pii, pattern=pattern)


def _moment(name: str, source: str, description: str) -> Field:
    return _text(name, source, description, pattern=ZULU_PATTERN)


def _flag(name: str, source: str, description: str) -> Field:
    return Field(name, Dtype.BOOL, description, source=source)


def directory(name: str, title: str, grain: str, *more: Field) -> Table:
    """A snapshot of users of the identity provider, keyed by their object id."""
    return Table(
        name=f"raw_entra__{name}",
        title=title,
        grain=grain,
        key=("directory_id",),
        sort_by=("directory_id",),
        fields=(
            Field("directory_id", Dtype.STRING, "Object id in the directory", required=True, source="id", pii=Pii.PSEUDONYM),
            _text("user_principal_name", "userPrincipalName", "Sign-in name", Pii.IDENTIFIER),
            _text("mail", "mail", "Mail address", Pii.IDENTIFIER),
            _text("display_name", "displayName", "Full name", Pii.IDENTIFIER),
            _text("employee_id", "employeeId", "Number of the employee", Pii.IDENTIFIER),
            _text("user_type", "userType", "Member or Guest"),
            _flag("account_enabled", "accountEnabled", "Whether signing in is allowed"),
            _moment("created_date_time", "createdDateTime", "When the object was made, UTC"),
            _moment(
                "employee_leave_date_time", "employeeLeaveDateTime",
                "When the person left or leaves, UTC; empty as well where the application may not read it",
            ),
            _moment(
                "sign_in_sessions_valid_from", "signInSessionsValidFromDateTime", "Sessions begun before are no longer valid, UTC"
            ),
            _flag("on_premises_sync_enabled", "onPremisesSyncEnabled", "Kept in step with an on-premises directory"),
            _text("on_premises_sam_account_name", "onPremisesSamAccountName", "Name there", Pii.IDENTIFIER),
            *more,
            OBSERVED_AT,
        ),
        checks=(warn(CheckKind.ROWS_LIKE_HISTORY),),
    )  # fmt: skip


DELETED_AT = _moment("deleted_date_time", "deletedDateTime", "When the object was deleted, UTC")
