"""Events held against the OCSF 1.8.0 schema itself, compiled from its repository."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any


def complaints(event: Mapping[str, Any], class_name: str) -> list[str]:
    """What the schema says against an event, each with its path; empty where nothing."""
    found = _validator(class_name).iter_errors(json.loads(json.dumps(event)))
    return sorted(f"{'.'.join(map(str, error.absolute_path))}: {error.message}" for error in found)


@cache
def _validator(class_name: str) -> Any:
    from jsonschema import Draft202012Validator  # compiles a grammar of its own: 2 s that collecting must not pay

    schema = json.loads((Path(__file__).parent / "findings-1.8.0.json").read_text(encoding="utf-8"))
    return Draft202012Validator({"$ref": f"#/$defs/{class_name}", "$defs": schema["$defs"]})
