/// The objects of intake v2, as the agents' specification has them.
enum SchemaV2 {
    static let transaction = ObjectSchema([
        Member("id", .text, .id, .required),
        Member("trace_id", .text, .traceID, .required),
        Member("parent_id", .text, .parentID),
        Member("type", .text, .type, .required),
        Member("name", .text, .name),
        Member("duration", .positiveNumber, .duration, .required),
        Member("timestamp", .timestamp, .timestamp),
        Member("result", .text, .result),
        Member("sampled", .bool, .sampled),
        Member("span_count", spanCount, .required),
        Member("sample_rate", .number, .sampleRate),
        Member("outcome", .outcome, .outcome),
        Member("context", context),
        Member("marks", .marks, .marks),
        Member("session", session),
        Member("experience", experience),
        Member("dropped_spans_stats", .elements, of: .droppedSpanStatistics, .droppedSpansStats),
        Member("faas", faas),
        Member("otel", otel),
        Member("links", .elements, of: .link, .links),
    ])

    static let span = ObjectSchema(
        [
            Member("id", .text, .id, .required),
            Member("trace_id", .text, .traceID, .required),
            Member("parent_id", .text, .parentID, .required),
            Member("transaction_id", .text, .transactionID),
            Member("name", .text, .name, .required),
            Member("type", .text, .type, .required),
            Member("subtype", .text, .subtype),
            Member("action", .text, .action),
            Member("duration", .positiveNumber, .duration, .required),
            Member("timestamp", .timestamp, .timestamp),
            Member("start", .number, .start),
            Member("sync", .bool, .sync),
            Member("outcome", .outcome, .outcome),
            Member("sample_rate", .number, .sampleRate),
            Member("child_ids", .texts, .childIDs),
            Member("stacktrace", .elements, of: .frame, .stacktrace),
            Member("links", .elements, of: .link, .links),
            Member("otel", otel),
            Member("composite", composite),
            Member("context", spanContext),
        ],
        [.anyOf(["start", "timestamp"])]
    )

    static let error = ObjectSchema(
        [
            Member("id", .text, .id, .required),
            Member("trace_id", .text, .traceID),
            Member("transaction_id", .text, .transactionID),
            Member("parent_id", .text, .parentID),
            Member("timestamp", .timestamp, .timestamp),
            Member("culprit", .text, .culprit),
            Member("context", context),
            Member("transaction", errorTransaction),
            Member("exception", .element, of: .exception, .exception),
            Member("log", .element, of: .logRecord, .log),
            // Ours alone: OTLP's stack traces are text.
            Member("stack_trace", .longText, .errorStackTrace),
        ],
        [
            .required("parent_id", whenAny: ["transaction_id", "trace_id"]),
            .required("trace_id", whenAny: ["transaction_id", "parent_id"]),
            .anyOf(["exception", "log"]),
        ]
    )

    static let metricset = ObjectSchema([
        Member("samples", .namedElements, of: .sample, .samples, .required),
        Member("timestamp", .timestamp, .timestamp),
        Member("tags", .labels, .labels),
        Member(
            "span",
            ObjectSchema([Member("type", .text, .spanType), Member("subtype", .text, .spanSubtype)])
        ),
        Member(
            "transaction",
            ObjectSchema([
                Member("type", .text, .transactionType), Member("name", .text, .transactionName),
            ])
        ),
        Member(
            "service",
            ObjectSchema([Member("name", .text, .serviceName), Member("version", .text, .serviceVersion)])
        ),
        Member("faas", faas),
    ])

    // MARK: - Parts

    private static let spanCount = ObjectSchema([
        Member("started", .integer, .spanCountStarted, .required),
        Member("dropped", .integer, .spanCountDropped),
    ])

    private static let session = ObjectSchema([
        Member("id", .text, .sessionID, .required),
        Member("sequence", .integer(atLeast: 1), .sessionSequence),
    ])

    private static let experience = ObjectSchema([
        Member("cls", .positiveNumber, .experienceCLS),
        Member("fid", .positiveNumber, .experienceFID),
        Member("tbt", .positiveNumber, .experienceTBT),
        Member(
            "longtask",
            ObjectSchema([
                Member("count", .integer(atLeast: 0), .longtaskCount, .required),
                Member("sum", .positiveNumber, .longtaskSum, .required),
                Member("max", .positiveNumber, .longtaskMax, .required),
            ])
        ),
    ])

    static let faas = ObjectSchema([
        Member("id", .longText, .faasID),
        Member("name", .longText, .faasName),
        Member("version", .longText, .faasVersion),
        Member("execution", .longText, .faasExecution),
        Member("coldstart", .bool, .faasColdstart),
        Member(
            "trigger",
            ObjectSchema([
                Member("type", .longText, .faasTriggerType),
                Member("request_id", .longText, .faasTriggerRequestID),
            ])
        ),
    ])

    private static let otel = ObjectSchema([
        Member("span_kind", .longText, .otelSpanKind),
        Member("attributes", .free, .otelAttributes),
    ])

    private static let composite = ObjectSchema([
        Member("compression_strategy", .longText, .compositeStrategy, .required),
        Member("count", .integer(atLeast: 2), .compositeCount, .required),
        Member("sum", .positiveNumber, .compositeSum, .required),
    ])

    private static let errorTransaction = ObjectSchema([
        Member("sampled", .bool, .transactionSampled),
        Member("type", .text, .transactionType),
        Member("name", .text, .transactionName),
    ])
}
