"""The command `airouter probe`: the health of the router in the same pod, for an exec probe.

A sidecar listens on loopback only, where kubelet cannot reach it. kubelet starts this every few
seconds, so it imports sockets and nothing else.
"""

import socket

TIMEOUT = 2.0
LONGEST_HEAD = 4096
HEALTHY = b" 200 "


def probe_router(port: int, path: str) -> int:
    """Ask the router on loopback. Returns the exit code: 0 when the status is 200, else 1."""
    status = status_line(port, path)
    print(status.decode("latin-1"))  # noqa: T201 - kubelet shows it in the pod's Events
    return 0 if HEALTHY in status else 1


def status_line(port: int, path: str) -> bytes:
    """Return the first line of the answer, or why there is none."""
    request = f"GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
    try:
        with socket.create_connection(("127.0.0.1", port), TIMEOUT) as connection:
            connection.sendall(request.encode())
            # The first line is in the first packet on loopback.
            return connection.recv(LONGEST_HEAD).split(b"\r\n", 1)[0]
    except OSError as error:
        return f"port {port}: {error.strerror or type(error).__name__}".encode()
