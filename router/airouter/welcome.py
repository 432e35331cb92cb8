"""The greeting of `airouter serve` with built-in models: calls that work as printed."""

from __future__ import annotations


def welcome(host: str, port: int, key: str, model: str) -> str:
    """Return a greeting with a `curl` call and a snippet for the SDK."""
    base_url = f"http://{'127.0.0.1' if host in {'0.0.0.0', '::'} else host}:{port}/v1"  # noqa: S104
    return f"""
Serving built-in mock models. Try it:

  curl {base_url}/chat/completions \\
    -H 'Authorization: Bearer {key}' \\
    -H 'Content-Type: application/json' \\
    -d '{{"model": "{model}", "messages": [{{"role": "user", "content": "Hello!"}}]}}'

With the OpenAI SDK (pip install openai):

  from openai import OpenAI

  client = OpenAI(base_url="{base_url}", api_key="{key}")
  answer = client.chat.completions.create(
      model="{model}", messages=[{{"role": "user", "content": "Hello!"}}]
  )
  print(answer.choices[0].message.content)

Your own models: airouter init, then airouter serve -f router.yaml.
State: {base_url.removesuffix("/v1")}/vhealth
"""
