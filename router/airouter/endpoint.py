"""An endpoint of the router: the API that it offers, its headers, and the form of its errors.

`api/endpoints.py` has all of them; the pipeline is told which one a request came to.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from airouter.dialects.client_request import ClientRequest
    from airouter.failures import Failure
    from airouter.interfaces import Headers
    from airouter.providers.binding import Api
    from airouter.streaming.form import StreamForm


@dataclass(frozen=True)
class Endpoint:
    """An endpoint that the pipeline serves."""

    path: str
    api: Api
    operation: str
    """`RequestRecord.operation`."""
    dialect: str
    """The company whose API it is."""
    id_header: bytes
    """The name that the client's SDK has for the id of a request; `x-request-id` is always sent."""
    forwarded: tuple[bytes, ...]
    returned: tuple[bytes, ...]
    """Headers that go through where both sides speak the same dialect, to and from a provider."""
    error_status: Callable[[Failure], int]
    error_headers: Callable[[Failure], Headers]
    error_body: Callable[[Failure], bytes]
    stream: StreamForm
    stateful: bool = False
    """True where requests may go on from earlier ones, and so need a `Prepare`."""
    check: Callable[[ClientRequest], None] | None = None
    """Raises the `Failure` of a request that no upstream may get."""

    @property
    def is_free(self) -> bool:
        """True where providers answer without charge: of that budgets know nothing."""
        return self.operation == "count_tokens"
