"""Settings of the process: ports, paths, bounds, log level; models and keys are in RouterConfig.

Every setting is read from the environment as `AIROUTER_` and its name in capitals; the command line
goes before it.
"""

from __future__ import annotations

from pathlib import Path
from socket import gethostname
from typing import TYPE_CHECKING, Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from airouter.mistyping import vain_variables

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PREFIX = "AIROUTER_"
MEBIBYTE = 1_048_576
LEAST_HELD = 6
"""Largest bodies that are held at least: one client may have half, and needs three copies of one
that is said or goes on from as much."""


class Settings(BaseSettings):
    """Settings from the environment; times are seconds, sizes are bytes."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    host: str = Field(
        "127.0.0.1", description="Address to listen on; `::` is every one of IPv4 and IPv6."
    )
    port: int = Field(8080, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The least severe message that is logged."
    )
    access_log: bool = Field(True, description="Write one JSON line per request to stdout.")
    health_names: bool = Field(
        False,
        description="Name models and credentials in /health and /vhealth, which need no key.",
    )
    pod_name: str = Field(
        default_factory=gethostname, description="Name of this process for the operator."
    )
    max_body_bytes: int = Field(
        32 * MEBIBYTE, ge=1024, description="Largest request body; a larger one gets a 413."
    )
    max_held_bytes: int = Field(
        192 * MEBIBYTE,
        ge=1024,
        description="Bytes of memory for all requests that are not answered yet, shared out among "
        "clients; a request that is one too many gets a 503.",
    )
    max_answer_bytes: int = Field(
        64 * MEBIBYTE, ge=1024, description="Largest complete answer of an upstream."
    )
    max_connections: int = Field(16_384, ge=1, description="Client connections at a time.")
    max_upstream_connections: int = Field(
        4_096, ge=1, description="Connections to one upstream at a time; further requests wait."
    )
    sqlite_path: Path = Field(
        Path("airouter-responses.sqlite"),
        description="File of stored responses, where the configuration keeps them in SQLite.",
    )
    ledger_file: Path = Field(
        Path("airouter-ledger.sqlite"),
        description="File with what is spent of budgets, where no ledger of replicas keeps it.",
    )
    fetch_allowed_hosts: list[str] = Field(
        [],
        description="Hosts (`host` or `host:port`) whose images and files are fetched although "
        "they are not public, also by plain http.",
    )
    keep_alive: float = Field(
        75.0, gt=0, description="Time that an idle client connection is kept."
    )
    request_timeout: float = Field(
        60.0,
        gt=0,
        description="Time for a client to send a request, or to read nothing of an answer.",
    )
    drain_grace: float = Field(
        5.0,
        ge=0,
        description="Time after SIGTERM in which new requests are served and /vhealth is 503.",
    )
    drain_deadline: float = Field(
        300.0, ge=0, description="Time after that in which requests in flight may finish."
    )

    @property
    def held_bytes(self) -> int:
        """`max_held_bytes`, or as much as a request of the largest size needs to be let in."""
        return max(self.max_held_bytes, LEAST_HELD * self.max_body_bytes)


def mistyped(environ: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield variables that set nothing, each with the setting that must be meant."""
    return vain_variables(environ, PREFIX, Settings.model_fields)
