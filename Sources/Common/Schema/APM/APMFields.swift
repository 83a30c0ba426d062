/// Fields of APM documents whose type is not found out from their values: everything but keywords, and the keywords
/// that Kibana looks for even while no document has them.
///
/// Names and types are those of Elasticsearch's own APM templates. What is not listed becomes a keyword when it is
/// text (`IndexTemplate`).
package enum APMFields {
    /// Of every document.
    package static let common = [
        SchemaField("@timestamp", .date),
        SchemaField("timestamp.us", .long),
        SchemaField("data_stream.dataset"),
        SchemaField("data_stream.namespace"),
        SchemaField("data_stream.type"),
        SchemaField("processor.event"),
        SchemaField("message", .text),
        SchemaField("agent.name"),
        SchemaField("agent.version"),
        SchemaField("observer.hostname"),
        SchemaField("observer.type"),
        SchemaField("observer.version"),
        SchemaField("service.environment"),
        SchemaField("service.name"),
        SchemaField("service.node.name"),
        SchemaField("service.version"),
        SchemaField("trace.id"),
        SchemaField("parent.id"),
        SchemaField("transaction.id"),
        SchemaField("transaction.name"),
        SchemaField("transaction.type"),
        SchemaField("transaction.result"),
        SchemaField("transaction.root", .boolean),
        SchemaField("span.id"),
        SchemaField("span.name"),
        SchemaField("event.dataset"),
        SchemaField("event.outcome"),
        SchemaField("client.geo.location", .geoPoint),
        SchemaField("client.ip", .ip),
        SchemaField("client.port", .long),
        SchemaField("container.id"),
        SchemaField("destination.ip", .ip),
        SchemaField("destination.port", .long),
        SchemaField("faas.coldstart", .boolean),
        SchemaField("host.hostname"),
        SchemaField("host.ip", .ip),
        SchemaField("host.name"),
        SchemaField("process.parent.pid", .long),
        SchemaField("process.pid", .long),
        SchemaField("source.ip", .ip),
        SchemaField("source.nat.ip", .ip),
        SchemaField("source.port", .long),
    ]

    /// Of transactions, spans and errors: the request they belong to.
    package static let request = [
        SchemaField("http.request.body", .storedObject),
        SchemaField("http.request.cookies", .storedObject),
        SchemaField("http.request.env", .storedObject),
        SchemaField("http.request.headers", .storedObject),
        SchemaField("http.response.decoded_body_size", .unindexedLong),
        SchemaField("http.response.encoded_body_size", .unindexedLong),
        SchemaField("http.response.finished", .boolean),
        SchemaField("http.response.headers", .storedObject),
        SchemaField("http.response.headers_sent", .boolean),
        SchemaField("http.response.status_code", .long),
        SchemaField("http.response.transfer_size", .unindexedLong),
        SchemaField("url.port", .long),
    ]

    /// Of `traces-apm*`.
    package static let traces =
        common + request + [
            SchemaField("child.id"),
            // 0 or 1; 1 as well for what has no outcome.
            SchemaField("event.success_count", .byte),
            SchemaField("span.composite.count", .long),
            SchemaField("span.composite.sum.us", .long),
            SchemaField("span.db.rows_affected", .long),
            SchemaField("span.destination.service.resource"),
            SchemaField("span.duration.us", .long),
            SchemaField("span.message.age.ms", .long),
            SchemaField("span.representative_count", .scaledFloat(1000)),
            SchemaField("span.stacktrace", .storedObject),
            SchemaField("span.subtype"),
            SchemaField("span.sync", .boolean),
            SchemaField("span.type"),
            SchemaField("transaction.custom", .storedObject),
            SchemaField("transaction.duration.us", .long),
            SchemaField("transaction.experience.cls", .scaledFloat(1_000_000)),
            SchemaField("transaction.experience.fid", .scaledFloat(1000)),
            SchemaField("transaction.experience.longtask.count", .long),
            SchemaField("transaction.experience.longtask.max", .scaledFloat(1000)),
            SchemaField("transaction.experience.longtask.sum", .scaledFloat(1000)),
            SchemaField("transaction.experience.tbt", .scaledFloat(1000)),
            SchemaField("transaction.message.age.ms", .long),
            SchemaField("transaction.representative_count", .scaledFloat(1000)),
            SchemaField("transaction.sampled", .boolean),
            SchemaField("transaction.span_count.dropped", .long),
            SchemaField("transaction.span_count.started", .long),
        ]

    /// Of `logs-apm*`: errors and logs.
    package static let logs =
        common + request + [
            SchemaField("error.culprit"),
            SchemaField("error.custom", .storedObject),
            SchemaField("error.exception.attributes", .storedObject),
            SchemaField("error.exception.code"),
            SchemaField("error.exception.handled", .boolean),
            SchemaField("error.exception.message"),
            SchemaField("error.exception.module"),
            SchemaField("error.exception.parent", .unindexedLong),
            SchemaField("error.exception.stacktrace", .storedObject),
            SchemaField("error.exception.type"),
            SchemaField("error.grouping_key"),
            SchemaField("error.grouping_name", .scriptedKeyword(groupingName)),
            SchemaField("error.id"),
            SchemaField("error.log.level"),
            SchemaField("error.log.logger_name"),
            SchemaField("error.log.message", .text),
            SchemaField("error.log.param_message"),
            SchemaField("error.log.stacktrace", .storedObject),
            SchemaField("error.stack_trace", .text),
            SchemaField("log.level"),
            SchemaField("log.logger"),
            SchemaField("transaction.sampled", .boolean),
        ]

    /// What Kibana calls a group of errors: what was logged, else what the first exception says.
    ///
    /// Stores with templates of their own make it in the same way, and refuse documents that bring it.
    private static let groupingName =
        "def error = params['_source'].error; if (error == null) return; "
        + "def name = error.log?.message; "
        + "if (name == null && error.exception instanceof List && error.exception.size() > 0) "
        + "name = error.exception[0].message; "
        + "if (name != null) emit(name)"

    /// Of `metrics-apm*`: roll-ups, and what agents measure.
    package static let metrics =
        common + [
            SchemaField("event.success_count", .aggregateMetric),
            SchemaField("metricset.interval"),
            SchemaField("metricset.name"),
            SchemaField("span.destination.service.resource"),
            SchemaField("span.destination.service.response_time.count", .long),
            SchemaField("span.destination.service.response_time.sum.us", .long),
            SchemaField("span.self_time.count", .long),
            SchemaField("span.self_time.sum.us", .long),
            SchemaField("span.subtype"),
            SchemaField("span.type"),
            SchemaField("transaction.duration.histogram", .histogram),
            SchemaField("transaction.duration.summary", .aggregateMetric),
        ]
}
