import Common

/// Translates what agents that bridge OpenTelemetry send in `otel` of transactions and spans of intake v2.
///
/// Attributes that the semantic conventions name become the fields that say the same, as if the agent had sent
/// those; all others become labels. The mapping of transactions and spans then needs to know little of all this.
///
/// One per worker; it keeps the last event's line.
final class OTelBridge {
    /// The attributes of the event.
    var attributes = OTelAttributes()
    /// The line, and behind it what is composed.
    var text = OTelText()

    /// Calls `body` with the fields that `otel` stands for, and the text in which they are ranges; with the event as
    /// it is when it has no `otel`.
    ///
    /// After a translation `otelSpanKind` holds `span.kind`; `otelAttributes` holds nothing.
    ///
    /// - Parameter isTransaction: whether the event is a transaction, else it is a span.
    func translate(
        _ event: EventFields,
        _ line: RawSpan,
        isTransaction: Bool,
        _ metadata: RequestMetadata,
        _ body: (EventFields, RawSpan) throws(IntakeError) -> Void
    ) throws(IntakeError) {
        guard event.hasAny(.otelSpanKind, .otelAttributes) else { return try body(event, line) }
        var fields = event
        text.start(line)
        attributes.read(event[.otelAttributes], line, isTransaction: isTransaction, &text)
        if isTransaction {
            mapTransaction(&fields, metadata)
        } else {
            mapSpan(&fields)
        }
        if attributes.hasLabels {
            let otel = event[.otelAttributes]
            let tags = event[.labels]
            fields[.labels] = text.labels { buffer in
                buffer.append(otelLabels: otel, line, isTransaction: isTransaction)
                buffer.append(labels: tags, line)
            }
        }
        fields[.otelAttributes] = .absent
        try text.bytes.withSpan { line throws(IntakeError) in try body(fields, line) }
    }

    /// The value of an attribute; absent when it is empty.
    subscript(attribute: OTelAttribute) -> FieldValue { attributes[attribute] }

    /// Sets the outcome of an event whose agent did not know it.
    ///
    /// An attribute's status code tells it, in a place of its own where the mapping finds it; the field's own status
    /// code counts for events without any outcome; what is left went well, or the agent would have said so.
    ///
    /// - Returns: whether the outcome is a guess.
    func setOutcome(_ fields: inout EventFields, status: Field) -> Bool {
        let given = fields[.outcome]
        let isUnknown = given.isEmpty || text.isString(given, equalTo: "unknown")
        if let code = text.integer(self[.httpStatusCode]), code > 0 {
            if isUnknown { fields[.outcome] = .absent }
            fields[status] = text.number(code)
            return false
        }
        guard isUnknown, given.isGiven || (text.integer(fields[status]) ?? 0) == 0 else { return false }
        fields[.outcome] = text.compose(.literal("success"))
        return true
    }

    /// Sets a field to an attribute's value if there is one.
    func set(_ field: Field, _ attribute: OTelAttribute, _ fields: inout EventFields) {
        if self[attribute].isGiven { fields[field] = self[attribute] }
    }
}
