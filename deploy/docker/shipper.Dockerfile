# syntax=docker/dockerfile:1
# Build from the top of the repository: docker build --file deploy/docker/shipper.Dockerfile .
ARG SWIFT_VERSION=6.3

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
RUN swift build --configuration release --static-swift-stdlib --product shipper \
    && strip --output-file=/shipper .build/release/shipper

FROM debian:bookworm-slim
LABEL org.opencontainers.image.title="shipper" \
    org.opencontainers.image.description="Follows log files and forwards every line to ingest" \
    org.opencontainers.image.licenses="Apache-2.0"
RUN apt-get update \
    && apt-get install --yes --no-install-recommends \
        ca-certificates libdeflate0 libgnutls30 libmicrohttpd12 libpcre2-8-0 libssl3 libyaml-0-2 tzdata zlib1g \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /var/lib/shipper --shell /usr/sbin/nologin shipper \
    && install --directory --owner shipper --group shipper --mode 0750 /var/lib/shipper
COPY --from=build /shipper /usr/bin/shipper
COPY --chmod=755 deploy/docker/healthcheck /usr/lib/shipper/healthcheck
COPY deploy/config/shipper.yml /etc/shipper/shipper.yml
USER shipper
WORKDIR /var/lib/shipper
VOLUME /var/lib/shipper
EXPOSE 5066
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s CMD ["/usr/lib/shipper/healthcheck", "5066"]
ENTRYPOINT ["/usr/bin/shipper", "--config", "/etc/shipper/shipper.yml"]
