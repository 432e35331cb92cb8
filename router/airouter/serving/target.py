"""A backend of a model as the pipeline sends to it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from airouter.dialects.conversation import Destination
from airouter.dialects.provenance import maker_of
from airouter.dialects.translation.choice import translation_for
from airouter.dialects.translation.client_apis import ServedModel
from airouter.interfaces import head_lines
from airouter.providers.binding import OFFERS
from airouter.routing.catalog import Backend
from airouter.serving.account import in_session

if TYPE_CHECKING:
    from airouter.config import snapshot as declared
    from airouter.costs import PriceList, PriceLists
    from airouter.dialects.client_request import Edits
    from airouter.dialects.translation.base import Translation
    from airouter.providers.binding import Api, Binding
    from airouter.serving.account import Account


class Target:
    """A backend as the pipeline sends to it."""

    __slots__ = (
        "account",
        "first_token",
        "head",
        "headers",
        "label",
        "model",
        "path",
        "price",
        "stream_path",
        "translation",
    )

    def __init__(
        self,
        account: Account,
        name: str,
        binding: Binding,
        translation: Translation,
        price: PriceList | None,
        model: str = "",
    ) -> None:
        """`name` is the provider's of the model, `model` the one that clients know."""
        self.account = account
        self.model = model
        self.price = price
        self.label = label_of(account.credential.name, name)
        self.translation = translation
        self.first_token = account.credential.timeouts.first_token
        self.path = (account.root + binding.path).encode()
        self.stream_path = (account.root + (binding.stream_path or binding.path)).encode()
        self.headers = {name.encode(): value.encode() for name, value in binding.headers.items()}
        self.head = head_lines(self.headers)


def bind(
    backend: declared.Backend,
    account: Account | None,
    api: Api,
    model: declared.Model,
    edits: Edits,
    prices: PriceLists,
) -> Backend[Target] | None:
    """Return a backend with what it takes to send to it; None where it does not offer the API."""
    if account is None or not set(OFFERS[api]) & set(account.credential.api):
        return None
    credential, name = account.credential, backend.upstream_name
    if api == "session":
        api, credential = "responses", in_session(account)
    binding = account.provider.bind(api, credential, name)
    if binding is None:
        return None
    destination = Destination(
        model=name,
        maker=maker_of(credential.type, credential.name, name),
        max_output_tokens=model.metadata.max_output_tokens,
    )
    served = ServedModel(model.name, destination, edits, binding.envelope)
    translation = translation_for(api, binding.api, served)
    price = prices.by_version.get(backend.price)
    target = Target(account, name, binding, translation, price, model.name)
    bound = Backend(credential.name, name, backend.weight, account.load, target)
    bound.mark = account.mark
    bound.has_pods = account.balancer is not None
    return bound


def label_of(credential: str, upstream_name: str) -> tuple[bytes, bytes]:
    """Return the header that names a backend: of an ARN, which names an account, its end."""
    if upstream_name.startswith("arn:"):
        upstream_name = upstream_name.rpartition("/")[2]
    return b"x-airouter-backend", quote(f"{credential}/{upstream_name}", safe="/:@.+").encode()
