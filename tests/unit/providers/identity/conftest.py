"""Clouds on loopback, and no identity of the machine that the tests run on."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.clouds import AWS, Entra, Google, listening

FOREIGN = (
    "AWS_",
    "AZURE_",
    "GOOGLE_",
    "CLOUDSDK_",
    "GCLOUD_",
    "GCE_",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PR",
)


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither variables, nor files, nor a metadata service that would say who we are."""
    for name in os.environ:
        if name.upper().startswith(FOREIGN):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")


@pytest.fixture
async def google() -> AsyncIterator[Google]:
    cloud = Google()
    async with listening(cloud.answer) as cloud.url:
        yield cloud


@pytest.fixture
async def entra() -> AsyncIterator[Entra]:
    cloud = Entra()
    async with listening(cloud.answer) as cloud.url:
        yield cloud


@pytest.fixture
async def sts(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[AWS]:
    cloud = AWS()
    async with listening(cloud.answer) as cloud.url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", cloud.url)
        yield cloud
