"""The failures of requests, as clients see them.

Every stage may raise a `Failure`; `api/errors.py` writes it in the client's own dialect. The text
is for the client: it names the field and the way out, and never anything of a credential.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LONGEST_RETRY_AFTER = 86_400.0
"""Seconds: a provider that asks for more than a day may be asked after a day."""

UNANSWERED = {"connect_error", "timeout", "broken_reply"}
"""Codes of attempts that no upstream has answered, or none that can be read."""


class Failure(Exception):
    """A request that is answered with an error.

    `status` is the HTTP status, `type`, `code` and `param` are OpenAI's terms, `retry_after` is in
    seconds. `exhausted` says that the router has tried what there was, so that the client's own
    retries would only repeat it. `inner` is Azure's `innererror`.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        type: str = "invalid_request_error",  # noqa: A002  # OpenAI's own word
        code: str | None = None,
        param: str | None = None,
        retry_after: float | None = None,
        exhausted: bool = False,
        inner: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.type = type
        self.code = code
        self.param = param
        self.retry_after = None if retry_after is None else min(retry_after, LONGEST_RETRY_AFTER)
        self.exhausted = exhausted
        self.inner = inner
        self.details: Mapping[str, object] | None = None
        """What Anthropic's SDK reads of an error to mend a request by itself."""
        self.request_id: str | None = None
        """The id of the request that is answered with it, once that is known."""


def drop_frames(error: BaseException) -> None:
    """Let go of the frames that an error went through, once it was dealt with.

    Where one of them refers to the error, all that they hold, the body of the request too, would
    otherwise live until the garbage collector runs.
    """
    found: BaseException | None = error
    while found is not None:
        found.__traceback__ = None
        found.__context__, found = None, found.__context__


def truncated(name: str) -> str:
    """Shorten a client's name for something, for use in a message."""
    return name if len(name) <= 256 else name[:256] + "..."


def missing_key() -> Failure:
    """A request without any key."""
    return Failure(
        401,
        "You didn't provide an API key. Send it as 'Authorization: Bearer YOUR_KEY'.",
        code="missing_api_key",
    )


def wrong_key() -> Failure:
    """A key that is nobody's."""
    return Failure(401, "Incorrect API key provided.", code="invalid_api_key")


def model_not_found(name: str, near: Sequence[str] = ()) -> Failure:
    """A model that is unknown, or, in the same words, one that the key may not use.

    `near` are models that it may use, which have a name like that.
    """
    hint = " Did you mean {}?".format(" or ".join(f"'{each}'" for each in near)) if near else ""
    return Failure(
        404,
        f"The model '{truncated(name)}' does not exist or you do not have access to it.{hint}",
        code="model_not_found",
        param="model",
    )


def invalid_field(param: str, message: str) -> Failure:
    """A field with a value that it cannot have."""
    return Failure(400, message, param=param, code="invalid_value")


def unreadable_json(reason: str) -> Failure:
    """A body that is no JSON object; `reason` says what is wrong and where."""
    return Failure(
        400,
        f"We could not parse the JSON body of your request: {reason}. "
        "The body must be one JSON object, encoded as UTF-8.",
        code="invalid_json",
    )


def body_too_large(limit: int) -> Failure:
    """A body of more than `limit` bytes."""
    return Failure(413, f"The request body is larger than {limit} bytes.", code="request_too_large")


def upstream_failed(kind: str, told: str) -> Failure:
    """An upstream that gave no answer, or no whole one; `kind` and `told` of `UpstreamError`."""
    status = 504 if kind == "timeout" else 502
    return Failure(status, told, type="server_error", code=kind)


def none_answered(last: Failure, tried: int) -> Failure:
    """Return what a client is told when `tried` backends have failed, the last of them with `last`.

    Where that one said nothing, the model is out of service, whatever each of them died of.
    """
    if tried < 2 or last.code not in UNANSWERED:
        return last
    told = f"None of the {tried} backends that were tried could answer. The last: {last.message}"
    return Failure(503, told, type=last.type, code=last.code)


