/// Which objects each dialect knows.
extension Dialect {
    var metadata: (name: StaticString, schema: ObjectSchema) {
        switch self {
        case .v2: ("metadata", SchemaV2.metadata)
        case .v3: ("m", SchemaV3.metadata)
        }
    }

    /// By root key.
    var events: [(name: StaticString, kind: EventKind, schema: ObjectSchema)] {
        switch self {
        case .v2:
            [
                ("transaction", .transaction, SchemaV2.transaction),
                ("span", .span, SchemaV2.span),
                ("error", .error, SchemaV2.error),
                ("metricset", .metricset, SchemaV2.metricset),
                ("log", .log, SchemaV2.log),
            ]
        case .v3:
            [
                ("x", .rumTransaction, SchemaV3.transaction),
                ("e", .rumError, SchemaV3.error),
            ]
        }
    }

    /// The object that an element is; nil for those of the other dialect.
    func schema(of element: ElementKind) -> ObjectSchema? {
        switch (self, element) {
        case (.v2, .exception): SchemaV2.exception
        case (.v2, .logRecord): SchemaV2.logRecord
        case (.v2, .frame): SchemaV2.frame
        case (.v2, .link): SchemaV2.link
        case (.v2, .droppedSpanStatistics): SchemaV2.droppedSpanStatistics
        case (.v2, .sample): SchemaV2.sample
        case (.v3, .exception): SchemaV3.exception
        case (.v3, .logRecord): SchemaV3.logRecord
        case (.v3, .frame): SchemaV3.frame
        case (.v3, .nestedSpan): SchemaV3.span
        case (.v3, .nestedMetricset): SchemaV3.metricset
        default: nil
        }
    }
}
