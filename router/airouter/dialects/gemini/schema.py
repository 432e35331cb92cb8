"""The answers of `generateContent` as msgspec reads them; a stream is many of these."""

from __future__ import annotations

import msgspec

from airouter.dialects.conversation import Json


class Blob(msgspec.Struct, rename="camel"):
    """Bytes as base64."""

    mime_type: str = ""
    data: str = ""


class FunctionCall(msgspec.Struct, rename="camel"):
    """A call; older models give it no id."""

    name: str = ""
    args: Json | None = None
    id: str | None = None


class ContentPart(msgspec.Struct, rename="camel"):
    """A piece of what the model says: text, thought, call or media."""

    text: str | None = None
    thought: bool = False
    thought_signature: str | None = None
    inline_data: Blob | None = None
    function_call: FunctionCall | None = None
    executable_code: Json | None = None
    code_execution_result: Json | None = None


class CandidateContent(msgspec.Struct):
    """The content of a candidate; empty where the answer was cut."""

    parts: list[ContentPart] | None = None


class Token(msgspec.Struct, rename="camel"):
    """A token and its probability."""

    token: str = ""
    log_probability: float = 0.0


class Candidates(msgspec.Struct):
    """The tokens that could have stood in one place."""

    candidates: list[Token] | None = None


class LogprobsResult(msgspec.Struct, rename="camel"):
    """The log probabilities of an answer."""

    chosen_candidates: list[Token] | None = None
    top_candidates: list[Candidates] | None = None


class Web(msgspec.Struct):
    """A page on the web."""

    uri: str = ""
    title: str | None = None


class GroundingChunk(msgspec.Struct):
    """A source of the text."""

    web: Web | None = None


class Segment(msgspec.Struct, rename="camel"):
    """A piece of the text, counted in bytes of UTF-8."""

    start_index: int = 0
    end_index: int = 0
    text: str | None = None


class Support(msgspec.Struct, rename="camel"):
    """A piece of the text with its sources."""

    segment: Segment | None = None
    grounding_chunk_indices: list[int] | None = None


class Grounding(msgspec.Struct, rename="camel"):
    """The sources of the text."""

    grounding_chunks: list[GroundingChunk] | None = None
    grounding_supports: list[Support] | None = None


class CitationSource(msgspec.Struct, rename="camel"):
    """A source from which a piece of the text was recited."""

    start_index: int = 0
    end_index: int = 0
    uri: str | None = None
    title: str | None = None


class CitationMetadata(msgspec.Struct, rename="camel"):
    """The recited pieces; the two services have a name for the list each."""

    citation_sources: list[CitationSource] | None = None
    citations: list[CitationSource] | None = None


class Candidate(msgspec.Struct, rename="camel"):
    """One of several answers."""

    index: int = 0
    content: CandidateContent | None = None
    finish_reason: str | None = None
    logprobs_result: LogprobsResult | None = None
    grounding_metadata: Grounding | None = None
    citation_metadata: CitationMetadata | None = None


class PromptFeedback(msgspec.Struct, rename="camel"):
    """The reason why a prompt was blocked."""

    block_reason: str | None = None


class ModalityCount(msgspec.Struct, rename="camel"):
    """The tokens of one modality."""

    modality: str | None = None
    token_count: int = 0


class UsageMetadata(msgspec.Struct, rename="camel"):
    """The usage of an answer."""

    prompt_token_count: int | None = None
    tool_use_prompt_token_count: int | None = None
    cached_content_token_count: int | None = None
    candidates_token_count: int | None = None
    thoughts_token_count: int | None = None
    prompt_tokens_details: list[ModalityCount] | None = None
    cache_tokens_details: list[ModalityCount] | None = None
    candidates_tokens_details: list[ModalityCount] | None = None


class Response(msgspec.Struct, rename="camel"):
    """An answer, or a piece of one."""

    candidates: list[Candidate] | None = None
    prompt_feedback: PromptFeedback | None = None
    usage_metadata: UsageMetadata | None = None
    model_version: str | None = None
    response_id: str | None = None
    error: Json | None = None
