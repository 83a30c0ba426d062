/// The objects that stand in lists, or alone below `error`.
extension SchemaV2 {
    static let exception = ObjectSchema(
        [
            Member("message", .longText, .exceptionMessage),
            Member("type", .text, .exceptionType),
            Member("module", .text, .exceptionModule),
            Member("code", .textOrInteger, .exceptionCode),
            Member("handled", .bool, .exceptionHandled),
            Member("attributes", .free, .exceptionAttributes),
            Member("stacktrace", .elements, of: .frame, .stacktrace),
            Member("cause", .elements, of: .exception, .exceptionCause),
        ],
        [.anyOf(["message", "type"])]
    )

    static let logRecord = ObjectSchema([
        Member("message", .longText, .logMessage, .required),
        Member("level", .text, .logLevel),
        Member("logger_name", .text, .loggerName),
        Member("param_message", .text, .paramMessage),
        Member("stacktrace", .elements, of: .frame, .stacktrace),
    ])

    static let frame = ObjectSchema(
        [
            Member("filename", .longText, .frameFilename),
            Member("classname", .longText, .frameClassname),
            Member("abs_path", .longText, .frameAbsPath),
            Member("function", .longText, .frameFunction),
            Member("module", .longText, .frameModule),
            Member("lineno", .integer, .frameLine),
            Member("colno", .integer, .frameColumn),
            Member("context_line", .longText, .frameContextLine),
            Member("pre_context", .longTexts, .framePreContext),
            Member("post_context", .longTexts, .framePostContext),
            Member("library_frame", .bool, .frameIsLibrary),
            Member("vars", .free, .frameVars),
        ],
        [.anyOf(["classname", "filename"])]
    )

    static let link = ObjectSchema([
        Member("trace_id", .text, .traceID, .required),
        Member("span_id", .text, .spanID, .required),
    ])

    static let droppedSpanStatistics = ObjectSchema([
        Member("destination_service_resource", .text, .droppedResource),
        Member("service_target_type", .text512, .droppedTargetType),
        Member("service_target_name", .text512, .droppedTargetName),
        Member("outcome", .outcome, .outcome),
        Member(
            "duration",
            ObjectSchema([
                Member("count", .integer(atLeast: 1), .droppedCount),
                Member("sum", ObjectSchema([Member("us", .integer(atLeast: 0), .droppedSumMicroseconds)])),
            ])
        ),
    ])

    static let sample = ObjectSchema(
        [
            Member("value", .number, .sampleValue),
            Member("values", .numbers, .sampleValues),
            Member("counts", .counts, .sampleCounts),
            Member("type", .longText, .sampleType),
            Member("unit", .longText, .sampleUnit),
        ],
        [
            .anyOf(["value", "values"]),
            .required("counts", whenAny: ["values"]),
        ]
    )
}
