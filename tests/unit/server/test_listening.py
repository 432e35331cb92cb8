"""Listening on every address: of both families, or of the one that the kernel has."""

from __future__ import annotations

import socket

import pytest

from airouter.server.listening import listener_everywhere, listeners


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this kernel has no IPv6")
@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_everywhere_is_both_families(address: str) -> None:
    with listener_everywhere(0) as listener:
        port = listener.getsockname()[1]
        with socket.create_connection((address, port), 5):
            pass


def test_a_port_that_is_taken_is_told_with_the_remedy_and_no_traceback(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with listener_everywhere(0) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(SystemExit) as caught:
            listeners("::", port)
    assert caught.value.code == 3
    (line,) = caplog.messages
    assert line == (
        f"port {port}: Address already in use "
        "(fix: end the process that listens there, or choose another with --port)"
    )
    assert caplog.records[0].exc_info is None


def test_without_ipv6_everywhere_is_every_address_of_ipv4(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "has_dualstack_ipv6", lambda: False)
    with listener_everywhere(0) as listener:
        assert listener.family == socket.AF_INET
        with socket.create_connection(("127.0.0.1", listener.getsockname()[1]), 5):
            pass
