"""Whatever stands in a file, the answer is findings: no exception, no secret."""

from __future__ import annotations

import copy
import operator
from functools import partial
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airouter.config.compile import compile_config
from airouter.config.documents import documents
from airouter.config.findings import Compiled
from airouter.config.loader import load_config
from airouter.config.manifest import ManifestFile, compile_manifest
from support.full_manifest import FULL_ENVIRON, FULL_YAML

if TYPE_CHECKING:
    from collections.abc import Callable

CONFIG = next(documents(FULL_YAML)).root.value

bounded = settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)

NASTY = (
    ": |- |[|]|{|}|&a |*a|<<: |!!int |!x |'|\"|\t|\n|  |---\n|~|-1|99999999999999999999|.nan"
    "|5 seconds|${|${X}|\0|\x1b[31m|\ufeff|\U0001f600|%|#|yes|1e999|0x|1:2|? |>\n"
)
TOKENS = st.sampled_from(NASTY.split("|"))
Edit = tuple[float, int, str]
EDITS: st.SearchStrategy[list[Edit]] = st.lists(
    st.tuples(st.floats(0, 1), st.integers(0, 40), TOKENS | st.text(max_size=8)),
    min_size=1,
    max_size=6,
)

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["main", "gpt-4o", "-1s", "5s", "OpenAI", "Mock", "name", "*"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)


def sound(found: Compiled) -> None:
    """What holds for every answer."""
    told = "\n".join(map(str, found.findings))
    assert "sk-hidden" not in told
    assert "\x1b" not in told
    assert found.snapshot is not None or found.count("error")


@bounded
@given(EDITS)
def test_a_mutated_text_has_findings(edits: list[Edit]) -> None:
    text = FULL_YAML
    for place, removed, added in edits:
        at = int(place * len(text))
        text = text[:at] + added + text[at + removed :]
    sound(
        compile_manifest(
            [ManifestFile("a.yaml", text.encode(errors="surrogatepass"))], FULL_ENVIRON
        )
    )


@bounded
@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_have_findings(content: bytes) -> None:
    sound(compile_manifest([ManifestFile("a.yaml", content)], {}))


@bounded
@given(st.integers(0, 10_000), JSON)
def test_a_mutated_object_has_findings(chosen: int, value: Any) -> None:
    config = copy.deepcopy(CONFIG)
    slots = places(config)
    slots[chosen % len(slots)](value)
    reading = load_config(config)
    found = Compiled(None, reading.findings)
    if reading.config is not None:
        found = compile_config(reading.config, {}, reading.dropped)
        found = Compiled(found.snapshot, (*reading.findings, *found.findings))
    sound(found)


def places(value: Any) -> list[Callable[[Any], None]]:
    """A way to replace every value inside another."""
    keys: list[Any] = []
    if isinstance(value, dict | list):
        keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    found: list[Callable[[Any], None]] = []
    for key in keys:
        found += [partial(operator.setitem, value, key), *places(value[key])]
    return found
