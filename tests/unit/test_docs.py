"""What the docs show: links that lead somewhere, code that can be read, valid resources."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from airouter.config.loader import load_config
from airouter.config.resource import KIND

ROOT = Path(__file__).parents[2]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
FENCE = re.compile(r"^( *)```(\w+)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)


def anchors_of(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub and the site make them."""
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    plain = (
        re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", each).lower() for each in HEADING.findall(text)
    )
    return {re.sub(r"[^\w\- ]", "", each).strip().replace(" ", "-") for each in plain}


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in LINK.findall(re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)):
        if link.startswith(("http://", "https://")):
            continue
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors_of(target), link


def check_yaml(text: str) -> None:
    for document in yaml.safe_load_all(text):
        if isinstance(document, dict) and document.get("kind") == KIND:
            assert [finding.what for finding in load_config(document).findings] == []


def check_shell(text: str) -> None:
    subprocess.run(["bash", "-n"], input=text, text=True, check=True, timeout=180)


CHECKS: dict[str, Callable[[str], object]] = {
    "json": json.loads,
    "python": ast.parse,
    "sh": check_shell,
    "toml": tomllib.loads,
    "yaml": check_yaml,
}
BLOCKS = [
    pytest.param(language, text, id=f"{name}:{language}:{number}")
    for page, name in zip(PAGES, NAMES, strict=True)
    for number, (_, language, text) in enumerate(FENCE.findall(page.read_text()))
    if language in CHECKS
]


@pytest.mark.parametrize(("language", "text"), BLOCKS)
def test_every_block_of_code_can_be_read(language: str, text: str) -> None:
    CHECKS[language](text)


def test_the_docs_have_code_of_every_language_that_is_checked() -> None:
    assert {block.values[0] for block in BLOCKS} == set(CHECKS)
