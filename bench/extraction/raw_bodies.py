"""Child: the limit. The same number of requests by four cookie-less threads; decoded bodies to disk, nothing parsed."""

from __future__ import annotations

import argparse
import http.client
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

PAGE = 10_000


def fetch(url: str, offset: int, target: Path, squeezed: bool) -> None:
    address = urlsplit(url)
    wire = http.client.HTTPConnection(address.hostname or "", address.port)
    path = f"/api/now/table/syslog_transaction?sysparm_limit={PAGE}&sysparm_offset={offset}&sysparm_no_count=true"
    wire.request("GET", path, headers={"Accept-Encoding": "gzip"} if squeezed else {})
    answer = wire.getresponse()
    inflate = zlib.decompressobj(31) if answer.headers.get("Content-Encoding") == "gzip" else None
    with target.open("wb") as stream:
        while piece := answer.read(1 << 18):
            stream.write(inflate.decompress(piece) if inflate else piece)
    wire.close()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--gzip", action="store_true")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(4) as pool:
        for done in [
            pool.submit(fetch, given.url, offset, given.out / f"{offset}.json", given.gzip)
            for offset in range(0, given.rows, PAGE)
        ]:
            done.result()
    size = sum(f.stat().st_size for f in given.out.iterdir())
    assert size > given.rows * 500, "bodies are missing"


if __name__ == "__main__":
    main()
