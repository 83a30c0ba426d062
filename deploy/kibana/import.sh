#!/usr/bin/env bash
# Imports data views, searches and dashboards into Kibana; as often as one likes, what is there is replaced.
#
#   KIBANA_URL            http://127.0.0.1:5601
#   KIBANA_USERNAME       no credentials when it is empty
#   KIBANA_PASSWORD       or the path of a file with it: KIBANA_PASSWORD_FILE
#   KIBANA_CA             the authority of Kibana's certificate, for https
#   KIBANA_SPACE          another space than the default one
#   KIBANA_WAIT_SECONDS   how long to wait until Kibana is ready (300)
set -euo pipefail

objects=$(dirname "$0")/elkfa.ndjson
url=${KIBANA_URL:-http://127.0.0.1:5601}
space=${KIBANA_SPACE:+/s/$KIBANA_SPACE}
patience=${KIBANA_WAIT_SECONDS:-300}

fail() { printf 'import: %s\n' "$*" >&2; exit 1; }

password() {
    if [ -n "${KIBANA_PASSWORD_FILE:-}" ]; then
        [ -r "$KIBANA_PASSWORD_FILE" ] || fail "$KIBANA_PASSWORD_FILE, which KIBANA_PASSWORD_FILE names, cannot be read"
        cat "$KIBANA_PASSWORD_FILE"
    else
        printf '%s' "${KIBANA_PASSWORD:-}"
    fi
}

# Options of curl, by a descriptor: arguments can be read by every user of the machine.
settings=
if [ -n "${KIBANA_USERNAME:-}" ]; then
    secret=$(password)
    secret=${secret//\\/\\\\}
    settings="user = \"$KIBANA_USERNAME:${secret//\"/\\\"}\""
fi
[ -z "${KIBANA_CA:-}" ] || settings+=$'\n'"cacert = \"$KIBANA_CA\""

kibana() { curl --silent --show-error --max-time 60 --config <(printf '%s\n' "$settings") "$@"; }

wait_until_ready() {
    local deadline=$((SECONDS + patience)) status
    while true; do
        status=$(kibana --output /dev/null --write-out '%{http_code}' "$url/api/status" 2>&1) || true
        case $status in
            200) return ;;
            401 | 403) fail "Kibana refuses the credentials of \"${KIBANA_USERNAME:-}\" (status $status)" ;;
        esac
        [ "$SECONDS" -lt "$deadline" ] || fail "$url is not ready after $patience s: $status"
        sleep 1
    done
}

[ -r "$objects" ] || fail "$objects is missing: make kibana builds it"
wait_until_ready
answer=$(kibana --write-out '\n%{http_code}' --header 'kbn-xsrf: import' --form "file=@$objects;type=application/ndjson" \
    "$url$space/api/saved_objects/_import?overwrite=true")
status=${answer##*$'\n'}
answer=${answer%$'\n'*}
[ "$status" = 200 ] || fail "Kibana answers $status: ${answer:0:2000}"
case $answer in
    *'"success":true'*) ;;
    *) fail "not everything was imported: ${answer:0:2000}" ;;
esac
printf 'import: %s objects are in Kibana\n' "$(grep -c '"type"' "$objects")"
