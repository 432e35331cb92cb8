"""Tasks that run for as long as the operator."""

import asyncio

import pytest

from airouter_operator.background import BackgroundTasks


async def fail() -> None:
    raise ValueError("sk-secret")


async def test_a_task_that_ends_is_a_problem_that_tells_no_secret(
    caplog: pytest.LogCaptureFixture,
) -> None:
    tasks = BackgroundTasks()
    assert not tasks.have_started()
    tasks.start("resync", fail())
    tasks.start("lease", asyncio.sleep(60))
    assert (tasks.have_started(), tasks.problems()) == (True, [])
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert tasks.problems() == ["task resync has ended"]
    assert "ValueError at test_background.py" in caplog.text
    assert "sk-secret" not in caplog.text
    await tasks.stop()
