"""`airouter keys new`: a key of the system's randomness, and the manifests that make it known."""

import hashlib
import secrets
from typing import Annotated, Literal

import typer
from pydantic import TypeAdapter, ValidationError

from airouter.commands.options import INVALID, Namespace
from airouter.config.resource import API_VERSION
from airouter.config.resource.fields import Name
from airouter.config.router_keys import KEY_FIELD

EXAMPLES = """\
  airouter keys new --name team-a
  airouter keys new --name checkout --form routerkey --router default -n shop
"""
PREFIX = "sk-air-"
RANDOM_BYTES = 24

CLIENT_FORM = """\
# The key of client {name}, whose SHA-256 is
# {digest}.
# It is shown here once. Apply this Secret beside the RouterConfig, and name it there:
#
#   auth:
#     clients:
#     - {{name: {name}, secretRef: {{name: {name}-key}}}}
apiVersion: v1
kind: Secret
metadata: {metadata}
stringData:
  api-key: {key}
"""
ROUTER_KEY_FORM = """\
# A RouterKey. In a cluster apply this document alone: the operator makes a key of its own.
apiVersion: {version}
kind: RouterKey
metadata: {metadata}
spec:
  router: {{name: {router}}}
---
# For airouter serve -f, which has no operator: the key, whose SHA-256 is
# {digest}.
apiVersion: v1
kind: Secret
metadata: {metadata}
stringData:
  {field}: {key}
"""


def keys_command(
    action: Annotated[Literal["new"], typer.Argument(help="new makes a key.")],  # noqa: ARG001
    name: Annotated[str, typer.Option(metavar="NAME", help="Name of the client.")] = "client",
    router: Annotated[
        str, typer.Option(metavar="NAME", help="RouterConfig of a RouterKey.")
    ] = "default",
    namespace: Namespace = None,
    form: Annotated[
        Literal["client", "routerkey"],
        typer.Option(help="A Secret for spec.auth.clients, or a RouterKey with its Secret."),
    ] = "client",
) -> None:
    """Make a key for a client.

    Prints a random key of 192 bits, its SHA-256, and a manifest that holds it. Nothing is kept.
    """
    for option, given in (("--name", name), ("--router", router)):
        check_given_name(option, given)
    key = PREFIX + secrets.token_hex(RANDOM_BYTES)
    placed = f", namespace: {namespace}" if namespace else ""
    written = CLIENT_FORM if form == "client" else ROUTER_KEY_FORM
    own_name = f"{name}-key" if form == "client" else name
    typer.echo(
        written.format(
            name=name,
            key=key,
            digest=hashlib.sha256(key.encode()).hexdigest(),
            metadata=f"{{name: {own_name}{placed}}}",
            router=router,
            version=API_VERSION,
            field=KEY_FIELD,
        ),
        nl=False,
    )


def check_given_name(option: str, given: str) -> None:
    """Refuse what is no name of an object of Kubernetes. Raises `typer.Exit`."""
    try:
        TypeAdapter(Name).validate_python(given)
    except ValidationError as error:
        (found,) = error.errors()
        typer.echo(f"{option}: {found['msg']} (fix: {found['ctx']['fix']})", err=True)
        raise typer.Exit(INVALID) from None
