#!/usr/bin/env bash
# Installs what building and testing need and this machine lacks: Debian packages through apt, then Python
# packages into .venv. Says what it does. When nothing is missing it takes a fraction of a second.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'setup: %s\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }

libraries=(
    libcurl4-openssl-dev zlib1g-dev libdeflate-dev libssl-dev
    libmaxminddb-dev libpcre2-dev libyaml-dev libmicrohttpd-dev libgnutls28-dev
)
# What tests, demo and benchmark run: log source, balancer, rotation, user agent rules, certificates, Python, a browser;
# and what builds packages.
programs=(
    nginx haproxy logrotate uap-core openssl ca-certificates procps python3 python3-venv chromium fonts-dejavu-core
    adduser binutils curl dpkg-dev groff-base keepalived shellcheck unzip
)
# Debian starts these as services when they are installed; here only their programs are wanted.
services=(nginx haproxy keepalived)

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

require_swift() {
    command -v swift >/dev/null || fail "swift is not on the PATH; install the Swift 6.2 (or later) toolchain from swift.org"
    local tools_version
    tools_version=$(sed -n '1s/.*tools-version: *//p' Package.swift)
    local found
    found=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9.]*\).*/\1/p' | head -n 1)
    [ "$(printf '%s\n%s\n' "$tools_version" "$found" | sort -V | head -n 1)" = "$tools_version" ] \
        || fail "swift $found is too old; this package needs $tools_version or later"
}

# The linker comes with most Swift toolchains; Debian's does as well.
require_linker() {
    local toolchain
    toolchain=$(dirname "$(readlink -f "$(command -v swift)")")
    [ -x "$toolchain/ld.lld" ] || programs+=(lld)
}

missing_packages() {
    local package
    for package in "$@"; do
        case $(dpkg-query --show --showformat='${db:Status-Abbrev}' "$package" 2>/dev/null) in
            ?i*) ;;
            *) echo "$package" ;;
        esac
    done
}

# Until `allow_services`, maintainer scripts may not start daemons.
policy=/usr/sbin/policy-rc.d
forbid_services() {
    [ -e "$policy" ] && return
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod 755 "$policy"
    trap 'as_root rm -f "$policy"' EXIT
}

install_packages() {
    local missing=("$@")
    command -v apt-get >/dev/null || fail "needs these Debian packages, and there is no apt-get: ${missing[*]}"
    if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
        fail "run this as root, then again: apt-get install --no-install-recommends ${missing[*]}"
    fi
    say "installing with apt: ${missing[*]}"
    forbid_services
    as_root apt-get update --quiet --quiet
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install --yes --quiet --no-install-recommends "${missing[@]}"
    local service
    for service in "${services[@]}"; do
        [[ " ${missing[*]} " == *" $service"* ]] || continue
        [ -d /run/systemd/system ] || continue
        as_root systemctl disable --quiet "$service"
        say "$service is installed but not enabled as a service; enable it if you want it to start with the machine"
    done
}

requirements=Tests/EndToEnd/requirements.txt
stamp=.venv/installed-requirements.txt
install_python_packages() {
    [ -x .venv/bin/pip ] && cmp --silent "$requirements" "$stamp" && return
    say "installing into .venv: $(grep -cE '^[A-Za-z]' "$requirements") Python packages of $requirements"
    [ -x .venv/bin/pip ] || python3 -m venv --clear .venv
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --requirement "$requirements"
    cp "$requirements" "$stamp"
}

require_swift
require_linker
mapfile -t missing < <(missing_packages "${libraries[@]}" "${programs[@]}")
[ "${#missing[@]}" = 0 ] || install_packages "${missing[@]}"
install_python_packages
say "ready: $(swift --version 2>/dev/null | sed -n 's/.*\(Swift version [0-9.]*\).*/\1/p' | head -n 1), ${#libraries[@]} libraries, ${#programs[@]} Debian programs, $(.venv/bin/python --version)"
