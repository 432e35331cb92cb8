"""One provider's stream on its way to the client.

The opening of a stream, which is all of it before it says something, is held back: until it is
sent, another backend can still answer. So the client of a provider that fails right after its head,
or begins with an error, is none the wiser.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from msgspec.structs import replace

from airouter.attempts.filtered import is_filtered
from airouter.attempts.headers import EVENT_STREAM, answer_headers
from airouter.dialects.estimation import tokens_of_body
from airouter.failures import filtered, upstream_failed
from airouter.interfaces import BrokenReply, EndedEarly, UpstreamError, UpstreamRefused
from airouter.spending import comment_on, is_spent, meter_for
from airouter.streaming.form import opening_error

if TYPE_CHECKING:
    from asyncio import Timeout

    from airouter.dialects.conversation import Usage
    from airouter.failures import Failure
    from airouter.interfaces import Reply
    from airouter.limits.budgets.budget_scope import BudgetScope
    from airouter.request_context import RequestContext
    from airouter.serving.target import Target

OPENING_SIZE = 262_144
"""Bytes of an opening; a longer one is sent."""
ERROR = b'"error"'
EDGE = 64
"""Bytes of a piece of the opening with which something may begin that the next one says."""


class StreamRelay:
    """A stream of a provider. Lives as long as that."""

    __slots__ = ("_context", "_edge", "_filter", "_limit", "_opening", "_reply", "_size", "_target")

    def __init__(
        self, context: RequestContext, target: Target, reply: Reply, limit: Timeout | None
    ) -> None:
        """`limit` is the time for the first token, which does not count once that is there."""
        self._context = context
        self._target = target
        self._reply = reply
        self._limit = limit
        self._opening: list[bytes] | None = []
        """None once it is sent."""
        self._size = 0
        self._edge = b""
        write = self._open
        if context.stream is not None and context.stream.said:  # another backend has begun
            self._opening, write = None, context.exchange.write
            context.record.continued += 1
            context.record.attempts[-1].continues = True
            if limit is not None:
                limit.reschedule(None)
        self._filter = target.translation.stream_filter(context.request, write)
        self._filter.guard(target.account.masking, context.record.request_id)

    async def run(self) -> UpstreamError | None:
        """Pass the stream on. Raises `UpstreamError` for one that broke in its opening.

        Returns the error of one that broke later, of which the client has not been told yet.
        """
        reply, stream_filter = self._reply, self._filter
        exchange, record = self._context.exchange, self._context.record
        meter = meter_for(self._context, self._target, reply, stream_filter)
        usage: Usage | None = None
        whole = False
        exchange.source = reply
        try:
            try:
                await reply.relay(stream_filter.feed if meter is None else meter.feed)
            except UpstreamError:
                if not (stream_filter.is_whole() or is_spent(meter)):  # else its end alone lacks
                    raise
            if meter is not None and meter.spent is not None:
                self._cut_short(meter.spent)
                return None
            usage = stream_filter.finish()
            if self._opening is not None and self._is_empty(self._opening):
                raise EndedEarly("the upstream's stream is empty")
            self.send_opening()
            whole = stream_filter.failure is None
        except UpstreamError as error:
            if self._opening is None:
                return error
            if isinstance(error, BrokenReply):
                self._raise_told(b"".join(self._opening))
            raise
        finally:
            exchange.source = None
            stream_filter.write = exchange.write  # no longer `_open`, which has the filter
            if whole:
                record.note_usage(usage)
            else:  # or the client is gone, and this is a cancellation
                self._note_usage_so_far()
        if stream_filter.failure is not None:
            record.note_failure(stream_filter.failure)
        exchange.end()
        return None

    def _cut_short(self, spent: BudgetScope) -> None:
        """End the client's stream, for which a budget has nothing left."""
        self.send_opening()
        self._context.exchange.write(comment_on(spent))
        self._filter.cut_short()
        self._context.record.budget_spent = True
        self._context.exchange.end()

    @property
    def failure(self) -> Failure | None:
        """The error that the provider told inside the stream; None where it told none."""
        return self._filter.failure

    @property
    def _is_late(self) -> bool:
        """True where another attempt was quicker, which has cancelled the task of this one."""
        race = self._context.race
        return self._opening is not None and race is not None and race.is_decided

    def break_off(self, error: UpstreamError) -> None:
        """Tell the client why there will be no more."""
        failure = upstream_failed(error.kind, error.told)
        failure.request_id = self._context.record.request_id
        self._filter.break_off(failure)
        self._context.exchange.end()

    def progress(self) -> int:
        """Return a number that changes as the client gets something."""
        return 0 if self._opening is not None else self._filter.progress(self._reply.size)

    def end_if_whole(self) -> bool:
        """End a stream that lacks nothing but its provider's hanging up. Returns whether it did."""
        if not self._filter.is_whole():
            return False
        self._reply.close()
        return True

    def send_opening(self) -> None:
        """Let the client have all that is held back. Raises `UpstreamRefused` for an error."""
        pieces, context = self._opening, self._context
        if not pieces:
            return
        opening = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        if opening.find(ERROR) >= 0:
            self._raise_told(opening)
        if is_filtered(context, self._target, opening):
            context.record.note_usage(self._filter.usage_so_far(self._reply.size))
            raise UpstreamRefused(filtered())
        if context.race is not None:
            context.race.claim(context)
        self._opening = None
        if context.stream is not None:
            context.stream.relay = self  # not that of an attempt beside this one
            context.stream.said = True
            context.stream.joined = context.request.joined
        if self._limit is not None:
            self._limit.reschedule(None)
        exchange, reply = context.exchange, self._reply
        if not exchange.started:
            context.record.note_start(reply.status)
            headers = answer_headers(context, self._target, reply.headers, EVENT_STREAM)
            exchange.start(reply.status, headers)
        self._filter.write = exchange.write
        exchange.write(opening)

    def _raise_told(self, opening: bytes) -> None:
        """Raise `UpstreamRefused` for an error that an opening tells."""
        failure = self._filter.failure or opening_error(opening, self._context.endpoint.stream)
        if failure is not None:
            raise UpstreamRefused(failure) from None

    def end_hold(self) -> None:
        """Send the opening, unless its provider may take longer to say something."""
        if self._limit is None and not self._is_late:
            with suppress(UpstreamRefused):  # which the end of the stream will tell
                self.send_opening()

    def _open(self, data: bytes) -> None:
        """Take a piece of the opening."""
        pieces = self._opening
        if pieces is None or self._is_late:
            return
        pieces.append(data)
        self._size += len(data)
        seen = self._edge + data
        if self._size > OPENING_SIZE or self._context.endpoint.stream.says.search(seen):
            self.send_opening()
        else:
            self._edge = seen[-EDGE:]

    def _is_empty(self, opening: list[bytes]) -> bool:
        """Return whether a stream that is over has neither the beginning of an answer nor an error.

        Such is one that has but the mark of its end.
        """
        seen = b"".join(opening)
        return not self._context.endpoint.stream.begins.search(seen) and seen.find(ERROR) < 0

    def _note_usage_so_far(self) -> None:
        """Note the usage of a stream that ended early: as far as it was told, else estimated.

        Of one that has said nothing yet, what it told counts where another one was quicker.
        """
        context, race = self._context, self._context.race
        if self._opening is None:
            usage = self._filter.usage_so_far(self._reply.size)
            if usage.input_tokens is None:
                usage = replace(usage, input_tokens=tokens_of_body(context.request.body))
            context.record.note_usage(usage)
        elif race is not None:
            race.note_lost(context, self._filter.usage_so_far(self._reply.size))
