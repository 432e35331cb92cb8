"""The mock as an upstream: errors, latency and pace, around what `answers.py` says."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from airouter.dialects.chat.parse_request import parse_request
from airouter.eventloop.aside import LARGE
from airouter.failures import Failure, invalid_field
from airouter.interfaces import BrokenReply
from airouter.providers.mock import render
from airouter.providers.mock.answers import (
    answer_chat,
    answer_completion,
    mock_message_text,
    prompts_of,
    token_count,
)

if TYPE_CHECKING:
    from airouter.config.snapshot import Mock
    from airouter.interfaces import AnswerMeter
    from airouter.providers.mock.answers import Body, MockAnswer

Sleep = Callable[[float], Awaitable[None]]
T = TypeVar("T")

JSON = {b"content-type": b"application/json"}
EVENTS = {b"content-type": b"text/event-stream"}
MAX_CHOICES = 16
MAX_LATENCY = 600.0
BREATH = 64
"""Chunks of an unpaced stream between two turns of the event loop."""


class MockUpstream:
    """An `Upstream` of one credential."""

    def __init__(self, settings: Mock, sleep: Sleep = asyncio.sleep) -> None:
        self._settings = settings
        self._sleep = sleep
        self._served = 0
        self._failed = 0
        self._turn = asyncio.Semaphore(1)
        """Whose large request is worked on."""

    async def send(
        self,
        path: bytes,
        head: bytes,  # noqa: ARG002
        body: bytes,
        method: bytes = b"POST",  # noqa: ARG002  # nothing is kept here to be asked for
        *,
        streamed: bool = False,  # noqa: ARG002  # the body says it
    ) -> PacedReply:
        """Answer after the latency; an error is an answer, too."""
        request: Body = {}
        try:
            request = await self._work(body, partial(msgspec.json.decode, body))
            script = Script(self._settings, request)
            if script.latency:
                await self._sleep(script.latency)
            self._fail_sometimes(script.status)
            path = path.rpartition(b"/v1")[2]
            answer = partial(self._answer, path, request, body, script)
            if path == b"/embeddings":
                return await self._work_aside(answer)  # of few bytes it may make many numbers
            return await self._work(body, answer)
        except Failure as failure:
            return failure_reply(failure, self._sleep)
        except (ArithmeticError, AttributeError, KeyError, RecursionError, TypeError, ValueError):
            nonsense = "The mock can make no sense of this request."
            return failure_reply(Failure(400, nonsense, code="mock_error"), self._sleep)

    async def _work(self, body: bytes, work: Callable[[], T]) -> T:
        """Do something for a body at once; for a large one beside the loop, one after the other."""
        return work() if len(body) <= LARGE else await self._work_aside(work)

    async def _work_aside(self, work: Callable[[], T]) -> T:
        """Do something beside the loop, one after the other."""
        async with self._turn:
            return await asyncio.to_thread(work)

    def _fail_sometimes(self, demanded: int | None) -> None:
        """Raise the `Failure` that the request demands, or the credential's share of errors."""
        if demanded is not None:
            raise mock_failure(demanded)
        self._served += 1
        due = round(self._served * self._settings.error_percent, 6) // 100
        if due > self._failed:
            self._failed += 1
            raise mock_failure(self._settings.error_status)

    def _answer(self, path: bytes, request: Body, body: bytes, script: Script) -> PacedReply:
        if path == b"/embeddings":
            return PacedReply(200, JSON, [as_json(render.embeddings(request))], self._sleep)
        if path == b"/chat/completions":
            return self._chat(request, body, script)
        if path == b"/completions":
            return self._completion(request, body, script)
        raise Failure(404, f"Invalid URL (POST {path.decode('latin-1')})", code="unknown_url")

    def _chat(self, request: Body, body: bytes, script: Script) -> PacedReply:
        parse_request(body)  # refuses what OpenAI refuses
        answers = [answer_chat(request, script.reply)] * choices_of(request)
        prompt = sum(token_count(mock_message_text(message)) for message in request["messages"])
        frame = shared_fields(request, body, "chatcmpl")
        return self._write(request, frame, answers, prompt, render.whole_chat, render.chat_chunks)

    def _completion(self, request: Body, body: bytes, script: Script) -> PacedReply:
        """Answer a legacy completion, whose prompts get choices of their own."""
        prompts = prompts_of(request)
        count = choices_of(request, len(prompts))
        said = [answer_completion(request, prompt, script.reply) for prompt in prompts]
        answers = [answer for answer in said for _ in range(count)]
        tokens = sum(token_count(prompt) for prompt in prompts)
        frame = shared_fields(request, body, "cmpl")
        whole, chunks = render.whole_completion, render.completion_chunks
        return self._write(request, frame, answers, tokens, whole, chunks)

    def _write(
        self,
        request: Body,
        frame: Body,
        answers: list[MockAnswer],
        prompt: int,
        whole: Callable[[Body, list[MockAnswer], Body], Body],
        chunks: Callable[[Body, list[MockAnswer], Body | None], Iterator[Body]],
    ) -> PacedReply:
        usage = render.count_usage(prompt, answers)
        pace = self._settings.tokens_per_second
        pause = 1 / pace if pace else 0.0
        if not request.get("stream"):
            data = as_json(whole(frame, answers, usage))
            return PacedReply(200, JSON, [data], self._sleep, pause * usage["completion_tokens"])
        wanted = (request.get("stream_options") or {}).get("include_usage")
        events = (b"data: %b\n\n" % as_json(c) for c in chunks(frame, answers, wanted and usage))
        return PacedReply(200, EVENTS, with_end(events), self._sleep, pause)


