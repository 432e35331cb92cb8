"""Public names of models: a name or alias belongs to one model, and fallbacks refer to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airouter.config.findings import NamedItem, choice

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from airouter.config.findings import Path, Report
    from airouter.config.resource import Model


class ModelNames:
    """The names and aliases of all models. A name wins over an alias, an alias over later ones."""

    def __init__(
        self, models: Sequence[Model], dropped: Collection[tuple[str, str]], report: Report
    ) -> None:
        self._report = report
        self._dropped = dropped
        # All names before any alias, so that the order of models decides between aliases alone.
        self._owners = {model.name: model.name for model in models}
        self._aliases = {model.name: tuple(self._claimed(model)) for model in models}

    def aliases_of(self, model: Model) -> tuple[str, ...]:
        """Return the aliases that belong to a model."""
        return self._aliases[model.name]

    def fallbacks_of(self, model: Model) -> tuple[str, ...]:
        """Return the public names of a model's fallbacks, each once."""
        found = [self._fallback(model, name, at) for at, name in enumerate(model.fallbacks)]
        return tuple(dict.fromkeys(name for name in found if name is not None))

    def _claimed(self, model: Model) -> Iterator[str]:
        for at, alias in enumerate(model.aliases):
            if alias not in self._owners:
                self._owners[alias] = model.name
                yield alias
            else:
                path: Path = ("spec", "models", NamedItem(model.name), "aliases", at)
                what = f"{alias} is already a name of model {self._owners[alias]}"
                self._report.error(path, what, "use a unique name", reason="DuplicateModelName")

    def _fallback(self, model: Model, name: str, at: int) -> str | None:
        path: Path = ("spec", "models", NamedItem(model.name), "fallbacks", at)
        owner = self._owners.get(name)
        if owner is None and ("model", name) in self._dropped:
            cause: Path = ("spec", "models", NamedItem(name))
            self._report.warning(path, f"model {name} was dropped", cause=cause)
        elif owner is None:
            others = choice(other for other in self._aliases if other != model.name)
            self._report.error(path, f"there is no model {name}", others)
        elif owner == model.name:
            self._report.error(path, "is the model itself", "use another model")
            return None
        return owner
