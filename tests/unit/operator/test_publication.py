"""What a snapshot Secret holds, and what somebody may have made of it."""

import base64

import pytest

from airouter.config.delivery import SNAPSHOT_FILE, STREAM_FILE
from airouter_operator.kube.objects import ObjectKey
from airouter_operator.publication import (
    RECORD_FILE,
    config_of_secret,
    read_publication,
    secret_of_config,
)

CONFIG = ObjectKey("ai", "default")
STREAM = b'{"url": "https://operator", "ca": "", "token": "t"}'
RECORD = b'{"version": "v", "serial": 1, "generation": 1, "owner": "u", "digest": "d"}'


def secret(stream: bytes = STREAM, record: bytes = RECORD) -> dict[str, object]:
    files = {SNAPSHOT_FILE: b"packed", STREAM_FILE: stream, RECORD_FILE: record}
    data = {name: base64.b64encode(content).decode() for name, content in files.items()}
    return {"metadata": {"name": "default-snapshot"}, "data": data}


def test_a_secret_is_that_of_its_routerconfig() -> None:
    assert config_of_secret(secret_of_config(CONFIG)) == CONFIG
    assert config_of_secret(ObjectKey("ai", "keys")) is None


def test_a_publication_is_read_as_it_was_written() -> None:
    publication = read_publication(secret())
    assert publication is not None
    assert (publication.record.version, publication.packed) == ("v", b"packed")


@pytest.mark.parametrize(
    "broken", [b"", b"[]", b'{"url": 1}', b"\xff", STREAM.replace(b"https", b"\xff"), b"[" * 99_999]
)
def test_a_secret_that_somebody_has_edited_is_no_publication(broken: bytes) -> None:
    assert read_publication(secret(stream=broken)) is None
    assert read_publication(secret(record=broken)) is None
