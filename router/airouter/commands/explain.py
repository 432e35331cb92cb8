"""`airouter explain`: the way that a request for a model goes, and why, without sending one."""

import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from airouter.auth.keyring import client_principal
from airouter.commands.manifest_files import SecretsFrom, single_config
from airouter.commands.options import (
    INVALID,
    Context,
    Files,
    IgnoreSecrets,
    Namespace,
    SecretsFromCluster,
)
from airouter.config.findings import NamedItem, choice, likely
from airouter.config.globs import matches_any

if TYPE_CHECKING:
    from airouter.config.budget import PeriodBudget
    from airouter.config.findings import Compiled, Finding
    from airouter.config.snapshot import Auth, ClientKey, Limits, Model, Snapshot

EXAMPLES = """\
  airouter explain gpt-4o
  airouter explain gpt-4o --key team-a -f router.yaml --ignore-secrets
"""
UNITS = {"rpm": "requests a minute", "tpm": "tokens a minute", "max_concurrent": "at a time"}


def explain_command(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="Model, or an alias of one.")],
    key: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Name of the client that asks, or its key itself."),
    ] = None,
    file: Files = None,
    *,
    ignore_secrets: IgnoreSecrets = False,
    secrets_from_cluster: SecretsFromCluster = False,
    context: Context = None,
    namespace: Namespace = None,
) -> None:
    """Tell which way a request for a model goes, and why.

    Names the backends in the order in which they are tried, the fallbacks, the limits, who may ask,
    and what is left out for which reason. Exits with 2 where the request would be refused.
    """
    secrets = SecretsFrom(ignore_secrets, secrets_from_cluster, context, namespace)
    compiled = single_config(file, secrets)
    snapshot = compiled.snapshot
    if snapshot is None:
        raise typer.Exit(INVALID)
    found = model_named(model, snapshot)
    if found is None:
        names = [each.name for each in snapshot.models]
        typer.echo(f"404: there is no model {model} ({likely(model, names) or choice(names)})")
        raise typer.Exit(INVALID)
    refused = why_refused(found, key, snapshot.auth)
    typer.echo("\n".join(explanation(found, snapshot, compiled)))
    if key is not None:
        typer.echo(f"\n{refused or f'{key_owner(key, snapshot.auth)} may ask for it'}")
    raise typer.Exit(INVALID if refused or not (found.tiers or found.fallbacks) else 0)


def model_named(name: str, snapshot: "Snapshot") -> "Model | None":
    """Return the model that a name or an alias belongs to."""
    by_alias = {alias: model for model in snapshot.models for alias in model.aliases}
    return {**by_alias, **{model.name: model for model in snapshot.models}}.get(name)


def explanation(model: "Model", snapshot: "Snapshot", compiled: "Compiled") -> Iterator[str]:
    """Yield the lines that tell the way of a request."""
    aliases = f" (also {', '.join(model.aliases)})" if model.aliases else ""
    yield f"{model.name}{aliases}"
    yield f"  may be asked for by: {', '.join(askers(model, snapshot.auth)) or 'nobody'}"
    if limits := limits_text(model.limits):
        yield f"  limited to {limits}, over all clients"
    yield from backends_text(model, snapshot, "  ")
    if model.fallbacks:
        reasons = ", ".join(snapshot.retries.fallback_on)
        yield f"  then, after failures of {reasons}, its fallbacks in this order:"
    for name in model.fallbacks:
        fallback = model_named(name, snapshot)
        if fallback is not None:
            yield f"    {name}"
            yield from backends_text(fallback, snapshot, "      ")
    retries = snapshot.retries
    statuses = ", ".join(map(str, retries.on_status))
    yield f"  when all have failed, {retries.attempts} more attempts, on statuses {statuses}"
    yield from left_out(model, compiled)


