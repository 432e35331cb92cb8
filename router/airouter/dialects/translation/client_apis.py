"""The APIs that clients ask for: for each, how a request reaches an API of providers.

A request passes through where the provider's API takes it as it is; else a translation is made of
what that API can do. `choice.py` decides between the two.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from airouter.dialects import chat, messages, responses
from airouter.dialects.translation.batch import EmbeddingsTranslation, ImagesTranslation
from airouter.dialects.translation.conversing import ConversationTranslation
from airouter.dialects.translation.counting import MESSAGES, RESPONSES, CountApi, Counting, Estimate
from airouter.dialects.translation.passthrough import (
    ImagesPassThrough,
    MessageCountPassThrough,
    MessagesPassThrough,
    OlderPassThrough,
    PassThrough,
    ResponsesPassThrough,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airouter.dialects.client_request import Edits, Envelope
    from airouter.dialects.conversation import Destination
    from airouter.dialects.dialect import ClientDialect, UpstreamDialect
    from airouter.dialects.translation.base import Translation
    from airouter.dialects.upstream_api import UpstreamApi


class ServedModel(NamedTuple):
    """A model as clients know it, and as a provider does."""

    public_name: str
    destination: Destination
    edits: Edits
    envelope: Envelope
    """Fields that the provider wants around a body."""


Build = Callable[["UpstreamApi", ServedModel], "Translation"]


class ClientApi(NamedTuple):
    """An API for clients."""

    pass_through: Build
    """For an API of providers that takes requests as they are."""
    translate: Build
    """For any other. Raises `ValueError` where there is no way."""


def pass_openai(upstream: UpstreamApi, model: ServedModel) -> Translation:
    """Pass through what OpenAI had before Responses, but for chat completions."""
    name = msgspec.Raw(msgspec.json.encode(model.destination.model))
    return OlderPassThrough(name, model.edits, words=upstream.words)


def pass_images(_: UpstreamApi, model: ServedModel) -> Translation:
    """Pass through what asks for images."""
    name = msgspec.Raw(msgspec.json.encode(model.destination.model))
    return ImagesPassThrough(name, model.edits)


def pass_chat(upstream: UpstreamApi, model: ServedModel) -> Translation:
    """Pass chat completions through."""
    name = msgspec.Raw(msgspec.json.encode(model.destination.model))
    rewriting = translate_conversation(chat.CLIENT, upstream, model) if upstream.dialect else None
    return PassThrough(
        name,
        model.edits,
        rewriting,
        refused_fields=upstream.refused_fields,
        id_rule=upstream.id_rule,
        unfit_name=upstream.unfit_name,
        words=upstream.words,
        in_pieces=upstream.in_pieces,
    )


def pass_responses(upstream: UpstreamApi, model: ServedModel) -> Translation:
    """Pass Responses through."""
    return ResponsesPassThrough(
        model.destination.model,
        model.edits,
        foreign=upstream.foreign,
        id_rule=upstream.id_rule,
        unfit_name=upstream.unfit_name,
    )


def pass_messages(upstream: UpstreamApi, model: ServedModel) -> Translation:
    """Pass Messages through."""
    rewriting = translate_conversation(messages.CLIENT, upstream, model)
    return pass_to_claude(MessagesPassThrough, rewriting, upstream, model)


def pass_message_count(upstream: UpstreamApi, model: ServedModel) -> Translation:
    """Pass through what asks for the tokens of Messages."""
    rewriting = between(messages.COUNTER, messages.COUNTED, model)
    return pass_to_claude(MessageCountPassThrough, rewriting, upstream, model)


def pass_to_claude(
    kind: type[MessagesPassThrough],
    rewriting: ConversationTranslation,
    upstream: UpstreamApi,
    model: ServedModel,
) -> Translation:
    """Pass through what only Claude is asked for; `rewriting` mends what it would refuse."""
    return kind(
        model.destination,
        model.edits,
        model.envelope,
        rewriting,
        upstream.betas,
        upstream.unfit_name,
    )


def translate_conversation(
    client: ClientDialect, upstream: UpstreamApi, model: ServedModel
) -> ConversationTranslation:
    """Translate a conversation."""
    if upstream.dialect is None:
        raise no_way()
    return between(client, upstream.dialect, model)


def between(
    client: ClientDialect, upstream: UpstreamDialect, model: ServedModel
) -> ConversationTranslation:
    """Return the translation between two dialects."""
    return ConversationTranslation(
        client,
        upstream,
        model.destination,
        model.edits,
        public_model=model.public_name,
        envelope=model.envelope,
    )


def estimated(asking: CountApi, build: Build) -> Build:
    """Return what builds a translation that estimates for a provider without a counter."""

    def built(upstream: UpstreamApi, model: ServedModel) -> Translation:
        translation = build(upstream, model)
        translation.estimate = Estimate(asking)
        return translation

    return built


def count_tokens(asking: CountApi, upstream: UpstreamApi, model: ServedModel) -> Translation:
    """Have the tokens of a prompt counted, or estimate them."""
    if upstream.counter is None:
        return Estimate(asking)
    return Counting(
        asking,
        *upstream.counter,
        model.destination,
        model.edits,
        model.public_name,
        model.envelope,
    )


def translate_embeddings(upstream: UpstreamApi, model: ServedModel) -> Translation:
    """Translate embeddings."""
    if upstream.embeddings is None:
        raise no_way()
    form = partial(upstream.embeddings, model.destination.model)
    return EmbeddingsTranslation(form, model.edits, model.public_name)


def translate_images(upstream: UpstreamApi, model: ServedModel) -> Translation:
    """Translate images."""
    if upstream.images is None:
        raise no_way()
    form = partial(upstream.images, model.destination.model)
    return ImagesTranslation(form, model.edits, model.public_name)


def translate_completions(_: UpstreamApi, __: ServedModel) -> Translation:
    """Raise `ValueError`: only those who have completions can be asked for them."""
    raise no_way()


def no_way() -> ValueError:
    """Return an error for a binding to an API that cannot do what is asked."""
    return ValueError("no way from this API for clients to this one of a provider")


CLIENT_APIS: Mapping[str, ClientApi] = {
    "chat": ClientApi(pass_chat, partial(translate_conversation, chat.CLIENT)),
    "completions": ClientApi(pass_openai, translate_completions),
    "embeddings": ClientApi(pass_openai, translate_embeddings),
    "images": ClientApi(pass_images, translate_images),
    "responses": ClientApi(pass_responses, partial(translate_conversation, responses.CLIENT)),
    # Translated, a summary is asked for instead (`airouter.responses`).
    "compact": ClientApi(pass_responses, partial(translate_conversation, responses.CLIENT)),
    "input_tokens": ClientApi(
        estimated(RESPONSES, pass_responses), estimated(RESPONSES, partial(count_tokens, RESPONSES))
    ),
    "messages": ClientApi(pass_messages, partial(translate_conversation, messages.CLIENT)),
    "count_tokens": ClientApi(
        estimated(MESSAGES, pass_message_count),
        estimated(MESSAGES, partial(count_tokens, MESSAGES)),
    ),
}
