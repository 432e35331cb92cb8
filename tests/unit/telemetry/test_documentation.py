"""docs/observability.md tells of all that a router exports, and of nothing else."""

from __future__ import annotations

import re

from msgspec.structs import replace

from airouter.telemetry.access import AccessEntry
from support.full_spans import full_record, spans_of, values
from support.metrics_table import DOCUMENT, written

TEXT = DOCUMENT.read_text()
NAME = re.compile(r"`([^`]+)`")


def named_in(heading: str) -> set[str]:
    """The names in the first column of the table below a heading."""
    section = TEXT.split(f"{heading}\n", 1)[1].split("\n#", 1)[0]
    rows = [line for line in section.splitlines() if line.startswith("| `")]
    return {name for row in rows for name in NAME.findall(row.split("|")[1])}


def test_the_table_of_metrics_is_current() -> None:
    assert written(TEXT) == TEXT, "make observability"


def test_every_attribute_is_explained() -> None:
    retried = full_record()
    retried.continued, retried.error = 1, "broken_reply"
    retried.attempts = [replace(retried.attempts[0], error="timeout"), *retried.attempts]
    spans = [values(span) for each in (full_record(), retried) for span in spans_of(each)]
    request, attempt, again, failed, last = map(set, spans)
    assert named_in("### Attributes of the SERVER span") == request | again
    assert named_in("### Attributes of a CLIENT span") == attempt | failed | last


def test_every_field_of_the_access_log_is_explained() -> None:
    assert named_in("## Access log") == set(AccessEntry.__struct_fields__)
