"""`airouter top`: the numbers of one router, and of the pods of a namespace."""

from __future__ import annotations

import asyncio
import json
import stat
import sys
from pathlib import Path

from airouter.commands.router_numbers import RouterNumbers, numbers_in
from airouter.commands.top import screen
from support.commands import Airouter
from support.config import MASTER_KEY, mock_manifest
from support.http_client import http_client
from support.router import router_process
from support.web_page import web_page

METRICS = """\
airouter_requests_total{model="m",credential="c",status="200",stream="false",operation="chat"} 8
airouter_requests_total{model="m",credential="c",status="503",stream="false",operation="chat"} 2
airouter_tokens_total{model="m",credential="c",kind="input"} 30
airouter_upstream_attempts_total{credential="c",status="200",error=""} 8
airouter_upstream_attempts_total{credential="c",status="503",error=""} 4
airouter_request_duration_seconds_bucket{model="m",stream="false",le="0.1"} 6
airouter_request_duration_seconds_bucket{model="m",stream="false",le="1.0"} 9
airouter_request_duration_seconds_bucket{model="m",stream="false",le="+Inf"} 10
airouter_requests_in_flight{credential="c"} 3
airouter_credential_bans{credential="c"} 1
airouter_connections 5
airouter_config_info{version="0123456789ab"} 1
"""


def numbers(name: str = "a") -> RouterNumbers:
    return numbers_in(name, METRICS, '{"status": "ok"}')


def row(lines: list[str], first: str) -> list[str]:
    """The cells of the line that begins with a word."""
    return next(line.split() for line in lines if line.startswith(f"{first} "))[1:]


def test_totals_are_told_at_the_first_look() -> None:
    lines = list(screen([numbers()], []))
    assert row(lines, "a") == ["ok", "01234567", "5", "3"]
    assert row(lines, "m") == ["10", "2", "30", "100ms", "1.0s"]
    assert row(lines, "c") == ["3", "12", "4", "1"]


def test_a_router_that_is_down_says_so_and_why_though_it_serves() -> None:
    health = {"status": "ok", "state": "down", "reasons": ["1 model is out of reach"]}
    lines = list(screen([numbers_in("a", METRICS, json.dumps(health))], []))
    assert row(lines, "a")[0] == "down"
    assert "  1 model is out of reach" in lines
    leaving = numbers_in("a", METRICS, json.dumps({**health, "status": "draining"}))
    assert row(list(screen([leaving], [])), "a")[0] == "draining"


def test_what_went_to_no_model_has_a_name() -> None:
    lost = METRICS.replace('model="m"', 'model=""')
    assert row(list(screen([numbers_in("a", lost, "")], [])), "-")[:3] == ["10", "2", "30"]


def test_pods_add_up() -> None:
    lines = list(screen([numbers("a"), numbers("b")], []))
    assert row(lines, "m")[:3] == ["20", "4", "60"]
    assert row(lines, "c") == ["6", "24", "8", "2"]


def test_rates_are_those_since_the_look_before() -> None:
    before, now = numbers(), numbers_in("a", METRICS.replace("} 8\n", "} 28\n"), "")
    before.taken_at, now.taken_at = 100.0, 110.0
    lines = list(screen([now], [before]))
    assert row(lines, "m")[:2] == ["2.0", "0"]
    assert row(lines, "a")[0] == "unready"


async def test_a_running_router_is_looked_at(tmp_path: Path) -> None:
    (tmp_path / "router.yaml").write_text(mock_manifest("m"))
    async with router_process(tmp_path, "-f", str(tmp_path / "router.yaml")) as router:
        async with http_client() as client:
            body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
            key = {"authorization": f"Bearer {MASTER_KEY}"}
            url = f"{router.base_url}/chat/completions"
            assert (await client.post(url, json=body, headers=key)).status_code == 200
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "airouter", "top", "--once", "--url", router.url),
            stdout=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(60):
            output, _ = await process.communicate()
    lines = output.decode().splitlines()
    assert row(lines, router.url)[0] == "ok"
    assert row(lines, "m")[:2] == ["1", "0"]
    assert row(lines, "mock")[1] == "1"


KUBECTL = """\
#!/bin/sh
case "$*" in
  *pods*--selector*) cat "$(dirname "$0")/pods" ;;
  *vhealth*) echo '{"status": "ok"}' ;;
  *metrics*) cat "$(dirname "$0")/metrics" ;;
esac
"""


def test_all_pods_of_a_namespace_are_looked_at(airouter: Airouter, tmp_path: Path) -> None:
    container = {"ports": [{"containerPort": 8080}]}
    pods = [
        {"metadata": {"name": name, "namespace": "ai"}, "spec": {"containers": [container]}}
        for name in ("pod-1", "pod-2")
    ]
    (tmp_path / "pods").write_text(json.dumps({"items": pods}))
    (tmp_path / "metrics").write_text(METRICS)
    kubectl = tmp_path / "kubectl"
    kubectl.write_text(KUBECTL)
    kubectl.chmod(kubectl.stat().st_mode | stat.S_IXUSR)
    result = airouter("top", "--once", "-n", "ai", PATH=f"{tmp_path}:/usr/bin:/bin")
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert row(lines, "pod-1") == row(lines, "pod-2") == ["ok", "01234567", "5", "3"]
    assert row(lines, "m")[0] == "20"


def test_nobody_answers(airouter: Airouter) -> None:
    result = airouter("top", "--once", "--url", "http://127.0.0.1:1")
    assert result.exit_code == 2
    assert "no router answers at http://127.0.0.1:1" in result.stderr


async def test_what_is_no_router_is_told_in_a_line() -> None:
    async with web_page(404) as url:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "airouter", "top", "--once", "--url", url),
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(60):
            _, told = await process.communicate()
    assert process.returncode == 2
    assert told.decode().startswith(f"{url}: what answers there is no router")