def ended_early() -> Failure:
    """A stream that closed before its end."""
    return Failure(
        502,
        "The upstream's answer ended early.",
        type="server_error",
        code="broken_reply",
    )


def cannot_go_on() -> Failure:
    """A backend that cannot go on with the stream of another one."""
    return Failure(
        400,
        "The backend cannot go on with a stream that another one began.",
        code="unsupported_parameter",
    )


def filtered() -> Failure:
    """An answer that the provider's content filter has withheld, or cut."""
    return Failure(400, "The provider's content filter withheld the answer.", code="content_filter")


def no_backend(model: str) -> Failure:
    """A model all of whose backends are drained, banned or of a credential that is unusable."""
    return Failure(
        503,
        f"No backend of the model '{model}' can serve this request.",
        type="server_error",
        code="no_backend",
    )


def price_unknown(model: str) -> Failure:
    """A model of which nobody knows what it costs, where `spec.pricing` refuses that."""
    return Failure(
        403,
        f"The model '{model}' has no price, and requests whose cost is not known are refused here.",
        param="model",
        code="price_unknown",
    )


def not_offered(model: str, offers: Sequence[str]) -> Failure:
    """A model asked by an API that no credential of it offers; `offers` are those it has."""
    return Failure(
        400,
        f"The model '{model}' does not offer this API. It offers: {', '.join(offers)}.",
        param="model",
        code="unsupported_api",
    )


def cannot_compact(model: str) -> Failure:
    """A conversation to be made short by a provider that has no such API."""
    return Failure(
        400,
        f"The provider of the model '{truncated(model)}' cannot compact conversations "
        "(fix: have them summarised by a request of your own, or ask another model).",
        param="model",
        code="unsupported_api",
    )


def sessions_only(model: str) -> Failure:
    """An HTTP request for a model whose providers speak only over a WebSocket."""
    return Failure(
        400,
        f"The model '{model}' answers in sessions only: open a WebSocket at /v1/responses.",
        param="model",
        code="websocket_required",
    )


def response_not_found(id_: str) -> Failure:
    """A response that is not stored, or, in the same words, another tenant's."""
    return Failure(404, f"Response with id '{truncated(id_)}' not found.", code="not_found")


def previous_not_found(id_: str) -> Failure:
    """A previous response that is not stored, or, in the same words, another tenant's."""
    return Failure(
        400,
        f"Previous response with id '{truncated(id_)}' not found.",
        param="previous_response_id",
        code="previous_response_not_found",
    )


def made_elsewhere(model: str) -> Failure:
    """A chain stored at a provider whose account the requested model does not use."""
    return Failure(
        400,
        f"The previous response was made by an account that the model '{model}' does not use: "
        "send the whole input without previous_response_id.",
        param="previous_response_id",
        code="previous_response_not_found",
    )


def unreadable_content(param: str) -> Failure:
    """Encrypted content that does not open: foreign, tampered, another tenant's, of a lost key."""
    return Failure(
        400,
        f"The encrypted content of '{param}' could not be verified.",
        param=param,
        code="invalid_encrypted_content",
    )


def try_later(code: str, message: str) -> Failure:
    """A request that the router cannot serve now, and may in a second."""
    return Failure(503, message, type="server_error", code=code, retry_after=1.0)


def store_unavailable() -> Failure:
    """A store of responses that does not work now."""
    return try_later(
        "store_unavailable",
        "The store of responses cannot be reached; requests that need none of it are served.",
    )


def too_many_large() -> Failure:
    """A large request when too many of them wait for their turn."""
    return try_later("overloaded", "Too many large requests are waiting: try again later.")


def too_many_values(values: int, fields: int) -> Failure:
    """A large body of more values, or of more fields at its top, than are read."""
    return Failure(
        400,
        f"The body of your request is made of too much: at most {values} values are read, in at "
        f"most {fields} fields.",
        code="too_many_values",
    )


