"""A certificate authority made for one run: it vouches for localhost only."""

from __future__ import annotations

import ssl
from pathlib import Path

import trustme


def make(folder: Path) -> tuple[Path, Path, Path]:
    """(CA certificate, server certificate chain, server key) as PEM files in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    authority = trustme.CA(organization_name="nowguard emulator")
    leaf = authority.issue_cert("localhost", "127.0.0.1", "::1")
    ca, chain, key = folder / "ca.pem", folder / "server.pem", folder / "server.key"
    authority.cert_pem.write_to_path(ca)
    for number, pem in enumerate(leaf.cert_chain_pems):
        pem.write_to_path(chain, append=number > 0)
    leaf.private_key_pem.write_to_path(key)
    key.chmod(0o600)
    ssl.create_default_context(cafile=str(ca))  # fails here, not in a client, if the file is no certificate
    return ca, chain, key
