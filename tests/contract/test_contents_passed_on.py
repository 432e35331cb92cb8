"""Contents in pieces, as Mistral writes them, read by OpenAI's SDK where a chat passes through."""

from __future__ import annotations

import asyncio
from typing import Any

from openai import AsyncOpenAI
from openai.lib.streaming.chat import ChunkEvent

from contract.services.stand_in import Body, sse
from contract.test_calls_passed_on import CHUNK, going_on, provided, telling
from support.config import MASTER_KEY
from support.sdks import openai_sdk

THOUGHT: Body = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}
WELL: Body = {"type": "text", "text": "Well."}


def choice(field: str, reason: str | None = None, **said: Any) -> Body:
    return {**CHUNK, "choices": [{"index": 0, field: said, "finish_reason": reason}]}


CHAT = telling(
    choice("message", "stop", role="assistant", content=[THOUGHT, WELL]),
    *(
        sse(choice("delta", **said))
        for said in ({"role": "assistant", "content": ""}, {"content": [THOUGHT]})
    ),
    sse(choice("delta", content=[WELL])),
    sse(choice("delta", "stop", content="")),
    b"data: [DONE]\n\n",
)


async def test_a_chat_has_text_where_its_server_writes_pieces() -> None:
    asked: Any = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
    async with provided("OpenAICompatible", *CHAT) as router:
        url = f"http://127.0.0.1:{router.port}/v1"
        async with AsyncOpenAI(base_url=url, api_key=MASTER_KEY, max_retries=0) as sdk:
            whole = await sdk.chat.completions.create(**asked)
            async with sdk.chat.completions.stream(**asked) as stream:
                seen = [event async for event in stream if isinstance(event, ChunkEvent)]
            streamed = await stream.get_final_completion()
    assert seen
    for answer in (whole, streamed):
        message: Any = answer.choices[0].message
        assert (message.content, message.reasoning_content) == ("Well.", "Hm.")


async def test_pieces_after_the_first_word_are_text_too() -> None:
    asked: Any = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "stream": True}
    heard = asyncio.Event()
    first = sse(choice("delta", role="assistant", content="Oh. "))
    rest = [sse(choice("delta", content=[each])) for each in (THOUGHT, WELL)]
    rest += [sse(choice("delta", "stop", content="")), b"data: [DONE]\n\n"]
    answer = going_on(first, b"".join(rest), heard)
    said: list[Any] = []
    async with (
        asyncio.timeout(60),
        provided("OpenAICompatible", answer) as router,
        openai_sdk(f"http://127.0.0.1:{router.port}/v1") as sdk,
    ):
        async for chunk in await sdk.chat.completions.create(**asked):
            heard.set()
            said += [each.delta.content for each in chunk.choices]
    assert said == ["Oh. ", "", "Well.", ""]
