"""The command line: `airouter-operator`, or `python -m airouter_operator`.

Settings come from the environment (`settings.py`); `app.py` runs the operator.
"""

import argparse
import sys

from pydantic import ValidationError

from airouter import __version__
from airouter_operator.settings import PREFIX, OperatorSettings


def main() -> None:
    """Run the operator, and exit with its code."""
    parser().parse_args()
    try:
        settings = OperatorSettings()
    except ValidationError as error:
        for details in error.errors(include_input=False):
            name = "_".join(map(str, details["loc"])).upper()
            sys.stderr.write(f"{PREFIX}{name}: {details['msg']}\n")
        sys.exit(2)
    from airouter_operator.app import run_operator  # noqa: PLC0415 - it loads kopf: not for --help

    sys.exit(run_operator(settings))


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line, whose help explains the settings."""
    lines = [
        f"  {PREFIX}{name.upper():<20} {field.description}"
        for name, field in OperatorSettings.model_fields.items()
    ]
    parser = argparse.ArgumentParser(
        prog="airouter-operator",
        description="Brings RouterConfigs into running routers.",
        epilog="Settings, from the environment:\n" + "\n".join(lines),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"airouter-operator {__version__}")
    return parser


if __name__ == "__main__":
    main()