def backends_text(model: "Model", snapshot: "Snapshot", indent: str) -> Iterator[str]:
    """Yield a line for each backend, under the tier in which it stands."""
    credentials = {each.name: each for each in snapshot.credentials}
    if not model.tiers:
        yield f"{indent}no backend can be used"
    for number, tier in enumerate(model.tiers, 1):
        when = "tried first" if number == 1 else "when none of the tier before can be used"
        yield f"{indent}tier {number}, {when}:"
        whole = sum(backend.weight for backend in tier)
        for backend in tier:
            credential = credentials[backend.credential]
            place = f" at {credential.base_url}" if credential.base_url else ""
            limits = [limits_text(each.limits) for each in (credential, backend)]
            limited = "".join(f", limited to {each}" for each in limits if each)
            share = f"{backend.weight / whole:.0%}"
            name = f"{backend.credential}/{backend.upstream_name}"
            yield f"{indent}  {name}: {credential.type}{place}, {share} of the tier{limited}"


def askers(model: "Model", auth: "Auth") -> Iterator[str]:
    """Yield the names of all that may ask for a model."""
    if auth.master_sha256 is not None:
        yield "the master key"
    if auth.anonymous:
        yield "anybody, without a key"
    for client in auth.clients:
        if may_use(client, model, auth):
            bounds = "; ".join(bounds_of(client, model, auth))
            yield f"{client.name} ({bounds})" if bounds else client.name


def bounds_of(client: "ClientKey", model: "Model", auth: "Auth") -> Iterator[str]:
    """Yield the limits and budgets that bind a client where it asks for a model."""
    if own := limits_text(client.limits):
        yield own
    for entry in client.model_limits:
        if matches_any(model.name, (entry.models,)):
            yield f"{limits_text(entry.limits)} for {entry.models}"
    yield from map(budget_text, client.budgets)
    for group in auth.groups:
        if group.name in client.groups:
            bounds = [limits_text(group.limits)]
            bounds += [budget_text(group.budget)] if group.budget else []
            yield f"group {group.name}: {', '.join(filter(None, bounds))}"


def may_use(client: "ClientKey", model: "Model", auth: "Auth") -> bool:
    """Return whether a client may ask for a model, as the router decides it."""
    granted = {grant.name: grant.models for grant in auth.grants}
    models = ("*",) if client.grant is None else granted.get(client.grant, ())
    return client_principal(client, models).may_use(model.name)


def key_owner(key: str, auth: "Auth") -> str | None:
    """Return the owner of a key, given by the name of its client or as it is."""
    digest = hashlib.sha256(key.encode()).hexdigest()
    if key == "master" or digest == auth.master_sha256:
        return "the master key"
    return next((c.name for c in auth.clients if key == c.name or digest == c.key_sha256), None)


def why_refused(model: "Model", key: str | None, auth: "Auth") -> str:
    """Return why a request with a key would be refused; empty where it would not."""
    if key is None or auth.anonymous:
        return ""
    owner = key_owner(key, auth)
    if owner is None:
        names = choice(client.name for client in auth.clients)
        return f"401: no client has this name or key ({names or 'there are no clients'})"
    client = next((each for each in auth.clients if each.name == owner), None)
    if client is None or may_use(client, model, auth):
        return ""
    patterns = ", ".join(client.models)
    return f"404 for {owner}, whose models ({patterns}) do not match {model.name}"


def limits_text(limits: "Limits") -> str:
    """Return limits in words; empty for none."""
    pairs = ((getattr(limits, name), unit) for name, unit in UNITS.items())
    return ", ".join(f"{number} {unit}" for number, unit in pairs if number is not None)


def budget_text(budget: "PeriodBudget") -> str:
    """Return a budget in words."""
    span = "in total" if budget.period == "Total" else f"a {budget.period.lower()}"
    return f"{budget.usd} USD {span}"


def left_out(model: "Model", compiled: "Compiled") -> Iterator[str]:
    """Yield the findings about a model and about what it names."""
    at_model = ("spec", "models", NamedItem(model.name))
    causes = {f.cause for f in compiled.findings if f.cause and f.path[:3] == at_model}
    concerned = [f for f in compiled.findings if is_at(f, at_model) or is_at(f, *causes)]
    if concerned:
        yield "  findings:"
        yield from (f"    {finding}" for finding in concerned)


def is_at(finding: "Finding", *places: tuple[object, ...]) -> bool:
    """Return whether a finding is at or below one of some places."""
    return any(finding.path[: len(place)] == place for place in places)
