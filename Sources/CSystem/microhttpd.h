// libmicrohttpd with its variadic calls given typed functions.
#pragma once
#include <microhttpd.h>

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
        MHD_OPTION_STRICT_FOR_CLIENT, 1,
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
