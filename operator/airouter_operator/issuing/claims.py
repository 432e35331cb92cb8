"""RouterKeys that another operator reconciles, where several watch one namespace.

Two operators would write a RouterKey's Secret and status in turn, as fast as each sees what the
other wrote: so one of them leaves it alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airouter_operator.kube.objects import Object, ObjectKey
    from airouter_operator.leading.ownership import Ownership


def is_anothers(
    ownership: Ownership, scopes: Sequence[str | None], router: ObjectKey, body: Object
) -> bool:
    """Return whether another operator serves a RouterConfig and with it a RouterKey.

    An operator that does not watch the namespace of the RouterConfig can only say that it knows of
    no grant, and does so unless another one has admitted the key.
    """
    if None in scopes or router.namespace in scopes:
        return ownership.gives_way(router)
    conditions = (body.get("status") or {}).get("conditions") or ()
    return ("Admitted", "True") in [(each["type"], each["status"]) for each in conditions]
