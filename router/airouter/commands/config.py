"""`airouter config`: the snapshot that manifests compile to, as routers get it, without secrets."""

from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import typer
import yaml

from airouter.commands.manifest_files import SecretsFrom, single_snapshot
from airouter.commands.options import (
    Context,
    Files,
    IgnoreSecrets,
    Namespace,
    SecretsFromCluster,
)

EXAMPLES = """\
  airouter config router.yaml
  airouter config manifests/ --ignore-secrets -o json
"""
MASK = "***"
SECRET_FIELDS = frozenset({"secret", "sealing_keys", "redis_url", "key_sha256", "master_sha256"})
"""Fields of a snapshot that hold a secret, or what one can be guessed by."""


def config_command(
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="FILE...", help="Manifests. [router.yaml]")
    ] = None,
    file: Files = None,
    *,
    ignore_secrets: IgnoreSecrets = False,
    secrets_from_cluster: SecretsFromCluster = False,
    context: Context = None,
    namespace: Namespace = None,
    output: Annotated[
        Literal["yaml", "json"], typer.Option("--output", "-o", help="Form of the snapshot.")
    ] = "yaml",
) -> None:
    """Show what manifests compile to, without secrets.

    Backends are in the order in which they are tried, references are resolved, durations are
    seconds; what is at its default is left out.
    """
    secrets = SecretsFrom(ignore_secrets, secrets_from_cluster, context, namespace)
    snapshot = single_snapshot([*(files or ()), *(file or ())], secrets)
    shown = masked(msgspec.to_builtins(snapshot))
    if output == "json":
        typer.echo(msgspec.json.format(msgspec.json.encode(shown)).decode())
    else:
        typer.echo(yaml.safe_dump(shown, sort_keys=False, allow_unicode=True), nl=False)


def masked(value: Any, name: str = "") -> Any:
    """Return a part of a snapshot without its secrets, nor the values of headers."""
    if name in SECRET_FIELDS:
        return MASK
    if name == "headers":
        return [each if isinstance(each, str) else [each[0], MASK] for each in value]
    if isinstance(value, dict):
        return {key: masked(each, key) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [masked(each) for each in value]
    return value
