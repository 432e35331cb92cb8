"""What Kubernetes' programs are told whether or not there is a node."""

from __future__ import annotations

from pathlib import Path

from support.kubernetes.credentials import Credentials

SERVICES = "10.96.0.0/16"


def etcd(data: Path, url: str) -> list[str]:
    """Quick, and lost with the machine."""
    return [
        f"--data-dir={data}",
        f"--listen-client-urls={url}",
        f"--advertise-client-urls={url}",
        "--listen-peer-urls=http://127.0.0.1:0",
        "--unsafe-no-fsync",
        "--log-level=warn",
    ]


def api_server(etcd_url: str, keys: Credentials) -> list[str]:
    """Real certificates, tokens and RBAC."""
    return [
        f"--etcd-servers={etcd_url}",
        f"--service-cluster-ip-range={SERVICES}",
        *(f"--tls-cert-file={keys.serving}", f"--tls-private-key-file={keys.serving}"),
        f"--client-ca-file={keys.ca_file}",
        "--authorization-mode=Node,RBAC",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={keys.token_key}",
        f"--service-account-signing-key-file={keys.token_key}",
    ]


def controller_manager(kubeconfig: Path, port: int, keys: Credentials) -> list[str]:
    """Every controller acts under its own name, as the rules of RBAC are written for."""
    return [
        *("--bind-address=127.0.0.1", f"--secure-port={port}"),
        *(f"--tls-cert-file={keys.serving}", f"--tls-private-key-file={keys.serving}"),
        f"--kubeconfig={kubeconfig}",
        f"--service-account-private-key-file={keys.token_key}",
        f"--root-ca-file={keys.ca_file}",
        "--use-service-account-credentials",
        "--leader-elect=false",
    ]
