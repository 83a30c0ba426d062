/// The objects that stand in lists, or alone below `e`.
extension SchemaV3 {
    static let span = ObjectSchema([
        Member("id", .text, .id, .required),
        Member("n", .text, .name, .required),
        Member("t", .text, .type, .required),
        Member("su", .text, .subtype),
        Member("ac", .text, .action),
        Member("s", .number, .start, .required),
        Member("d", .positiveNumber, .duration, .required),
        Member("o", .outcome, .outcome),
        Member("pi", .integer, .parentIndex),
        Member("sr", .number, .sampleRate),
        Member("sy", .bool, .sync),
        Member("st", .elements, of: .frame, .stacktrace),
        Member("c", spanContext),
    ])

    static let metricset = ObjectSchema([
        Member("y", ObjectSchema([Member("t", .text, .spanType), Member("su", .text, .spanSubtype)])),
        Member(
            "sa",
            ObjectSchema([
                Member("ysc", ObjectSchema([Member("v", .number, .selfTimeCount, .required)])),
                Member("yss", ObjectSchema([Member("v", .number, .selfTimeSumMicroseconds, .required)])),
            ]),
            .required
        ),
    ])

    static let exception = ObjectSchema(
        [
            Member("mg", .longText, .exceptionMessage),
            Member("t", .text, .exceptionType),
            Member("mo", .text, .exceptionModule),
            Member("cd", .textOrInteger, .exceptionCode),
            Member("hd", .bool, .exceptionHandled),
            Member("at", .free, .exceptionAttributes),
            Member("st", .elements, of: .frame, .stacktrace),
            Member("ca", .elements, of: .exception, .exceptionCause),
        ],
        [.anyOf(["mg", "t"])]
    )

    static let logRecord = ObjectSchema([
        Member("mg", .longText, .logMessage, .required),
        Member("lv", .text, .logLevel),
        Member("ln", .text, .loggerName),
        Member("pmg", .text, .paramMessage),
        Member("st", .elements, of: .frame, .stacktrace),
    ])

    static let frame = ObjectSchema([
        Member("f", .longText, .frameFilename, .required),
        Member("cn", .longText, .frameClassname),
        Member("ap", .longText, .frameAbsPath),
        Member("fn", .longText, .frameFunction),
        Member("mo", .longText, .frameModule),
        Member("li", .integer, .frameLine),
        Member("co", .integer, .frameColumn),
        Member("cli", .longText, .frameContextLine),
        Member("prc", .longTexts, .framePreContext),
        Member("poc", .longTexts, .framePostContext),
    ])

    private static let spanContext = ObjectSchema([
        Member("g", .labels, .labels),
        Member("se", ObjectSchema([Member("n", .patternText, .serviceName)])),
        Member(
            "dt",
            ObjectSchema([
                Member("ad", .text, .destinationAddress),
                Member("po", .integer, .destinationPort),
                Member(
                    "se",
                    ObjectSchema([
                        Member("rc", .text, .destinationServiceResource, .required),
                        Member("n", .text, .destinationServiceName),
                        Member("t", .text, .destinationServiceType),
                    ])
                ),
            ])
        ),
        Member(
            "h",
            ObjectSchema([
                Member("mt", .text, .httpMethod),
                Member("url", .longText, .httpURL),
                Member("sc", .integer, .httpStatusCode),
                Member(
                    "r",
                    ObjectSchema([
                        Member("ts", .integer, .responseTransferSize),
                        Member("ebs", .integer, .responseEncodedBodySize),
                        Member("dbs", .integer, .responseDecodedBodySize),
                    ])
                ),
            ])
        ),
    ])
}
