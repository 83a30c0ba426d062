# syntax=docker/dockerfile:1
# Build from the top of the repository: docker build --file deploy/docker/ingest.Dockerfile . (make images does all)
ARG SWIFT_VERSION=6.3.1
ARG DEBIAN_VERSION=12.12

# The same in the Dockerfile of each service, line for line: Docker builds it once for all.
FROM swift:${SWIFT_VERSION}-bookworm AS build
RUN apt-get update \
    && apt-get install --yes --no-install-recommends \
        libcurl4-openssl-dev libdeflate-dev libmaxminddb-dev libmicrohttpd-dev libgnutls28-dev \
        libpcre2-dev libssl-dev libyaml-dev zlib1g-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY Package.swift ./
COPY Sources Sources
COPY Tests Tests
RUN mkdir /out \
    && for product in shipper ingest apm-server; do \
        swift build --configuration release --static-swift-stdlib --product $product \
        && strip --output-file=/out/$product .build/release/$product \
        || exit 1; \
    done

FROM debian:${DEBIAN_VERSION}-slim
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="ingest" \
    org.opencontainers.image.description="Parses log lines and stores documents in Elasticsearch" \
    org.opencontainers.image.licenses="Apache-2.0" \
    org.opencontainers.image.version="${VERSION}"
RUN apt-get update \
    && apt-get install --yes --no-install-recommends \
        ca-certificates libcurl4 libdeflate0 libmaxminddb0 libgnutls30 libmicrohttpd12 libpcre2-8-0 libssl3 \
        libyaml-0-2 tzdata uap-core zlib1g \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --system --gid 10001 ingest \
    && useradd --system --uid 10001 --gid ingest --home-dir /var/lib/ingest --shell /usr/sbin/nologin ingest \
    && install --directory --owner ingest --group ingest --mode 0750 /var/lib/ingest
COPY --from=build /out/ingest /usr/bin/ingest
COPY --chmod=755 deploy/docker/healthcheck /usr/lib/ingest/healthcheck
COPY deploy/config/ingest.yml /etc/ingest/ingest.yml
USER ingest
WORKDIR /var/lib/ingest
VOLUME /var/lib/ingest
EXPOSE 5044 5045 5046 9600
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s CMD ["/usr/lib/ingest/healthcheck", "9600"]
ENTRYPOINT ["/usr/bin/ingest", "--config", "/etc/ingest/ingest.yml"]
