"""`airouter check`: everything that is wrong with manifests, for people and for machines."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from airouter.commands.findings_report import WRITERS
from airouter.commands.manifest_files import SecretsFrom, checked_files
from airouter.commands.options import (
    DEFAULT_FILE,
    INVALID,
    Context,
    IgnoreSecrets,
    Namespace,
    SecretsFromCluster,
)
from airouter.commands.terminal import counted

if TYPE_CHECKING:
    from airouter.config.findings import Compiled, Finding
    from airouter.config.manifest import CheckedManifest

EXAMPLES = """\
  airouter check
  airouter check -f manifests/ -f secrets.yaml
  kustomize build . | airouter check - --ignore-secrets
  airouter check router.yaml --secrets-from-cluster -n ai
  airouter check manifests/ --ignore-secrets --strict -o github
"""


def check_command(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="FILE...",
            help="Manifests, directories of manifests, or - for standard input. [router.yaml]",
        ),
    ] = None,
    file: Annotated[
        list[Path] | None,
        typer.Option("--file", "-f", metavar="PATH", help="The same as FILE."),
    ] = None,
    *,
    strict: Annotated[bool, typer.Option("--strict", help="Fail on warnings, too.")] = False,
    ignore_secrets: IgnoreSecrets = False,
    secrets_from_cluster: SecretsFromCluster = False,
    context: Context = None,
    namespace: Namespace = None,
    output: Annotated[
        Literal["text", "json", "github", "sarif"],
        typer.Option("--output", "-o", help="Form of the findings."),
    ] = "text",
) -> None:
    """List everything that is wrong with manifests.

    All files are taken together, with the Secrets and RouterKeys in them; of several RouterConfigs
    each is checked. A finding that follows from another one stands under it.

    Exits with 0 if all of it would be served, else with 2. Warnings change nothing, unless
    --strict is given.
    """
    paths = [*(files or ()), *(file or ())]
    if not paths and not DEFAULT_FILE.exists():
        missing = f"{DEFAULT_FILE}: is not here (fix: name a file, or write one: airouter init)"
        typer.echo(missing, err=True)
        raise typer.Exit(INVALID)
    if ignore_secrets and secrets_from_cluster:
        raise typer.BadParameter(
            "goes without --ignore-secrets", param_hint="--secrets-from-cluster"
        )
    secrets = SecretsFrom(ignore_secrets, secrets_from_cluster, context, namespace)
    checked = checked_files(paths or [DEFAULT_FILE], secrets)
    typer.echo(WRITERS[output](checked.findings, summary(checked)), color=True)
    wrong = ("error", "warning") if strict else ("error",)
    failed = any(finding.severity in wrong for finding in checked.findings)
    raise typer.Exit(INVALID if failed else 0)


def summary(checked: "CheckedManifest") -> str:
    """Return a line for each RouterConfig: the number of findings, and what would be served."""
    errors, warnings = (severities(checked.findings, name) for name in ("error", "warning"))
    findings = f"{counted(errors, 'error')}, {counted(warnings, 'warning')}"
    if len(checked.configs) == 1:
        return f"{findings}; {served(checked.configs[0][1])}"
    if not checked.configs:
        return f"{findings}; nothing can be served"
    return "\n".join([findings, *(f"{name}: {served(each)}" for name, each in checked.configs)])


def severities(findings: "tuple[Finding, ...]", severity: str) -> int:
    """Count the findings of a severity."""
    return sum(finding.severity == severity for finding in findings)


def served(compiled: "Compiled") -> str:
    """Return what of a RouterConfig would be served."""
    snapshot = compiled.snapshot
    if snapshot is None:
        return "nothing can be served"
    parts = (
        counted(len(snapshot.models), "model"),
        counted(len(snapshot.credentials), "credential"),
        counted(len(snapshot.auth.clients), "client"),
    )
    return f"serves {', '.join(parts)}"
