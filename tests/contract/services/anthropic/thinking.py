"""What the strict Anthropic wants of thinking: how it is asked for, and how it comes back."""

from __future__ import annotations

from contract.services.anthropic.refusals import invalid
from contract.services.anthropic.request import Block, Request, Turn
from contract.services.anthropic.signatures import THINKING, seal_of

SMALLEST_BUDGET = 1_024
DOCS = "Please consult our documentation at https://docs.claude.com/en/docs/build-with-claude/"


def budgets_are_for_older_models(request: Request) -> None:
    if request.thinking.get("type") == "enabled" and not request.model.budgets:
        raise invalid(
            '"thinking.type.enabled" is not supported for this model. Use "thinking.type.adaptive"'
            ' and "output_config.effort" to control thinking behavior.'
        )


def older_models_do_not_adapt(request: Request) -> None:
    kind = request.thinking.get("type")
    if kind in {"adaptive", "between_tools"} and not request.model.adaptive:
        raise invalid(f"{kind} thinking is not supported on this model")


def a_budget_leaves_room(request: Request) -> None:
    budget = request.thinking.get("budget_tokens")
    if budget is None:
        return
    if budget < SMALLEST_BUDGET:
        raise invalid(
            "thinking.enabled.budget_tokens: Input should be greater than or equal to"
            f" {SMALLEST_BUDGET}"
        )
    if not request.counting and request.body["max_tokens"] <= budget:
        raise invalid(
            "`max_tokens` must be greater than `thinking.budget_tokens`."
            f" {DOCS}extended-thinking#max-tokens-and-context-window-size"
        )


def efforts_are_known(request: Request) -> None:
    effort = (request.body.get("output_config") or {}).get("effort")
    if effort is None or effort in request.model.efforts:
        return
    if not request.model.efforts:
        raise invalid("This model does not support the effort parameter.")
    raise invalid(
        f"This model does not support effort level '{effort}'. Supported levels:"
        f" {', '.join(sorted(request.model.efforts))}."
    )


def thoughts_are_signed(request: Request) -> None:
    """By this service, for this model, and with nothing changed."""
    for block in request.blocks:
        if block.type not in THINKING:
            continue
        seal = request.signatures.seals.get(seal_of(block.body))
        if seal is None or seal.model != request.model.id:
            what = THINKING[block.type]
            raise invalid(f"{block.place}: Invalid `{what}` in `{block.type}` block")
        if seal.thinking != block.body.get("thinking"):
            raise modified(block)


def thoughts_are_complete(request: Request) -> None:
    """In the last turn of the assistant: all that one answer thought, in its order."""
    turn = next((turn for turn in reversed(request.turns) if turn.role == "assistant"), None)
    thoughts = turn.of_type(*THINKING) if turn else []
    seals = [seal_of(block.body) for block in thoughts]
    position = 0
    while position < len(seals):
        seal = request.signatures.seals.get(seals[position])
        answer = seal.answer if seal else (seals[position],)
        if tuple(seals[position : position + len(answer)]) != answer:
            raise modified(thoughts[position])
        position += len(answer)


def modified(block: Block) -> Exception:
    return invalid(
        f"{block.place}: `thinking` or `redacted_thinking` blocks in the latest assistant message"
        " cannot be modified. These blocks must remain as they were in the original response."
    )


def a_final_turn_begins_with_thinking(request: Request) -> None:
    """With a budget, a turn that goes on does: after calls, or because its text was begun."""
    if request.thinking.get("type") != "enabled":
        return
    turn = going_on(request.turns)
    if turn is not None and turn.blocks and turn.blocks[0].type not in THINKING:
        first = turn.blocks[0]
        raise invalid(
            f"{first.place}.type: Expected `thinking` or `redacted_thinking`, but found"
            f" `{first.type}`. When `thinking` is enabled, a final `assistant` message must start"
            " with a thinking block (preceeding the lastmost set of `tool_use` and `tool_result`"
            " blocks). We recommend you include thinking blocks from previous turns. To avoid this"
            f" requirement, disable `thinking`. {DOCS}extended-thinking"
        )


def going_on(turns: list[Turn]) -> Turn | None:
    """Where the turn of the assistant began that is not over: before all its calls."""
    spoken = [turn for turn in turns if turn.role != "system"]
    begun = None
    for turn in reversed(spoken):
        if turn.role == "assistant":
            begun = turn
        elif not turn.of_type("tool_result"):
            break
    return begun


def thinking_leads_to_something(request: Request) -> None:
    for turn in request.turns:
        if turn.role == "assistant" and turn.blocks and turn.blocks[-1].type in THINKING:
            raise invalid(
                f"{turn.place}: The final block in an assistant message cannot be `thinking`."
            )


THINKING_RULES = (
    budgets_are_for_older_models,
    older_models_do_not_adapt,
    a_budget_leaves_room,
    efforts_are_known,
    thoughts_are_signed,
    thoughts_are_complete,
    a_final_turn_begins_with_thinking,
    thinking_leads_to_something,
)
