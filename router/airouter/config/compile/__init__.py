"""Compiles a resource and the Secrets it names into a snapshot: pure, deterministic, all findings.

Published prices are those of the day.

A part that cannot be used is left out and reported, so that the rest is served. Only a mistake
whose intention nobody can guess, such as a missing master key, rejects the whole. The file source
and the operator both call this; each module here compiles one part of the resource.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from airouter.config.compile.auth import compile_auth
from airouter.config.compile.bans import compile_fail2ban, with_own_bans
from airouter.config.compile.credentials import compile_credentials
from airouter.config.compile.keys import compile_keys, with_keys
from airouter.config.compile.models import compile_models
from airouter.config.compile.patterns import note_unmatched
from airouter.config.compile.places import Places
from airouter.config.compile.policies import (
    compile_cors,
    compile_ledger,
    compile_redis,
    compile_retries,
    compile_sealing,
    compile_stickiness,
    compile_storage,
    compile_traces,
)
from airouter.config.compile.prices import PriceBook
from airouter.config.compile.vault import Vault
from airouter.config.findings import Compiled, Report, in_order
from airouter.config.ineffective import note_ineffective
from airouter.config.providers import PROVIDER_TYPES
from airouter.config.snapshot import Snapshot
from airouter.config.trust import ANYTHING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from airouter.config.compile.identities import ClusterIdentity
    from airouter.config.compile.keys import IssuedKey
    from airouter.config.compile.places import InferencePools, Services
    from airouter.config.findings import Path
    from airouter.config.providers import ProviderTypes
    from airouter.config.resource import RouterConfig
    from airouter.config.trust import Trust

__all__ = ["compile_config"]

DEFAULT_NAMESPACE = "default"
"""The namespace of a manifest that names none, as for kubectl."""


def compile_config(
    config: RouterConfig,
    secrets: Mapping[tuple[str, str], str],
    dropped: Collection[tuple[str, str]] = (),
    types: ProviderTypes = PROVIDER_TYPES,
    trust: Trust = ANYTHING,
    services: Services | None = None,
    pools: InferencePools | None = None,
    issued: Sequence[IssuedKey] = (),
    cluster: ClusterIdentity | None = None,
    spoiled: Mapping[tuple[str, str], Path] = MappingProxyType({}),
) -> Compiled:
    """Compile a resource.

    `secrets` has the values of Secrets by name and key. `dropped` has the kind and name of each
    item that `load_config` left out, so that a reference to it is a warning and not an error.
    `types` are those that `load_config` knew. `trust` limits where keys are sent. `services` are
    those of the cluster that the resource names, and `pools` its InferencePools; None where nobody
    knows them. `issued` are the RouterKeys of this RouterConfig, the oldest first. `cluster` is
    what an operator knows of its own; None where none compiles. `spoiled` has, for each
    value of a Secret that cannot be used, the place of the finding about it.
    """
    report = Report()
    vault = Vault(secrets, report, needs_label=trust.needs_label, spoiled=spoiled)
    spec = config.spec
    places = Places(config.metadata.namespace or DEFAULT_NAMESPACE, services, pools, trust, report)
    credentials = compile_credentials(spec.credentials, types, vault, report, places)
    prices = PriceBook(types)
    credentials = with_own_bans(credentials, spec.credentials, spec.resilience.fail2ban)
    auth = compile_auth(spec.auth, vault, report, cluster)
    keys = compile_keys(issued, spec, auth)
    snapshot = Snapshot(
        credentials=tuple(credentials.values()),
        models=compile_models(spec, credentials, dropped, prices, report),
        prices=prices.prices,
        refuses_unpriced=spec.pricing.unknown == "Refuse",
        auth=auth,
        retries=compile_retries(spec.resilience),
        fail2ban=compile_fail2ban(spec.resilience.fail2ban),
        stickiness=compile_stickiness(spec.sessions.stickiness),
        storage=compile_storage(spec.responses),
        sealing_keys=compile_sealing(spec.responses, vault),
        redis_url=compile_redis(spec.redis, vault, report),
        ledger=compile_ledger(spec.ledger, spec.redis),
        traces=compile_traces(spec.telemetry.traces),
        answer_headers=spec.telemetry.answer_headers,
        cors=compile_cors(spec.http.cors),
    )
    snapshot, refusals = with_keys(snapshot, keys)
    note_unmatched(spec, dropped, report)
    note_ineffective(config, types, report)
    compiled = None if report.rejected else snapshot.seal()
    findings = in_order(report.findings)
    return Compiled(compiled, findings, frozenset(credentials), refusals)
