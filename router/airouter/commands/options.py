"""Options that several commands have, each with one meaning and one text."""

from pathlib import Path
from typing import Annotated

import typer

INVALID = 2
"""Exit code for what cannot be used: arguments, settings, a configuration."""
DEFAULT_FILE = Path("router.yaml")
"""What `init` writes, and what is read where no file is given."""
DEFAULT_URL = "http://127.0.0.1:8080"

Files = Annotated[
    list[Path] | None,
    typer.Option(
        "--file",
        "-f",
        metavar="PATH",
        help="Manifest, a directory of manifests, or - for standard input. May be given several "
        "times. [router.yaml]",
    ),
]
IgnoreSecrets = Annotated[
    bool,
    typer.Option("--ignore-secrets", help="Take every Secret that is named for a good one."),
]
SecretsFromCluster = Annotated[
    bool,
    typer.Option(
        "--secrets-from-cluster",
        help="Read the Secrets that are named with kubectl. They are not printed.",
    ),
]
Context = Annotated[
    str | None, typer.Option(metavar="NAME", help="Context of kubectl. [its current one]")
]
Namespace = Annotated[
    str | None,
    typer.Option("--namespace", "-n", metavar="NAME", help="Namespace. [that of the context]"),
]
RouterUrl = Annotated[
    str,
    typer.Option(
        "--url", metavar="URL", envvar="AIROUTER_URL", help="Root of a running router, without /v1."
    ),
]
RouterKeyOption = Annotated[
    str | None,
    typer.Option(
        "--key",
        metavar="KEY",
        envvar="AIROUTER_KEY",
        help="A key of the router. Better in the environment than here, where others may see it. "
        "[the master key of router.yaml]",
    ),
]
