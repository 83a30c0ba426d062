# syntax=docker/dockerfile:1
# Build from the top of the repository: docker build --file deploy/docker/shipper.Dockerfile . (make images does all)
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
LABEL org.opencontainers.image.title="shipper" \
    org.opencontainers.image.description="Follows log files and forwards every line to ingest" \
    org.opencontainers.image.licenses="Apache-2.0" \
    org.opencontainers.image.version="${VERSION}"
RUN apt-get update \
    && apt-get install --yes --no-install-recommends \
        ca-certificates libdeflate0 libgnutls30 libmicrohttpd12 libpcre2-8-0 libssl3 libyaml-0-2 tzdata zlib1g \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --system --gid 10001 shipper \
    && useradd --system --uid 10001 --gid shipper --home-dir /var/lib/shipper --shell /usr/sbin/nologin shipper \
    && install --directory --owner shipper --group shipper --mode 0750 /var/lib/shipper
COPY --from=build /out/shipper /usr/bin/shipper
COPY --chmod=755 deploy/docker/healthcheck /usr/lib/shipper/healthcheck
COPY deploy/config/shipper.yml /etc/shipper/shipper.yml
USER shipper
WORKDIR /var/lib/shipper
VOLUME /var/lib/shipper
EXPOSE 5066
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s CMD ["/usr/lib/shipper/healthcheck", "5066"]
ENTRYPOINT ["/usr/bin/shipper", "--config", "/etc/shipper/shipper.yml"]
