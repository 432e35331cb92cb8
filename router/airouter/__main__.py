"""`python -m airouter` and the `airouter` command."""

import os
import sys

PROBES = {("probe",): "/vhealth", ("probe", "--path", "/health"): "/health"}
"""Command lines of the probes in `manifests/sidecar/` and in pods of the operator's injector."""


def main() -> None:
    """Run the command line; those probes go past it, because they run every few seconds."""
    path = PROBES.get(tuple(sys.argv[1:]))
    port = os.environ.get("AIROUTER_PORT", "8080")
    if path and port.isascii() and port.isdigit():
        from airouter.probe import probe_router  # noqa: PLC0415 - it alone is needed

        sys.exit(probe_router(int(port), path))
    from airouter.cli import run_command_line  # noqa: PLC0415 - not for a probe

    run_command_line()


if __name__ == "__main__":
    main()
