"""From the texts of manifests to a snapshot, every finding with its file and line.

The same YAML goes to `kubectl apply` and to `airouter serve`: one RouterConfig, the Secrets that it
names, and whatever else stands there, which is not read. `sources/` brings the texts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from airouter.config.compile import compile_config
from airouter.config.documents import Unreadable, documents
from airouter.config.findings import Compiled, Finding, in_order, quoted
from airouter.config.reading import read
from airouter.config.resource import API_VERSION, KIND
from airouter.config.secret import open_secret

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from airouter.config.documents import Document
    from airouter.config.findings import Path

GROUP = API_VERSION.split("/", maxsplit=1)[0]


class Text(NamedTuple):
    """A file by the name that people know it by."""

    name: str
    content: bytes

    def __repr__(self) -> str:
        return f"Text(name={self.name!r})"


class Written(NamedTuple):
    """A document and its file."""

    file: str
    document: Document

    @property
    def value(self) -> Any:
        return self.document.root.value

    def error(self, path: Path, what: str, fix: str = "") -> Finding:
        """An error at a place of this document."""
        return self.placed(Finding("error", path, what, fix))

    def placed(self, finding: Finding) -> Finding:
        """The same finding with its file and line."""
        return finding.at(self.file, finding.line or self.document.root.line_of(finding.path))


def compile_manifest(
    texts: Iterable[Text], environ: Mapping[str, str], known: Iterable[Finding] = ()
) -> Compiled:
    """Compile all texts together.

    `known` are errors of bringing the texts here. With one of them, or with a text that is not
    YAML, nobody knows what else was declared: then there are findings only.
    """
    findings = list(known)
    written = list(parsed(texts, findings))
    whole = not findings
    configs = [each for each in written if is_config(each.value)]
    if whole:
        findings += miscounted(configs)
    findings += strangers(written)
    secrets = opened(written, environ, findings)
    readings = [read(each.value, each.document.problems) for each in configs]
    for config, reading in zip(configs, readings, strict=True):
        findings += map(config.placed, reading.findings)
    if not whole or len(configs) != 1 or readings[0].config is None:
        return Compiled(None, in_order(findings))
    compiled = compile_config(readings[0].config, secrets, readings[0].dropped)
    findings += map(configs[0].placed, compiled.findings)
    return Compiled(compiled.snapshot, in_order(findings))


def parsed(texts: Iterable[Text], findings: list[Finding]) -> Iterator[Written]:
    """The documents of all texts, as far as they can be read."""
    for text in texts:
        try:
            for document in documents(decoded(text.content)):
                yield Written(text.name, document)
        except Unreadable as error:
            findings.append(Finding("error", (), error.what, error.fix, text.name, error.line))


def decoded(content: bytes) -> str:
    """The text of a file. Raises `Unreadable`."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise Unreadable("is not text in UTF-8", line=line) from None


def is_config(value: Any) -> bool:
    """Whether a document is meant to be ours."""
    if not isinstance(value, dict):
        return False
    return value.get("kind") == KIND or str(value.get("apiVersion")).startswith(f"{GROUP}/")


def is_secret(value: Any) -> bool:
    """Whether a document is a Secret."""
    return isinstance(value, dict) and value.get("kind") == "Secret" and not is_config(value)


def miscounted(configs: Sequence[Written]) -> Iterator[Finding]:
    """There is one RouterConfig."""
    if not configs:
        fix = f"add a document with apiVersion: {API_VERSION} and kind: {KIND}"
        yield Finding("error", (), f"there is no {KIND} in what was given", fix)
    for config in configs[1:]:
        yield config.error((), f"is another {KIND}", "keep one in all files together")


def strangers(written: Iterable[Written]) -> Iterator[Finding]:
    """Documents that are neither a RouterConfig nor a Secret."""
    for each in written:
        if not isinstance(each.value, dict):
            yield each.error((), "is not a mapping", f"use a {KIND} or a Secret")
        elif is_config(each.value) or is_secret(each.value):
            continue
        elif isinstance(kind := each.value.get("kind"), str):
            what = f"{quoted(kind)} is ignored"
            yield each.placed(Finding("warning", ("kind",), what, f"use {KIND} or Secret"))
        else:
            yield each.error(("kind",), "is required", f"use {KIND} or Secret")


def opened(
    written: Iterable[Written], environ: Mapping[str, str], findings: list[Finding]
) -> dict[tuple[str, str], str]:
    """The values of all Secrets by name and key. Of two Secrets with one name, the first counts."""
    values: dict[tuple[str, str], str] = {}
    names: set[str] = set()
    for each in written:
        if not is_secret(each.value):
            continue
        name, keys, problems = open_secret(each.document, environ)
        for problem in problems:
            finding = Finding("error", problem.path, problem.what, problem.fix)
            findings.append(each.placed(finding.at("", problem.line)))
        if name in names:
            path = ("metadata", "name")
            findings.append(each.error(path, "is the name of another Secret", "use a unique name"))
        elif name:
            names.add(name)
            values.update({(name, key): value for key, value in keys.items()})
    return values
