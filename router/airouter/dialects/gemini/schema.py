"""What comes back from `generateContent`, as msgspec reads it; a stream is many of these."""

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
    """A piece of what the model says."""

    text: str | None = None
    thought: bool = False
    thought_signature: str | None = None
    inline_data: Blob | None = None
    function_call: FunctionCall | None = None
    executable_code: Json | None = None
    code_execution_result: Json | None = None


class CandidateContent(msgspec.Struct):
    """What the model says; empty where it was cut."""

    parts: list[ContentPart] | None = None


class Token(msgspec.Struct, rename="camel"):
    """A token and how likely it was."""

    token: str = ""
    log_probability: float = 0.0


class Candidates(msgspec.Struct):
    """What else could have stood in a place."""

    candidates: list[Token] | None = None


class LogprobsResult(msgspec.Struct, rename="camel"):
    """How likely each token was."""

    chosen_candidates: list[Token] | None = None
    top_candidates: list[Candidates] | None = None


class Web(msgspec.Struct):
    """A page."""

    uri: str = ""
    title: str | None = None


class GroundingChunk(msgspec.Struct):
    """A source."""

    web: Web | None = None


class Segment(msgspec.Struct, rename="camel"):
    """A piece of the text, counted in bytes of UTF-8."""

    start_index: int = 0
    end_index: int = 0
    text: str | None = None


class Support(msgspec.Struct, rename="camel"):
    """Which sources a piece of the text has."""

    segment: Segment | None = None
    grounding_chunk_indices: list[int] | None = None


class Grounding(msgspec.Struct, rename="camel"):
    """The sources of the text."""

    grounding_chunks: list[GroundingChunk] | None = None
    grounding_supports: list[Support] | None = None


class CitationSource(msgspec.Struct, rename="camel"):
    """Where a piece of the text was recited from."""

    start_index: int = 0
    end_index: int = 0
    uri: str | None = None
    title: str | None = None


class CitationMetadata(msgspec.Struct, rename="camel"):
    """What was recited; the two services have a name each."""

    citation_sources: list[CitationSource] | None = None
    citations: list[CitationSource] | None = None


class Candidate(msgspec.Struct, rename="camel"):
    """One of the answers."""

    index: int = 0
    content: CandidateContent | None = None
    finish_reason: str | None = None
    logprobs_result: LogprobsResult | None = None
    grounding_metadata: Grounding | None = None
    citation_metadata: CitationMetadata | None = None


class PromptFeedback(msgspec.Struct, rename="camel"):
    """Why a prompt was blocked."""

    block_reason: str | None = None


class UsageMetadata(msgspec.Struct, rename="camel"):
    """What it cost."""

    prompt_token_count: int | None = None
    tool_use_prompt_token_count: int | None = None
    cached_content_token_count: int | None = None
    candidates_token_count: int | None = None
    thoughts_token_count: int | None = None


class Response(msgspec.Struct, rename="camel"):
    """An answer, or a piece of one."""

    candidates: list[Candidate] | None = None
    prompt_feedback: PromptFeedback | None = None
    usage_metadata: UsageMetadata | None = None
    model_version: str | None = None
    response_id: str | None = None
    error: Json | None = None
