"""The references of RouterConfigs to other objects, in both directions."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airouter_operator.kube.objects import ObjectKey


class References:
    """The objects of one kind that RouterConfigs name, whether they exist or not."""

    def __init__(self) -> None:
        self._named: dict[ObjectKey, frozenset[ObjectKey]] = {}
        self._naming: defaultdict[ObjectKey, set[ObjectKey]] = defaultdict(set)

    def __contains__(self, key: ObjectKey) -> bool:
        return key in self._naming

    def named_by(self, config: ObjectKey) -> frozenset[ObjectKey]:
        """Return what a RouterConfig names."""
        return self._named.get(config, frozenset())

    def naming(self, key: ObjectKey) -> tuple[ObjectKey, ...]:
        """Return the RouterConfigs that name an object."""
        return tuple(self._naming.get(key, ()))

    def replace(self, config: ObjectKey, named: frozenset[ObjectKey]) -> frozenset[ObjectKey]:
        """Replace what a RouterConfig names; return what it does not name any more."""
        former = self._named.pop(config, frozenset()) - named
        for key in former:
            self._naming[key].discard(config)
            if not self._naming[key]:
                del self._naming[key]
        for key in named:
            self._naming[key].add(config)
        if named:
            self._named[config] = named
        return former
