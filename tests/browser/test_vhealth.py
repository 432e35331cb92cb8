"""The page at `/vhealth` in a real browser."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from support.config import MASTER_KEY, manifest
from support.in_loop import Served, served


def many(credentials: int, models: int) -> str:
    """A configuration of many; every model has two tiers."""
    names = [f"credential-{number:03}" for number in range(credentials)]
    declared = [{"name": name, "type": "Mock", "limits": {"rpm": 100}} for name in names]
    chosen: list[dict[str, Any]] = [
        {
            "name": f"model-{number:03}",
            "backends": [
                {"credential": names[number % credentials]},
                {"credential": names[(number + 1) % credentials], "priority": 2},
            ],
        }
        for number in range(models)
    ]
    return manifest(declared, chosen)


@pytest.fixture
async def router() -> AsyncIterator[Served]:
    async with served(many(4, 6)) as router:
        yield router


async def open_page(page: Page, router: Served) -> None:
    await page.goto(f"http://127.0.0.1:{router.port}/vhealth")


async def sign_in(page: Page, router: Served) -> None:
    await open_page(page, router)
    await page.get_by_label("Master key").fill(MASTER_KEY)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    await expect(page.get_by_text("live, paused while hidden")).to_be_visible()


async def names(page: Page) -> list[str]:
    """The models in their order, those alone that are seen."""
    return await page.locator("#models tr:visible th").all_inner_texts()


async def test_whoever_signs_in_sees_names_and_whoever_signs_out_sees_none(
    page: Page, router: Served
) -> None:
    await sign_in(page, router)
    assert len(await names(page)) == 6
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_label("Master key")).to_be_visible()
    assert await names(page) == []


async def test_a_ban_appears_without_loading_the_page_again(page: Page, router: Served) -> None:
    await sign_in(page, router)
    await page.evaluate("window.stays = true")
    await router.client.post("/admin/bans/credential-000")
    await expect(page.locator("#credential-0 .pill")).to_contain_text("suspended")
    await expect(page.locator("#head .pill")).to_have_text("degraded")
    await expect(page.get_by_role("status")).to_contain_text("answered by a lower tier: model-000")
    assert await page.evaluate("window.stays")


async def test_a_new_request_comes_first_and_leaves_the_rows_of_others_alone(
    page: Page, router: Served
) -> None:
    await sign_in(page, router)
    await router.chat(model="model-001")
    await page.locator("#request-1").evaluate("row => { row.stays = true }")
    await router.chat(model="model-002")
    await expect(page.locator("#requests tr").first).to_have_id("request-2")
    await expect(page.locator("#requests tr")).to_have_count(2)
    assert await page.locator("#request-1").evaluate("row => row.stays")


async def test_an_update_leaves_alone_what_is_the_same_in_a_card(
    page: Page, router: Served
) -> None:
    await sign_in(page, router)
    await page.locator("#credential-0 .name").evaluate(
        "name => getSelection().selectAllChildren(name)"
    )
    await router.client.post("/admin/bans/credential-000")
    await expect(page.locator("#credential-0 .pill")).to_contain_text("suspended")
    assert await page.evaluate("String(getSelection())") == "credential-000"


async def test_trouble_that_comes_and_goes_moves_its_own_card_alone(
    page: Page, router: Served
) -> None:
    await sign_in(page, router)
    await page.evaluate(
        """() => {
          window.moved = [];
          const note = (changes) => changes.forEach((each) => each.addedNodes.forEach(
            (node) => window.moved.push(node.id)));
          new MutationObserver(note).observe(credentials, { childList: true });
        }"""
    )
    for method, state in (("POST", "suspended"), ("DELETE", "serving")):
        await router.client.request(method, "/admin/bans/credential-003")
        await expect(page.locator("#credential-3 .pill")).to_contain_text(state)
    await expect(page.locator("#credentials article").last).to_have_id("credential-3")
    assert await page.evaluate("window.moved") == ["credential-3", "credential-3"]


async def test_a_filter_stays_while_the_page_lives(page: Page, router: Served) -> None:
    await sign_in(page, router)
    await page.get_by_label("Filter models").fill("-003")
    assert await names(page) == ["model-003"]
    await router.client.post("/admin/bans/credential-002")
    await expect(page.locator("#credential-2 .pill")).to_contain_text("suspended")
    assert await names(page) == ["model-003"]


async def test_tables_are_sorted_by_keyboard(page: Page, router: Served) -> None:
    await sign_in(page, router)
    button = page.locator("#models").locator("xpath=..").get_by_role("button", name="model")
    await button.focus()
    await page.keyboard.press("Enter")
    await page.keyboard.press("Enter")
    assert await names(page) == [f"model-{number:03}" for number in reversed(range(6))]
    head = button.locator("xpath=..")
    await expect(head).to_have_attribute("aria-sort", "descending")


async def test_the_last_requests_are_sorted_by_what_they_took_and_not_by_its_digits(
    page: Page,
) -> None:
    quick = {"name": "quick", "type": "Mock", "mock": {"latency": "300ms"}}
    slow = {"name": "slow", "type": "Mock", "mock": {"latency": "1200ms"}}
    models = [{"name": each, "backends": [{"credential": each}]} for each in ("quick", "slow")]
    async with served(manifest([quick, slow], models)) as router:
        for each in ("slow", "quick"):  # what the first request has to load makes none quicker
            await router.chat(model=each)
        await sign_in(page, router)
        rows = page.locator("#requests tr td:nth-child(2)")
        await expect(rows).to_have_count(2)
        button = page.locator("#requests").locator("xpath=..").get_by_role("button", name="total")
        for expected in (["quick", "slow"], ["slow", "quick"]):
            await button.click()
            assert await rows.all_inner_texts() == expected


async def focused(page: Page) -> tuple[str, bool]:
    """What has the focus, by its name, and whether that is seen."""
    name, style = await page.evaluate(
        """() => {
          const it = document.activeElement;
          const name = it.ariaLabel || it.labels?.[0]?.textContent || it.textContent;
          return [name, getComputedStyle(it).outlineStyle];
        }"""
    )
    return str(name).strip(), style == "solid"


async def test_all_of_it_is_reached_by_keyboard_in_its_order_and_seen(
    page: Page, router: Served
) -> None:
    await open_page(page, router)
    for name in ("API docs", "Metrics", "Sign in", "Master key"):
        await page.keyboard.press("Tab")
        assert await focused(page) == (name, True)
    await page.keyboard.type(MASTER_KEY)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    places = ["API docs", "Metrics", "Sign out"]
    places += ["Filter credentials", "Cards of credentials", "Filter models", "Table of models"]
    places += ["model", "tiers", "fallbacks", "req / s", "errors", "first token p95", "$ / h"]
    for name in places:
        await page.keyboard.press("Tab")
        assert await focused(page) == (name, True)


async def test_escape_takes_back_a_filter(page: Page, router: Served) -> None:
    await sign_in(page, router)
    await page.get_by_label("Filter models").focus()
    await page.keyboard.type("-003")
    assert await names(page) == ["model-003"]
    await page.keyboard.press("Escape")
    assert len(await names(page)) == 6


async def test_what_is_in_trouble_stands_first(page: Page, router: Served) -> None:
    await sign_in(page, router)
    await router.client.post("/admin/bans/credential-002")
    await expect(page.locator("#credentials article").first).to_have_id("credential-2")
    await expect(page.locator("#models tr").first).to_have_id("model-2")
    await expect(page).to_have_title("degraded · Auto AI Router")


async def test_a_tier_that_could_not_take_over_is_not_called_standby(
    page: Page, router: Served
) -> None:
    await sign_in(page, router)
    second = page.locator("#model-0 .tier").nth(1)
    await expect(second).to_have_text("credential-001 (standby)")
    await router.client.post("/admin/bans/credential-001")
    await expect(second).to_have_text("credential-001 (exhausted)")


async def test_in_a_tier_that_serves_whoever_cannot_answer_is_struck_out(page: Page) -> None:
    both = {"name": "m", "backends": [{"credential": "one"}, {"credential": "two"}]}
    credentials = [{"name": name, "type": "Mock"} for name in ("one", "two")]
    async with served(manifest(credentials, [both])) as router:
        await sign_in(page, router)
        await router.client.post("/admin/bans/two")
        tier = page.locator("#models .tier")
        await expect(tier.locator("s")).to_have_text("two")
        await expect(tier).to_have_text("one, two (cannot answer) (serving)")


async def test_names_that_differ_at_their_ends_alone_are_told_apart(page: Page) -> None:
    names = [f"anthropic-production-europe-central-{number}" for number in (1, 2)]
    async with served(manifest([{"name": name, "type": "Mock"} for name in names], [])) as router:
        await sign_in(page, router)
        for name in await page.locator("#credentials .name").all():
            assert await name.evaluate("each => each.scrollWidth <= each.clientWidth + 1")
            assert await name.evaluate("each => getComputedStyle(each).textOverflow") == "clip"


async def test_a_page_that_lost_its_router_says_so_at_its_head(page: Page) -> None:
    async with served(many(1, 1)) as router:
        await sign_in(page, router)
    await expect(page.locator("header")).to_contain_text("what is shown may be old")


async def test_it_is_whole_without_a_script(page: Page, router: Served) -> None:
    assert page.context.browser is not None
    context = await page.context.browser.new_context(java_script_enabled=False)
    plain = await context.new_page()
    await plain.goto(f"http://127.0.0.1:{router.port}/vhealth")
    await plain.get_by_label("Master key").fill(MASTER_KEY)
    await plain.get_by_role("button", name="Sign in").click()
    await expect(plain.locator("#models tr")).to_have_count(6)
    await expect(plain.locator("#credentials article")).to_have_count(4)
    await expect(plain.get_by_label("Filter models")).to_be_hidden()  # it would do nothing
    await context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_to_complain_about(page: Page, router: Served, scheme: Any) -> None:
    await page.emulate_media(color_scheme=scheme)
    await router.client.post("/admin/bans/credential-000", json={"duration": "30m"})
    await router.chat(model="model-001")
    await open_page(page, router)
    # Under the page's own policy no other script runs, so axe comes by the debugger.
    for visit in (open_page, sign_in):
        await visit(page, router)
        results = await Axe().run(page)
        assert results.violations_count == 0, results.generate_report()


async def test_a_phone_needs_no_scrolling_sideways(page: Page, router: Served) -> None:
    await page.set_viewport_size({"width": 360, "height": 800})
    await sign_in(page, router)
    assert await page.evaluate("document.documentElement.scrollWidth") == 360


async def test_a_phone_shows_the_longest_names_without_scrolling_sideways(page: Page) -> None:
    away = {"name": "away", "type": "OpenAICompatible", "baseURL": "http://127.0.0.1:1/v1"}
    others = [{"name": f"other-{number}", "type": "Mock"} for number in range(1, 20)]
    longest = {"name": "org/" + "x" * 249, "backends": [{"credential": "away"}]}
    bans = {"fail2ban": {"maxAttempts": 1}}
    await page.set_viewport_size({"width": 360, "height": 800})
    async with served(manifest([away, *others], [longest], resilience=bans)) as router:
        await router.chat(model=str(longest["name"]))
        await sign_in(page, router)
        await expect(page.get_by_text("partly banned")).to_be_visible()
        assert await page.evaluate("document.documentElement.scrollWidth") == 360
        heading = page.locator(".heading").first  # whose section cuts off what does not fit
        assert await heading.evaluate("each => each.scrollWidth <= each.clientWidth")
        name = page.locator("#credential-0 .name")
        assert await name.evaluate("each => each.scrollWidth <= each.clientWidth")
        (width,) = await page.locator("#models th").evaluate_all(
            "all => all.filter(each => each.scope === 'row').map(each => each.clientWidth)"
        )
        assert width < 360


async def test_many_credentials_and_models_are_shown_and_found(page: Page) -> None:
    async with served(many(200, 500)) as router:
        await sign_in(page, router)
        assert await page.evaluate("find('model-450')")  # as a browser's search does, out of sight
        assert len(await names(page)) == 500
        await expect(page.locator("#credentials article")).to_have_count(200)
        await page.get_by_label("Filter models").fill("model-499")
        assert await names(page) == ["model-499"]


async def test_the_documentation_asks_the_router(page: Page, router: Served) -> None:
    await page.goto(f"http://127.0.0.1:{router.port}/docs")
    await page.get_by_role("button", name="Authorize").first.click()
    await page.locator(".auth-container input").first.fill(MASTER_KEY)
    await page.locator(".auth-container button[type=submit]").first.click()
    await page.get_by_role("button", name="Close").first.click()
    operation = page.locator(".opblock", has_text="/v1/chat/completions").first
    await operation.locator(".opblock-summary").click()
    body = operation.locator("textarea.body-param__text")
    await expect(body).to_be_visible()
    message = '{"model": "model-001", "messages": [{"role": "user", "content": "Anybody there?"}]}'
    await body.fill(message)
    await operation.get_by_role("button", name="Execute").click()
    await expect(operation.locator(".live-responses-table")).to_contain_text("chat.completion")
