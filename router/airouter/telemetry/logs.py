"""The process log: one formatter for our lines and those of libraries.

JSON lines when nobody watches, coloured text on a terminal, always to the given stream (standard
error), because standard output belongs to the access log. Modules log with the standard library;
structlog's own loggers end in the same place. `redaction.py` sees every line first.
"""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, TextIO

import structlog
from structlog.stdlib import ProcessorFormatter

from airouter.telemetry.redaction import redact_fields

if TYPE_CHECKING:
    from structlog.typing import EventDict, Processor, WrappedLogger

OURS = ("airouter",)
LONGEST_TEXT = 16_384
"""Characters of one value in a line: a traceback fits, a body does not."""


def configure(level: str, stream: TextIO) -> None:
    """Send all logging to `stream`: ours from `level` on, that of libraries from warnings on.

    Raises `ValueError` for a level that does not exist.
    """
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter(terminal=stream.isatty()))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    own_level = logging.getLevelNamesMapping().get(level.upper())
    if own_level is None:
        raise ValueError(f"there is no log level {level!r}")
    root.setLevel(max(own_level, logging.WARNING))
    for name in OURS:
        logging.getLogger(name).setLevel(own_level)
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def formatter(*, terminal: bool) -> ProcessorFormatter:
    """Return the formatter of log records, ours and those of libraries."""
    renderer: Processor = structlog.processors.JSONRenderer()
    if terminal:
        renderer = structlog.dev.ConsoleRenderer(
            colors="NO_COLOR" not in os.environ,
            event_key="message",
            timestamp_key="time",
            # Tracebacks are text by then; the fancy ones would show the values of variables.
            exception_formatter=structlog.dev.plain_traceback,
        )
    return ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.ExtraAdder(), without_colors],
        processors=[
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            structlog.processors.EventRenamer("message"),
            sanitized,
            renderer,
        ],
    )


def without_colors(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Drop uvicorn's second, coloured copy of its message."""
    event.pop("color_message", None)
    return event


def sanitized(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Take secrets out, and cut what is too long for a line."""
    fields = redact_fields(dict(event))
    for name, value in fields.items():
        if isinstance(value, str) and len(value) > LONGEST_TEXT:
            fields[name] = value[:LONGEST_TEXT] + "..."
    return fields
