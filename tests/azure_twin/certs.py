"""A throw-away certificate authority, and one certificate for all names of the twin."""

import ssl
from dataclasses import dataclass
from pathlib import Path

import trustme

from tests.azure_twin.hosts import NAMES


@dataclass(frozen=True)
class Certificates:
    """Files: `authority` is what clients trust (SSL_CERT_FILE, REQUESTS_CA_BUNDLE)."""

    authority: Path
    chain: Path
    key: Path

    def server(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.chain, self.key)
        return context

    def client(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.authority))


def make_certificates(folder: Path) -> Certificates:
    """Return new certificates in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    made = Certificates(folder / "ca.pem", folder / "chain.pem", folder / "key.pem")
    authority = trustme.CA()
    leaf = authority.issue_cert(*NAMES, "localhost", "127.0.0.1", common_name="azure-twin")
    authority.cert_pem.write_to_path(made.authority)
    made.chain.write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
    leaf.private_key_pem.write_to_path(made.key)
    made.key.chmod(0o600)
    return made
