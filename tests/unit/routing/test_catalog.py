"""Models by name, made when they are asked for."""

from __future__ import annotations

import pytest

from airouter.config.snapshot import Model
from airouter.failures import Failure
from airouter.routing.catalog import Catalog, Route, by_name
from support.routes import a_route


def test_a_model_is_found_by_name_and_alias_and_knows_its_fallbacks() -> None:
    one = a_route(name="one", aliases=("uno", "two"), fallbacks=("two", "gone"))
    two = a_route(name="two")
    made = {"one": one, "two": two}
    catalog = Catalog(by_name([one.model, two.model]), lambda model: made[model.name])
    assert catalog.resolve("uno") is one
    assert catalog.resolve("two") is two
    assert list(catalog.fallbacks_of(one)) == [two]
    with pytest.raises(Failure, match="'three' does not exist"):
        catalog.resolve("three")


def test_a_route_is_made_when_its_model_is_first_asked_for_and_only_then() -> None:
    made: list[str] = []

    def make(model: Model) -> Route[str]:
        made.append(model.name)
        return Route(model, [])

    models = [a_route(name="one", aliases=("uno",)).model, a_route(name="two").model]
    catalog = Catalog(by_name(models), make)
    assert made == []
    assert catalog.resolve("uno") is catalog.resolve("one") is catalog.resolve("uno")
    assert made == ["one"]
