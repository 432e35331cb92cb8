"""`python -m airouter` and the `airouter` command."""

import os
import sys

PROBE = ["probe"]


def main() -> None:
    """Run the command line; a bare `probe` goes past it, because it runs every few seconds."""
    if sys.argv[1:] == PROBE:
        from airouter.probe import probe_router  # noqa: PLC0415 - it alone is needed

        sys.exit(probe_router(int(os.environ.get("AIROUTER_PORT", "8080")), "/vhealth"))
    from airouter.cli import app  # noqa: PLC0415 - not for a probe

    app(prog_name="airouter")


if __name__ == "__main__":
    main()
