/// A log line: its names come flat with dots or nested, and nested ones win.
extension SchemaV2 {
    static let log = ObjectSchema([
        Member("message", .longText, .message),
        Member("@timestamp", .timestamp, .timestamp),
        Member("labels", .labels, .labels),
        Member("trace.id", .text, .traceID),
        Member("transaction.id", .text, .transactionID),
        Member("span.id", .text, .spanID),
        Member("faas", faas),
        .flat("log.level", .text, .logLevel),
        .flat("log.logger", .text, .loggerName),
        .flat("log.origin.function", .longText, .originFunction),
        .flat("log.origin.file.name", .text, .originFileName),
        .flat("log.origin.file.line", .integer, .originFileLine),
        .flat("error.type", .longText, .errorType),
        .flat("error.message", .longText, .errorMessage),
        .flat("error.stack_trace", .longText, .errorStackTrace),
        .flat("event.dataset", .text, .eventDataset),
        .flat("process.thread.name", .text, .threadName),
        .flat("service.name", .text, .serviceName),
        .flat("service.version", .text, .serviceVersion),
        .flat("service.environment", .text, .serviceEnvironment),
        .flat("service.node.name", .text, .serviceNodeName),
        Member(
            "log",
            ObjectSchema([
                Member("level", .text, .logLevel),
                Member("logger", .text, .loggerName),
                Member(
                    "origin",
                    ObjectSchema([
                        Member("function", .longText, .originFunction),
                        Member(
                            "file",
                            ObjectSchema([
                                Member("name", .text, .originFileName),
                                Member("line", .integer, .originFileLine),
                            ])
                        ),
                    ])
                ),
            ])
        ),
        Member(
            "error",
            ObjectSchema([
                Member("type", .longText, .errorType),
                Member("message", .longText, .errorMessage),
                Member("stack_trace", .longText, .errorStackTrace),
            ])
        ),
        Member(
            "service",
            ObjectSchema([
                Member("name", .text, .serviceName),
                Member("version", .text, .serviceVersion),
                Member("environment", .text, .serviceEnvironment),
                Member("node", ObjectSchema([Member("name", .text, .serviceNodeName)])),
            ])
        ),
        Member(
            "process",
            ObjectSchema([
                Member("thread", ObjectSchema([Member("name", .text, .threadName)]))
            ])
        ),
        Member("event", ObjectSchema([Member("dataset", .text, .eventDataset)])),
    ])
}
