import Common

/// What an error consists of: its exceptions in the order of the document, and its log record.
struct ErrorParts {
    /// One exception; its causes follow it.
    struct Exception {
        let message, type, module, code, handled, attributes, stacktrace: FieldValue
        /// Index of the exception that it caused; nil for the first.
        let parent: Int?

        init(_ fields: EventFields, parent: Int?) {
            message = fields[.exceptionMessage]
            type = fields[.exceptionType]
            module = fields[.exceptionModule]
            code = fields[.exceptionCode]
            handled = fields[.exceptionHandled]
            attributes = fields[.exceptionAttributes]
            stacktrace = fields[.stacktrace]
            self.parent = parent
        }
    }

    /// The tree, depth first.
    private(set) var exceptions: [Exception] = []
    /// The log record's values; none when the error has no log record.
    private(set) var log = EventFields()

    var hasLog: Bool { log[.logMessage].isGiven }

    /// `message` of the document: what was logged, else what the first exception says.
    var message: FieldValue {
        let logged = log[.logMessage]
        guard !logged.isGiven || logged.isEmpty else { return logged }
        return exceptions.first?.message ?? .absent
    }

    /// Takes the parts of an error from its line.
    ///
    /// - Parameter element: memory for one exception at a time.
    mutating func read(
        _ error: EventFields,
        _ line: RawSpan,
        _ dialect: Dialect,
        _ decoder: inout EventDecoder,
        _ element: inout EventFields
    ) {
        exceptions.removeAll(keepingCapacity: true)
        add(error[.exception], parent: nil, line, dialect, &decoder, &element)
        if error[.log].isGiven {
            decoder.element(.logRecord, dialect, line, error[.log].range, into: &log)
        } else {
            log.removeAll()
        }
    }

    /// Recursion is as deep as JSON is nested, which has a limit.
    private mutating func add(
        _ value: FieldValue,
        parent: Int?,
        _ line: RawSpan,
        _ dialect: Dialect,
        _ decoder: inout EventDecoder,
        _ element: inout EventFields
    ) {
        guard value.kind == .object else { return }
        decoder.element(.exception, dialect, line, value.range, into: &element)
        // An object in which nothing is known counts as none.
        guard element.hasAny(.exceptionMessage, .exceptionType) else { return }
        let index = exceptions.count
        exceptions.append(Exception(element, parent: parent))
        var causes = ListReader(element[.exceptionCause])
        while let cause = causes.next(line) { add(cause, parent: index, line, dialect, &decoder, &element) }
    }
}
