/// Every field of a document that ingest makes, whichever its pipeline: nginx's, those of other servers, and of programs.
///
/// All indices have all of them, since a pipeline of one's own may write to any index.
package enum LogFields {
    package static let all = NginxFields.all + logger + error + nginx + ingress + servers + syslog

    private static let logger = [
        SchemaField("log.logger"),
        SchemaField("log.origin.file.line", .long),
        SchemaField("log.origin.file.name"),
        SchemaField("log.origin.function"),
        SchemaField("process.name"),
        SchemaField("process.thread.name"),
        SchemaField("span.id"),
    ]

    private static let error = [
        SchemaField("error.code"),
        SchemaField("error.grouping_key"),
        SchemaField("error.stack_trace", .wildcard),
    ]

    private static let nginx = [
        SchemaField("client.fingerprint"),
        SchemaField("nginx.error.connection_id", .long),
        SchemaField("nginx.error.server"),
        SchemaField("nginx.error.subrequest"),
        SchemaField("nginx.error.text", .text),
        SchemaField("nginx.error.upstream"),
    ]

    private static let ingress = [
        SchemaField("nginx.ingress_controller.http.request.id"),
        SchemaField("nginx.ingress_controller.http.request.length", .long),
        // Seconds.
        SchemaField("nginx.ingress_controller.http.request.time", .double),
        SchemaField("nginx.ingress_controller.remote_ip_list"),
        SchemaField("nginx.ingress_controller.upstream.alternative_name"),
        SchemaField("nginx.ingress_controller.upstream.ip", .ip),
        SchemaField("nginx.ingress_controller.upstream.name"),
        SchemaField("nginx.ingress_controller.upstream.port", .long),
        SchemaField("nginx.ingress_controller.upstream.response.length", .long),
        SchemaField("nginx.ingress_controller.upstream.response.length_list"),
        SchemaField("nginx.ingress_controller.upstream.response.status_code", .long),
        SchemaField("nginx.ingress_controller.upstream.response.status_code_list"),
        SchemaField("nginx.ingress_controller.upstream.response.time", .double),
        SchemaField("nginx.ingress_controller.upstream.response.time_list"),
        SchemaField("nginx.ingress_controller.upstream_address_list"),
    ]

    private static let servers = [
        SchemaField("apache.access.remote_addresses"),
        SchemaField("gunicorn.access.remote_ip_list"),
    ]

    private static let syslog = [
        SchemaField("log.syslog.appname"),
        SchemaField("log.syslog.facility.code", .long),
        SchemaField("log.syslog.facility.name"),
        SchemaField("log.syslog.hostname"),
        SchemaField("log.syslog.msgid"),
        SchemaField("log.syslog.priority", .long),
        SchemaField("log.syslog.procid"),
        SchemaField("log.syslog.severity.code", .long),
        SchemaField("log.syslog.severity.name"),
        // Names in it are the sender's; they must not become fields.
        SchemaField("log.syslog.structured_data", .storedObject),
        SchemaField("log.syslog.version"),
    ]
}
