"""The user's folder: changes of our policies, and policies of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.policies import load, registry
from pipelines.policies.prove import prove

OWN = '''"""Somebody looked at a thing that nobody should look at, which this text explains at some length."""

import ibis

from pipelines.policies.cases import activity, fires, quiet
from pipelines.policies.core import Evidence, Kind, Policy


def detect(tables, params):
    seen = tables["core__activity"]
    seen = seen.filter(seen.resource_type == "secret")
    return seen.group_by("actor_user_uid", "actor_user_name").agg(
        first_seen=seen.time.min(), last_seen=seen.time.max(), evidence_count=seen.count(),
        evidence=seen.activity_uid.collect().sort(), src_ips=seen.src_ip.collect(distinct=True).sort(),
        countries=seen.country.collect(distinct=True).sort(),
    )


POLICY = Policy(
    id="{id}", kind=Kind.ACTIVITY, severity="low", attack=("T1213",), title="{{actor}} looked", summary=__doc__, blind_to="All else.",
    triage=("Ask.",), reads=("core__activity",), needs=Evidence(tables=("sysevent",)), detect=detect,
    cases=(fires("looks", activity("ann", "08:00", "record_viewed", resource_type="secret")),
           quiet("elsewhere", activity("ann", "08:00", "record_viewed", resource_type="incident"))),
)
'''


def write(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text, encoding="utf-8")


def test_without_a_file_nothing_changes(tmp_path: Path) -> None:
    assert registry(tmp_path) == registry()


def test_parameters_severity_scope_and_switch_are_taken(tmp_path: Path) -> None:
    write(
        tmp_path,
        "policies.toml",
        """
        [impossible_travel]
        severity = "high"
        params = { min_kmh = 800 }
        scope = { exclude_users = ["pentest"] }
        [multiple_failed_logins]
        enabled = false
    """,
    )

    found = registry(tmp_path)

    assert "multiple_failed_logins" not in found
    travel = found["impossible_travel"]
    assert (travel.severity, travel.values().min_kmh) == ("high", 800)
    assert travel.scoping.exclude_users == frozenset({"pentest"})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[impossible_travle]", "there is no policy impossible_travle"),
        ("[impossible_travel]\nseverty = 'high'", "unknown key severty"),
        ("[impossible_travel]\nseverity = 'huge'", "severity is 'huge'"),
        ("[impossible_travel]\nparams = { speed = 1 }", "no parameter speed"),
        ("[impossible_travel]\nparams = { min_kmh = 'x' }", "parameter min_kmh of policy impossible_travel is 'x'"),
        ("[impossible_travel]\nscope = { users = [] }", "unknown key users"),
        ("[impossible_travel]\nenabled = 'no'", "enabled is 'no'"),
        ("impossible_travel = 3", "write a table"),
        ("[impossible_travel\n", "line 1"),
    ],
)
def test_a_mistake_names_its_place_and_the_remedy(tmp_path: Path, text: str, message: str) -> None:
    write(tmp_path, "policies.toml", text)

    loaded = load(tmp_path)

    assert [message in problem.text for problem in loaded.problems] == [True]
    assert "policies.toml, line " in loaded.problems[0].text
    assert "fix: " in loaded.problems[0].text
    assert dict(loaded.policies) == dict(registry())  # nothing of ours is lost by it


def test_a_policy_of_the_user_is_one_like_ours(tmp_path: Path) -> None:
    write(
        tmp_path,
        "looked_at_a_secret.py",
        OWN.replace("{id}", "looked_at_a_secret").replace("{{", "{").replace("}}", "}"),
    )
    write(tmp_path, "_shared.py", "raise SystemExit")

    policy = registry(tmp_path)["looked_at_a_secret"]

    assert [proof.failure for proof in prove(policy)] == ["", ""]


def test_the_policy_and_the_changes_that_the_howto_shows_work_as_shown(tmp_path: Path) -> None:
    howto = (Path(__file__).parents[3] / "docs/howto/write-a-policy.md").read_text(encoding="utf-8")
    blocks = {name: howto.split(f"```{name}\n")[1].split("```")[0] for name in ("python", "toml")}
    write(tmp_path, "looked_at_a_secret.py", blocks["python"])
    write(tmp_path, "policies.toml", blocks["toml"])

    found = registry(tmp_path)

    assert "mass_download_by_single_user" not in found
    assert {proof.failure for proof in prove(found["looked_at_a_secret"])} == {""}


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("other.py", OWN.replace("{id}", "mine"), "call it mine.py"),
        ("impossible_travel.py", OWN.replace("{id}", "impossible_travel"), "has the id of one of ours"),
        ("empty.py", "x = 1", "declares no POLICY"),
        ("broken.py", "POLICY = (", "SyntaxError"),
    ],
)
def test_a_broken_policy_file_is_named(tmp_path: Path, name: str, text: str, message: str) -> None:
    write(tmp_path, name, text)

    loaded = load(tmp_path)

    assert [message in problem.text for problem in loaded.problems] == [True]
    assert f"{name}, line 1" in loaded.problems[0].text
    assert dict(loaded.policies) == dict(registry())


def test_the_rules_and_the_query_that_the_howto_shows_work_as_shown(tmp_path: Path) -> None:
    howto = (Path(__file__).parents[3] / "docs/howto/write-a-policy.md").read_text(encoding="utf-8")
    blocks = {name: howto.split(f"```{name}\n")[1].split("```")[0] for name in ("yaml", "sql")}
    write(tmp_path, "rules.yml", blocks["yaml"])
    write(tmp_path, "night_export.sql", blocks["sql"])

    loaded = load(tmp_path)

    assert loaded.problems == ()
    own = [loaded.policies[name] for name in ("many_accounts_from_one_address", "night_export")]
    assert [proof.failure for policy in own for proof in prove(policy)] == ["", ""]
