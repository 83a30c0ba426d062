import Common

/// A line, or the fields of an event, and what a pipeline must make of it: an entry of `tests`.
///
///     - name: an upload
///       input: '203.0.113.9 - - [22/Nov/2026:10:13:40 +0000] "PUT /x HTTP/1.1" 201 0 "-" "curl/8"'
///       expect: {http.request.method: PUT, http.response.status_code: 201}
///       absent: [user.name]
struct PipelineTest: Sendable {
    /// What one document must have.
    struct Expectation: Sendable {
        var fields: [(path: FieldPath, json: [UInt8])] = []
        var absent: [FieldPath] = []
    }

    let name: String
    /// The event as a shipper would send it, without the time of reading.
    let event: [UInt8]
    /// One for each document; empty for an event that must be dropped.
    let documents: [Expectation]
    /// When the line was read; nil for now.
    let readAt: CalendarTime?

    /// Decodes an entry; complaints go to the reader.
    ///
    /// - Parameter number: its place in the list, which names a test without name.
    init(_ reader: ConfigurationReader, number: Int) {
        name = reader.string("name", default: "\(number)")
        event = Self.event(reader)
        readAt = Self.time(reader)
        let absent = reader.paths("absent")
        if reader.bool("dropped", default: false) {
            documents = []
            if reader.has("expect") {
                reader.problem("expect", "stands beside dropped: true; remove one of both")
            }
        } else if reader.isList("expect") {
            documents = reader.sections("expect").map { section in
                Expectation(fields: Self.fields(section.leaves, section), absent: absent)
            }
        } else {
            let only = Expectation(fields: Self.fields(reader.leaves("expect"), reader), absent: absent)
            documents = Array(
                repeating: only,
                count: reader.int("count", default: 1, in: 0...FilterChain.maxDocuments)
            )
            if only.fields.isEmpty, absent.isEmpty, !reader.has("count") {
                reader.problem(
                    "expect",
                    "is missing; write expect: {field: value}, absent: [field] or dropped: true"
                )
            }
        }
    }

    private static func event(_ reader: ConfigurationReader) -> [UInt8] {
        guard reader.has("input") else {
            reader.problem("input", "is missing; write the line, or a section of fields")
            return []
        }
        guard !reader.isSection("input"), let line = reader.string("input") else {
            return reader.json("input") ?? []
        }
        var json = ByteBuffer()
        json.append(#"{"message":"# as StaticString)
        json.append(jsonString: line)
        json.append("}" as StaticString)
        return json.array
    }

    private static func time(_ reader: ConfigurationReader) -> CalendarTime? {
        guard let text = reader.string("read_at") else { return nil }
        let bytes = Array(text.utf8)
        if let time = CalendarTime.parse(iso8601: bytes.span.bytes, 0..<bytes.count) { return time }
        reader.problem("read_at", "\"\(text)\" is no time; write 2026-11-22T10:13:40Z")
        return nil
    }

    private static func fields(
        _ leaves: [ConfigurationReader.Leaf],
        _ reader: ConfigurationReader
    ) -> [(path: FieldPath, json: [UInt8])] {
        leaves.compactMap { leaf in reader.path(leaf.name, of: "expect").map { ($0, leaf.value.json) } }
    }
}

extension PipelineTest {
    /// Runs the test.
    ///
    /// - Returns: what differs, one line each; empty when all is as expected.
    func differences(_ pipeline: Pipeline) -> [String] {
        let readAt = readAt ?? Clock.now
        var payload = ByteBuffer()
        payload.append(#"{"@timestamp":""# as StaticString)
        payload.append(iso8601: readAt)
        payload.append(#"","# as StaticString)
        payload.append(event.span.bytes, 1..<event.count)
        var found: [Record] = []
        var problems: [String] = []
        payload.withSpan { payload in
            pipeline.forEachDocument(of: payload, receivedAt: readAt) { _, _, write in
                var text = ByteBuffer()
                write(&text)
                let record = Record()
                do throws(JSONError) {
                    try text.withSpan { text throws(JSONError) in try record.load(text) }
                    found.append(record)
                } catch {
                    problems.append("the document is no JSON that can be read: \(error)")
                }
            }
        }
        if found.count != documents.count {
            problems.append(
                "expected \(Self.documents(documents.count)), found \(Self.documents(found.count))"
            )
        }
        for (index, (expected, record)) in zip(documents, found).enumerated() {
            let place = documents.count > 1 ? "document \(index + 1): " : ""
            problems += expected.differences(record).map { place + $0 }
        }
        return problems
    }

    private static func documents(_ count: Int) -> String {
        count == 0 ? "no document" : count == 1 ? "one document" : "\(count) documents"
    }
}

extension PipelineTest.Expectation {
    fileprivate func differences(_ record: Record) -> [String] {
        let wrong = fields.compactMap { path, json -> String? in
            guard let node = record.find(path) else {
                return "\(path.text): expected \(String(decoding: json, as: UTF8.self)), found nothing"
            }
            var text = ByteBuffer()
            record.appendJSON(of: node, to: &text)
            guard !JSONEquality.areEqual(text.array, json) else { return nil }
            let found = text.withSpan { $0.text(0..<min($0.byteCount, 400)) }
            return "\(path.text): expected \(String(decoding: json, as: UTF8.self)), found \(found)"
        }
        let unwelcome = absent.compactMap { path -> String? in
            record.find(path).map { "\(path.text): expected nothing, found \(record.string($0).prefix(400))" }
        }
        return wrong + unwelcome
    }
}
