"""What the API server was asked, by whom, and how it answered: proof of what an operator does."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [{"level": "Metadata"}],
}


@dataclass(frozen=True)
class AuditEntry:
    """One request; strings that do not apply are empty."""

    user: str
    verb: str
    group: str
    resource: str
    subresource: str
    namespace: str
    name: str
    code: int


def options(folder: Path) -> list[str]:
    """What makes kube-apiserver write `audit.log`, a line before it sends each answer."""
    policy = folder / "audit-policy.json"
    policy.write_text(json.dumps(POLICY))
    return [
        f"--audit-policy-file={policy}",
        f"--audit-log-path={folder / 'audit.log'}",
        "--audit-log-mode=blocking",
    ]


def entries(log: Path) -> list[AuditEntry]:
    """One for each request, in the order in which they were answered."""
    text = log.read_text() if log.exists() else ""
    whole = text[: text.rfind("\n") + 1]  # the server may be writing the last line
    found: dict[str, AuditEntry] = {}
    for event in map(json.loads, whole.splitlines()):
        found.setdefault(
            event["auditID"], _entry(event)
        )  # a watch is there when it starts and when it ends
    return list(found.values())


def _entry(event: dict[str, Any]) -> AuditEntry:
    where = event.get("objectRef", {})
    return AuditEntry(
        user=event["user"].get("username", ""),
        verb=event["verb"],
        group=where.get("apiGroup", ""),
        resource=where.get("resource", ""),
        subresource=where.get("subresource", ""),
        namespace=where.get("namespace", ""),
        name=where.get("name", ""),
        code=event.get("responseStatus", {}).get("code", 0),
    )