class Script:
    """Wishes of a request for its own answer, in its `metadata`."""

    def __init__(self, settings: Mock, request: Body) -> None:
        """Raises `Failure` 400."""
        metadata = request.get("metadata") or {}
        if not isinstance(metadata, dict):
            raise invalid_field("metadata", "'metadata' must be an object.")
        self.reply = str(metadata.get("mock_reply", settings.reply))
        self.status = metadata_number(metadata, "mock_status", 400, 599)
        latency = metadata_number(metadata, "mock_latency_ms", 0, int(MAX_LATENCY * 1000))
        self.latency = settings.latency if latency is None else latency / 1000


class PacedReply:
    """A `Reply` made of pieces, with a pause before each."""

    def __init__(
        self,
        status: int,
        headers: dict[bytes, bytes],
        pieces: Any,
        sleep: Sleep,
        pause: float = 0.0,
    ) -> None:
        self.status = status
        self.headers = headers
        self.size = 0
        self._pieces = pieces
        self._sleep = sleep
        self._pause = pause
        self._may_go_on = asyncio.Event()
        self._may_go_on.set()
        self._closed = False

    async def read(self, meter: AnswerMeter | None = None) -> bytes:  # noqa: ARG002 - it is small
        body: list[bytes] = []
        await self.relay(body.append)
        return b"".join(body)

    async def relay(self, write: Callable[[bytes], None]) -> None:
        for count, piece in enumerate(self._pieces):
            if self._pause or count % BREATH == BREATH - 1:
                await self._sleep(self._pause)
            await self._may_go_on.wait()
            if self._closed:
                raise BrokenReply("the mock's answer was given up")
            self.size += len(piece)
            write(piece)

    def pause(self) -> None:
        self._may_go_on.clear()

    def resume(self) -> None:
        self._may_go_on.set()

    def close(self) -> None:
        self._closed = True
        self._may_go_on.set()


def shared_fields(request: Body, body: bytes, prefix: str) -> Body:
    """Return what every chunk of an answer repeats."""
    return {
        "id": render.identity(body, prefix),
        "created": render.CREATED,
        "model": request["model"],
        "system_fingerprint": "fp_mock",
    }


def choices_of(request: Body, prompts: int = 1) -> int:
    """Return `n`, which holds for each prompt. Raises `Failure` 400."""
    count = request.get("n")
    count = 1 if count is None else count
    if not isinstance(count, int) or isinstance(count, bool) or count < 1:
        raise invalid_field("n", "'n' must be a whole number from 1.")
    if count * prompts > MAX_CHOICES:
        raise invalid_field("n", f"The mock gives at most {MAX_CHOICES} choices at once.")
    return count


def with_end(events: Iterator[bytes]) -> Iterator[bytes]:
    """Yield a stream and its last event."""
    yield from events
    yield b"data: [DONE]\n\n"


def metadata_number(metadata: Body, name: str, least: int, most: int) -> int | None:
    """Return a number of the metadata, whose values are texts. Raises `Failure` 400."""
    given = metadata.get(name)
    if given is None:
        return None
    if not str(given).isascii() or not str(given).isdigit() or not least <= int(given) <= most:
        raise invalid_field(f"metadata.{name}", f"'{name}' must be from {least} to {most}.")
    return int(given)


def mock_failure(status: int) -> Failure:
    """Return an error as OpenAI words it."""
    if status == 429:
        message = "Rate limit reached for this mock."
        code = "rate_limit_exceeded"
        return Failure(429, message, type="requests", code=code, retry_after=1.0)
    type_ = "server_error" if status >= 500 else "invalid_request_error"
    return Failure(
        status, f"The mock was told to fail with {status}.", type=type_, code="mock_error"
    )


def failure_reply(failure: Failure, sleep: Sleep) -> PacedReply:
    """Return a failure as a provider's answer."""
    error = {
        "message": failure.message,
        "type": failure.type,
        "param": failure.param,
        "code": failure.code,
    }
    headers = dict(JSON)
    if failure.retry_after is not None:
        headers[b"retry-after"] = b"%d" % failure.retry_after
    return PacedReply(failure.status, headers, [as_json({"error": error})], sleep)


def as_json(value: Body) -> bytes:
    """Return a body as JSON."""
    return msgspec.json.encode(value)
