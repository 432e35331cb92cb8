"""Who the API server is and whom it believes: certificates, the key of tokens, kubeconfigs."""

from __future__ import annotations

import base64
import json
import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import trustme
import yaml
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

ADMINISTRATORS = "system:masters"
NAMES = ("127.0.0.1", "localhost")


class Credentials:
    """Files in a folder, all from one authority that nobody else knows."""

    def __init__(self, folder: Path, names: Sequence[str] = NAMES) -> None:
        folder.mkdir()
        self._folder = folder
        self._names = names
        self._authority = trustme.CA()
        self.ca_file = folder / "ca.pem"
        self._authority.cert_pem.write_to_path(self.ca_file)
        self.serving = self.certificate("serving")
        self.token_key = folder / "tokens.pem"
        self.token_key.write_bytes(_key())
        self._other_token_key = _key()

    def change_token_key(self) -> None:
        """Between two keys."""
        content = self.token_key.read_bytes()
        self.token_key.write_bytes(self._other_token_key)
        self._other_token_key = content

    def certificate(self, file: str, user: str | None = None, group: str | None = None) -> Path:
        """Key and certificate in one file, for the server, or for a client with a user and a group.

        A client has names too: Go refuses a certificate whose list of names is there but empty.
        """
        leaf = self._authority.issue_cert(*self._names, common_name=user, organization_name=group)
        path = self._folder / f"{file}.pem"
        leaf.private_key_and_cert_chain_pem.write_to_path(path)
        return path

    def client_context(self, certificate: Path) -> ssl.SSLContext:
        """For an HTTP client that is whom the certificate says."""
        context = ssl.create_default_context(cafile=self.ca_file)
        context.load_cert_chain(certificate)
        return context

    def kubeconfig(self, name: str, url: str, user: dict[str, Any], namespace: str) -> Path:
        """A kubeconfig that needs no other file."""
        cluster = {"server": url, "certificate-authority-data": encoded(self.ca_file)}
        context = {"cluster": "test", "user": "test", "namespace": namespace}
        path = self._folder / f"{name}.kubeconfig"
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "test", "cluster": cluster}],
            "users": [{"name": "test", "user": user}],
            "contexts": [{"name": "test", "context": context}],
            "current-context": "test",
        }
        path.write_text(json.dumps(config, indent=2))
        return path


def certificate_user(certificate: Path) -> dict[str, str]:
    """A kubeconfig's user with a client certificate."""
    data = encoded(certificate)
    return {"client-certificate-data": data, "client-key-data": data}


def encoded(file: Path) -> str:
    """As kubeconfigs embed files."""
    return base64.b64encode(file.read_bytes()).decode()


def redirected(kubeconfig: Path, url: str, target: Path) -> Path:
    """The same kubeconfig for the same server at another address."""
    config = yaml.safe_load(kubeconfig.read_text())
    for cluster in config["clusters"]:
        cluster["cluster"]["server"] = url
    target.write_text(json.dumps(config, indent=2))
    return target


def _key() -> bytes:
    """Of the one form that the server also takes where it wants the public key."""
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
