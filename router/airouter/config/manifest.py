"""Compiles manifest files into snapshots, every finding with its file and line.

`kubectl apply` and `airouter serve` take the same YAML: one RouterConfig, the Secrets that it
names, RouterKeys for it, and objects of other kinds, which are ignored. The file source reads the
files. What is only checked may have several RouterConfigs.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from airouter.config.compile import compile_config
from airouter.config.documents import Document, Unreadable, documents
from airouter.config.findings import Compiled, Finding, in_order, likely, quoted
from airouter.config.foreign_words import foreign_document
from airouter.config.loader import load_config
from airouter.config.placeholders import DEFAULT_KEY, placeholder_secrets
from airouter.config.providers import PROVIDER_TYPES
from airouter.config.resource import API_VERSION, KIND
from airouter.config.resource.routerkey import ROUTER_KEY_KIND
from airouter.config.router_keys import (
    by_labels,
    declared_key,
    issued_keys,
    refusal_of,
    vain_wishes_of,
)
from airouter.config.secret import OpenedSecrets, open_secret

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from airouter.config.findings import Path, Severity
    from airouter.config.loader import LoadedConfig
    from airouter.config.providers import ProviderTypes
    from airouter.config.resource import RouterConfig
    from airouter.config.router_keys import DeclaredKey

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


class CheckedManifest(NamedTuple):
    """The result of checking: each RouterConfig by its name, and the findings of all files."""

    configs: tuple[tuple[str, Compiled], ...]
    findings: tuple[Finding, ...]


class ReadManifest:
    """The documents of some files, sorted by kind; mistakes in them are among the `findings`."""

    def __init__(
        self,
        texts: Iterable[ManifestFile],
        environ: Mapping[str, str],
        known: Iterable[Finding],
        types: ProviderTypes,
        *,
        ignore_secrets: bool = False,
    ) -> None:
        """With `ignore_secrets`, no Secret is opened: stand-ins take their place."""
        self.findings = list(known)
        self.written = list(documents_in(texts, self.findings))
        self.is_whole = not self.findings
        """Whether nothing declared may be missing."""
        self.configs = [each for each in self.written if is_config(each.value)]
        self.findings += other_documents(self.written)
        self._types = types
        self._ignores_secrets = ignore_secrets
        opened = () if ignore_secrets else self.written
        self.secrets = opened_secrets(opened, environ, self.findings)
        self.keys = declared_keys_in(self.written, self.findings)

    def load(self) -> list[LoadedConfig]:
        """Load every RouterConfig."""
        loaded = [
            load_config(each.value, each.document.problems, self._types) for each in self.configs
        ]
        for config, reading in zip(self.configs, loaded, strict=True):
            self.findings += map(config.placed, reading.findings)
        return loaded

    def compile(self, written: ManifestDocument, loaded: LoadedConfig) -> Compiled:
        """Compile one RouterConfig, and the RouterKeys for it."""
        config = loaded.config
        if config is None or not self.is_whole:
            return Compiled(None, ())
        secrets, spoiled = self.secrets.for_config(config.metadata.namespace)
        if self._ignores_secrets:
            secrets = placeholder_secrets(config, self._types)
        keys = [(document, key) for document, key in self.keys if key.is_for(written.value)]
        issued = list(issued_keys((key for _, key in keys), self.secrets))
        compiled = compile_config(
            config, secrets, loaded.dropped, self._types, issued=issued, spoiled=spoiled
        )
        self.findings += map(written.placed, compiled.findings)
        labels_decide = by_labels(config)
        for document, key in keys:
            refusal = refusal_of(key, config, compiled)
            if refusal is not None:
                # Where the file says no namespace, kubectl does.
                unsure = refusal.reason == "NoGrant" and (key.is_unplaced or labels_decide)
                severity: Severity = "warning" if unsure else "error"
                self.findings.append(document.placed(Finding(severity, ("spec",), refusal.message)))
            elif vain := vain_wishes_of(key, config):
                self.findings.append(document.placed(Finding("warning", ("spec", "models"), vain)))
        return compiled


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
    read = ReadManifest(texts, environ, known, types)
    if read.is_whole:
        read.findings += miscounted_configs(read.configs)
    loaded = read.load()
    if len(loaded) != 1:
        return Compiled(None, in_order(read.findings))
    compiled = read.compile(read.configs[0], loaded[0])
    return Compiled(compiled.snapshot, in_order(read.findings))


def check_manifest(
    texts: Iterable[ManifestFile],
    environ: Mapping[str, str],
    known: Iterable[Finding] = (),
    types: ProviderTypes = PROVIDER_TYPES,
    *,
    ignore_secrets: bool = False,
) -> CheckedManifest:
    """Compile each RouterConfig of all files, with the Secrets and RouterKeys of all files."""
    read = ReadManifest(texts, environ, known, types, ignore_secrets=ignore_secrets)
    read.findings += list(missing_config(read))
    compiled = [
        (config_name(written), read.compile(written, loaded))
        for written, loaded in zip(read.configs, read.load(), strict=True)
    ]
    read.findings += homeless_keys(read)
    return CheckedManifest(tuple(compiled), in_order(read.findings))


def loaded_configs(
    texts: Iterable[ManifestFile], types: ProviderTypes = PROVIDER_TYPES
) -> list[RouterConfig]:
    """Return the RouterConfigs of some files as far as they can be read, without their Secrets."""
    read = ReadManifest(texts, {}, (), types, ignore_secrets=True)
    return [loaded.config for loaded in read.load() if loaded.config is not None]


def master_key_in(texts: Iterable[ManifestFile], environ: Mapping[str, str]) -> str | None:
    """Return the master key of the first RouterConfig of some files, if its Secret is there."""
    read = ReadManifest(texts, environ, (), PROVIDER_TYPES)
    for loaded in read.load():
        config = loaded.config
        if config is not None and (master := config.spec.auth.master_key):
            ref, secrets = master.secret_ref, read.secrets.for_config(config.metadata.namespace)
            return secrets.values.get((ref.name, ref.key or DEFAULT_KEY), "").strip() or None
    return None


def homeless_keys(read: ReadManifest) -> Iterator[Finding]:
    """Warn of RouterKeys whose RouterConfig is not among the files."""
    for document, key in read.keys:
        if not any(key.is_for(each.value) for each in read.configs):
            what = f"RouterConfig {key.router} is not in what was given: its grants are not asked"
            yield document.placed(Finding("warning", ("spec", "router"), what))


def config_name(written: ManifestDocument) -> str:
    """Return the name of a RouterConfig as it is written."""
    metadata = written.value.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return name if isinstance(name, str) else ""


def documents_in(
    texts: Iterable[ManifestFile], findings: list[Finding]
) -> Iterator[ManifestDocument]:
    """Yield the documents of all files, as far as they can be read."""
    for text in texts:
        try:
            for document in documents(utf8_text(text.content)):
                for each in listed(document):
                    yield ManifestDocument(text.name, each)
        except Unreadable as error:
            findings.append(Finding("error", (), error.what, error.fix, text.name, error.line))


def listed(document: Document) -> Iterator[Document]:
    """Yield the items of a List, as `kubectl get` prints several objects; else the document."""
    root = document.root
    items = root.children.get("items")
    if items is None or root.value.get("kind") != "List" or not isinstance(items.value, list):
        yield document
        return
    for at, item in items.children.items():
        within = ("items", at)
        yield Document(
            item, [p._replace(path=p.path[2:]) for p in document.problems if p.path[:2] == within]
        )


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


def is_router_key(value: Any) -> bool:
    """Return True for a RouterKey."""
    return isinstance(value, dict) and value.get("kind") == ROUTER_KEY_KIND


def is_of_router(value: Any) -> bool:
    """Return True for what is meant as a RouterConfig or a RouterKey."""
    return is_config(value) or is_router_key(value)


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


def missing_config(read: ReadManifest) -> Iterator[Finding]:
    """Report files of no router: with a warning where they are about something else."""
    if not read.is_whole or any(is_of_router(each.value) for each in read.written):
        return
    if all(is_secret(each.value) for each in read.written):
        yield from miscounted_configs(())
    elif not read.findings:
        yield from (replace(each, severity="warning") for each in miscounted_configs(()))


def other_documents(written: Iterable[ManifestDocument]) -> Iterator[Finding]:
    """Report what is no RouterConfig, RouterKey or Secret, and may be meant to be one."""
    for each in written:
        if not isinstance(each.value, dict):
            yield each.error((), "is not a mapping", f"use a {KIND} or a Secret")
        elif is_of_router(each.value) or is_secret(each.value):
            continue
        elif other := foreign_document(each.value):
            what = f"is a configuration of {other}, not a {KIND}"
            yield each.error((), what, "translate it: airouter import FILE")
        elif isinstance(kind := each.value.get("kind"), str):
            fix = likely(kind, (KIND, ROUTER_KEY_KIND, "Secret"), alike=0.8)  # a Service is not
            if fix and "/" not in str(each.value.get("apiVersion")):  # else it is another's
                what = f"{quoted(kind)} is ignored"
                yield each.placed(Finding("warning", ("kind",), what, fix))
        else:
            yield each.error(("kind",), "is required", f"use {KIND} or Secret")


def declared_keys_in(
    written: Iterable[ManifestDocument], findings: list[Finding]
) -> list[tuple[ManifestDocument, DeclaredKey]]:
    """Return the RouterKeys that can be used. Of two with one name, the first counts."""
    found: dict[str, tuple[ManifestDocument, DeclaredKey]] = {}
    for each in written:
        if not is_router_key(each.value):
            continue
        key = declared_key(each.document)
        for problem in key.problems:
            finding = Finding("error", problem.path, problem.what, problem.fix)
            findings.append(each.placed(finding.at("", problem.line)))
        if key.spec is None:
            continue
        if key.name in found:
            path = ("metadata", "name")
            findings.append(
                each.error(path, "is the name of another RouterKey", "use a unique name")
            )
        else:
            found[key.name] = each, key
    return list(found.values())


def opened_secrets(
    written: Iterable[ManifestDocument], environ: Mapping[str, str], findings: list[Finding]
) -> OpenedSecrets:
    """Open all Secrets. Of two with one name in one namespace, the first counts."""
    found = OpenedSecrets()
    for each in written:
        if not is_secret(each.value):
            continue
        opened = open_secret(each.document, environ)
        for problem in opened.problems:
            finding = Finding("error", problem.path, problem.what, problem.fix)
            findings.append(each.placed(finding.at("", problem.line)))
        if opened.name and not found.add(opened):
            path = ("metadata", "name")
            findings.append(each.error(path, "is the name of another Secret", "use a unique name"))
    return found
