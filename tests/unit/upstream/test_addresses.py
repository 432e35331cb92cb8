"""Addresses of the public internet."""

from __future__ import annotations

import pytest

from airouter.upstream.addresses import is_public


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "2606:4700::1111", "64:ff9b::8.8.8.8", "::ffff:8.8.8.8"]
)
def test_a_public_address_is_one_in_whatever_form(address: str) -> None:
    assert is_public(address)
