"""`<id>.sql`: one SELECT, with what the policy says of itself as TOML in the comment on top.

-- title = "{actor} exported {rows} rows at night"
-- severity = "medium"
-- attack = ["T1530"]
SELECT actor_user_uid, actor_user_name, min(time) AS first_seen, max(time) AS last_seen,
       list(activity_uid ORDER BY activity_uid) AS evidence, sum(row_count) AS rows
FROM core__activity WHERE activity_name = 'exported' AND hour(time) < 5 GROUP BY ALL HAVING sum(row_count) > 10000
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from pipelines.errors import UsageError
from pipelines.policies.core import Policy
from pipelines.policies.user.locked import check_title, describe
from pipelines.policies.user.problem import Problem, id_of, line_of
from pipelines.policies.user.told import policy_from


def policy_of(path: Path) -> Policy | Problem:
    """The policy of the file, bound to the contracts without data; or what keeps it from being used."""
    id_ = path.stem
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        return Problem(id_of(id_), str(path), 1, str(error), "save the file as UTF-8")
    head, body, first = _split(text)
    if id_ != id_of(id_):
        return Problem(id_of(id_), str(path), 1, f"{id_} is no policy id", f"call the file {id_of(id_)}.sql")
    try:
        policy = policy_from(tomllib.loads(head), id_=id_, query=body, path=str(path))
    except (tomllib.TOMLDecodeError, UsageError) as error:
        cause, remedy = (
            (error.cause, error.remedy) if isinstance(error, UsageError) else (str(error), "correct the head")
        )
        at = re.search(r"line (\d+)", cause)
        last = first - 1 if "end of document" in cause else line_of(text, cause.split()[-1])
        return Problem(id_, str(path), int(at[1]) if at else last, cause, remedy)
    try:
        check_title(policy.title, describe(body, policy.reads))
    except UsageError as error:
        at = re.search(r"LINE (\d+):", error.cause)
        return Problem(id_, str(path), first + (int(at[1]) - 2 if at else 0), error.cause, error.remedy)
    return policy


def _split(text: str) -> tuple[str, str, int]:
    """(TOML of the comment on top, the query, the line that it starts on)."""
    lines = text.splitlines()
    count = next((n for n, line in enumerate(lines) if line.strip() and not line.lstrip().startswith("--")), len(lines))
    head = "\n".join(re.sub(r"^\s*-- ?", "", line) for line in lines[:count])
    return head, "\n".join(lines[count:]).rstrip().rstrip(";"), count + 1
