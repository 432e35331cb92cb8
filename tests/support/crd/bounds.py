"""Samples at a bound and one beyond it, for the bounds that are too far away to be written down.

Each place is a function from a size to a spec, so that what is accepted and what is refused differ
in nothing but the size.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from support.crd.sample import Sample

Spec = dict[str, Any]


class Bound(NamedTuple):
    """A place where something can be too large."""

    what: str
    most: int
    field: str
    spec: Callable[[int], Spec]


def reached() -> Iterator[Sample]:
    """Everything as large as it may be."""
    for bound in BOUNDS:
        yield sample(f"{bound.what}-of-{bound.most}", bound.spec(bound.most))
    yield Sample(name := "n" * 244, manifest(name, {}))


def exceeded() -> Iterator[Sample]:
    """Everything a little larger than it may be."""
    for bound in BOUNDS:
        size = bound.most + 1
        yield sample(f"{bound.what}-of-{size}", bound.spec(size), bound.field)
    yield Sample(name := "n" * 245, manifest(name, {}), "metadata")


def sample(name: str, spec: Spec, field: str = "") -> Sample:
    """A sample with a spec; JSON is YAML."""
    return Sample(name, manifest(name, spec), field)


def manifest(name: str, spec: Spec) -> str:
    """A RouterConfig as text."""
    head = {"apiVersion": "airouter.dev/v1alpha1", "kind": "RouterConfig"}
    return json.dumps({**head, "metadata": {"name": name}, "spec": spec})


def credential(**fields: Any) -> Spec:
    """A spec with one credential."""
    return {"credentials": [{"name": "a", "type": "OpenAI", **fields}]}


def model(**fields: Any) -> Spec:
    """A spec with one model."""
    return {"models": [{"name": "gpt", "backends": [{"credential": "a"}], **fields}]}


def client(**fields: Any) -> Spec:
    """A spec with one client."""
    return {"auth": {"clients": [{"name": "team", "secretRef": {"name": "keys"}, **fields}]}}


def names(size: int) -> list[str]:
    """So many different names."""
    return [f"n{number}" for number in range(size)]


def labels(size: int) -> dict[str, str]:
    """So many different labels."""
    return dict.fromkeys(names(size), "x")


def statuses(size: int) -> list[int]:
    """So many different statuses."""
    return list(range(400, 400 + size))


def backend(**fields: Any) -> Spec:
    """A spec with one backend."""
    return model(backends=[fields])


def spec_with_credentials(size: int) -> Spec:
    return {"credentials": [{"name": name, "type": "Mock"} for name in names(size)]}


def spec_with_models(size: int) -> Spec:
    backends = [{"credential": "a"}]
    return {"models": [{"name": name, "backends": backends} for name in names(size)]}


def spec_with_clients(size: int) -> Spec:
    ref = {"name": "keys"}
    return {"auth": {"clients": [{"name": name, "secretRef": ref} for name in names(size)]}}


def spec_with_grants(size: int) -> Spec:
    return {
        "auth": {"grants": [{"name": name, "namespaces": {"names": ["a"]}} for name in names(size)]}
    }


def spec_with_granted_namespaces(size: int) -> Spec:
    return {"auth": {"grants": [{"name": "a", "namespaces": {"names": names(size)}}]}}


def spec_with_sealing_keys(size: int) -> Spec:
    keys = [{"secretRef": {"name": name}} for name in names(size)]
    return {"responses": {"sealing": {"keys": keys}}}


def spec_with_ban_rules(size: int) -> Spec:
    rules = [{"statusCode": status} for status in statuses(size)]
    return {"resilience": {"fail2ban": {"rules": rules}}}


CREDENTIAL = "spec.credentials[0]"
MODEL = "spec.models[0]"
CLIENT = "spec.auth.clients[0]"
REF = f"{CREDENTIAL}.secretRef"
URL = "https://a.example/"
RETRIES = "spec.resilience.retries"
FAIL2BAN = "spec.resilience.fail2ban"
TRACES = "spec.telemetry.traces"

BOUNDS = (
    Bound("credentials", 256, "spec.credentials", spec_with_credentials),
    Bound("models", 1024, "spec.models", spec_with_models),
    Bound("clients", 1024, "spec.auth.clients", spec_with_clients),
    Bound("grants", 256, "spec.auth.grants", spec_with_grants),
    Bound(
        "granted-namespaces",
        256,
        "spec.auth.grants[0].namespaces.names",
        spec_with_granted_namespaces,
    ),
    Bound(
        "a-credential-name",
        63,
        f"{CREDENTIAL}.name",
        lambda n: {"credentials": [{"name": "a" * n, "type": "Mock"}]},
    ),
    Bound(
        "a-base-url",
        2048,
        f"{CREDENTIAL}.baseURL",
        lambda n: credential(baseURL=URL.ljust(n, "x")),
    ),
    Bound(
        "a-service-name",
        63,
        f"{CREDENTIAL}.service.name",
        lambda n: credential(service={"name": "a" * n, "port": 1}),
    ),
    Bound(
        "a-service-namespace",
        63,
        f"{CREDENTIAL}.service.namespace",
        lambda n: credential(service={"name": "a", "namespace": "a" * n, "port": 1}),
    ),
    Bound(
        "a-service-path",
        253,
        f"{CREDENTIAL}.service.path",
        lambda n: credential(service={"name": "a", "port": 1, "path": "/".ljust(n, "x")}),
    ),
    Bound(
        "a-pool-name",
        63,
        f"{CREDENTIAL}.inferencePool.name",
        lambda n: credential(inferencePool={"name": "a" * n}),
    ),
    Bound(
        "a-pool-namespace",
        63,
        f"{CREDENTIAL}.inferencePool.namespace",
        lambda n: credential(inferencePool={"name": "a", "namespace": "a" * n}),
    ),
    Bound("a-secret-name", 253, f"{REF}.name", lambda n: credential(secretRef={"name": "a" * n})),
    Bound(
        "a-secret-key",
        253,
        f"{REF}.key",
        lambda n: credential(secretRef={"name": "a", "key": "k" * n}),
    ),
    Bound("labels", 16, f"{CREDENTIAL}.labels", lambda n: credential(labels=labels(n))),
    Bound(
        "a-label-value", 63, f"{CREDENTIAL}.labels.a", lambda n: credential(labels={"a": "x" * n})
    ),
    Bound("a-label-key", 63, f"{CREDENTIAL}.labels", lambda n: credential(labels={"x" * n: "a"})),
    Bound(
        "a-label-domain",
        253,
        f"{CREDENTIAL}.labels",
        lambda n: credential(labels={"x" * n + "/a": "b"}),
    ),
    Bound(
        "headers",
        32,
        f"{CREDENTIAL}.headers",
        lambda n: credential(headers=[{"name": name, "value": ""} for name in names(n)]),
    ),
    Bound(
        "a-header-name",
        64,
        f"{CREDENTIAL}.headers[0].name",
        lambda n: credential(headers=[{"name": "x" * n, "value": ""}]),
    ),
    Bound(
        "a-header-value",
        1024,
        f"{CREDENTIAL}.headers[0].value",
        lambda n: credential(headers=[{"name": "x", "value": "v" * n}]),
    ),
    Bound(
        "a-role",
        253,
        f"{CREDENTIAL}.aws.roleARN",
        lambda n: credential(type="Bedrock", aws={"region": "r", "roleARN": "é" * n}),
    ),
    Bound(
        "a-mock-reply",
        4096,
        f"{CREDENTIAL}.mock.reply",
        lambda n: credential(type="Mock", mock={"reply": "text:".ljust(n, "x")}),
    ),
    Bound(
        "a-timeout-in-milliseconds",
        28,
        f"{CREDENTIAL}.timeouts.idle",
        lambda n: credential(timeouts={"idle": "00001ms" * 4 + "0" * (n - 28)}),
    ),
    Bound(
        "a-model-name",
        253,
        f"{MODEL}.name",
        lambda n: {"models": [{"name": "m" * n, "backends": [{"credential": "a"}]}]},
    ),
    Bound("aliases", 16, f"{MODEL}.aliases", lambda n: model(aliases=names(n))),
    Bound("an-alias", 253, f"{MODEL}.aliases[0]", lambda n: model(aliases=["a" * n])),
    Bound("fallbacks", 8, f"{MODEL}.fallbacks", lambda n: model(fallbacks=names(n))),
    Bound(
        "backends",
        32,
        f"{MODEL}.backends",
        lambda n: model(backends=[{"credential": name} for name in names(n)]),
    ),
    Bound(
        "selected-labels",
        16,
        f"{MODEL}.backends[0].credentialSelector.matchLabels",
        lambda n: backend(credentialSelector={"matchLabels": labels(n)}),
    ),
    Bound(
        "an-upstream-name",
        253,
        f"{MODEL}.backends[0].upstreamName",
        lambda n: backend(credential="a", upstreamName="模" * n),
    ),
    Bound(
        "defaults",
        64,
        f"{MODEL}.parameters.defaults",
        lambda n: model(parameters={"defaults": labels(n)}),
    ),
    Bound(
        "overrides",
        64,
        f"{MODEL}.parameters.override",
        lambda n: model(parameters={"override": labels(n)}),
    ),
    Bound("drops", 64, f"{MODEL}.parameters.drop", lambda n: model(parameters={"drop": names(n)})),
    Bound(
        "a-price",
        14,
        f"{MODEL}.metadata.price.input",
        lambda n: model(metadata={"price": {"input": "1234567.".ljust(n, "8")}}),
    ),
    Bound(
        "tiers-of-a-price",
        8,
        f"{MODEL}.metadata.price.tiers",
        lambda n: model(
            metadata={"price": {"tiers": [{"aboveTokens": at + 1} for at in range(n)]}}
        ),
    ),
    Bound(
        "a-wording-of-summaries",
        8192,
        f"{MODEL}.compaction.instructions",
        lambda n: model(compaction={"instructions": "é" * n}),
    ),
    Bound("client-models", 64, f"{CLIENT}.models", lambda n: client(models=names(n))),
    Bound("a-client-model", 253, f"{CLIENT}.models[0]", lambda n: client(models=["*" * n])),
    Bound(
        "retried-statuses",
        64,
        f"{RETRIES}.onStatus",
        lambda n: {"resilience": {"retries": {"onStatus": statuses(n)}}},
    ),
    Bound(
        "banned-statuses",
        64,
        f"{FAIL2BAN}.statusCodes",
        lambda n: {"resilience": {"fail2ban": {"statusCodes": statuses(n)}}},
    ),
    Bound("ban-rules", 32, f"{FAIL2BAN}.rules", spec_with_ban_rules),
    Bound("sealing-keys", 8, "spec.responses.sealing.keys", spec_with_sealing_keys),
    Bound(
        "a-sample-ratio",
        8,
        f"{TRACES}.sampleRatio",
        lambda n: {"telemetry": {"traces": {"sampleRatio": "0.".ljust(n, "1")}}},
    ),
    Bound(
        "redacted-paths",
        32,
        f"{TRACES}.redact",
        lambda n: {"telemetry": {"traces": {"redact": [f"$.input[{at}]" for at in range(n)]}}},
    ),
    Bound(
        "a-redacted-path",
        253,
        f"{TRACES}.redact[0]",
        lambda n: {"telemetry": {"traces": {"redact": ["$.".ljust(n, "a")]}}},
    ),
)
