#!/usr/bin/env bash
# Makes certificates for Elasticsearch and the first secrets, once: what exists stays. Runs in Elasticsearch's image.
set -euo pipefail

# A folder for each service, so that none sees the secrets of another.
secrets=${SECRETS_DIRECTORY:-/secrets}
certutil=${CERTUTIL:-/usr/share/elasticsearch/bin/elasticsearch-certutil}
# Users of the images: of Elasticsearch and Kibana, and of ours.
elastic_user=${ELASTIC_USER:-1000} our_user=${OUR_USER:-10001}

random() { head -c 24 /dev/urandom | base64 | tr '+/' '-_'; }

# own OWNER MODE FILE...
own() { chown "$1:$1" "${@:3}" && chmod "$2" "${@:3}"; }

# write FILE OWNER MODE: standard input, seen by others only once it is whole and has its owner.
write() {
    local temporary=$1.new
    (umask 077 && cat >"$temporary")
    own "$2" "$3" "$temporary"
    mv "$temporary" "$1"
}

make_certificates() {
    local work archive
    work=$(mktemp -d)
    archive=$work/certificates.zip
    printf 'instances:\n  - name: elasticsearch\n    dns: [elasticsearch, localhost]\n    ip: [127.0.0.1]\n' >"$work/instances.yml"
    "$certutil" cert --silent --pem --keep-ca-key --days 1095 --in "$work/instances.yml" --out "$archive"
    unzip -q "$archive" -d "$work"
    write "$secrets/elasticsearch/ca.key" 0 0400 <"$work/ca/ca.key"
    write "$secrets/elasticsearch/elasticsearch.key" "$elastic_user" 0400 <"$work/elasticsearch/elasticsearch.key"
    write "$secrets/elasticsearch/elasticsearch.crt" "$elastic_user" 0444 <"$work/elasticsearch/elasticsearch.crt"
    write "$secrets/elasticsearch/ca.crt" "$elastic_user" 0444 <"$work/ca/ca.crt"
    rm -rf "$work"
}

make_kibana() {
    write "$secrets/kibana/password" 0 0400 < <(random)
    write "$secrets/kibana/kibana.yml" "$elastic_user" 0400 <<YAML
server.host: 0.0.0.0
server.shutdownTimeout: 5s
elasticsearch.hosts: ["https://elasticsearch:9200"]
elasticsearch.username: kibana_system
elasticsearch.password: "$(cat "$secrets/kibana/password")"
elasticsearch.ssl.certificateAuthorities: [/run/secrets/ca.crt]
xpack.encryptedSavedObjects.encryptionKey: "$(random)$(random)"
xpack.reporting.encryptionKey: "$(random)$(random)"
xpack.security.encryptionKey: "$(random)$(random)"
telemetry.optIn: false
YAML
}

for folder in elasticsearch kibana; do own "$elastic_user" 0750 "$secrets/$folder"; done
for folder in ingest apm-server; do own "$our_user" 0750 "$secrets/$folder"; done
[ -e "$secrets/elasticsearch/ca.crt" ] || make_certificates
# Elasticsearch insists that nobody else may read it.
[ -e "$secrets/elasticsearch/elastic" ] || write "$secrets/elasticsearch/elastic" "$elastic_user" 0400 < <(random)
[ -e "$secrets/kibana/kibana.yml" ] || make_kibana
[ -e "$secrets/apm-server/secret-token" ] || write "$secrets/apm-server/secret-token" "$our_user" 0440 < <(random)
for folder in kibana ingest apm-server; do
    write "$secrets/$folder/ca.crt" "$our_user" 0444 <"$secrets/elasticsearch/ca.crt"
done
# For the service that imports the dashboards, which is root.
write "$secrets/kibana/elastic" 0 0400 <"$secrets/elasticsearch/elastic"
echo "setup-files: certificates and secrets are there"
