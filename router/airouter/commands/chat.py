"""`airouter chat`: a conversation with a model of a running router, in the terminal."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from airouter.commands.manifest_files import read_texts
from airouter.commands.options import (
    DEFAULT_FILE,
    DEFAULT_URL,
    INVALID,
    Files,
    RouterKeyOption,
    RouterUrl,
)
from airouter.commands.router_client import RouterClient, RouterError
from airouter.config.builtin import MASTER_KEY
from airouter.config.manifest import master_key_in

EXAMPLES = """\
  airouter chat
  airouter chat gpt-4o --url https://llm.example.com
  echo 'Say hello in French.' | airouter chat gpt-4o
"""
FAILED = 1
PROMPT = "> "
SHOWN_MODELS = 8
NOT_FOUND = 404


def chat_command(
    model: Annotated[
        str | None, typer.Argument(metavar="MODEL", help="Model. [the first that the key may use]")
    ] = None,
    url: RouterUrl = DEFAULT_URL,
    key: RouterKeyOption = None,
    file: Files = None,
    system: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Instructions, before the conversation.")
    ] = None,
) -> None:
    """Chat with a model of a running router.

    Each line is a message, and the answer comes as it is made; the end of input, or Ctrl-D, ends
    the conversation. The key is the master key of router.yaml, unless one is given.
    """
    with RouterClient(url, key or key_of_files(file)) as router:
        try:
            name = model or first_model(router)
            if sys.stdin.isatty():
                typer.echo(f"{name} (Ctrl-D ends)", err=True)
            failed = converse(router, name, system)
        except RouterError as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(INVALID) from None
    raise typer.Exit(FAILED if failed else 0)


def converse(router: RouterClient, model: str, system: str | None) -> bool:
    """Answer message after message; returns whether the last one failed."""
    messages = [{"role": "system", "content": system}] if system else []
    failed = False
    for line in lines_of_input():
        messages.append({"role": "user", "content": line})
        answer = ""
        try:
            for piece in router.chat(model, messages):
                answer += piece
                typer.echo(piece, nl=False)
            typer.echo()
            messages.append({"role": "assistant", "content": answer})
            failed = False
        except RouterError as error:
            remedy = other_models(router, model) if error.status == NOT_FOUND else ""
            typer.echo(f"{error}{remedy}", err=True)
            messages.pop()
            failed = True
    return failed


def other_models(router: RouterClient, model: str) -> str:
    """Return the models to ask for in place of one that there is not; empty for one that is."""
    try:
        known = router.models()
    except RouterError:
        return ""
    if model in known or not known:
        return ""
    more = f" and {len(known) - SHOWN_MODELS} more" if len(known) > SHOWN_MODELS else ""
    return f" (fix: ask for one of: {', '.join(known[:SHOWN_MODELS])}{more})"


def lines_of_input() -> Iterator[str]:
    """Yield messages: lines of a terminal until its end, or all that another input holds."""
    if not sys.stdin.isatty():
        text = sys.stdin.read().strip()
        if text:
            yield text
        return
    while True:
        try:
            line = input(PROMPT).strip()
        except (EOFError, KeyboardInterrupt):
            typer.echo()
            return
        if line:
            yield line


def first_model(router: RouterClient) -> str:
    """Return the first model that the key may use. Raises `RouterError`."""
    models = router.models()
    if not models:
        raise RouterError("the key may use no model (fix: add one to spec.models)")
    return models[0]


def key_of_files(paths: list[Path] | None) -> str:
    """Return the master key in some files, or that of the built-in configuration."""
    if not paths and not DEFAULT_FILE.exists():
        return MASTER_KEY
    texts, _ = read_texts(paths or [DEFAULT_FILE])
    return master_key_in(texts, os.environ) or MASTER_KEY
