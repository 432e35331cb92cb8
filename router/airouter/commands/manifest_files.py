"""The manifests that a command is given: files, directories, standard input, Secrets elsewhere."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import typer

from airouter.commands.kubectl import KubectlError, cluster_secrets
from airouter.commands.options import DEFAULT_FILE, INVALID
from airouter.config.findings import Compiled, Finding
from airouter.config.manifest import (
    CheckedManifest,
    ManifestFile,
    check_manifest,
    loaded_configs,
)
from airouter.config.placeholders import named_secrets
from airouter.sources.manifests import MAX_BYTES, read_manifests

if TYPE_CHECKING:
    from airouter.config.snapshot import Snapshot

STDIN = Path("-")


class SecretsFrom(NamedTuple):
    """The place of the Secrets that manifests name, beside those in the files."""

    nowhere: bool = False
    """Whether each is taken for a good one, and none is read."""
    cluster: bool = False
    context: str | None = None
    namespace: str | None = None


def checked_files(paths: Sequence[Path], secrets: SecretsFrom) -> CheckedManifest:
    """Compile every RouterConfig of some files. Exits where a cluster cannot be asked."""
    texts, findings = read_texts(paths)
    if secrets.cluster:
        texts = [*texts, *secrets_named_in(texts, secrets)]
    return check_manifest(texts, os.environ, findings, ignore_secrets=secrets.nowhere)


def read_texts(paths: Sequence[Path]) -> tuple[list[ManifestFile], list[Finding]]:
    """Return the content of files, and errors of reading them; `-` is standard input."""
    read = read_manifests([path for path in paths if path != STDIN])
    texts, findings = list(read.texts), list(read.findings)
    if STDIN in paths:
        content = sys.stdin.buffer.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            fix = f"use at most {MAX_BYTES // 1_048_576} MiB"
            findings.append(Finding("error", (), "is too large", fix, "stdin"))
        else:
            texts.append(ManifestFile("stdin", content))
    return texts, findings


def secrets_named_in(texts: Sequence[ManifestFile], secrets: SecretsFrom) -> list[ManifestFile]:
    """Read the Secrets that manifests name with kubectl; exits where that fails."""
    names = {name for config in loaded_configs(texts) for name in named_secrets(config)}
    try:
        return cluster_secrets(names, secrets.context, secrets.namespace)
    except KubectlError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(INVALID) from None


def single_config(paths: Sequence[Path] | None, secrets: SecretsFrom) -> Compiled:
    """Compile the one RouterConfig of some files; prints why and exits where there is none."""
    checked = checked_files(paths or [DEFAULT_FILE], secrets)
    snapshots = [compiled for _, compiled in checked.configs if compiled.snapshot is not None]
    if len(snapshots) == 1 and len(checked.configs) == 1:
        return Compiled(snapshots[0].snapshot, checked.findings, snapshots[0].usable)
    for finding in checked.findings:
        typer.echo(str(finding), err=True)
    if len(checked.configs) > 1:
        typer.echo("several RouterConfigs (fix: give the files of one)", err=True)
    if not paths and not DEFAULT_FILE.exists():
        typer.echo("fix: name a file with -f, or write one: airouter init", err=True)
    raise typer.Exit(INVALID)


def single_snapshot(paths: Sequence[Path] | None, secrets: SecretsFrom) -> "Snapshot":
    """Return the snapshot of the one RouterConfig of some files, or exit."""
    snapshot = single_config(paths, secrets).snapshot
    if snapshot is None:
        raise typer.Exit(INVALID)
    return snapshot
