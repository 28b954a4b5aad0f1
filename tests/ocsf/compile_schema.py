"""Turn a checkout of ocsf/ocsf-schema (Apache-2.0) into the JSON Schema of the classes that we export.

`git -C ocsf-schema checkout v1.8.0 && python -m tests.ocsf.compile_schema ocsf-schema > tests/ocsf/findings-1.8.0.json`

Resolved are `extends`, `$include`, the dictionary's types, enums, requirements and constraints of the two classes and of every object
reachable by the attributes in `FOLLOWED`; other objects are any object. Attributes of profiles that we do not apply are left out.
"""

from __future__ import annotations

import json
import sys
from functools import cache
from pathlib import Path
from typing import Any

CLASSES = ("compliance_finding", "detection_finding")
#: Attributes whose objects are held against their own declaration; the others we do not write.
FOLLOWED = frozenset(
    [
        "metadata",
        "product",
        "finding_info",
        "analytic",
        "attacks",
        "technique",
        "compliance",
        "remediation",
        "resources",
        "evidences",
        "src_endpoint",
    ]
)
PROFILES_APPLIED: frozenset[str] = frozenset()
BASE = {
    "boolean_t": "boolean", "float_t": "number", "integer_t": "integer", "long_t": "integer", "string_t": "string",
    "timestamp_t": "integer", "json_t": None,
}  # fmt: skip

Json = dict[str, Any]


class Checkout:
    """The files of one version of the schema."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.dictionary: Json = self.read("dictionary.json")
        self.types: Json = self.dictionary["types"]["attributes"]
        self.version: str = self.read("version.json")["version"]
        self.categories: Json = self.read("categories.json")["attributes"]
        self.wanted: dict[str, None] = {}

    @cache  # noqa: B019  # lives as long as the program
    def read(self, path: str) -> Json:
        found: Json = json.loads((self.root / path).read_text(encoding="utf-8"))
        return found

    def declared(self, name: str, folder: str) -> Json:
        """A class or object with what it inherits and includes."""
        path = next(self.root.glob(f"{folder}/**/{name}.json"))
        own = self.read(str(path.relative_to(self.root)))
        parent = own.get("extends")
        attributes: Json = dict(self.declared(parent, folder)["attributes"]) if parent else {}
        for included in own["attributes"].get("$include", ()):
            profile = self.read(included)
            for key, value in profile["attributes"].items():
                if profile["name"] in PROFILES_APPLIED:
                    attributes[key] = {**attributes.get(key, {}), **value}
        for key, value in own["attributes"].items():
            if key != "$include" and value.get("profile") in {None, *PROFILES_APPLIED}:
                before = attributes.get(key, {})
                enum = {**before.get("enum", {}), **value.get("enum", {})}
                attributes[key] = {**before, **value, **({"enum": enum} if enum else {})}
        constraints = own.get("constraints") or (self.declared(parent, folder).get("constraints") if parent else None)
        return {**own, "attributes": attributes, "constraints": constraints}

    def schema(self, declared: Json) -> Json:
        known: Json = self.dictionary["attributes"]
        properties = {
            key: self._value(key, {**known[key], **value, "enum": known[key].get("enum", {}) | value.get("enum", {})})
            for key, value in sorted(declared["attributes"].items())
        }
        required = sorted(k for k, v in declared["attributes"].items() if v.get("requirement") == "required")
        made: Json = {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
        constraints = declared.get("constraints") or {}
        if some := constraints.get("at_least_one"):
            made["anyOf"] = [{"required": [name]} for name in some]
        if one := constraints.get("just_one"):
            made["oneOf"] = [{"required": [name]} for name in one]
        return made

    def _value(self, key: str, attribute: Json) -> Json:
        single = self._single(key, attribute)
        return {"type": "array", "items": single} if attribute.get("is_array") else single

    def _single(self, key: str, attribute: Json) -> Json:
        kind = attribute["type"]
        if kind not in self.types:
            if key not in FOLLOWED:
                return {"type": "object"}
            self.wanted[kind] = None
            return {"$ref": f"#/$defs/{kind}"}
        base, made = kind, {}
        while base not in BASE:
            if pattern := self.types[base].get("regex"):
                made["pattern"] = pattern
            base = self.types[base]["type"]
        if BASE[base]:
            made["type"] = BASE[base]
        if BASE[base] == "integer" and attribute.get("enum"):
            made["enum"] = sorted(int(value) for value in attribute["enum"])
        return made

    def event(self, name: str) -> Json:
        """The schema of a class with its identifiers, which are derived and stand in no attribute."""
        declared = self.declared(name, "events")
        category = self.categories[self._category(declared)]["uid"]
        uid = 1000 * category + declared["uid"]
        made = self.schema(declared)
        activities = made["properties"]["activity_id"]["enum"]
        exact = {"category_uid": [category], "class_uid": [uid], "type_uid": [uid * 100 + a for a in activities]}
        for key, values in exact.items():
            made["properties"][key] = {"type": "integer", "enum": values}
        return made

    def _category(self, declared: Json) -> str:
        return str(declared.get("category") or self._category(self.declared(declared["extends"], "events")))


def main() -> None:
    checkout = Checkout(Path(sys.argv[1]))
    classes = {name: checkout.event(name) for name in CLASSES}
    objects: Json = {}
    while waiting := [name for name in checkout.wanted if name not in objects]:
        for name in waiting:
            objects[name] = checkout.schema(checkout.declared(name, "objects"))
    made = {
        "$comment": f"compiled from ocsf/ocsf-schema {checkout.version}, Apache-2.0, by tests/ocsf/compile_schema.py",
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "version": checkout.version,
        "$defs": {**classes, **dict(sorted(objects.items()))},
    }
    sys.stdout.write(json.dumps(made, indent=1) + "\n")


if __name__ == "__main__":
    main()
