#!/usr/bin/env bash
# A certificate authority of one's own, and certificates for servers and clients: keys on P-256, nothing overwritten.
set -euo pipefail

ca_days=3650
certificate_days=825

usage() {
    cat <<'USAGE'
Usage:
  make-certs.sh FOLDER ca
  make-certs.sh FOLDER server NAME HOST_OR_ADDRESS...
  make-certs.sh FOLDER client NAME
  make-certs.sh FOLDER renew NAME

  ca      makes FOLDER/ca.crt and FOLDER/ca.key; every machine gets ca.crt, and no machine ca.key
  server  makes NAME.crt and NAME.key for a server that is reached under these names and addresses
  client  makes NAME.crt and NAME.key for a client, such as the shipper of one web host
  renew   signs the key of NAME anew, for as long as at first; the certificate before stays as NAME.crt.old

What exists is never overwritten. Keys are readable by their owner only.
USAGE
}

fail() { printf 'make-certs: %s\n' "$*" >&2; exit 1; }
is_new() { [ ! -e "$1" ] || fail "$1 exists; remove it, or choose another name"; }
is_name() { [[ $1 =~ ^[A-Za-z0-9][A-Za-z0-9._-]*$ ]] || fail "\"$1\" is no name for a file: letters, digits, . _ -"; }

make_key() {
    is_new "$1"
    (umask 077 && openssl ecparam -name prime256v1 -genkey -noout -out "$1")
}

make_authority() {
    local ca=$1/ca
    is_new "$ca.crt"
    make_key "$ca.key"
    openssl req -x509 -new -key "$ca.key" -sha256 -days "$ca_days" -subj "/CN=elkfa CA" -out "$ca.crt" \
        -addext "basicConstraints=critical,CA:TRUE,pathlen:0" -addext "keyUsage=critical,keyCertSign,cRLSign"
}

# sign FOLDER NAME EXTENDED_KEY_USAGE ALTERNATIVE_NAMES: a certificate for NAME.key.
sign() {
    local path=$1/$2 extensions
    [ -e "$1/ca.key" ] || fail "$1/ca.key is missing; make-certs.sh $1 ca makes it"
    extensions="basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=$3
${4:+subjectAltName=$4}"
    openssl req -new -key "$path.key" -subj "/CN=$2" \
        | openssl x509 -req -sha256 -days "$certificate_days" -CA "$1/ca.crt" -CAkey "$1/ca.key" \
            -set_serial "0x$(openssl rand -hex 16)" -extfile <(printf '%s\n' "$extensions") -out "$path.crt.new" 2>/dev/null
    mv "$path.crt.new" "$path.crt"
}

# DNS:… or IP:… for each argument, joined by commas.
alternative_names() {
    local names=() host
    for host in "$@"; do
        if [[ $host =~ ^[0-9.]+$ || $host == *:* ]]; then names+=("IP:$host"); else names+=("DNS:$host"); fi
    done
    local IFS=,
    echo "${names[*]}"
}

renew() {
    local path=$1/$2 usage names
    if [ ! -e "$path.key" ] || [ ! -e "$path.crt" ]; then fail "$path.crt and $path.key are not there to be renewed"; fi
    usage=$(openssl x509 -in "$path.crt" -noout -ext extendedKeyUsage | tail -n 1)
    names=$(openssl x509 -in "$path.crt" -noout -ext subjectAltName 2>/dev/null | tail -n 1 | sed 's/IP Address:/IP:/g; s/ //g')
    cp "$path.crt" "$path.crt.old"
    case $usage in
        *Server*) sign "$1" "$2" serverAuth "$names" ;;
        *) sign "$1" "$2" clientAuth "" ;;
    esac
}

case "${1:-}" in --help | -h) usage; exit 0 ;; esac
[ $# -ge 2 ] || { usage >&2; exit 2; }
command -v openssl >/dev/null || fail "needs the program openssl: apt-get install openssl"
folder=$1 what=$2
shift 2
mkdir -p "$folder"
case $what in
    ca) make_authority "$folder" ;;
    server)
        [ $# -ge 2 ] || fail "server needs a NAME and the hosts or addresses under which it is reached"
        is_name "$1"
        is_new "$folder/$1.crt"
        make_key "$folder/$1.key"
        sign "$folder" "$1" serverAuth "$(alternative_names "${@:2}")"
        ;;
    client)
        [ $# -eq 1 ] || fail "client needs a NAME"
        is_name "$1"
        is_new "$folder/$1.crt"
        make_key "$folder/$1.key"
        sign "$folder" "$1" clientAuth ""
        ;;
    renew)
        [ $# -eq 1 ] || fail "renew needs a NAME"
        is_name "$1"
        renew "$folder" "$1"
        ;;
    *) usage >&2; exit 2 ;;
esac
