"""The command line, as a process would be called."""

import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from airouter import __version__
from airouter.cli import app
from airouter.commands import COMMANDS
from support.manifests import ROUTER_YAML

WARNED = ROUTER_YAML.replace("type: Mock", "type: Mock\n    timeouts: {}")


def airouter(*arguments: object, **environ: str) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments], env=environ, prog_name="airouter")


@pytest.fixture
def router_yaml(tmp_path: Path) -> Path:
    path = tmp_path / "router.yaml"
    path.write_text(ROUTER_YAML, encoding="utf-8")
    return path


def test_the_version_is_told() -> None:
    result = airouter("--version")
    assert (result.exit_code, result.output) == (0, f"airouter {__version__}\n")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--help"], "check"),
        ([], "check"),
        (["serve", "--help"], "    airouter serve -f router.yaml\n"),
        (["check", "-h"], "    airouter check\n"),
    ],
)
def test_help_helps(arguments: list[str], text: str) -> None:
    assert text in airouter(*arguments).output


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_helps_with_examples(name: str) -> None:
    text = airouter(name, "-h").output
    assert COMMANDS[name].summary in text
    assert f"airouter {name}" in text.partition("Examples:\n")[2]


def test_a_mistyped_command_is_answered_with_the_one_that_is_meant() -> None:
    result = airouter("chekc", "router.yaml")
    assert result.exit_code == 2
    assert "Did you mean 'check'?" in result.stderr


def test_help_loads_no_command() -> None:
    code = (
        "import sys; sys.argv = ['airouter', '-h']\n"
        "import runpy\n"
        "try: runpy.run_module('airouter', run_name='__main__')\n"
        "except SystemExit: pass\n"
        "print([n for n in sys.modules if n.startswith('airouter.') or n == 'pydantic'])"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=True)
    assert done.stdout.splitlines()[-1] == "['airouter.commands', 'airouter.cli']"


def test_a_port_that_is_none_is_named_with_its_variable() -> None:
    result = airouter("probe", AIROUTER_PORT="abc")
    assert result.exit_code == 2
    assert "AIROUTER_PORT" in result.stderr


def test_a_good_manifest_is_said_to_be_good(router_yaml: Path) -> None:
    result = airouter("check", "-f", router_yaml)
    assert result.exit_code == 0
    assert result.output == "0 errors, 0 warnings; serves 1 model, 1 credential, 0 clients\n"


def test_a_warning_is_no_failure(router_yaml: Path) -> None:
    router_yaml.write_text(WARNED, encoding="utf-8")
    result = airouter("check", "-f", router_yaml)
    assert result.exit_code == 0
    assert result.output == (
        f"{router_yaml}:8: warning: spec.credentials[name=mock].timeouts: "
        "has no effect on type Mock\n"
        "0 errors, 1 warning; serves 1 model, 1 credential, 0 clients\n"
    )


def test_an_error_is_a_failure_even_if_the_rest_is_served(router_yaml: Path) -> None:
    router_yaml.write_text(ROUTER_YAML.replace("credential: mock", "credential: mok"), "utf-8")
    result = airouter("check", "-f", router_yaml)
    assert result.exit_code == 2
    assert result.output.splitlines()[-1] == (
        "2 errors, 1 warning; serves 1 model, 1 credential, 0 clients"
    )


def test_what_serves_nothing_is_said_so(router_yaml: Path) -> None:
    result = airouter("check", "-f", router_yaml, "-f", router_yaml.with_name("nobody.yaml"))
    assert result.exit_code == 2
    assert result.output.endswith("1 error, 0 warnings; nothing can be served\n")


def test_variables_come_from_the_environment(router_yaml: Path) -> None:
    router_yaml.write_text(ROUTER_YAML.replace("sk-master", "${MASTER}"), encoding="utf-8")
    assert airouter("check", "-f", router_yaml).exit_code == 2
    assert airouter("check", "-f", router_yaml, MASTER="sk-1").exit_code == 0


def test_check_needs_a_file() -> None:
    assert airouter("check").exit_code == 2


@pytest.mark.parametrize("option", ["--port=x", "--log-level=loud", "--nobody"])
def test_a_wrong_option_is_refused(option: str) -> None:
    assert airouter("serve", option).exit_code == 2


def test_a_wrong_setting_is_named() -> None:
    result = airouter("serve", "--port", 99999, AIROUTER_MAX_BODY_BYTES="huge")
    assert result.exit_code == 2
    assert [line.split(":")[0] for line in result.stderr.splitlines()] == [
        "AIROUTER_PORT",
        "AIROUTER_MAX_BODY_BYTES",
    ]


def on_a_terminal(*arguments: str, **environ: str) -> str:
    """What `python -m airouter` writes to a terminal."""
    command = [sys.executable, "-m", "airouter", *arguments]
    ours, theirs = pty.openpty()
    subprocess.run(command, stdout=theirs, env=os.environ | environ, timeout=180, check=False)
    written = os.read(ours, 65536).decode()
    os.close(theirs)
    os.close(ours)
    return written


def test_a_terminal_gets_colours(router_yaml: Path) -> None:
    router_yaml.write_text(ROUTER_YAML.replace("type: Mock", "type: Mok"), encoding="utf-8")
    text = on_a_terminal("check", "-f", str(router_yaml), NO_COLOR="")
    assert "\x1b[31m\x1b[1merror\x1b[0m: spec.credentials[name=mock].type: is not a known" in text
    assert "\x1b[32m(fix: use one of: OpenAI" in text


def test_a_terminal_whose_owner_wants_no_colours_gets_none(router_yaml: Path) -> None:
    router_yaml.write_text(WARNED, encoding="utf-8")
    assert "\x1b" not in on_a_terminal("check", "-f", str(router_yaml), NO_COLOR="1")


def test_serve_serves_until_it_is_told_to_stop(router_yaml: Path) -> None:
    command = [sys.executable, "-m", "airouter", "serve", "-f", str(router_yaml), "--port", "0"]
    environ = os.environ | {"AIROUTER_DRAIN_GRACE": "0"}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environ) as process:
        assert process.stderr is not None
        heard = next(line for line in process.stderr if "listening on" in line)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=180) == 0
    assert "http://127.0.0.1:" in heard
