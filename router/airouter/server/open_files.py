"""The limit of open files: each connection takes one, and the default is few.

Router and operator raise it when they start.
"""

from __future__ import annotations

import resource

MOST_FILES = 1_048_576


def allow_many_files() -> None:
    """Raise the soft limit of open files towards the hard one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, MOST_FILES), most))