def too_much_text(most: int) -> Failure:
    """A large body with more text that is not ASCII than is read."""
    return Failure(
        400,
        f"The body of your request has too much text: at most {most} bytes of strings are read "
        "that have characters beyond ASCII in them.",
        code="string_above_max_length",
    )


def too_long_together(most: int) -> Failure:
    """Texts that are joined to one, or a document, which would take four bytes a character."""
    return Failure(
        400,
        f"Your request has texts in a row, or a document, of more than {most} characters, of which "
        "some are beyond ASCII.",
        code="string_above_max_length",
    )


def not_ready() -> Failure:
    """A request before the first valid snapshot."""
    return try_later("not_ready", "The router has no valid configuration yet.")


def overloaded() -> Failure:
    """A request of a client that holds as many bytes as it may."""
    return try_later(
        "overloaded",
        "The router has too many bytes of your requests in hand: try again in a moment.",
    )


def master_only() -> Failure:
    """A request by a key that may not ask for this."""
    return Failure(
        403, "This needs the router's master key.", type="permission_error", code="master_key_only"
    )


def repeated_key() -> Failure:
    """A request with a header twice that says whose it is."""
    return Failure(400, "A request must have one key, in one header.", code="repeated_api_key")


def internal() -> Failure:
    """A fault of the router; the log has its cause."""
    return Failure(
        500, "The router failed to serve this request.", type="server_error", code="internal_error"
    )


NAMED = {
    "requests": "requests per minute (rpm)",
    "tokens": "tokens per minute (tpm)",
    "concurrent": "requests at the same time (maxConcurrent)",
}
"""What is limited, in words and as the resource calls it."""


def at_limit(kind: str, name: str, of: str, limit: int, wait: float | None) -> Failure:
    """A request for which a limit has no room.

    `kind` and `name` say whose limit it is, `of` is one of `NAMED`, `wait` is in seconds: None for
    a request that is larger than the limit.
    """
    whose = f"the {kind} '{truncated(name)}'"
    if kind in {"credential", "backend"}:  # which are the router's own affair
        whose = "every account that could answer"
    what = f"Rate limit reached for {whose}: {limit} {NAMED[of]}."
    if wait is None:
        what = f"The request needs more tokens than the limit of {whose}: {limit} {NAMED[of]}."
    else:
        what += f" Try again in {wait:.1f} s."
    return Failure(
        429,
        what,
        type="tokens" if of == "tokens" else "requests",
        code="rate_limit_exceeded",
        retry_after=wait,
        exhausted=wait is None,
    )


def kept_for_others(kind: str, name: str) -> Failure:
    """A request of a batch client for the little that is left of a limit that it shares."""
    return Failure(
        429,
        f"Rate limit reached for the {kind} '{truncated(name)}': the rest is kept for interactive "
        "clients. Try again in 1 s.",
        type="requests",
        code="rate_limit_exceeded",
        retry_after=1.0,
    )


def budget_spent(kind: str, name: str, usd: str, wait: float | None) -> Failure:
    """A request for which a budget has not enough left.

    `kind` and `name` say whose it is, `usd` what it has for a period, of which `wait` seconds are
    left: None for one that never ends.
    """
    what = f"The budget of the {kind} '{truncated(name)}' has too little left: {usd} USD."
    what += " It does not begin anew." if wait is None else f" It begins anew in {wait:.0f} s."
    return Failure(
        429, what, type="insufficient_quota", code="insufficient_quota", retry_after=wait,
        exhausted=True,
    )  # fmt: skip


def budget_unknown(kind: str, name: str, wait: float) -> Failure:
    """A request for whose budget nobody knows what is left, for `wait` seconds at least."""
    whose = f"the {kind} '{truncated(name)}'"
    return Failure(
        429,
        f"It is not known what is left of the budget of {whose}. Try again in {wait:.0f} s.",
        type="requests",
        code="rate_limit_exceeded",
        retry_after=wait,
    )
