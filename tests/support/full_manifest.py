"""A manifest that uses every field there is."""

FULL_YAML = """\
apiVersion: airouter.dev/v1alpha1
kind: RouterConfig
metadata: {name: default, namespace: ai}
spec:
  credentials:
  - name: openai-main
    type: OpenAI
    baseURL: https://api.openai.com/v1
    suspended: false
    secretRef: {name: provider-keys, key: openai}
    labels: {tier: paid}
    limits: {rpm: 500, tpm: 200000, maxConcurrent: 64}
    priority: 0
    weight: 1
    timeouts: {connect: 5s, firstByte: 60s, idle: 120s, total: 600s}
    tls: {serverName: api.openai.com}
    headers: [{name: x-team, value: ai}]
    api: [chat, completions, embeddings, images, responses]
  - name: claude
    type: Bedrock
    aws: {region: us-east-1, roleARN: "arn:aws:iam::1:role/x"}
  - name: vllm
    type: OpenAICompatible
    service: {name: vllm, namespace: models, port: 8000, scheme: http, path: /v1}
  - {name: pool, type: OpenAICompatible, inferencePool: {name: qwen, namespace: models}}
  - {name: gemini, type: VertexAI, gcp: {project: p, location: global}}
  - {name: azure, type: AzureOpenAI, baseURL: "https://a.example", azure: {apiVersion: v1}}
  - name: mock
    type: Mock
    mock: {reply: echo, tokensPerSecond: 50, latency: 20ms, errorPercent: 0, errorStatus: 500}
  models:
  - name: gpt-4o
    aliases: [gpt-4]
    backends:
    - {credential: openai-main, upstreamName: gpt-4o-2024-11-20, weight: 1, priority: 0,
       price: {input: "2.50", output: "10.00"}}
    - {credentialSelector: {matchLabels: {tier: paid}}}
    limits: {rpm: 1000, tpm: 500000}
    fallbacks: [gpt-4o-mini]
    parameters: {defaults: {temperature: 0.5}, override: {user: x}, drop: [logit_bias]}
    metadata: {contextWindow: 128000, maxOutputTokens: 16384, ownedBy: openai,
               price: {input: "2.50", cachedInput: "1.25", cacheWrite: "2.50", cacheWrite1h: "2.50",
                       output: "10.00", audioInput: "40", audioOutput: "80", imageInput: "10",
                       imageOutput: "40", image: "0",
                       tiers: [{aboveTokens: 200000, input: "5.00", cachedInput: "2.50",
                                cacheWrite: "5", cacheWrite1h: "5", output: "20.00"}]}}
    compaction: {instructions: Summarise this.}
  - name: gpt-4o-mini
    backends: [{credential: mock}]
  auth:
    masterKey: {secretRef: {name: router-keys, key: master}}
    clients:
    - {name: team-a, secretRef: {name: router-keys, key: team-a}, models: ["gpt-*"],
       limits: {rpm: 60, tpm: 100000}}
    grants:
    - name: product-teams
      namespaces: {matchLabels: {llm: allowed}}
      models: ["gpt-*"]
      each: {limits: {rpm: 60}}
      together: {limits: {tpm: 100000}}
    - {name: research, namespaces: {names: [research]}}
    jwt:
    - {name: corp, issuer: "https://login.example.com", audiences: [airouter],
       jwksSecretRef: {name: corp}, clientClaim: sub, limits: {rpm: 100},
       budget: {usd: "5.00", period: Day}, groups: [agents]}
    groups: [{name: agents, limits: {}, budget: {usd: "50.00", period: Month}}]
    anonymous: Deny
  resilience:
    retries: {attempts: 2, onStatus: [429, 500], backoff: {initial: 100ms, max: 2s},
              budgetPercent: 20}
    fail2ban: {maxAttempts: 3, window: 1m, banDuration: 1m, statusCodes: [401, 429],
               rules: [{statusCode: 429, maxAttempts: 5, banDuration: 5m}]}
  sessions: {stickiness: {enabled: true, ttl: 10m}}
  responses:
    storage: {type: Memory, ttl: 24h, maxEntries: 10000}
    sealing: {keys: [{secretRef: {name: router-keys, key: seal}}]}
  redis: {urlSecretRef: {name: redis, key: url}}
  ledger: {type: Local}
  http:
    cors: {origins: ["https://chat.example.com"], headers: [authorization], maxAge: 10m}
    publicURL: https://llm.example.com
  pricing: {unknown: Allow}
  telemetry: {traces: {sampleRatio: "1.0", captureContent: false, redact: [$..arguments]}}
---
apiVersion: v1
kind: Secret
metadata: {name: provider-keys}
stringData: {openai: "${OPENAI_API_KEY}"}
---
apiVersion: v1
kind: Secret
metadata: {name: router-keys}
stringData: {master: "${MASTER_KEY}", team-a: "${TEAM_KEY}", seal: "${SEALING_KEY}"}
---
apiVersion: v1
kind: Secret
metadata: {name: corp}
stringData:
  jwks.json: '{"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "one",
    "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}'
---
apiVersion: v1
kind: Secret
metadata: {name: redis}
stringData: {url: "${REDIS_URL}"}
"""

FULL_ENVIRON = {
    "OPENAI_API_KEY": "sk-hidden-openai",
    "MASTER_KEY": "sk-hidden-master",
    "TEAM_KEY": "sk-hidden-team",
    "SEALING_KEY": "sk-hidden-sealing",
    "REDIS_URL": "redis://:sk-hidden-redis@r:6379/0",
}
