"""Which traces are recorded, held against the SDK's own samplers."""

from __future__ import annotations

from random import Random

import pytest
from opentelemetry.sdk.trace.sampling import Decision, TraceIdRatioBased

from airouter.telemetry.sampling import ALL, NONE, TraceSampler, by_ratio, sampler_from


@pytest.mark.parametrize("ratio", [0.0, 1e-18, 0.001, 0.25, 1 / 3, 0.999999, 1.0])
def test_a_ratio_takes_the_same_traces_as_the_sdk(ratio: float) -> None:
    assert by_ratio(ratio).bound == TraceIdRatioBased(ratio).bound
    sampling, sdk, random = by_ratio(ratio), TraceIdRatioBased(ratio), Random(1)
    for trace_id in (random.getrandbits(128) for _ in range(200)):
        decision = sdk.should_sample(None, trace_id, "").decision
        assert sampling.takes(trace_id, None) is (decision is Decision.RECORD_AND_SAMPLE)


@pytest.mark.parametrize("decided", [True, False])
def test_a_parent_decides_where_it_is_asked(decided: bool) -> None:
    assert TraceSampler(ALL, parent_based=True).takes(1, decided) is decided
    assert TraceSampler(NONE, parent_based=True).takes(1, decided) is decided


@pytest.mark.parametrize("decided", [True, False])
def test_a_parent_does_not_decide_where_it_is_not_asked(decided: bool) -> None:
    assert TraceSampler(ALL, parent_based=False).takes(2**64 - 1, decided)
    assert not TraceSampler(NONE, parent_based=False).takes(0, decided)


@pytest.mark.parametrize(
    ("name", "argument", "expected"),
    [
        ("", "", TraceSampler(ALL, parent_based=True)),
        ("always_on", "", TraceSampler(ALL, parent_based=False)),
        ("always_off", "", TraceSampler(NONE, parent_based=False)),
        ("traceidratio", "0.5", TraceSampler(2**63, parent_based=False)),
        ("traceidratio", "", TraceSampler(ALL, parent_based=False)),
        ("parentbased_always_on", "", TraceSampler(ALL, parent_based=True)),
        ("parentbased_always_off", "", TraceSampler(NONE, parent_based=True)),
        (" ParentBased_TraceIdRatio ", "0.25", TraceSampler(2**62, parent_based=True)),
        ("always_on", "0.5", TraceSampler(ALL, parent_based=False)),
    ],
)
def test_the_environment_names_a_sampler(name: str, argument: str, expected: TraceSampler) -> None:
    environ = {"OTEL_TRACES_SAMPLER": name, "OTEL_TRACES_SAMPLER_ARG": argument}
    assert sampler_from(environ) == expected


def test_an_unknown_sampler_is_logged_and_means_the_default(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert sampler_from({"OTEL_TRACES_SAMPLER": "jaeger_remote"}) == sampler_from({})
    assert "OTEL_TRACES_SAMPLER=jaeger_remote is not supported" in caplog.text


@pytest.mark.parametrize("argument", ["much", "-0.1", "1.1", "nan"])
def test_a_ratio_that_is_none_is_logged_and_means_all(
    argument: str, caplog: pytest.LogCaptureFixture
) -> None:
    environ = {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": argument}
    assert sampler_from(environ).bound == ALL
    assert f"OTEL_TRACES_SAMPLER_ARG={argument}" in caplog.text
