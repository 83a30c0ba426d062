#!/usr/bin/env bash
# Sets the password of Kibana's user and makes an API key for each of our services, with no more rights than it needs. What
# works already stays. Runs in Elasticsearch's image.
set -euo pipefail

secrets=${SECRETS_DIRECTORY:-/secrets}
url=${ELASTICSEARCH_URL:?the address of Elasticsearch}
our_user=${OUR_USER:-10001}

say() { printf 'setup-users: %s\n' "$*"; }
fail() { say "$*" >&2; exit 1; }

# request AUTHORIZATION METHOD PATH: sends standard input, prints the answer. Secrets go through descriptors, never through
# arguments, which every user of the machine can read.
request() {
    curl --silent --show-error --fail-with-body --max-time 30 --cacert "$secrets/elasticsearch/ca.crt" \
        --config <(printf '%s\n' "$1") --request "$2" --header 'Content-Type: application/json' --data-binary @- "$url$3"
}

as_elastic() { request "user = \"elastic:$(cat "$secrets/elasticsearch/elastic")\"" "$@"; }

set_password() {
    printf '{"password":"%s"}' "$(cat "$secrets/kibana/password")" \
        | as_elastic POST /_security/user/kibana_system/_password >/dev/null \
        || fail "the password of kibana_system cannot be set"
}

# Whether the key in FILE is known to Elasticsearch.
is_valid() {
    [ -s "$1" ] && request "header = \"Authorization: ApiKey $(cat "$1")\"" GET /_security/_authenticate </dev/null >/dev/null 2>&1
}

# make_key SERVICE: the rights on standard input.
make_key() {
    local file=$secrets/$1/api-key answer key
    if is_valid "$file"; then
        say "$1: its API key is good"
        return
    fi
    answer=$(printf '{"name":"%s","role_descriptors":{"%s":%s}}' "$1" "$1" "$(cat)" | as_elastic POST /_security/api_key) \
        || fail "no API key for $1: $answer"
    key=$(sed -n 's/.*"encoded" *: *"\([A-Za-z0-9+\/=]*\)".*/\1/p' <<<"$answer")
    [ -n "$key" ] || fail "no API key for $1 in the answer of Elasticsearch"
    (umask 077 && printf '%s\n' "$key" >"$file.new")
    chown "$our_user:$our_user" "$file.new"
    chmod 0400 "$file.new"
    mv "$file.new" "$file"
    say "$1: has an API key"
}

set_password
# Indices of the ready pipelines; for an own `index`, add its name and remove the file api-key.
make_key ingest <<'JSON'
{"cluster": ["monitor", "manage_index_templates", "manage_ilm"],
 "indices": [{"names": ["nginx-*", "gunicorn-*", "flask-*", "werkzeug-*", "django-*", "python-*", "syslog-*", "apache-*", "log-*", "logs-*"],
              "privileges": ["auto_configure", "create_doc", "view_index_metadata"]}]}
JSON
make_key apm-server <<'JSON'
{"cluster": ["monitor", "manage_index_templates"],
 "indices": [{"names": ["traces-apm*", "logs-apm*", "metrics-apm*"],
              "privileges": ["auto_configure", "create_doc", "view_index_metadata"]},
             {"names": [".apm-agent-configuration"], "privileges": ["read"], "allow_restricted_indices": true}]}
JSON
