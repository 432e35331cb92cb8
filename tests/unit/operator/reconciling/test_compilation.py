"""The compilation: which models can be answered."""

from airouter.config.snapshot import Backend, Model, Snapshot
from airouter_operator.reconciling.compilation import answered_models

SOMEBODY = ((Backend("c", "m"),),)


def test_a_model_is_answered_by_a_backend_or_by_its_fallbacks_backend() -> None:
    snapshot = Snapshot(
        models=(
            Model("second", fallbacks=("first",)),
            Model("first", fallbacks=("served",)),
            Model("served", tiers=SOMEBODY),
            Model("dead"),
            Model("left", fallbacks=("right", "dead")),
            Model("right", fallbacks=("left",)),
        )
    )
    assert answered_models(snapshot) == {"served", "first", "second"}
