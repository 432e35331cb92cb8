"""The owner of a request, whichever way it has shown who it is."""

from __future__ import annotations

from airouter.config.globs import matches_any

MASTER = "master"


class Principal:
    """The owner of a request. Its name goes into metrics and logs, its key does not."""

    __slots__ = ("_globs", "_granted", "_known", "name", "tenant")

    def __init__(
        self,
        name: str,
        globs: tuple[str, ...],
        tenant: str | None = None,
        granted: tuple[str, ...] = ("*",),
    ) -> None:
        """Let the owner use the models that a pattern of `globs` and one of `granted` match."""
        self.name = name
        self.tenant = tenant or name
        """The owner of stored responses, distinct from every other principal's."""
        self._globs = globs
        self._granted = granted
        self._known: dict[str, bool] = {}  # bounded by the catalog's names

    @property
    def is_master(self) -> bool:
        """True for the owner of the master key; a client may have its name, but not its tenant."""
        return self.tenant == MASTER

    def may_use(self, model: str) -> bool:
        """Return True if this principal may use a model of the catalog, by its public name."""
        known = self._known.get(model)
        if known is None:
            known = matches_any(model, self._globs) and matches_any(model, self._granted)
            self._known[model] = known
        return known
