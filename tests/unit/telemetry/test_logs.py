"""What the log looks like."""

from __future__ import annotations

import io
import json
import logging
from typing import TYPE_CHECKING

import pytest
import structlog

from airouter.telemetry.logs import LONGEST_TEXT, configure

if TYPE_CHECKING:
    from collections.abc import Iterator


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def undisturbed_logging() -> Iterator[None]:
    """Logging as it was, whatever a test configures."""
    root = logging.getLogger()
    handlers, levels = (
        root.handlers[:],
        {name: logging.getLogger(name).level for name in ("", "airouter", "uvicorn")},
    )
    yield
    root.handlers[:] = handlers
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def stream() -> io.StringIO:
    stream = io.StringIO()
    configure("info", stream)
    return stream


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_json_with_time_level_and_logger(stream: io.StringIO) -> None:
    logging.getLogger("airouter.pipeline").warning("no backend for %s", "gpt-4o")
    (line,) = lines(stream)
    assert str(line.pop("time")).endswith("Z")
    assert line == {
        "message": "no backend for gpt-4o",
        "level": "warning",
        "logger": "airouter.pipeline",
    }


def test_extra_fields_are_kept(stream: io.StringIO) -> None:
    logging.getLogger("airouter").info("done", extra={"request_id": "req_1"})
    assert lines(stream)[0]["request_id"] == "req_1"


def test_loggers_of_structlog_end_in_the_same_place(stream: io.StringIO) -> None:
    structlog.get_logger("airouter.config").info("reloaded", version="abc", api_key="s3cr3t")
    (line,) = lines(stream)
    assert line["message"] == "reloaded"
    assert line["logger"] == "airouter.config"
    assert line["version"] == "abc"
    assert line["api_key"] == "[redacted]"


def test_uvicorn_logs_there_without_its_colours(stream: io.StringIO) -> None:
    extra = {"color_message": "\x1b[1mStarted\x1b[0m"}
    logging.getLogger("uvicorn.error").warning("Started", extra=extra)
    (line,) = lines(stream)
    assert line["message"] == "Started"
    assert "color_message" not in line


def test_libraries_are_heard_from_warnings_on(stream: io.StringIO) -> None:
    logging.getLogger("urllib3").info("chatter")
    logging.getLogger("urllib3").warning("trouble")
    assert [line["message"] for line in lines(stream)] == ["trouble"]


def test_the_level_is_ours_to_choose() -> None:
    stream = io.StringIO()
    configure("error", stream)
    logging.getLogger("airouter").warning("too quiet")
    logging.getLogger("urllib3").warning("too quiet")
    logging.getLogger("airouter").error("loud")
    assert [line["message"] for line in lines(stream)] == ["loud"]


def test_a_level_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="'loud'"):
        configure("loud", io.StringIO())


def test_to_configure_twice_does_not_double_lines(stream: io.StringIO) -> None:
    configure("info", stream)
    logging.getLogger("airouter").info("once")
    assert len(lines(stream)) == 1


def test_a_traceback_is_one_line_without_secrets(stream: io.StringIO) -> None:
    try:
        raise ValueError("refused: sk-abcdefgh12345678")
    except ValueError:
        logging.getLogger("airouter").exception("failed")
    (line,) = lines(stream)
    assert "ValueError: refused: [redacted]" in str(line["exception"])
    assert "Traceback" in str(line["exception"])


def test_secrets_in_arguments_are_taken_out(stream: io.StringIO) -> None:
    logging.getLogger("airouter").info("sent %s", {"authorization": "Bearer s3cr3t-t0ken"})
    assert "s3cr3t" not in stream.getvalue()


def test_a_value_that_is_too_long_is_cut(stream: io.StringIO) -> None:
    logging.getLogger("airouter").info("x" * (LONGEST_TEXT * 2))
    assert len(str(lines(stream)[0]["message"])) == LONGEST_TEXT + 3


def test_a_terminal_gets_text_with_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    stream = Terminal()
    configure("info", stream)
    logging.getLogger("airouter").info("sent", extra={"api_key": "s3cr3t"})
    assert "sent" in stream.getvalue()
    assert "\x1b[" in stream.getvalue()
    assert "s3cr3t" not in stream.getvalue()


def test_a_terminal_is_spared_colours_on_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    stream = Terminal()
    configure("info", stream)
    logging.getLogger("airouter").info("sent")
    assert "\x1b[" not in stream.getvalue()


def test_a_terminal_shows_tracebacks_without_the_values_of_variables(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    stream = Terminal()
    configure("info", stream)
    try:
        key = "s3cr3t"
        raise ValueError(len(key))
    except ValueError:
        logging.getLogger("airouter").exception("failed")
    assert "ValueError: 6" in stream.getvalue()
    assert "key = 's3cr3t'" not in stream.getvalue()
