import Common

/// Log lines that agents send themselves.
extension EventMapper {
    func log(
        _ fields: EventFields,
        _ line: RawSpan,
        _ metadata: RequestMetadata,
        _ output: IntakeOutput
    ) throws(IntakeError) -> Int {
        let time = EventTime(fields[.timestamp], line, else: metadata.request.received)
        let owner = try begin(fields, at: time, line, metadata, output)
        // A line about an error is one, for those who read the documents.
        let isError = fields.hasAny(.errorType, .errorMessage, .errorStackTrace)
        let stream = isError ? DataStream.errors : .appLogs
        document(
            stream,
            isError ? .error : .log,
            at: time,
            owner,
            fields,
            line,
            metadata,
            output
        ) { document in
            document.member(#""message":"#, fields[.message], line)
            appendLogEvent(stream, fields, line, metadata, into: &document)
            document.appendLog(fields, line)
            document.appendID(#""trace":"#, fields[.traceID], line)
            document.appendID(#""transaction":"#, fields[.transactionID], line)
            let span = fields.hasText(.spanID) ? Field.spanID : .transactionID
            document.appendID(#""span":"#, fields[span], line)
            document.appendFaaS(fields, line)
            if isError { appendLogError(fields, line, into: &document) }
        }
        return 1
    }

    private func appendLogEvent(
        _ stream: DataStream,
        _ fields: EventFields,
        _ line: RawSpan,
        _ metadata: RequestMetadata,
        into document: inout ByteBuffer
    ) {
        let event = document.openObject(#""event":"#)
        if stream == .appLogs {
            document.key(#""kind":"#)
            document.append(#""event""# as StaticString)
        }
        let dataset = fields[.eventDataset]
        if dataset.hasText {
            document.member(#""dataset":"#, dataset, line)
        } else {
            document.key(#""dataset":"#)
            document.append(UInt8(ascii: "\""))
            document.append(dataStream(stream, fields, line, metadata).dataset)
            document.append(UInt8(ascii: "\""))
        }
        document.closeObject(event)
    }

    /// The error in a log line has neither a type that groups it nor frames: its key is the hash of no text.
    private func appendLogError(_ fields: EventFields, _ line: RawSpan, into document: inout ByteBuffer) {
        let error = document.openObject(#""error":"#)
        document.member(#""type":"#, fields[.errorType], line)
        document.member(#""message":"#, fields[.errorMessage], line)
        document.member(#""stack_trace":"#, fields[.errorStackTrace], line)
        grouping.removeAll()
        grouping.append(to: &document)
        document.closeObject(error)
    }
}

extension ByteBuffer {
    /// Appends `log`: its level, and where in the program it was written.
    fileprivate mutating func appendLog(_ fields: EventFields, _ line: RawSpan) {
        let log = openObject(#""log":"#)
        member(#""level":"#, fields[.logLevel], line)
        member(#""logger":"#, fields[.loggerName], line)
        let origin = openObject(#""origin":"#)
        member(#""function":"#, fields[.originFunction], line)
        let file = openObject(#""file":"#)
        member(#""name":"#, fields[.originFileName], line)
        memberUnlessZero(#""line":"#, fields[.originFileLine], line)
        closeObject(file)
        closeObject(origin)
        closeObject(log)
    }
}
