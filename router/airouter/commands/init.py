"""`airouter init`: a first router.yaml, with comments, for the keys that are in the environment."""

import os
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

import typer

from airouter.commands.known_providers import KNOWN_PROVIDERS, PLACEHOLDER, KnownProvider
from airouter.commands.options import DEFAULT_FILE, INVALID
from airouter.commands.schema import manifest_schema

EXAMPLES = """\
  airouter init
  airouter init deploy/router.yaml --force
  airouter init -
"""
SCHEMA_FILE = ".router.schema.json"
"""Hidden: `airouter serve -f FOLDER` reads the other ones that end in .json."""
MASTER_VARIABLE = "ROUTER_MASTER_KEY"

HEAD = """\
# yaml-language-server: $schema={schema}
#
# What this router serves. Every field: docs/configuration.md. Next:
#   airouter check {file}     everything that is wrong with it
#   airouter test -f {file}   one small call by each credential
#   airouter serve -f {file}  and in another terminal: airouter chat
# A change of this file is live within a second.
apiVersion: airouter.dev/v1alpha1
kind: RouterConfig
metadata: {{name: default}}
spec:
  # Accounts at providers. Keys stand in the Secret below.
  credentials:
"""
MODELS = """\
  # Names that clients may ask for. A model may have several backends, and fallbacks: [NAME, ...].
  models:
"""
TAIL = """\
  auth:
    # The key for everything. Others: clients: [{{name: team-a, secretRef: ..., models: ["gpt-*"]}}]
    masterKey: {{secretRef: {{name: router-keys, key: master}}}}
---
apiVersion: v1
kind: Secret
metadata: {{name: router-keys}}
stringData:
  master: {master}
"""
PROVIDER_KEYS = """\
---
# ${NAME} is the variable of the environment in which the router runs.
apiVersion: v1
kind: Secret
metadata: {name: provider-keys}
stringData:
"""


def init_command(
    path: Annotated[
        Path, typer.Argument(metavar="FILE", help="File to write, or - for standard output.")
    ] = DEFAULT_FILE,
    *,
    force: Annotated[bool, typer.Option("--force", help="Write over a file.")] = False,
) -> None:
    """Write a router.yaml for the providers whose keys are here.

    "Here" is the environment: OPENAI_API_KEY, ANTHROPIC_API_KEY, GEMINI_API_KEY and so on. Without
    any, a Mock answers, which needs no key. The file names the variables, never their values.
    """
    found = [known for known in KNOWN_PROVIDERS if known.variable_in(os.environ)]
    text = first_manifest(found, os.environ, path)
    if path == Path("-"):
        typer.echo(text, nl=False)
        return
    try:
        write_private(path, text, force=force)
        write_private(path.with_name(SCHEMA_FILE), manifest_schema(), force=True)
    except FileExistsError:
        typer.echo(f"{path} is there already (fix: name another file, or use --force)", err=True)
        raise typer.Exit(INVALID) from None
    except OSError as error:
        typer.echo(f"{path}: {error.strerror}", err=True)
        raise typer.Exit(INVALID) from None
    names = ", ".join(f"{known.title} ({known.variable_in(os.environ)})" for known in found)
    typer.echo(f"{path} serves {names or 'a Mock: no key of a provider is in the environment'}")
    if PLACEHOLDER in text:
        told = f"write the name of your resource of Azure OpenAI in place of {PLACEHOLDER}"
        typer.echo(f"AZURE_OPENAI_ENDPOINT is not set (fix: {told} in {path})")
    typer.echo(f"next: airouter check {path}")


def write_private(path: Path, text: str, *, force: bool) -> None:
    """Write a file that its owner alone may read. Raises `OSError`."""
    flags = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if force else os.O_EXCL)
    with open(os.open(path, flags, 0o600), "w", encoding="utf-8") as file:  # noqa: PTH123 - of a mode
        file.write(text)


def first_manifest(
    found: list[KnownProvider], environ: Mapping[str, str], path: Path = DEFAULT_FILE
) -> str:
    """Return a manifest of some providers, or of a Mock where there are none."""
    text = HEAD.format(schema=SCHEMA_FILE, file=path)
    text += "".join(credential_lines(found, environ)) or "  - {name: mock, type: Mock}\n"
    text += MODELS
    text += "".join(model_lines(found)) or "  - {name: mock-echo, backends: [{credential: mock}]}\n"
    given = MASTER_VARIABLE in environ
    text += TAIL.format(
        master=f"${{{MASTER_VARIABLE}}}" if given else f"sk-{secrets.token_hex(24)}"
    )
    keyed = [known for known in found if known.has_secret]
    if keyed:
        text += PROVIDER_KEYS
        text += "".join(f"  {each.name}: ${{{each.variable_in(environ)}}}\n" for each in keyed)
    return text


def credential_lines(found: list[KnownProvider], environ: Mapping[str, str]) -> Iterator[str]:
    """Yield the credentials, as YAML."""
    for known in found:
        yield f"  - name: {known.name}\n    type: {known.type_in(environ)}\n"
        yield from (f"    {line}\n" for line in known.lines_in(environ))
        if known.has_secret:
            yield f"    secretRef: {{name: provider-keys, key: {known.name}}}\n"


def model_lines(found: list[KnownProvider]) -> Iterator[str]:
    """Yield a few models of each provider, as YAML, each name once."""
    taken: set[str] = set()
    for known in found:
        for name, upstream in known.models.items():
            if name not in taken:
                taken.add(name)
                told = f", upstreamName: {upstream}" if upstream != name else ""
                yield f"  - name: {name}\n    backends: [{{credential: {known.name}{told}}}]\n"
