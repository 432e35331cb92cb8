"""Layer 2 of the strict Anthropic: what the service refuses although its shape is right.

One function a rule; each raises `Refusal`. Here are the rules on parameters and the order of all;
those on messages, tools, thinking and schemas have modules of their own.
"""

from __future__ import annotations

from contract.services.anthropic.history import HISTORY_RULES
from contract.services.anthropic.refusals import invalid
from contract.services.anthropic.request import NEWER, Request
from contract.services.anthropic.schemas import schemas_are_in_the_subset
from contract.services.anthropic.thinking import DOCS, THINKING_RULES
from contract.services.anthropic.tools import TOOL_RULES

SAMPLING = ("temperature", "top_p", "top_k")
SMALLEST_TOP_P = 0.95


def a_newer_version_does_not_sample(request: Request) -> None:
    """Since 2026-10-21, not even at the default values."""
    for name in SAMPLING:
        if request.version == NEWER and name in request.body:
            raise invalid(f"{name}: Extra inputs are not permitted")


def newer_models_do_not_sample(request: Request) -> None:
    for name in SAMPLING:
        if name in request.body and not request.model.samples:
            raise invalid(f"`{name}` is deprecated for this model.")


def one_way_of_sampling_is_chosen(request: Request) -> None:
    both = "temperature" in request.body and "top_p" in request.body
    if both and request.model.one_sampler:
        raise invalid(
            "`temperature` and `top_p` cannot both be specified for this model. Please use only"
            " one."
        )


def sampling_is_in_range(request: Request) -> None:
    for name in ("temperature", "top_p"):
        if not 0 <= request.body.get(name, 0) <= 1:
            raise invalid(f"{name}: range: 0..1")
    if request.body.get("top_k", 0) < 0:
        raise invalid("top_k: Input should be greater than or equal to 0")


def thinking_is_not_sampled(request: Request) -> None:
    if request.thinking.get("type") not in {"enabled", "adaptive"}:
        return
    more = f"{DOCS}extended-thinking#important-considerations-when-using-extended-thinking"
    if request.body.get("temperature", 1) != 1:
        raise invalid(f"`temperature` may only be set to 1 when thinking is enabled. {more}")
    if request.body.get("top_p", 1) < SMALLEST_TOP_P:
        raise invalid(
            "`top_p` must be greater than or equal to 0.95 or unset when thinking is enabled or in"
            f" adaptive mode. {more}"
        )
    if "top_k" in request.body:
        raise invalid(f"`top_k` must be unset when thinking is enabled. {more}")


def an_answer_fits_the_model(request: Request) -> None:
    wanted, most = request.body.get("max_tokens", 0), request.model.max_tokens
    if wanted < 0:
        raise invalid("max_tokens: Input should be greater than or equal to 0")
    if wanted > most:
        raise invalid(
            f"max_tokens: {wanted} > {most}, which is the maximum allowed number of output tokens"
            f" for {request.model.id}"
        )


def stops_are_not_blank(request: Request) -> None:
    if not all(each.strip() for each in request.body.get("stop_sequences") or ()):
        raise invalid("stop_sequences: each stop sequence must contain non-whitespace")


RULES = (
    a_newer_version_does_not_sample,
    newer_models_do_not_sample,
    one_way_of_sampling_is_chosen,
    sampling_is_in_range,
    thinking_is_not_sampled,
    an_answer_fits_the_model,
    stops_are_not_blank,
    *HISTORY_RULES,
    *THINKING_RULES,
    *TOOL_RULES,
    schemas_are_in_the_subset,
)


def check_rules(request: Request) -> None:
    """Raises `Refusal` for the first rule that a request breaks."""
    for rule in RULES:
        rule(request)
