"""Backends of models: the credentials that they mean, by name and by label."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from airouter.config import snapshot
from airouter.config.compile.credentials import compile_limits
from airouter.config.findings import NamedItem, choice

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from airouter.config.compile.prices import PriceBook
    from airouter.config.findings import Path, Report
    from airouter.config.resource import Backend, Credential, CredentialSelector, Model, Spec

MAX_BACKENDS = 100_000
"""Most backends of all models, so that selectors cannot make a small file a huge snapshot."""


class RankedBackend(NamedTuple):
    """A backend and its rank: its own priority, then its credential's."""

    priority: tuple[int, int]
    backend: snapshot.Backend


class Backends:
    """The credentials that backends can mean, and those that one did."""

    def __init__(
        self,
        spec: Spec,
        usable: Mapping[str, snapshot.Credential],
        dropped: Collection[tuple[str, str]],
        prices: PriceBook,
        report: Report,
    ) -> None:
        self._declared = {credential.name: credential for credential in spec.credentials}
        self._usable = usable
        self._dropped = dropped
        self._prices = prices
        self._refuses_unpriced = spec.pricing.unknown == "Refuse"
        self._report = report
        self._reached: set[str] = set()
        self._count = 0

    def of(self, model: Model) -> list[RankedBackend]:
        """Return a model's backends, drained ones too.

        A credential counts once for each upstream name, where it is meant first: a backend that
        names it stands before a selector that finds it again.
        """
        found: dict[tuple[str, str], RankedBackend] = {}
        for at, backend in enumerate(model.backends):
            path: Path = ("spec", "models", NamedItem(model.name), "backends", at)
            upstream_name = backend.upstream_name or model.name
            declared = model.metadata.price if backend.price is None else backend.price
            unpriced = False
            for credential in self._meant(backend, path):
                price = self._prices.version_for(declared, credential, upstream_name)
                unpriced = unpriced or not price
                candidate = candidate_of(backend, credential, upstream_name, price)
                found.setdefault((credential.name, upstream_name), candidate)
            if unpriced and self._refuses_unpriced:
                what = "has no price, which spec.pricing refuses: no request reaches it"
                self._report.error(path, what, "set its price, or metadata.price of the model")
        return list(found.values())

    def note_unreached(self) -> None:
        """Warn of usable credentials that no model has."""
        for name in self._usable:
            if name not in self._reached:
                path: Path = ("spec", "credentials", NamedItem(name))
                fix = "reference it in a model's backends, or delete it"
                self._report.warning(path, "credential is not used by any model", fix)

    def _meant(self, backend: Backend, path: Path) -> Iterator[Credential]:
        names = self._names(backend, path)
        self._reached.update(names)
        self._count += len(names)
        if self._count > MAX_BACKENDS:
            what = f"all models together have more than {MAX_BACKENDS} backends"
            self._report.error(("spec", "models"), what, "use narrower selectors", rejects=True)
            return
        for name in names:
            yield self._declared[name]

    def _names(self, backend: Backend, path: Path) -> list[str]:
        if backend.credential_selector is not None:
            return self._selected(backend.credential_selector, (*path, "credentialSelector"))
        return self._named(backend.credential or "", (*path, "credential"))

    def _named(self, name: str, path: Path) -> list[str]:
        """Return the credential of a name, if it can be used."""
        if name in self._usable:
            return [name]
        if name in self._declared or ("credential", name) in self._dropped:
            declared = self._declared.get(name)
            why = "is suspended" if declared and declared.suspended else "was dropped"
            cause: Path = ("spec", "credentials", NamedItem(name))
            self._report.warning(path, f"credential {name} {why}", cause=cause)
        else:
            what, fix = f"there is no credential {name}", choice(self._declared)
            self._report.error(path, what, fix, reason="NoCredentialMatches")
        return []

    def _selected(self, selector: CredentialSelector, path: Path) -> list[str]:
        """Return the credentials that have all labels of a selector, if they can be used."""
        wanted = selector.match_labels.items()
        matching = [name for name, c in self._declared.items() if wanted <= c.labels.items()]
        names = [name for name in matching if name in self._usable]
        if not matching:
            what, fix = "matches no credential", "use labels that a credential has"
            self._report.error(path, what, fix, reason="NoCredentialMatches")
        elif not names:
            suspended = any(self._declared[name].suspended for name in matching)
            why = "were dropped or are suspended" if suspended else "were dropped"
            cause: Path = ("spec", "credentials", NamedItem(matching[0]))
            self._report.warning(path, f"matches only credentials that {why}", cause=cause)
        return names


def candidate_of(
    backend: Backend, credential: Credential, upstream_name: str, price: str
) -> RankedBackend:
    """Rank a credential as a backend means it."""
    weight = backend.weight * credential.weight
    return RankedBackend(
        (backend.priority, credential.priority),
        snapshot.Backend(
            credential.name, upstream_name, weight, compile_limits(backend.limits), price
        ),
    )
