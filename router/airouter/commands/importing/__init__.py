"""`airouter import`: the configuration of another router, translated, with a report of its fate.

`reading.py` reads foreign YAML, `litellm.py` and `auto_ai_router.py` translate, `translated.py` is
what they write into, and `report.py` tells what was carried, changed and left out.
"""

import os
from pathlib import Path
from typing import Annotated, Literal

import typer

from airouter.commands.importing.auto_ai_router import translate_auto_ai_router
from airouter.commands.importing.litellm import translate_litellm
from airouter.commands.importing.reading import UnreadableImport, read_foreign
from airouter.commands.importing.translated import Translated
from airouter.commands.init import write_private
from airouter.commands.options import INVALID
from airouter.config.foreign_words import foreign_document
from airouter.config.manifest import ManifestFile, check_manifest

EXAMPLES = """\
  airouter import litellm.yaml > router.yaml
  airouter import config.yaml --from auto-ai-router --out deploy/
"""
CONFIG_FILE, SECRETS_FILE, REPORT_FILE = "router.yaml", "secrets.yaml", "import-report.txt"
FORMS = {
    "litellm": translate_litellm,
    "auto-ai-router": translate_auto_ai_router,
}
BY_DOCUMENT = {"LiteLLM": "litellm", "Auto AI Router (Go)": "auto-ai-router"}


def import_command(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="litellm.yaml, auto_ai_router.yaml, or -.")
    ],
    form: Annotated[
        Literal["auto", "litellm", "auto-ai-router"],
        typer.Option("--from", help="The router that it is of. [what its fields say]"),
    ] = "auto",
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder for router.yaml, secrets.yaml and the report."),
    ] = None,
    *,
    force: Annotated[bool, typer.Option("--force", help="Write over files.")] = False,
) -> None:
    """Translate the configuration of another router.

    The RouterConfig and its Secrets go to standard output, or into a folder; the report goes to
    standard error, or beside them. It tells what was carried, changed and left out, and what
    airouter check says of the result. os.environ/NAME becomes ${NAME}.
    """
    try:
        document = read_foreign(file)
        kind = BY_DOCUMENT.get(foreign_document(document), "") if form == "auto" else form
        if not kind:
            raise UnreadableImport("is of no router that is known (fix: name it with --from)")
    except UnreadableImport as error:
        typer.echo(f"{file}: {error}", err=True)
        raise typer.Exit(INVALID) from None
    translated = FORMS[kind](document)
    report = report_text(translated)
    if out is None:
        typer.echo(f"{translated.config_yaml()}---\n{translated.secrets_yaml()}", nl=False)
        typer.echo(report, err=True, nl=False)
        return
    try:
        write_folder(out, translated, report, force=force)
    except OSError as error:
        fix = " (fix: name another folder, or use --force)" if error.errno == 17 else ""
        typer.echo(f"{error.filename or out}: {error.strerror}{fix}", err=True)
        raise typer.Exit(INVALID) from None
    typer.echo(report, nl=False)
    typer.echo(f"next: airouter check {out / CONFIG_FILE} {out / SECRETS_FILE}")


def write_folder(out: Path, translated: Translated, report: str, *, force: bool) -> None:
    """Write the manifests and the report, which their owner alone may read. Raises `OSError`."""
    out.mkdir(parents=True, exist_ok=True)
    write_private(out / CONFIG_FILE, translated.config_yaml(), force=force)
    write_private(out / SECRETS_FILE, translated.secrets_yaml(), force=force)
    write_private(out / REPORT_FILE, report, force=force)


def report_text(translated: Translated) -> str:
    """Return the report: the fate of each field, and the findings about the result."""
    texts = [
        ManifestFile(CONFIG_FILE, translated.config_yaml().encode()),
        ManifestFile(SECRETS_FILE, translated.secrets_yaml().encode()),
    ]
    checked = check_manifest(texts, os.environ, ignore_secrets=True)
    findings = "".join(f"check: {finding}\n" for finding in checked.findings)
    return translated.report.text() + findings
