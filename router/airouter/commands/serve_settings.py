"""Settings of `airouter serve`: of its flags, then of the environment; mistakes name a remedy."""

from typing import Any

import typer
from pydantic import ValidationError

from airouter.commands.options import INVALID
from airouter.settings import PREFIX, Settings

KINDS = {
    "int_parsing": "is not a whole number",
    "float_parsing": "is not a number",
    "bool_parsing": "is neither true nor false",
}


def settings_from(flags: dict[str, Any]) -> Settings:
    """Return the settings, flags before the environment; prints mistakes and exits."""
    try:
        return Settings(**{name: flag for name, flag in flags.items() if flag is not None})
    except ValidationError as error:
        for details in error.errors(include_input=False, include_url=False):
            name = "_".join(map(str, details["loc"]))
            what = KINDS.get(details["type"], details["msg"])
            typer.echo(f"{PREFIX}{name.upper()}: {what}{remedy(name)}", err=True)
        raise typer.Exit(INVALID) from None


def remedy(name: str) -> str:
    """Return what a setting is for and its default, as the remedy of a mistake in it."""
    field = Settings.model_fields.get(name)
    if field is None or field.description is None:
        return ""
    default = field.get_default()
    said = field.description.rstrip(".")
    return f" (fix: {said[:1].lower()}{said[1:]}, such as {default})"
