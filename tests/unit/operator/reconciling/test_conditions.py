"""Conditions: the guide knows every reason of a condition, and no other."""

import re
from pathlib import Path
from typing import get_args

from airouter_operator.reconciling.conditions import Reason

GUIDE = Path(__file__).parents[4] / "docs" / "kubernetes.md"
ROW = re.compile(r"^\| (?:`\w+`)? ?\| `(\w+)` \|", re.MULTILINE)


def test_every_reason_is_explained() -> None:
    assert sorted(ROW.findall(GUIDE.read_text())) == sorted(get_args(Reason))
