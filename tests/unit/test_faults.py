"""The table of faults names tests that are there, for each of its twenty kinds."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
PAGE = (TESTS / "faults.md").read_text()
NODE = re.compile(r"`([\w/]+\.py)::(test_\w+)`")


def test_every_test_of_the_table_of_faults_is_there() -> None:
    nodes = NODE.findall(PAGE)
    missing = [
        (file, name) for file, name in nodes if f"def {name}(" not in (TESTS / file).read_text()
    ]
    assert nodes
    assert not missing


def test_every_kind_of_fault_has_a_test() -> None:
    rows = PAGE.partition("|---|")[2].splitlines()[1:]
    kinds = [int(number) for row in rows for number in re.findall(r"^\| (\d+) ", row)]
    assert kinds == sorted(kinds)
    assert set(kinds) == set(range(1, 21))
    assert all(NODE.search(row) for row in rows)
