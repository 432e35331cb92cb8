"""Compiles manifest files into a snapshot, every finding with its file and line.

`kubectl apply` and `airouter serve` take the same YAML: one RouterConfig, the Secrets that it
names, and objects of other kinds, which are ignored. The file source reads the files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from airouter.config.compile import compile_config
from airouter.config.documents import Unreadable, documents
from airouter.config.findings import Compiled, Finding, in_order, quoted
from airouter.config.loader import load_config
from airouter.config.providers import PROVIDER_TYPES
from airouter.config.resource import API_VERSION, KIND
from airouter.config.resource.routerkey import ROUTER_KEY_KIND
from airouter.config.secret import open_secret

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from airouter.config.documents import Document
    from airouter.config.findings import Path
    from airouter.config.providers import ProviderTypes

GROUP = API_VERSION.split("/", maxsplit=1)[0]


class ManifestFile(NamedTuple):
    """The content of a file, and the name that findings show."""

    name: str
    content: bytes

    def __repr__(self) -> str:
        return f"ManifestFile(name={self.name!r})"


class ManifestDocument(NamedTuple):
    """A YAML document and the name of its file."""

    file: str
    document: Document

    @property
    def value(self) -> Any:
        return self.document.root.value

    def error(self, path: Path, what: str, fix: str = "") -> Finding:
        """Return an error at a place of this document."""
        return self.placed(Finding("error", path, what, fix))

    def placed(self, finding: Finding) -> Finding:
        """Return a finding with its file and line."""
        return finding.at(self.file, finding.line or self.document.root.line_of(finding.path))


def compile_manifest(
    texts: Iterable[ManifestFile],
    environ: Mapping[str, str],
    known: Iterable[Finding] = (),
    types: ProviderTypes = PROVIDER_TYPES,
) -> Compiled:
    """Compile all files together.

    `known` are errors of reading the files. With one of them, or with a file that is not YAML,
    something declared may be missing: then there is no snapshot, only findings.
    """
    findings = list(known)
    written = list(documents_in(texts, findings))
    whole = not findings
    configs = [each for each in written if is_config(each.value)]
    if whole:
        findings += miscounted_configs(configs)
    findings += other_documents(written)
    secrets = secret_values(written, environ, findings)
    readings = [load_config(each.value, each.document.problems, types) for each in configs]
    for config, reading in zip(configs, readings, strict=True):
        findings += map(config.placed, reading.findings)
    if not whole or len(configs) != 1 or readings[0].config is None:
        return Compiled(None, in_order(findings))
    compiled = compile_config(readings[0].config, secrets, readings[0].dropped, types)
    findings += map(configs[0].placed, compiled.findings)
    return Compiled(compiled.snapshot, in_order(findings))


def documents_in(
    texts: Iterable[ManifestFile], findings: list[Finding]
) -> Iterator[ManifestDocument]:
    """Yield the documents of all files, as far as they can be read."""
    for text in texts:
        try:
            for document in documents(utf8_text(text.content)):
                yield ManifestDocument(text.name, document)
        except Unreadable as error:
            findings.append(Finding("error", (), error.what, error.fix, text.name, error.line))


def utf8_text(content: bytes) -> str:
    """Return the text of a file. Raises `Unreadable`."""
    try:
        return content.decode("utf-8-sig")  # editors on Windows begin a file with a mark
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise Unreadable("is not text in UTF-8", line=line) from None


def is_config(value: Any) -> bool:
    """Return True for a document that is meant as a RouterConfig."""
    if not isinstance(value, dict) or value.get("kind") == ROUTER_KEY_KIND:
        return False
    return value.get("kind") == KIND or str(value.get("apiVersion")).startswith(f"{GROUP}/")


def is_secret(value: Any) -> bool:
    """Return True for a Secret."""
    return isinstance(value, dict) and value.get("kind") == "Secret" and not is_config(value)


def miscounted_configs(configs: Sequence[ManifestDocument]) -> Iterator[Finding]:
    """Report a RouterConfig too few or too many."""
    if not configs:
        fix = f"add a document with apiVersion: {API_VERSION} and kind: {KIND}"
        yield Finding("error", (), f"there is no {KIND} in what was given", fix)
    for config in configs[1:]:
        yield config.error((), f"is another {KIND}", "keep one in all files together")


def other_documents(written: Iterable[ManifestDocument]) -> Iterator[Finding]:
    """Report documents that are neither a RouterConfig nor a Secret."""
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


def secret_values(
    written: Iterable[ManifestDocument], environ: Mapping[str, str], findings: list[Finding]
) -> dict[tuple[str, str], str]:
    """Return the values of all Secrets by name and key. Of two with one name, the first counts."""
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
