"""The programs of tests, as they are built where nothing of a person's own is set up."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from support.kubernetes import modules
from support.kubernetes.binaries import Binaries


def test_a_program_is_built_in_a_clone_that_belongs_to_somebody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = Binaries(None, tmp_path / "cache")
    shutil.copytree(modules.TOOLS / "pause", tmp_path / "clone" / "pause")
    subprocess.run(["git", "init", "--quiet", tmp_path / "clone"], check=True, timeout=180)
    monkeypatch.setattr(modules, "TOOLS", tmp_path / "clone")
    monkeypatch.setenv("GOFLAGS", "-buildvcs=auto")  # the default, whatever a person has set
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", "/dev/null")
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    assert programs.path("pause").is_file()
