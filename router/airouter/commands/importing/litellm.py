"""LiteLLM's proxy: `model_list` and its settings (https://docs.litellm.ai/docs/proxy/configs).

A deployment of a model becomes a backend; deployments with the same key and address share one
credential. What is kept in LiteLLM's database, such as virtual keys, is in no file.
"""

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from pydantic import ValidationError

from airouter.commands.importing.litellm_providers import account_of
from airouter.commands.importing.litellm_settings import translate_settings
from airouter.commands.importing.reading import (
    ENVIRON,
    Values,
    duration_text,
    foreign_text,
    items_in,
    limits_in,
    mapping_in,
    number_in,
)
from airouter.commands.importing.report import ImportReport
from airouter.commands.importing.translated import Translated
from airouter.config.resource.credential import Header

MILLION = 1_000_000
OF_REQUESTS = frozenset(
    {
        *("temperature", "top_p", "max_tokens", "max_completion_tokens", "seed", "stop", "n"),
        *("presence_penalty", "frequency_penalty", "reasoning_effort", "response_format", "user"),
    }
)
"""Parameters that are defaults of requests."""
KNOWN = OF_REQUESTS | frozenset(
    {
        *("model", "api_key", "api_base", "base_url", "api_version", "custom_llm_provider"),
        *("rpm", "tpm", "max_parallel_requests", "timeout", "stream_timeout", "weight", "order"),
        *("aws_region_name", "aws_access_key_id", "aws_secret_access_key", "aws_session_token"),
        *("aws_role_name", "vertex_project", "vertex_location", "vertex_credentials"),
        *("vertex_ai_project", "vertex_ai_location", "vertex_ai_credentials"),
        *("azure_ad_token", "tenant_id", "client_id", "client_secret"),
        *("litellm_credential_name", "drop_params", "extra_headers", "organization"),
        *("input_cost_per_token", "output_cost_per_token"),
    }
)

PRICES = {
    "input": "input_cost_per_token",
    "output": "output_cost_per_token",
    "cachedInput": "cache_read_input_token_cost",
    "cacheWrite": "cache_creation_input_token_cost",
}
"""Our prices, and where LiteLLM has them."""
INFO = frozenset({"max_input_tokens", "max_output_tokens", "id", "mode"})
"""Fields of `model_info` that are carried, or that nothing depends on."""
INFO_REASONS = {
    "base_model": "prices are found by the provider's name of the model: docs/costs.md",
    "access_groups": "a client lists the models that it may ask for: auth.clients[].models",
}


def translate_litellm(document: Values) -> Translated:
    """Translate a configuration of LiteLLM."""
    translated = Translated()
    shared = {
        foreign_text(each, "credential_name"): mapping_in(each, "credential_values")
        for each in items_in(document, "credential_list")
    }
    for deployment in items_in(document, "model_list"):
        given = mapping_in(deployment, "litellm_params")
        named = foreign_text(given, "litellm_credential_name")
        translate_deployment(deployment, {**shared.get(named, {}), **given}, translated)
    translate_settings(document, translated)
    return translated


def translate_deployment(deployment: Values, given: Values, translated: Translated) -> None:
    """Translate an item of `model_list`, whose `litellm_params` are given."""
    report, name = translated.report, foreign_text(deployment, "model_name")
    what = f"model_list[model_name={name}]"
    called = foreign_text(given, "model")
    if not (name and called):
        missing = "litellm_params.model" if name else "model_name"
        report.left_out(what, f"it has no {missing}")
        return
    if "*" in name or "*" in called:
        report.left_out(
            what, "a wildcard; declare each model, names of models are no patterns here"
        )
        return
    found = account_of(given, report, what)
    if found is None:
        return
    fields = {**found.fields, **timeouts_of(given), **headers_of(given, report, what)}
    credential = translated.shared_credential(found.wanted_name, fields, found.key)
    backend: dict[str, Any] = {"credential": credential}
    if found.upstream_name != name:
        backend["upstreamName"] = found.upstream_name
    backend |= ranks_of(given)
    if limits := limits_in(given):
        backend["limits"] = limits
    model = translated.model(name)
    model["backends"].append(backend)
    note_parameters(given, model, what, translated)
    info = mapping_in(deployment, "model_info")
    note_facts({**info, **price_fields(given)}, model)
    report.carried(f"{what} as a backend of model {name} by credential {credential}")
    for field in sorted(given.keys() - KNOWN):
        report.left_out(f"{what}.litellm_params.{field}", "not known here")
    for field in sorted(info.keys() - INFO - set(PRICES.values())):
        why = INFO_REASONS.get(field, "not known here")
        report.left_out(f"{what}.model_info.{field}", why)


