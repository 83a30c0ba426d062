@testable import Common

/// Frames of a sender, in two pieces: the first byte says where the cut is.
func fuzzLumberjack(_ bytes: [UInt8]) {
    guard let first = bytes.first else { return }
    var limits = LumberjackLimits()
    limits.frameBytes = 1 << 20
    var decoder = LumberjackDecoder(limits: limits)
    var received = ByteBuffer()
    let rest = bytes.dropFirst()
    for piece in [rest.prefix(Int(first)), rest.dropFirst(Int(first))] {
        received.append(Array(piece))
        var offset = 0
        do throws(LumberjackError) {
            try received.withSpan { (span) throws(LumberjackError) in
                while true {
                    let step = try decoder.next(in: span, at: &offset)
                    if case .needsMore = step { return }
                    guard case .event(let event) = step else { continue }
                    decoder.withBytes(of: event, in: span) { _ = $0.text($1) }
                }
            }
        } catch {
            return
        }
        received.removeFirst(offset)
    }
}

/// The answer of a store: the first byte says how many documents were sent.
func fuzzBulkResponse(_ bytes: [UInt8]) {
    guard let first = bytes.first else { return }
    let body = Array(bytes.dropFirst())
    let span = body.span.bytes
    _ = try? BulkResponse.read(span, documents: Int(first)) { _, item in
        let type = item.type.map { span.text($0.range) }
        _ = BulkOutcome(status: item.status, type: type)
        _ = item.reason.map { span.text($0.range) }
    }
    _ = ElasticsearchError.read(span, maxBytes: 256)
}

/// A configuration file.
func fuzzYAML(_ bytes: [UInt8]) {
    _ = try? YAMLDocument(parsing: bytes, source: "fuzz.yml")
}

/// A file of rules for user agents, and an agent in its last line.
func fuzzUserAgentRules(_ bytes: [UInt8]) {
    guard let rules = try? UserAgentRules(parsing: bytes, source: "regexes.yaml") else { return }
    let agent = lines(bytes, most: 1_000).last ?? []
    var matcher = UserAgentMatcher(rules)
    _ = matcher.userAgent(agent.span.bytes, 0..<agent.count)
}
