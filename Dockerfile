# Two images from one file: `--target router` and `--target operator`.
#
# The final stages have Python, what it runs on, and the program: no shell, no package manager, no pip. They run as any
# user but root, with a read-only root file system. Everything Python is pinned with hashes in locks/.
FROM debian:trixie-slim AS python
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
# hadolint ignore=DL3008  # Debian keeps one version of a package at a time
RUN apt-get update \
 && apt-get install -y --no-install-recommends binutils ca-certificates python3 python3-venv \
 && rm -rf /var/lib/apt/lists/*

# The files of the packages that Python needs at run time, in a root file system of their own.
FROM python AS root
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
RUN mkdir /target \
 && dpkg -L libc6 libgcc-s1 libstdc++6 zlib1g libzstd1 libssl3t64 libffi8 libexpat1 libbz2-1.0 liblzma5 libuuid1 \
      libsqlite3-0 libpython3.13-minimal libpython3.13-stdlib python3.13-minimal python3-minimal tzdata base-files \
    | grep -vE '^/usr/share/(doc|man|lintian|locale|bug)(/|$)|/(ensurepip|idlelib|pydoc_data|test|gconv)(/|$)' \
    | tar --create --no-recursion --files-from=- --directory=/ \
    | tar --extract --directory=/target \
 && cp --archive --parents /bin /lib* /sbin /etc/passwd /etc/group /etc/ssl/certs/ca-certificates.crt /target \
 && python3 -m compileall -q -j0 --invalidation-mode unchecked-hash /target/usr/lib/python3.13

FROM python AS source
WORKDIR /source
COPY locks/run.txt locks/run.txt
RUN python3 -m venv /opt/airouter && /opt/airouter/bin/pip install -q --require-hashes -r locks/run.txt
COPY . .

FROM source AS build-router
RUN /opt/airouter/bin/pip install -q --no-deps --no-build-isolation . \
 && rm -r /opt/airouter/lib/python3.13/site-packages/airouter_operator /opt/airouter/bin/airouter-operator \
 && scripts/slim-venv /opt/airouter

# Without what only routers import.
FROM source AS build-operator
RUN /opt/airouter/bin/pip install -q --require-hashes -r locks/operator.txt \
 && /opt/airouter/bin/pip install -q --no-deps --no-build-isolation . \
 && /opt/airouter/bin/pip uninstall -q -y \
      boto3 botocore fastapi grpcio httptools redis s3transfer starlette uvicorn uvloop websockets \
      opentelemetry-exporter-otlp-proto-grpc opentelemetry-exporter-otlp-proto-http opentelemetry-proto \
      opentelemetry-instrumentation-asgi opentelemetry-instrumentation-fastapi opentelemetry-propagator-b3 \
      opentelemetry-sdk \
 && scripts/slim-venv /opt/airouter

FROM scratch AS base
COPY --from=root /target /
ENV PATH=/opt/airouter/bin PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER 65532:65532
WORKDIR /

FROM base AS router
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="Auto AI Router" \
      org.opencontainers.image.description="An OpenAI-compatible LLM router: the data plane" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}"
COPY --from=build-router /opt/airouter /opt/airouter
ENV AIROUTER_HOST=::
EXPOSE 8080
ENTRYPOINT ["airouter"]
CMD ["serve"]

FROM base AS operator
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="Auto AI Router operator" \
      org.opencontainers.image.description="Brings RouterConfigs into running routers: the control plane" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}"
COPY --from=build-operator /opt/airouter /opt/airouter
EXPOSE 8081 8443
ENTRYPOINT ["airouter-operator"]
