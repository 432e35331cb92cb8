"""A real Prometheus on 127.0.0.1 that scrapes what a test runs, once a second."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from support.http_client import http_client
from support.kubernetes.binaries import binaries
from support.kubernetes.processes import Process
from support.ports import free_port

STARTING = 180.0
EVERY = "1s"


class Target:
    """A process that is scraped."""

    def __init__(self, port: int, **labels: str) -> None:
        """`labels` are put on all of its series, as a PodMonitor would."""
        self.port = port
        self.labels = labels


class Prometheus:
    """What a test asks of a Prometheus, by its HTTP API (prometheus.io/docs, "HTTP API")."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def values(self, query: str) -> list[float]:
        """The value that each series of a query has now, but for those that are no number."""
        found = (await self._ask("query", query=query))["result"]
        return [value for each in found if not math.isnan(value := float(each["value"][1]))]

    async def label_values(self, label: str, selector: str) -> list[str]:
        """The values of a label in the series that a selector finds."""
        found: list[str] = await self._ask(f"label/{label}/values", **{"match[]": selector})
        return found

    async def rules(self) -> list[dict[str, Any]]:
        """All alerting rules, with their `state`, `health` and `lastError`."""
        return [rule for group in (await self._ask("rules"))["groups"] for rule in group["rules"]]

    async def _ask(self, path: str, **parameters: str) -> Any:
        answer = await self._http.get(f"/api/v1/{path}", params=parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]


@contextlib.asynccontextmanager
async def prometheus(
    folder: Path, targets: Sequence[Target], rules: Path
) -> AsyncIterator[Prometheus]:
    """A Prometheus with these rules, once it is ready; it is killed at the end."""
    port = free_port()
    config = folder / "prometheus.yaml"
    config.write_text(json.dumps(configuration(targets, rules)))
    options = [
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'prometheus'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
    ]
    url = f"http://127.0.0.1:{port}"
    running = Process(binaries().path("prometheus"), options, folder / "prometheus.log")
    try:
        running.until(lambda: is_ready(url), STARTING)
        async with http_client(base_url=url, trust_env=False) as http:
            yield Prometheus(http)
    finally:
        running.stop()


def configuration(targets: Sequence[Target], rules: Path) -> Mapping[str, object]:
    """The file that it reads."""
    scraped = [
        {"targets": [f"127.0.0.1:{target.port}"], "labels": target.labels} for target in targets
    ]
    return {
        "global": {"scrape_interval": EVERY, "evaluation_interval": EVERY},
        "rule_files": [str(rules)],
        "scrape_configs": [{"job_name": "pods", "static_configs": scraped}],
    }


def is_ready(url: str) -> bool:
    """Whether it answers queries."""
    try:
        return httpx.get(f"{url}/-/ready", trust_env=False, timeout=5).is_success
    except httpx.TransportError:
        return False
