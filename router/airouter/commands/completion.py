"""`airouter completion`: a script for a shell, which has all commands and options in it.

So a completion starts no Python, and is there at once.
"""

from collections.abc import Iterator
from pkgutil import resolve_name
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import typer
from typer.models import OptionInfo

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
    words = {name: options_of(name) for name in COMMANDS}
    typer.echo(SCRIPTS[shell](words), nl=False)


def options_of(name: str) -> list[str]:
    """Return the options of a command, and the values of its choices."""
    function = getattr(resolve_name(COMMANDS[name].module), f"{name}_command")
    words = {"--help"}
    for parameter, hint in get_type_hints(function, include_extras=True).items():
        words |= set(choices_in(hint))
        for option in getattr(hint, "__metadata__", ()):
            if isinstance(option, OptionInfo):
                words |= set(option.param_decls or [f"--{parameter.replace('_', '-')}"])
    return sorted(words)


def choices_in(hint: Any) -> Iterator[str]:
    """Yield the values that an annotation allows, if it lists them."""
    if get_origin(hint) is Literal:
        yield from get_args(hint)
    else:
        for argument in get_args(hint):
            yield from choices_in(argument)


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
