"""`airouter completion`: a script for a shell, which has all commands and options in it.

So a completion starts no Python, and is there at once.
"""

from pkgutil import resolve_name
from typing import Annotated, Any, Literal

import typer
from typer.main import get_command

from airouter.commands import COMMANDS

EXAMPLES = """\
  source <(airouter completion bash)
  airouter completion zsh > "${fpath[1]}/_airouter"
  airouter completion fish > ~/.config/fish/completions/airouter.fish
"""

Words = dict[str, list[str]]
"""Words after each command: its options and the values of its choices."""


def completion_command(
    shell: Annotated[Literal["bash", "zsh", "fish"], typer.Argument(help="The shell.")],
) -> None:
    """Print a script that completes commands in a shell."""
    words = {name: words_of(name) for name in COMMANDS}
    typer.echo(SCRIPTS[shell](words), nl=False)


def words_of(name: str) -> list[str]:
    """Return the options of a command, and the values of its choices."""
    single = typer.Typer(add_completion=False)
    function = getattr(resolve_name(COMMANDS[name].module), f"{name}_command")
    single.command(name)(function)
    command: Any = get_command(single)
    options = [flag for parameter in command.params for flag in parameter.opts if flag[0] == "-"]
    choices = [
        str(choice)
        for parameter in command.params
        for choice in getattr(parameter.type, "choices", ())
    ]
    return sorted({*options, *choices, "--help"})


def bash_script(words: Words) -> str:
    """Return a script for bash: words of the command, else names of files."""
    cases = "\n".join(f'      {name}) words="{" ".join(each)}" ;;' for name, each in words.items())
    return f"""\
_airouter() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} words=""
  if [ "$COMP_CWORD" -eq 1 ]; then
    words="{" ".join(words)} --help --version"
  else
    case ${{COMP_WORDS[1]}} in
{cases}
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  if [ "$COMP_CWORD" -gt 1 ] && [ "${{current#-}}" = "$current" ]; then
    COMPREPLY+=($(compgen -f -- "$current"))
  fi
}}
complete -o filenames -F _airouter airouter
"""


def zsh_script(words: Words) -> str:
    """Return a function for zsh, which describes the commands."""
    described = " ".join(f"'{name}:{COMMANDS[name].summary}'" for name in words)
    cases = "\n".join(f"    {name}) compadd -- {' '.join(each)} ;;" for name, each in words.items())
    return f"""\
#compdef airouter
_airouter() {{
  local -a commands
  commands=({described})
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  case $words[2] in
{cases}
  esac
  _files
}}
compdef _airouter airouter
"""


def fish_script(words: Words) -> str:
    """Return commands for fish."""
    lines = [
        f"complete -c airouter -n __fish_use_subcommand -f -a {name} -d '{COMMANDS[name].summary}'"
        for name in words
    ]
    for name, each in words.items():
        seen = f"'__fish_seen_subcommand_from {name}'"
        lines.append(f"complete -c airouter -n {seen} -a '{' '.join(each)}'")
    return "\n".join(lines) + "\n"


SCRIPTS = {"bash": bash_script, "zsh": zsh_script, "fish": fish_script}
