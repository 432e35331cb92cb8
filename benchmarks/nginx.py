"""nginx twice: as the upstream that answers, and as the reverse proxy to compare with."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from benchmarks.processes import LOAD_CORE, SERVER_CORE, Running, free_port, running

ANSWER = (
    '{"id":"chatcmpl-BenchmarkBenchmarkBenchmark0","object":"chat.completion",'
    '"created":1767225600,"model":"gpt-4o-2024-11-20","choices":[{"index":0,"message":'
    '{"role":"assistant","content":"Hello! This is an answer that is about as long as a short real'
    ' one would be, so that nobody wins by saying little.","refusal":null,"annotations":[]},'
    '"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":29,"completion_tokens":27,'
    '"total_tokens":56,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},'
    '"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,'
    '"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}},'
    '"service_tier":"default","system_fingerprint":"fp_benchmark"}'
)

FRAME = """
worker_processes 1; daemon off; pid {folder}/{name}.pid; error_log {folder}/{name}.log;
events {{ worker_connections 8192; }}
http {{
  access_log off; keepalive_requests 1000000000; keepalive_timeout 600;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  {http}
}}
"""

UPSTREAM = """
server {{
  listen 127.0.0.1:{port} {tls} backlog=8192;
  location / {{ default_type application/json; return 200 '{answer}'; }}
}}
"""

PROXY = """
upstream answers {{
  server 127.0.0.1:{target}; keepalive 2048; keepalive_requests 1000000000;
}}
server {{
  listen 127.0.0.1:{port} backlog=8192;
  location / {{
    proxy_pass http://answers; proxy_http_version 1.1; proxy_set_header Connection "";
    proxy_buffering off;
  }}
}}
"""


@contextlib.contextmanager
def upstream(
    folder: Path, certificate: tuple[Path, Path] | None = None, answer: str = ANSWER
) -> Iterator[Running]:
    """The provider; with a certificate and its key, over TLS."""
    port = free_port()
    tls = ""
    extra = ""
    if certificate is not None:
        tls = "ssl"
        extra = f"ssl_certificate {certificate[0]}; ssl_certificate_key {certificate[1]};"
    http = extra + UPSTREAM.format(port=port, tls=tls, answer=answer)
    with nginx(folder, f"upstream{port}", http, port, LOAD_CORE) as started:
        yield started


@contextlib.contextmanager
def reverse_proxy(folder: Path, target: int) -> Iterator[Running]:
    """The reference."""
    port = free_port()
    http = PROXY.format(port=port, target=target)
    with nginx(folder, f"proxy{port}", http, port, SERVER_CORE) as started:
        yield started


@contextlib.contextmanager
def nginx(folder: Path, name: str, http: str, port: int, core: int) -> Iterator[Running]:
    """An nginx with a configuration of its own."""
    config = folder / f"{name}.conf"
    config.write_text(FRAME.format(folder=folder, name=name, http=http))
    command = ["nginx", "-p", str(folder), "-c", str(config)]
    with running(command, port, core=core, log=folder / f"{name}.out") as started:
        yield started
