"""The operator's command line."""

import re
import subprocess
import sys

from airouter_operator.settings import OperatorSettings


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "airouter_operator", *arguments]
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=180, check=False
    )


def test_help_names_every_setting() -> None:
    done = run("--help")
    assert done.returncode == 0
    for name in OperatorSettings.model_fields:
        assert f"AIROUTER_OPERATOR_{name.upper()}" in done.stdout


def test_a_setting_that_is_wrong_is_named() -> None:
    done = run(AIROUTER_OPERATOR_RESYNC="soon", AIROUTER_OPERATOR_MAX_PODS="0")
    assert done.returncode == 2
    assert "AIROUTER_OPERATOR_RESYNC: Input should be a valid number" in done.stderr
    assert "AIROUTER_OPERATOR_MAX_PODS: Input should be greater than or equal" in done.stderr


def test_a_setting_that_is_mistyped_is_told_with_the_one_that_is_meant() -> None:
    of_a_service = {
        "AIROUTER_OPERATOR_SERVICE_HOST": "10.0.0.1",
        "AIROUTER_OPERATOR_SERVICE_PORT_STREAM": "8443",
        "AIROUTER_OPERATOR_PORT": "tcp://10.0.0.1:8443",
        "AIROUTER_OPERATOR_PORT_8443_TCP_ADDR": "10.0.0.1",
    }
    done = run(AIROUTER_OPERATOR_WACTH="*", AIROUTER_OPERATOR_STREAMPORT="1", **of_a_service)
    told = re.findall(r"(AIROUTER_OPERATOR_\w+) sets nothing \(fix: use (\w+)\)", done.stderr)
    assert told == [
        ("AIROUTER_OPERATOR_STREAMPORT", "AIROUTER_OPERATOR_STREAM_PORT"),
        ("AIROUTER_OPERATOR_WACTH", "AIROUTER_OPERATOR_WATCH"),
    ]


def test_without_a_cluster_it_says_so() -> None:
    done = run()
    assert done.returncode == 2
    assert "there is no cluster to work for" in done.stderr
