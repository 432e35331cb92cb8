"""The operator's command line."""

import subprocess
import sys

from airouter_operator.settings import OperatorSettings


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "airouter_operator", *arguments]
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=30, check=False
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


def test_without_a_cluster_it_says_so() -> None:
    done = run()
    assert done.returncode == 2
    assert "there is no cluster to work for" in done.stderr
