"""The snapshot that is served, and the outcome of the last one that was offered.

Sources offer what they compiled; the store applies it or keeps the last good one. It is used on the
event loop only, so taking over a snapshot is one assignment between two requests.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, get_args

from airouter.config.findings import Compiled, Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from airouter.config.findings import Finding
    from airouter.config.snapshot import Snapshot

logger = logging.getLogger("airouter.config")

SHOWN_FINDINGS = 50


@dataclass(frozen=True)
class Reload:
    """The outcome of offering a configuration. Times are Unix seconds, 0.0 is never."""

    source: str = ""
    """Name of the source."""
    at: float = 0.0
    successful: bool = False
    """True when the offered configuration is served."""
    error: str = ""
    """The reason when it is not; names no secret."""
    findings: tuple[Finding, ...] = ()
    version: str = ""
    """Version of the snapshot that is served, be it from this reload or an earlier one."""
    loaded_at: float = 0.0
    """Time at which that snapshot was taken over."""

    @property
    def severities(self) -> dict[str, int]:
        """The number of findings by severity."""
        counts = dict.fromkeys(get_args(Severity), 0)
        for finding in self.findings:
            counts[finding.severity] += 1
        return counts

    def as_json(self, *, names: bool) -> dict[str, Any]:
        """Return the view for `/health`; a long list of findings is cut.

        Without `names`, findings are shown by their severity and place alone.
        """
        shown = [
            str(finding) if names else finding.headline
            for finding in self.findings[:SHOWN_FINDINGS]
        ]
        if len(self.findings) > SHOWN_FINDINGS:
            shown.append(f"and {len(self.findings) - SHOWN_FINDINGS} more")
        return {
            "source": self.source,
            "version": self.version,
            "loaded_at": moment(self.loaded_at),
            "last_reload_successful": self.successful,
            "last_reload_at": moment(self.at),
            "error": self.error,
            "findings": shown,
        }


class SnapshotStore:
    """Holds the current snapshot."""

    def __init__(
        self, apply: Callable[[Snapshot], None], clock: Callable[[], float] = time.time
    ) -> None:
        """`apply` takes a snapshot over, as a whole or not at all: then it raises."""
        self._apply = apply
        self._clock = clock
        self.current: Snapshot | None = None
        """None until a snapshot was applied."""
        self.reload = Reload()
        self._oldest = 0
        """The least serial of a snapshot that is not left aside."""

    def start_anew(self) -> None:
        """Take what comes next though it be older: it is of another RouterConfig of that name.

        Serials go by the operator's clock, which may have been ahead when the former was published.
        """
        self._oldest = 0

    def offer(self, compiled: Compiled, source: str) -> bool:
        """Serve a compiled configuration if possible; True when it is served now."""
        log_findings(compiled.findings, known=set(self.reload.findings))
        if compiled.snapshot is None:
            return self._keep(compiled, source, "the configuration was rejected")
        if self.current is not None:
            # A mounted Secret lags behind the stream by up to a minute.
            if compiled.snapshot.serial < self._oldest:
                logger.info("%s: an older configuration is left aside", source)
                return False
            # Equal content: its serial is taken over, but nothing is built anew.
            if compiled.snapshot.version == self.current.version:
                return self._accept(compiled, source, compiled.snapshot, self.reload.loaded_at)
        try:
            self._apply(compiled.snapshot)
        except Exception as error:  # noqa: BLE001 - whatever fails, the last good one stays
            return self._keep(compiled, source, f"cannot be applied: {type(error).__name__}", error)
        log_change(compiled.snapshot, source)
        return self._accept(compiled, source, compiled.snapshot, self._clock())

    def refuse(self, source: str, error: str) -> None:
        """Record that a source's configuration cannot be used; the served one stays."""
        self._keep(Compiled(None, ()), source, error)

    def _accept(
        self, compiled: Compiled, source: str, snapshot: Snapshot, loaded_at: float
    ) -> bool:
        self.current = snapshot
        self._oldest = snapshot.serial
        self.reload = Reload(
            source=source,
            at=self._clock(),
            successful=True,
            findings=compiled.findings,
            version=snapshot.version,
            loaded_at=loaded_at,
        )
        return True

    def _keep(
        self, compiled: Compiled, source: str, error: str, cause: Exception | None = None
    ) -> bool:
        """Keep the last good snapshot, and log each failure once."""
        if (error, compiled.findings) != (self.reload.error, self.reload.findings):
            kept = "nothing is served" if self.current is None else "the last good one is kept"
            logger.error("%s: %s; %s", source, error, kept, exc_info=cause)
        self.reload = replace(
            self.reload,
            source=source,
            at=self._clock(),
            successful=False,
            error=error,
            findings=compiled.findings,
        )
        return False


def log_findings(findings: Iterable[Finding], known: set[Finding]) -> None:
    """Log a line for each new finding; a flood is cut."""
    new = [finding for finding in findings if finding not in known]
    for finding in new[:SHOWN_FINDINGS]:
        level = logging.ERROR if finding.severity == "error" else logging.WARNING
        logger.log(level, "%s", finding)
    if len(new) > SHOWN_FINDINGS:
        logger.error("and %d more findings", len(new) - SHOWN_FINDINGS)


def log_change(snapshot: Snapshot, source: str) -> None:
    """Log a line for a snapshot that came into service."""
    logger.info(
        "%s: configuration %s is live, models: %d, credentials: %d",
        source,
        snapshot.version[:8],
        len(snapshot.models),
        len(snapshot.credentials),
    )


def moment(seconds: float) -> str:
    """Return Unix seconds as ISO 8601 in UTC; empty for never."""
    if not seconds:
        return ""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
