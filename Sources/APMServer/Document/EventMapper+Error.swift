import Common

/// Errors: an exception with its causes, a log record, or both.
extension EventMapper {
    func error(
        _ fields: EventFields,
        _ dialect: Dialect,
        _ line: RawSpan,
        _ metadata: RequestMetadata,
        _ output: IntakeOutput
    ) throws(IntakeError) -> Int {
        let time = EventTime(fields[.timestamp], line, else: metadata.request.received)
        let owner = try begin(fields, at: time, line, metadata, output)
        errorParts.read(fields, line, dialect, &decoder, &element)
        document(.errors, .error, at: time, owner, fields, line, metadata, output) { document in
            document.key(#""event":{"dataset":"apm.error"}"#)
            document.member(#""message":"#, errorParts.message, line)
            document.appendErrorContext(fields, line, dialect)
            appendError(fields, dialect, line, metadata, into: &document)
        }
        return 1
    }

    private func appendError(
        _ fields: EventFields,
        _ dialect: Dialect,
        _ line: RawSpan,
        _ metadata: RequestMetadata,
        into document: inout ByteBuffer
    ) {
        let error = document.openObject(#""error":"#)
        document.member(#""id":"#, fields[.id], line)
        document.member(#""culprit":"#, fields[.culprit], line)
        document.member(#""stack_trace":"#, fields[.errorStackTrace], line)
        document.freeForm(#""custom":"#, fields[.custom], line, sanitizesKeys: true)
        beginGrouping(line)
        let names = grouping.byteCount
        // A quirk of the original: browsers' frames are judged unless the event has a span, and errors of intake v2
        // that name a transaction have one. Keys must come out the same.
        let marksRUM = dialect == .v3 || !fields[.transactionID].isGiven
        appendExceptions(dialect, line, metadata, marksRUM, into: &document)
        let hasFrames = grouping.byteCount > names
        appendLog(dialect, line, metadata, marksRUM, groups: !hasFrames, into: &document)
        endGrouping(line)
        grouping.append(to: &document)
        document.closeObject(error)
    }

    private func appendExceptions(
        _ dialect: Dialect,
        _ line: RawSpan,
        _ metadata: RequestMetadata,
        _ marksRUM: Bool,
        into document: inout ByteBuffer
    ) {
        guard !errorParts.exceptions.isEmpty else { return }
        document.key(#""exception":"#)
        document.append(UInt8(ascii: "["))
        for (index, exception) in errorParts.exceptions.enumerated() {
            document.separate()
            document.append(UInt8(ascii: "{"))
            document.member(#""message":"#, exception.message, line)
            document.member(#""type":"#, exception.type, line)
            document.member(#""module":"#, exception.module, line)
            document.textMember(#""code":"#, exception.code, line)
            document.member(#""handled":"#, exception.handled, line)
            document.freeForm(#""attributes":"#, exception.attributes, line)
            if let parent = exception.parent, parent != index - 1 {
                document.member(#""parent":"#, Int64(parent))
            }
            stackTraces.append(
                #""stacktrace":"#,
                exception.stacktrace,
                dialect,
                line,
                metadata,
                marksRUM: marksRUM,
                grouping: grouping,
                into: &document
            )
            document.append(UInt8(ascii: "}"))
        }
        document.append(UInt8(ascii: "]"))
    }

    private func appendLog(
        _ dialect: Dialect,
        _ line: RawSpan,
        _ metadata: RequestMetadata,
        _ marksRUM: Bool,
        groups: Bool,
        into document: inout ByteBuffer
    ) {
        guard errorParts.hasLog else { return }
        let log = errorParts.log
        let object = document.openObject(#""log":"#)
        document.member(#""message":"#, log[.logMessage], line)
        document.member(#""level":"#, log[.logLevel], line, default: #""error""#)
        if dialect == .v3 {
            document.member(#""logger_name":"#, log[.loggerName], line, default: #""default""#)
        } else {
            document.member(#""logger_name":"#, log[.loggerName], line)
        }
        document.member(#""param_message":"#, log[.paramMessage], line)
        stackTraces.append(
            #""stacktrace":"#,
            log[.stacktrace],
            dialect,
            line,
            metadata,
            marksRUM: marksRUM,
            grouping: groups ? grouping : nil,
            into: &document
        )
        document.closeObject(object)
    }

    /// Starts the grouping key with what names the kind of error; its frames follow while they are written.
    private func beginGrouping(_ line: RawSpan) {
        grouping.removeAll()
        for exception in errorParts.exceptions { grouping.add(exception.type, line) }
        grouping.add(errorParts.log[.paramMessage], line)
    }

    /// Errors that have neither types nor frames are grouped by what they say.
    private func endGrouping(_ line: RawSpan) {
        guard grouping.byteCount == 0 else { return }
        for exception in errorParts.exceptions { grouping.add(exception.message, line) }
        if grouping.byteCount == 0 { grouping.add(errorParts.log[.logMessage], line) }
    }
}

extension ByteBuffer {
    /// The trace, transaction and span that an error belongs to.
    fileprivate mutating func appendErrorContext(_ fields: EventFields, _ line: RawSpan, _ dialect: Dialect) {
        appendID(#""trace":"#, fields[.traceID], line)
        appendID(#""parent":"#, fields[.parentID], line)
        let hasTransaction = fields.hasAny(.transactionSampled, .transactionType, .transactionName)
        // RUM v3 takes the id only together with what else it says of the transaction.
        let id = dialect == .v2 || hasTransaction ? fields[.transactionID] : .absent
        let transaction = openObject(#""transaction":"#)
        member(#""id":"#, id, line)
        member(#""name":"#, fields[.transactionName], line)
        member(#""type":"#, fields[.transactionType], line)
        if fields[.transactionSampled].kind == .true { key(#""sampled":true"#) }
        closeObject(transaction)
        if dialect == .v2 { appendID(#""span":"#, fields[.transactionID], line) }
    }

    /// A member that is always there.
    ///
    /// - Parameter text: JSON for values that are absent or empty.
    fileprivate mutating func member(
        _ key: StaticString,
        _ value: FieldValue,
        _ line: RawSpan,
        default text: StaticString
    ) {
        let mark = count
        member(key, value, line)
        guard count == mark else { return }
        self.key(key)
        append(text)
    }
}
