"""Balancing over the pods of a Service."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator

import pytest

from airouter.config.snapshot import TLS, Credential, Timeouts
from airouter.eventloop.outbox import Outbox
from airouter.eventloop.turns import Turns
from airouter.http.reply import HttpReply
from airouter.interfaces import ConnectError, EndedEarly
from airouter.upstream.balancer import TRIES, Balancer
from airouter.upstream.origin import Origin
from airouter.upstream.pool import Pool
from airouter.upstream.pools import Pooled, Pools
from support.ports import free_port
from support.provider_pool import BODY, HEAD, PATH
from support.raw_upstream import OK, Conversation, raw_upstream
from unit.upstream.tls import CA_PEM, pools, server_context, tunnel_proxy

SERVICE = "http://vllm.ai.svc:8000/v1"
OPENAI = Credential(name="other", type="OpenAI")


class Pod:
    """A model server that answers while it is told to."""

    def __init__(self) -> None:
        self.address = ""
        self.connections = 0
        self.requests: list[bytes] = []
        self.answers = asyncio.Event()
        self.answers.set()
        self._asked = asyncio.Event()

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        conversation = Conversation(reader, writer)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                self.requests.append(await conversation.request())
                self._asked.set()
                await self.answers.wait()
                await conversation.say(OK)
        writer.close()

    async def was_asked(self, times: int) -> None:
        """Wait until so many requests have come."""
        async with asyncio.timeout(60):
            while len(self.requests) < times:
                self._asked.clear()
                await self._asked.wait()


@contextlib.asynccontextmanager
async def pod(tls: ssl.SSLContext | None = None) -> AsyncIterator[Pod]:
    found = Pod()
    server = await asyncio.start_server(found.take, "127.0.0.1", 0, ssl=tls)
    found.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield found
    server.close()


def gone() -> str:
    """An address that takes no connection."""
    return f"127.0.0.1:{free_port()}"


def follow(shared: Pools, *addresses: str, url: str = SERVICE, tls: TLS | None = None) -> Pooled:
    """What asks the pods at these addresses."""
    credential = Credential("c", "OpenAICompatible", addresses=addresses, tls=tls or TLS())
    return shared.pool_for(credential, url)


def ask(subject: Pooled) -> asyncio.Task[bytes]:
    async def answer() -> bytes:
        return await (await subject.send(PATH, HEAD, BODY)).read()

    return asyncio.create_task(answer())


@pytest.fixture
async def shared() -> AsyncIterator[Pools]:
    found = pools()
    yield found
    found.close()
    await asyncio.sleep(0)


async def test_a_request_goes_to_the_pod_with_the_fewest_in_flight(shared: Pools) -> None:
    async with pod() as slow, pod() as quick:
        subject = follow(shared, slow.address, quick.address)
        slow.answers.clear()
        asked = [ask(subject) for _ in range(2)]
        await slow.was_asked(1)
        await quick.was_asked(1)
        for number in range(2, 5):
            asked.append(ask(subject))
            await quick.was_asked(number)
        assert len(slow.requests) == 1
        slow.answers.set()
        await asyncio.gather(*asked)


async def test_pods_that_have_nothing_to_do_are_asked_by_turns(shared: Pools) -> None:
    async with pod() as one, pod() as two, pod() as three:
        everyone = (one, two, three)
        subject = follow(shared, *(each.address for each in everyone))
        for _ in range(6):
            await ask(subject)
        assert [len(each.requests) for each in everyone] == [2, 2, 2]


async def test_a_pod_that_takes_no_connection_costs_no_request(shared: Pools) -> None:
    async with pod() as alive:
        subject = follow(shared, gone(), alive.address, gone())
        answers = await asyncio.gather(*(ask(subject) for _ in range(12)))
        assert set(answers) == {b'{"ok":true}'}
        assert len(alive.requests) == 12


async def test_a_pod_that_took_no_connection_is_left_alone_for_a_while() -> None:
    asked: list[str] = []

    class Noted(Pool):
        def __init__(self, address: str) -> None:
            outbox = Outbox(asyncio.get_running_loop())
            turns = Turns(asyncio.get_running_loop())
            origin = Origin.of(SERVICE).at(address)
            super().__init__(origin, Timeouts(), outbox, turns, max_connections=9, body_limit=99)
            self.address = address

        async def send(self, *arguments: bytes, streamed: bool = False) -> HttpReply:
            asked.append(self.address)
            return await super().send(*arguments, streamed=streamed)

    async with pod() as alive:
        dead, subject = gone(), Balancer(Noted, Noted(gone()))
        subject.follow((dead, alive.address))
        for _ in range(6):
            await ask(subject)
        subject.close()
    assert asked.count(dead) == 1
    assert asked.count(alive.address) == 6


async def test_a_pod_that_dies_in_the_middle_of_an_answer_rests_by_itself() -> None:
    begun = b"HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\n{"
    shared = pools()
    async with raw_upstream() as dying, pod() as alive:
        subject = follow(shared, f"127.0.0.1:{dying.port}", alive.address)
        asked = [ask(subject) for _ in range(2)]  # one of them at each
        conversation = await dying.accept()
        await conversation.request()
        await conversation.say(begun)
        conversation.reset()
        ends = await asyncio.gather(*asked, return_exceptions=True)
        (error,) = (end for end in ends if isinstance(end, BaseException))
        assert isinstance(error, EndedEarly)
        assert error.of_one_pod, "the account is in order"
        for _ in range(6):
            assert await ask(subject) == b'{"ok":true}'
        assert dying.count == 1
        shared.close()


async def test_a_service_whose_only_pod_dies_in_the_middle_of_an_answer_has_failed() -> None:
    shared = pools()
    async with raw_upstream() as dying:
        asked = ask(follow(shared, f"127.0.0.1:{dying.port}"))
        conversation = await dying.accept()
        await conversation.request()
        conversation.reset()
        with pytest.raises(EndedEarly) as caught:
            await asked
        assert not caught.value.of_one_pod
        shared.close()


async def test_a_service_whose_pods_take_no_connection_is_asked_by_its_name(shared: Pools) -> None:
    async with pod() as found:
        url = f"http://{found.address}/v1"  # the name of the Service
        for dead in (TRIES + 2, 1, 0):
            subject = follow(shared, *(gone() for _ in range(dead)), url=url)
            for _ in range(3):
                assert await ask(subject) == b'{"ok":true}'
        assert len(found.requests) == 9


async def test_a_service_that_takes_no_connection_by_its_name_either_has_failed(
    shared: Pools,
) -> None:
    subject = follow(shared, gone(), gone(), url=f"http://{gone()}/v1")
    with pytest.raises(ConnectError, match="no connection"):
        await ask(subject)


async def test_a_request_of_a_snapshot_that_is_not_served_any_more_goes_through(
    shared: Pools,
) -> None:
    async with pod() as asked:
        subject = follow(shared, asked.address)
        shared.keep_only([])
        assert await ask(subject) == b'{"ok":true}'


async def test_a_pod_that_leaves_ends_what_it_has_begun_and_gets_nothing_new(
    shared: Pools,
) -> None:
    async with pod() as stays, pod() as leaves:
        subject = follow(shared, leaves.address)
        leaves.answers.clear()
        under_way = ask(subject)
        await leaves.was_asked(1)
        follow(shared, stays.address)
        for _ in range(3):
            await ask(subject)  # as a request of the older snapshot does
        leaves.answers.set()
        assert await under_way == b'{"ok":true}'
        assert (len(stays.requests), len(leaves.requests)) == (3, 1)


async def test_a_change_of_addresses_keeps_the_connections_to_those_that_stay(
    shared: Pools,
) -> None:
    other = shared.pool_for(OPENAI, "http://a.test/v1")
    async with pod() as stays, pod() as comes:
        await ask(follow(shared, stays.address))
        subject = follow(shared, stays.address, comes.address)
        shared.keep_only([subject, other])
        for _ in range(4):
            await ask(subject)
        assert (stays.connections, comes.connections) == (1, 1)
        assert len(comes.requests) == 2
        assert shared.pool_for(OPENAI, "http://a.test/v1") is other


async def test_a_pod_is_asked_by_the_name_of_its_service_and_past_any_proxy() -> None:
    async with tunnel_proxy() as (port, heads), pod() as asked:
        shared = pools(http=f"http://127.0.0.1:{port}")
        await ask(follow(shared, asked.address))
        shared.close()
        assert b"\r\nhost: vllm.ai.svc:8000\r\n" in asked.requests[0]
        assert heads == []


async def test_the_certificate_of_a_pod_is_that_of_its_service(shared: Pools) -> None:
    async with pod(server_context("vllm.ai.svc")) as asked:
        tls = TLS(ca_pem=CA_PEM)
        await ask(follow(shared, asked.address, url="https://vllm.ai.svc/v1", tls=tls))
        assert b"\r\nhost: vllm.ai.svc\r\n" in asked.requests[0]
        stranger = follow(shared, asked.address, url="https://other.ai.svc/v1", tls=tls)
        with pytest.raises(ConnectError, match=r"(?i)certificate"):
            await ask(stranger)
