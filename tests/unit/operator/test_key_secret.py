"""The Secret of a RouterKey is read as it was written, and nobody else's is taken for one."""

from __future__ import annotations

import base64
import copy
from typing import Any

import pytest

from airouter_operator.key_secret import (
    KeyRecord,
    KeySecret,
    is_owned,
    key_secret_manifest,
    new_key,
    read_key_secret,
)
from airouter_operator.kube.objects import ObjectKey

OWNER = {"metadata": {"name": "checkout", "namespace": "a", "uid": "u-1"}}
CONTENT = KeySecret(new_key(), KeyRecord(1000, "sha", 2000, "now"), "http://router")


def manifest(version: int = 0) -> dict[str, Any]:
    return key_secret_manifest(ObjectKey("a", "llm"), OWNER, CONTENT, version)


def test_what_was_written_is_read() -> None:
    assert read_key_secret(manifest()) == CONTENT


def test_it_is_ready_for_envfrom() -> None:
    values = {name: base64.b64decode(value).decode() for name, value in manifest()["data"].items()}
    assert values == {
        "OPENAI_API_KEY": CONTENT.key,
        "ANTHROPIC_API_KEY": CONTENT.key,
        "OPENAI_BASE_URL": "http://router/v1",
        "ANTHROPIC_BASE_URL": "http://router",
    }


def test_it_is_collected_with_its_router_key_and_replaces_one_version_alone() -> None:
    metadata = manifest(7)["metadata"]
    assert metadata["resourceVersion"] == "7"
    assert [(o["kind"], o["name"], o["uid"]) for o in metadata["ownerReferences"]] == [
        ("RouterKey", "checkout", "u-1")
    ]


def test_only_what_the_operator_made_for_this_very_router_key_is_owned() -> None:
    assert is_owned(manifest(), "u-1")
    assert not is_owned(manifest(), "u-2")
    assert not is_owned({**manifest(), "type": "Opaque"}, "u-1")
    assert not is_owned({"metadata": {}, "type": "airouter.dev/key"}, "u-1")


@pytest.mark.parametrize("value", ["", "sk-1", "sk-air-" + "0" * 47, "sk-air-" + "G" * 48, "\xff"])
def test_a_key_of_another_form_is_none(value: str) -> None:
    changed = copy.deepcopy(manifest())
    changed["data"]["OPENAI_API_KEY"] = base64.b64encode(value.encode("latin-1")).decode()
    assert read_key_secret(changed) is None


@pytest.mark.parametrize("annotations", [{}, {"airouter.dev/key": "{"}])
def test_a_secret_whose_record_is_gone_holds_none(annotations: dict[str, str]) -> None:
    changed = copy.deepcopy(manifest())
    changed["metadata"]["annotations"] = annotations
    assert read_key_secret(changed) is None


def test_no_key_is_shown() -> None:
    assert CONTENT.key not in f"{CONTENT!r} {CONTENT.record!r}"
    assert "sha" not in repr(CONTENT.record)
    assert len(CONTENT.shown) == 11
