"""The commands of `airouter`, a module each. This table lists them; `cli.py` loads what it names.

A command is a function `<name>_command`, whose parameters are its options, and `EXAMPLES`. What
several have in common is in `options.py` (flags), `manifest_files.py` (files and standard input),
`terminal.py` (colours), `router_client.py` (a running router) and `kubectl.py` (a cluster).
"""

from typing import NamedTuple


class CommandEntry(NamedTuple):
    """A row of the table: where a command is, and the first line of its help."""

    module: str
    summary: str


COMMANDS: dict[str, CommandEntry] = {
    "init": CommandEntry(
        "airouter.commands.init", "Write a router.yaml for the providers whose keys are here."
    ),
    "check": CommandEntry(
        "airouter.commands.check", "List everything that is wrong with manifests."
    ),
    "test": CommandEntry(
        "airouter.commands.test", "Make one small call by each credential, and tell how it went."
    ),
    "serve": CommandEntry("airouter.commands.serve", "Serve what a manifest declares."),
    "chat": CommandEntry("airouter.commands.chat", "Chat with a model of a running router."),
    "top": CommandEntry("airouter.commands.top", "Watch the numbers of running routers."),
    "explain": CommandEntry(
        "airouter.commands.explain", "Tell which way a request for a model goes, and why."
    ),
    "config": CommandEntry(
        "airouter.commands.config", "Show what manifests compile to, without secrets."
    ),
    "import": CommandEntry(
        "airouter.commands.importing", "Translate the configuration of another router."
    ),
    "keys": CommandEntry("airouter.commands.keys", "Make a key for a client."),
    "schema": CommandEntry("airouter.commands.schema", "Print the JSON Schema for editors."),
    "completion": CommandEntry(
        "airouter.commands.completion", "Print a script that completes commands in a shell."
    ),
    "probe": CommandEntry(
        "airouter.commands.probe", "Check the health of the router on this machine."
    ),
}
