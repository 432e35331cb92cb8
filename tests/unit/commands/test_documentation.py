"""The guide to the commands says what they say, and the guide to LiteLLM what import does."""

from support.command_docs import GUIDE, commands_page


def test_the_guide_is_up_to_date() -> None:
    assert GUIDE.read_text(encoding="utf-8") == commands_page(), "run: make commands"
