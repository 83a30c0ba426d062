/// Every field of an nginx document, by the part of the pipeline that fills it.
///
/// Names are those of ECS 8.11 and, below `nginx.access`, those of Filebeat's nginx module where it has them.
/// What is not listed becomes a keyword when it is text (`IndexTemplate`).
package enum NginxFields {
    package static let all = base + event + shipper + client + request + response + upstream + userAgent + geo

    private static let base = [
        SchemaField("@timestamp", .date),
        SchemaField("message", .text),
        SchemaField("tags"),
        SchemaField("ecs.version"),
        SchemaField("error.message", .text),
        SchemaField("error.type"),
    ]

    private static let event = [
        SchemaField("event.category"),
        SchemaField("event.created", .date),
        SchemaField("event.dataset"),
        // Nanoseconds.
        SchemaField("event.duration", .long),
        SchemaField("event.ingested", .date),
        SchemaField("event.kind"),
        SchemaField("event.module"),
        // By words, so that a line that could not be parsed is found as well.
        SchemaField("event.original", .text),
        SchemaField("event.outcome"),
        SchemaField("event.timezone"),
        SchemaField("event.type"),
    ]

    private static let shipper = [
        SchemaField("agent.ephemeral_id"),
        SchemaField("agent.id"),
        SchemaField("agent.name"),
        SchemaField("agent.type"),
        SchemaField("agent.version"),
        SchemaField("host.hostname"),
        SchemaField("host.id"),
        SchemaField("host.ip", .ip),
        SchemaField("host.name"),
        SchemaField("input.type"),
        SchemaField("log.file.device_id"),
        SchemaField("log.file.fingerprint"),
        SchemaField("log.file.identity"),
        SchemaField("log.file.inode"),
        SchemaField("log.file.path"),
        SchemaField("log.flags"),
        SchemaField("log.level"),
        SchemaField("log.offset", .long),
        SchemaField("process.pid", .long),
        SchemaField("process.thread.id", .long),
        SchemaField("service.type"),
    ]

    private static let client = [
        SchemaField("nginx.access.remote_ip_list"),
        SchemaField("related.ip", .ip),
        SchemaField("related.user"),
        SchemaField("source.address"),
        SchemaField("source.ip", .ip),
        SchemaField("source.port", .long),
        SchemaField("user.name"),
    ]

    private static let request = [
        SchemaField("destination.domain"),
        SchemaField("destination.ip", .ip),
        SchemaField("destination.port", .long),
        SchemaField("http.request.bytes", .long),
        SchemaField("http.request.id"),
        SchemaField("http.request.method"),
        SchemaField("http.request.referrer", .wildcard),
        SchemaField("http.version"),
        SchemaField("nginx.access.connection.id", .long),
        SchemaField("nginx.access.connection.requests", .long),
        SchemaField("nginx.access.server_name"),
        SchemaField("server.ip", .ip),
        SchemaField("server.port", .long),
        SchemaField("tls.cipher"),
        SchemaField("tls.client.server_name"),
        SchemaField("tls.version"),
        SchemaField("tls.version_protocol"),
        SchemaField("trace.id"),
        SchemaField("transaction.id"),
        SchemaField("url.domain"),
        SchemaField("url.extension"),
        SchemaField("url.fragment"),
        SchemaField("url.full", .wildcard),
        SchemaField("url.original", .wildcard),
        SchemaField("url.path"),
        SchemaField("url.port", .long),
        SchemaField("url.query"),
        SchemaField("url.scheme"),
    ]

    private static let response = [
        SchemaField("http.response.body.bytes", .long),
        SchemaField("http.response.bytes", .long),
        SchemaField("http.response.mime_type"),
        SchemaField("http.response.status_code", .long),
    ]

    private static let upstream = [
        SchemaField("nginx.access.upstream.address_list"),
        SchemaField("nginx.access.upstream.cache_status"),
        // Seconds.
        SchemaField("nginx.access.upstream.connect_time_list", .float),
        SchemaField("nginx.access.upstream.header_time_list", .float),
        SchemaField("nginx.access.upstream.response_length_list", .long),
        SchemaField("nginx.access.upstream.response_time_list", .float),
        SchemaField("nginx.access.upstream.status_code_list", .long),
    ]

    private static let userAgent = [
        SchemaField("user_agent.device.name"),
        SchemaField("user_agent.name"),
        SchemaField("user_agent.original", .wildcard),
        SchemaField("user_agent.os.full"),
        SchemaField("user_agent.os.name"),
        SchemaField("user_agent.os.version"),
        SchemaField("user_agent.version"),
        SchemaField("wechat.app_version"),
        SchemaField("wechat.appid"),
        SchemaField("wechat.client"),
        SchemaField("wechat.language"),
        SchemaField("wechat.mini_program", .boolean),
        SchemaField("wechat.network_type"),
        SchemaField("wechat.release"),
        SchemaField("wechat.version"),
    ]

    private static let geo = [
        SchemaField("source.as.number", .long),
        SchemaField("source.as.organization.name"),
        SchemaField("source.geo.city_name"),
        SchemaField("source.geo.continent_code"),
        SchemaField("source.geo.continent_name"),
        SchemaField("source.geo.country_iso_code"),
        SchemaField("source.geo.country_name"),
        SchemaField("source.geo.location", .geoPoint),
        SchemaField("source.geo.postal_code"),
        SchemaField("source.geo.region_iso_code"),
        SchemaField("source.geo.region_name"),
        SchemaField("source.geo.timezone"),
    ]
}
