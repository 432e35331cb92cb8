"""`airouter explain`: the way of a request without the request."""

from pathlib import Path

import pytest

from support.commands import Airouter

SAMPLES = Path(__file__).parents[3] / "manifests" / "samples"
TEAMS, FALLBACKS, OPENAI = (SAMPLES / f"{name}.yaml" for name in ("teams", "fallbacks", "openai"))


def explained(airouter: Airouter, sample: Path, *arguments: str) -> tuple[int, str]:
    result = airouter("explain", *arguments, "-f", sample, "--ignore-secrets")
    return result.exit_code, result.output


def test_tiers_are_told_in_their_order(airouter: Airouter) -> None:
    code, text = explained(airouter, OPENAI, "gpt-4")  # by its alias
    assert code == 0
    assert text.index("tier 1, tried first:\n    main/gpt-4o-2024-11-20") < text.index(
        "tier 2, when none of the tier before can be used:\n    reserve/gpt-4o-2024-11-20"
    )


def test_fallbacks_and_their_reasons_are_told(airouter: Airouter) -> None:
    _, text = explained(airouter, FALLBACKS, "gpt-4o")
    assert "after failures of context, unavailable, rateLimit, its fallbacks" in text
    assert text.index("    gpt-4o-mini") < text.index("    llama")


def test_limits_and_who_may_ask_are_told(airouter: Airouter) -> None:
    _, text = explained(airouter, TEAMS, "gpt-4o")
    assert "the master key, team-a (600 requests a minute, 500000 tokens a minute)\n" in text
    assert "limited to 1000 requests a minute, over all clients" in text


def test_budgets_groups_and_limits_of_a_model_are_told(airouter: Airouter, tmp_path: Path) -> None:
    bounds = (
        "limits: {rpm: 600, tpm: 500000}\n"
        "      modelLimits: [{models: gpt-4o, limits: {rpm: 5}}, {models: o1, limits: {rpm: 1}}]\n"
        '      budget: {usd: "50", period: Month}\n'
        "      groups: [research]"
    )
    text = TEAMS.read_text().replace("limits: {rpm: 600, tpm: 500000}", bounds)
    text = text.replace("  auth:\n", "  auth:\n    groups: [{name: research, limits: {tpm: 9}}]\n")
    path = tmp_path / "teams.yaml"
    path.write_text(text)
    _, told = explained(airouter, path, "gpt-4o")
    assert (
        "team-a (600 requests a minute, 500000 tokens a minute; 5 requests a minute for gpt-4o; "
        "50 USD a month; group research: 9 tokens a minute)"
    ) in told


@pytest.mark.parametrize(
    ("key", "code", "told"),
    [
        ("team-a", 0, "team-a may ask for it"),
        ("team-b", 2, "404 for team-b, whose models (gpt-4o-mini) do not match gpt-4o"),
        ("team-c", 2, "401: no client has this name or key (use one of: team-a, team-b)"),
    ],
)
def test_a_key_may_or_may_not(airouter: Airouter, key: str, code: int, told: str) -> None:
    assert explained(airouter, TEAMS, "gpt-4o", "--key", key)[0] == code
    assert explained(airouter, TEAMS, "gpt-4o", "--key", key)[1].endswith(f"{told}\n")


def test_a_model_that_is_not_there_gets_the_likely_name(airouter: Airouter) -> None:
    code, text = explained(airouter, TEAMS, "gpt-4o-mimi")
    assert (code, text) == (2, "404: there is no model gpt-4o-mimi (use gpt-4o-mini)\n")


def test_why_something_is_left_out_is_told(airouter: Airouter, tmp_path: Path) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text(
        OPENAI.read_text().replace("name: main\n    type: OpenAI", "name: main\n    type: Op")
    )
    code, text = explained(airouter, broken, "gpt-4o")
    assert code == 0  # the reserve answers
    assert "findings:\n" in text
    assert "spec.credentials[name=main].type: is not a known value" in text
