"""`python -m airouter` and the `airouter` command."""

import os
import sys

PROBE = ["probe"]


def main() -> None:
    """Run the command line; a bare `probe` goes past it, because it runs every few seconds."""
    port = os.environ.get("AIROUTER_PORT", "8080")
    if sys.argv[1:] == PROBE and port.isascii() and port.isdigit():
        from airouter.probe import probe_router  # noqa: PLC0415 - it alone is needed

        sys.exit(probe_router(int(port), "/vhealth"))
    from airouter.cli import run_command_line  # noqa: PLC0415 - not for a probe

    run_command_line()


if __name__ == "__main__":
    main()
