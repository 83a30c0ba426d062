// The TLS below libmicrohttpd, as far as HTTPServer reaches past it.
#pragma once
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

/// Judges the certificate of a client during the handshake; none at all is left to GNUTLS_CERT_REQUIRE.
static int http_tls_verify_client(gnutls_session_t session) {
    unsigned int status = 0;
    gnutls_typed_vdata_st purpose = {
        GNUTLS_DT_KEY_PURPOSE_OID, (unsigned char *)GNUTLS_KP_TLS_WWW_CLIENT, 0};
    int code = gnutls_certificate_verify_peers(session, &purpose, 1, &status);
    if (code == GNUTLS_E_NO_CERTIFICATE_FOUND) return 0;
    return code == 0 && status == 0 ? 0 : GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR;
}

/// Has the client asked for a certificate, and a bad one refused. To be called before the handshake.
static inline void http_tls_expect_client(void *session, int is_required) {
    gnutls_certificate_server_set_request(session, is_required ? GNUTLS_CERT_REQUIRE : GNUTLS_CERT_REQUEST);
    gnutls_session_set_verify_function(session, http_tls_verify_client);
}

/// How many of the bytes were sent; -1 for "again, with the same bytes", -2 when the connection is broken.
static inline long http_tls_send(void *session, const void *bytes, size_t count) {
    ssize_t sent = gnutls_record_send(session, bytes, count);
    if (sent == GNUTLS_E_AGAIN || sent == GNUTLS_E_INTERRUPTED) return -1;
    return sent < 0 ? -2 : sent;
}

/// Tells the client that no more will be sent: 0 when done or impossible, -1 for "again".
static inline int http_tls_bye(void *session) {
    int code = gnutls_bye(session, GNUTLS_SHUT_WR);
    return code == GNUTLS_E_AGAIN || code == GNUTLS_E_INTERRUPTED ? -1 : 0;
}