def headers_of(given: Values, report: ImportReport, what: str) -> dict[str, Any]:
    """Return the headers of a deployment, which here are those of its credential."""
    extra = mapping_in(given, "extra_headers")
    wanted = [(f"extra_headers.{name}", str(name), value) for name, value in extra.items()]
    if organization := foreign_text(given, "organization"):
        wanted.append(("organization", "openai-organization", organization))
    headers: list[dict[str, str]] = []
    for field, name, value in wanted:
        where = f"{what}.litellm_params.{field}"
        if ENVIRON.fullmatch(str(value)):
            report.left_out(where, "its value is a variable; headers[].value is written out")
            continue
        try:
            header = Header.model_validate({"name": name, "value": str(value)})
        except ValidationError as error:
            report.left_out(where, error.errors()[0]["msg"].removeprefix("Value error, "))
            continue
        headers.append({"name": header.name, "value": header.value})
        report.carried(f"{where} as a header of its credential")
    return {"headers": headers} if headers else {}


def timeouts_of(given: Values) -> dict[str, Any]:
    """Return the timeouts of a deployment, which here are those of its credential."""
    total, first = number_in(given, "timeout"), number_in(given, "stream_timeout")
    timeouts = {"total": total, "firstByte": first}
    found = {name: duration_text(seconds) for name, seconds in timeouts.items() if seconds}
    if total and total < 5:  # the connect timeout is 5 s by default
        found["connect"] = duration_text(total)
    return {"timeouts": found} if found else {}


def ranks_of(given: Values) -> dict[str, int]:
    """Return weight and priority of a backend."""
    weight, order = number_in(given, "weight"), number_in(given, "order")
    found = {"weight": weight and max(1, round(weight)), "priority": order}
    return {name: int(number) for name, number in found.items() if number is not None}


def note_parameters(
    given: Values, model: dict[str, Any], what: str, translated: Translated
) -> None:
    """Take over the defaults of requests, which here are those of a model and not of a backend."""
    defaults = {name: given[name] for name in given if name in OF_REQUESTS}
    known = model.get("parameters", {}).get("defaults")
    if not defaults:
        return
    if known not in (None, defaults):
        why = "differs between deployments of the model; parameters.defaults are of the model"
        translated.report.left_out(f"{what} {', '.join(sorted(defaults))}", why)
        return
    model["parameters"] = {"defaults": defaults}
    translated.report.carried(f"{what} {', '.join(sorted(defaults))} as parameters.defaults")


def price_fields(given: Values) -> dict[str, Any]:
    """Return the prices that stand among the parameters."""
    names = ("input_cost_per_token", "output_cost_per_token")
    return {name: given[name] for name in names if name in given}


def note_facts(info: Values, model: dict[str, Any]) -> None:
    """Take over what `model_info` says of a model: its window, its longest answer, its price."""
    sizes = {
        "contextWindow": number_in(info, "max_input_tokens"),
        "maxOutputTokens": number_in(info, "max_output_tokens"),
    }
    metadata: dict[str, Any] = {name: int(size) for name, size in sizes.items() if size}
    price = dict(prices_of(info))
    if price:
        metadata["price"] = price
    if metadata:
        model.setdefault("metadata", {}).update(metadata)


def prices_of(info: Values) -> Iterator[tuple[str, str]]:
    """Yield prices in USD per million tokens."""
    for own, name in PRICES.items():
        if name in info:
            try:
                price = round(Decimal(str(info[name])) * MILLION, 6)
            except InvalidOperation:
                continue
            yield own, f"{price.normalize():f}"
