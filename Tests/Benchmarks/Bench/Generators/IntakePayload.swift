import Common

/// Intake requests as the real Python agent makes them: its recorded lines, with ids, times and routes of their own.
///
/// 62 events in about 53 kB: 48 spans (four with a stack trace), 12 transactions, an error with its stack trace, a
/// metricset; the metadata line before.
struct IntakePayload {
    static let eventsPerRequest = 62

    private let metadata: [UInt8]
    private let spans: [[UInt8]]
    private let longSpan: [UInt8]
    private let transaction: [UInt8]
    private let error: [UInt8]
    private let metricset: [UInt8]

    /// - Parameter folder: with the recorded `intake-*.ndjson`.
    init(folder: String) throws {
        func lines(_ name: String) throws -> [[UInt8]] {
            try AtomicFile.read("\(folder)/\(name).ndjson", limit: 1 << 20).split(
                separator: UInt8(ascii: "\n")
            )
            .map(Array.init)
        }
        let traced = try lines("intake-transaction-spans")
        guard traced.count == 5 else { throw BenchError("unexpected lines in intake-transaction-spans") }
        metadata = traced[0]
        longSpan = traced[1]
        spans = [traced[2], traced[3]]
        transaction = traced[4]
        let errors = try lines("intake-error")
        // The shortest is the exception with a stack trace of a usual size.
        error = errors.dropFirst().min { $0.count < $1.count } ?? []
        metricset = try lines("intake-metricset")[1]
    }

    /// One request's body.
    func body(_ chance: inout SplitMix) -> ByteBuffer {
        var body = ByteBuffer(capacity: 64 << 10)
        body.append(metadata)
        body.append(UInt8(ascii: "\n"))
        var written = 0
        for number in 0..<12 {
            let trace = Self.hexadecimal(&chance, digits: 32)
            let owner = Self.hexadecimal(&chance, digits: 16)
            for index in 0..<4 {
                let span = number < 4 && index == 0 ? longSpan : spans[index % 2]
                append(span, trace, owner, &chance, to: &body)
            }
            append(transaction, trace, owner, &chance, to: &body)
            written += 5
        }
        append(
            error,
            Self.hexadecimal(&chance, digits: 32),
            Self.hexadecimal(&chance, digits: 16),
            &chance,
            to: &body
        )
        append(metricset, [], [], &chance, to: &body)
        guard written + 2 == Self.eventsPerRequest else { fatalError("a request has \(written + 2) events") }
        return body
    }

    /// Copies a line with other values for `id`, `trace_id`, `transaction_id`, `parent_id`, `timestamp`, `duration`.
    private func append(
        _ line: [UInt8],
        _ trace: [UInt8],
        _ owner: [UInt8],
        _ chance: inout SplitMix,
        to body: inout ByteBuffer
    ) {
        let isTransaction = line.starts(with: Array("{\"transaction\"".utf8))
        var replacements: [(key: StaticString, value: [UInt8])] = [
            (
                "\"timestamp\": ",
                Array("\(Clock.now.nanoseconds / 1000 - Int64(chance.next() % 20_000_000))".utf8)
            ),
            ("\"duration\": ", Array("\(chance.next() % 400).\(chance.next() % 1000)".utf8)),
        ]
        if !trace.isEmpty {
            let id = isTransaction ? owner : Self.hexadecimal(&chance, digits: 16)
            replacements += [
                ("\"id\": ", Self.quoted(id)), ("\"trace_id\": ", Self.quoted(trace)),
                ("\"transaction_id\": ", Self.quoted(owner)), ("\"parent_id\": ", Self.quoted(owner)),
            ]
        }
        let start = body.count
        body.append(line)
        for (key, value) in replacements { Self.replace(key, by: value, in: &body, from: start) }
        if isTransaction {
            // Ten routes, as far as roll-ups are concerned.
            Self.replace(
                "\"name\": ",
                by: Array("\"GET /item/\(chance.next() % 10)\"".utf8),
                in: &body,
                from: start
            )
        }
        body.append(UInt8(ascii: "\n"))
    }

    /// Replaces the first scalar under `key` behind `start`, if there is one.
    private static func replace(
        _ key: StaticString,
        by value: [UInt8],
        in body: inout ByteBuffer,
        from start: Int
    ) {
        let bytes = body.array
        let found = bytes.span.bytes.firstIndex(of: key, in: start..<bytes.count)
        guard let first = found.map({ $0 + key.utf8CodeUnitCount }) else { return }
        let isText = bytes[first] == UInt8(ascii: "\"")
        let end =
            isText
            ? bytes[(first + 1)...].firstIndex(of: UInt8(ascii: "\"")).map { $0 + 1 }
            : bytes[first...].firstIndex { $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: "}") }
        // Null and numbers under `id` (of a user) stay.
        guard let end, isText == (value.first == UInt8(ascii: "\"")) else { return }
        body.truncate(to: first)
        body.append(value)
        body.append(Array(bytes[end...]))
    }

    private static func quoted(_ text: [UInt8]) -> [UInt8] {
        [UInt8(ascii: "\"")] + text + [UInt8(ascii: "\"")]
    }

    private static func hexadecimal(_ chance: inout SplitMix, digits: Int) -> [UInt8] {
        (0..<digits).map { _ in Hexadecimal.lowerCase(UInt8(truncatingIfNeeded: chance.next()) & 15) }
    }
}
