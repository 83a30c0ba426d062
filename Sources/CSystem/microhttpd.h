// libmicrohttpd with its variadic calls given typed functions, and the TLS below it.
#pragma once
#include <microhttpd.h>

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

struct http_daemon_settings {
    unsigned int connections;
    size_t connection_memory;
    /// PEM texts; `key` is NULL without TLS, `trust` without client certificates.
    const char *key, *certificate, *trust;
};

/// A daemon without thread, listening socket and time-outs of its own.
///
/// The caller waits on its epoll descriptor, calls MHD_run, and hands it connections by MHD_add_connection.
/// `unescape` leaves text as it is, see HTTPDaemon.
static inline struct MHD_Daemon *http_daemon_start(
    const struct http_daemon_settings *settings, MHD_AccessHandlerCallback handler,
    MHD_RequestCompletedCallback completed, MHD_NotifyConnectionCallback connection,
    void *(*line)(void *, const char *, struct MHD_Connection *),
    size_t (*unescape)(void *, struct MHD_Connection *, char *), void *context) {
    struct MHD_OptionItem trust[] = {
        {MHD_OPTION_HTTPS_MEM_TRUST, 0, (void *)settings->trust}, {MHD_OPTION_END, 0, NULL}};
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)settings->key},
        {MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)settings->certificate},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)"NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"},
        {MHD_OPTION_ARRAY, 0, settings->trust == NULL ? trust + 1 : trust},
        {MHD_OPTION_END, 0, NULL}};
    int has_tls = settings->key != NULL;
    return MHD_start_daemon(
        MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME | (has_tls ? MHD_USE_TLS : 0), 0,
        NULL, NULL, handler, context,
        MHD_OPTION_CONNECTION_LIMIT, settings->connections,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, settings->connection_memory,
        MHD_OPTION_STRICT_FOR_CLIENT, 0,
        MHD_OPTION_NOTIFY_COMPLETED, completed, context,
        MHD_OPTION_NOTIFY_CONNECTION, connection, context,
        MHD_OPTION_URI_LOG_CALLBACK, line, context,
        MHD_OPTION_UNESCAPE_CALLBACK, unescape, context,
        MHD_OPTION_ARRAY, has_tls ? tls : tls + 4,
        MHD_OPTION_END);
}

/// The descriptor that becomes readable when the daemon has something to do.
static inline int http_daemon_epoll(struct MHD_Daemon *daemon) {
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD);
    return info == NULL ? -1 : info->epoll_fd;
}

/// The socket of a connection.
static inline int http_connection_socket(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    return info == NULL ? -1 : info->connect_fd;
}

/// What the STARTED notification stored for a connection.
static inline void *http_connection_context(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info == NULL ? NULL : info->socket_context;
}

/// The gnutls_session_t of a connection; NULL without TLS.
static inline void *http_connection_session(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    return info == NULL ? NULL : info->tls_session;
}

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
