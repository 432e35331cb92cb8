"""Builds the programs before a test run, which would seem to hang: `-m support.kubernetes`.

It needs `tests` on the PYTHONPATH, prints the folder of the programs, and is done at once when they
are there.
"""

from __future__ import annotations

import sys

from support.kubernetes.binaries import binaries
from support.kubernetes.modules import CannotBuild


def main() -> None:
    """Print the folders that hold the programs, one if all come from the same place."""
    try:
        folders = dict.fromkeys(path.parent for path in binaries().all())
    except CannotBuild as refusal:
        sys.exit(str(refusal))
    sys.stdout.writelines(f"{folder}\n" for folder in folders)


if __name__ == "__main__":
    main()
