"""LiteLLM's proxy, in an environment of its own: no lock file of ours has it."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.processes import SERVER_CORE, Running, free_port, running
from benchmarks.router import KEY, MODEL

PACKAGE = "litellm[proxy]"
QUIET = {
    "LITELLM_LOG": "ERROR",
    "LITELLM_TELEMETRY": "False",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # nothing is fetched
}


def environment(folder: Path) -> Path:
    """Return a virtual environment with the newest LiteLLM; one that is there is left as it is."""
    if not (folder / "bin" / "litellm").exists():
        print(f"Installing {PACKAGE} in {folder}", flush=True)
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, timeout=300)
        install = [str(folder / "bin" / "pip"), "install", "--quiet", PACKAGE]
        subprocess.run(install, check=True, timeout=1_200, env=elsewhere())
    return folder


def version(venv: Path) -> str:
    """Return the version of LiteLLM, and of the Python that it runs on."""
    tell = (
        "import platform; from importlib.metadata import version; "
        "print(version('litellm'), 'on Python', platform.python_version())"
    )
    command = [str(venv / "bin" / "python"), "-c", tell]
    told = subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=60, env=elsewhere()
    )
    return told.stdout.strip()


@contextlib.contextmanager
def litellm(folder: Path, venv: Path, target: int) -> Iterator[Running]:
    """A proxy of one worker in front of an upstream."""
    port = free_port()
    config = folder / "litellm.yaml"
    params = {
        "model": f"openai/{MODEL}",
        "api_base": f"http://127.0.0.1:{target}/v1",
        "api_key": "sk-upstream",
    }
    declared = {
        "model_list": [{"model_name": MODEL, "litellm_params": params}],
        "general_settings": {"master_key": KEY},
    }
    config.write_text(json.dumps(declared))
    command = [str(venv / "bin" / "litellm"), "--config", str(config), "--port", str(port)]
    command += ["--host", "127.0.0.1", "--num_workers", "1"]
    log = folder / "litellm.log"
    settings = {**QUIET, "PYTHONPATH": ""}
    with running(command, port, core=SERVER_CORE, log=log, **settings) as started:
        yield started


def elsewhere() -> dict[str, str]:
    """Return the environment without the packages of this checkout."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
