# syntax=docker/dockerfile:1
# Build from the top of the repository: docker build --file deploy/docker/apm-server.Dockerfile . (make images does all)
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
LABEL org.opencontainers.image.title="apm-server" \
    org.opencontainers.image.description="Takes what APM agents send and stores it in Elasticsearch" \
    org.opencontainers.image.licenses="Apache-2.0" \
    org.opencontainers.image.version="${VERSION}"
RUN apt-get update \
    && apt-get install --yes --no-install-recommends \
        ca-certificates libcurl4 libdeflate0 libmaxminddb0 libgnutls30 libmicrohttpd12 libpcre2-8-0 libssl3 \
        libyaml-0-2 tzdata uap-core zlib1g \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --system --gid 10001 apm-server \
    && useradd --system --uid 10001 --gid apm-server --home-dir /var/lib/apm-server --shell /usr/sbin/nologin apm-server \
    && install --directory --owner apm-server --group apm-server --mode 0750 /var/lib/apm-server
COPY --from=build /out/apm-server /usr/bin/apm-server
COPY --chmod=755 deploy/docker/healthcheck /usr/lib/apm-server/healthcheck
COPY deploy/config/apm-server.yml /etc/apm-server/apm-server.yml
USER apm-server
WORKDIR /var/lib/apm-server
VOLUME /var/lib/apm-server
EXPOSE 8200 5067
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s CMD ["/usr/lib/apm-server/healthcheck", "5067"]
ENTRYPOINT ["/usr/bin/apm-server", "--config", "/etc/apm-server/apm-server.yml"]
