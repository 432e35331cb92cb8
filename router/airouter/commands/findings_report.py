"""Findings in the forms that people and machines read: text, JSON, GitHub's annotations, SARIF."""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from airouter import __version__
from airouter.commands.terminal import painted, wants_colour
from airouter.config.findings import Finding, Path

Findings = Sequence[Finding]
INDENT = "  "
SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def as_text(findings: Findings, summary: str) -> str:
    """Return a line for each finding, what follows from one indented under it, and the summary."""
    write = painted if wants_colour() else str
    lines = [f"{INDENT * depth}{write(finding)}" for depth, finding in under_causes(findings)]
    return "\n".join([*lines, summary])


def under_causes(findings: Findings) -> Iterator[tuple[int, Finding]]:
    """Yield findings with their depth: each after the one that it follows from, if there is one."""
    first_at = first_findings(findings)
    below: dict[int, list[int]] = {}
    roots: list[int] = []
    for number, finding in enumerate(findings):
        at_cause = first_at.get((finding.file, finding.cause), ()) if finding.cause else ()
        causes = [each for each in at_cause if findings[each].path != finding.path]
        (below.setdefault(causes[0], []) if causes else roots).append(number)
    pending = [(0, number) for number in reversed(roots)]
    while pending:
        depth, number = pending.pop()
        yield depth, findings[number]
        pending += [(depth + 1, each) for each in reversed(below.get(number, ()))]


def first_findings(findings: Findings) -> dict[tuple[str, Path], list[int]]:
    """Return the first two findings of different paths at or below each place of each file."""
    found: dict[tuple[str, Path], list[int]] = {}
    for number, finding in enumerate(findings):
        for length in range(1, len(finding.path) + 1):
            there = found.setdefault((finding.file, finding.path[:length]), [])
            if not there or (len(there) == 1 and findings[there[0]].path != finding.path):
                there.append(number)
    return found


def findings_as_json(findings: Findings, summary: str) -> str:
    """Return one JSON object: the findings, each with its fields, and the summary."""
    listed = [
        {
            "severity": finding.severity,
            "file": finding.file,
            "line": finding.line,
            "field": finding.field,
            "message": finding.what,
            "fix": finding.fix,
            "reason": finding.reason,
        }
        for finding in findings
    ]
    return json.dumps({"findings": listed, "summary": summary}, indent=2)


def as_github(findings: Findings, summary: str) -> str:
    """Return workflow commands, which GitHub shows as annotations at the lines.

    https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands
    """
    lines = []
    for finding in findings:
        places = {"file": finding.file, "line": str(finding.line or ""), "title": finding.field}
        given = ",".join(f"{key}={escaped(each, ':,')}" for key, each in places.items() if each)
        fix = f" (fix: {finding.fix})" if finding.fix else ""
        message = escaped(f"{finding.what}{fix}")
        lines.append(f"::{finding.severity} {given}::{message}")
    return "\n".join([*lines, summary])


def escaped(text: str, further: str = "") -> str:
    """Return a text as a workflow command takes it."""
    for character in f"%\r\n{further}":
        text = text.replace(character, f"%{ord(character):02X}")
    return text


def as_sarif(findings: Findings, summary: str) -> str:
    """Return a SARIF 2.1.0 log, as code scanners exchange them; the summary is a notification."""
    rules = [{"id": reason} for reason in sorted({finding.reason for finding in findings})]
    run = {
        "tool": {"driver": {"name": "airouter", "version": __version__, "rules": rules}},
        "results": [sarif_result(finding) for finding in findings],
        "properties": {"summary": summary},
    }
    return json.dumps({"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)


def sarif_result(finding: Finding) -> dict[str, Any]:
    """Return a finding as SARIF's result."""
    fix = f" (fix: {finding.fix})" if finding.fix else ""
    parts = (finding.field, f"{finding.what}{fix}")
    physical: dict[str, Any] = {"artifactLocation": {"uri": finding.file or "."}}
    if finding.line:
        physical["region"] = {"startLine": finding.line}
    return {
        "ruleId": finding.reason,
        "level": finding.severity,
        "message": {"text": ": ".join(part for part in parts if part)},
        "locations": [{"physicalLocation": physical}],
    }


WRITERS: dict[str, Callable[[Findings, str], str]] = {
    "text": as_text,
    "json": findings_as_json,
    "github": as_github,
    "sarif": as_sarif,
}
"""By the value of `--output`."""
