"""Sources and log probabilities, which stand beside the text in an answer of Gemini."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airouter.dialects.conversation import Citation, Json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airouter.dialects.gemini import schema


def candidate_citations(candidate: schema.Candidate, text: str, before: int) -> Iterator[Citation]:
    """Yield the sources of a text; `before` is the length of what precedes the cited part."""
    raw = text.encode()
    if candidate.grounding_metadata is not None:
        yield from grounded(candidate.grounding_metadata, raw, before)
    recited = candidate.citation_metadata
    if recited is not None:
        for source in recited.citation_sources or recited.citations or ():
            yield Citation(
                url=source.uri,
                title=source.title,
                start=place(raw, source.start_index, before),
                end=place(raw, source.end_index, before),
            )


def grounded(grounding: schema.Grounding, raw: bytes, before: int) -> Iterator[Citation]:
    """Yield the pages that a search found, each with its place in the text."""
    chunks = grounding.grounding_chunks or []
    for support in grounding.grounding_supports or ():
        segment = support.segment
        for number in support.grounding_chunk_indices or ():
            web = chunks[number].web if 0 <= number < len(chunks) else None
            if segment is not None and web is not None:
                yield Citation(
                    url=web.uri,
                    title=web.title,
                    quote=segment.text,
                    start=place(raw, segment.start_index, before),
                    end=place(raw, segment.end_index, before),
                )


def place(raw: bytes, count: int, before: int) -> int:
    """Return a place in bytes of UTF-8 as characters of the part."""
    return max(0, len(raw[:count].decode(errors="ignore")) - before)


def chosen_logprobs(found: schema.LogprobsResult | None) -> tuple[Json, ...]:
    """Return the tokens as chat completions have them."""
    if found is None:
        return ()
    tops = found.top_candidates or []
    tokens = []
    for number, chosen in enumerate(found.chosen_candidates or ()):
        others = tops[number].candidates if number < len(tops) else None
        token = token_logprob(chosen)
        token["top_logprobs"] = [token_logprob(other) for other in others or ()]
        tokens.append(token)
    return tuple(tokens)


def token_logprob(token: schema.Token) -> Json:
    """Return one token."""
    return {
        "token": token.token,
        "logprob": token.log_probability,
        "bytes": list(token.token.encode()),
    }
