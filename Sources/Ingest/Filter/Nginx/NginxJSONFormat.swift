import Common

/// Lines of nginx that are JSON objects (`escape=json`), understood by the names of their members.
///
/// Members may be called as nginx's variables (`request_uri`), as usual short forms of them (`ua`), or as in ECS; others are
/// kept as they are. What nginx writes need not be JSON, since numbers may be missing (`"upstream_status":,`) and
/// escape=default writes `\xHH`: such lines are mended first.
final class NginxJSONFormat: LineFormat {
    let hasMessage = false
    private var json: JSONLine
    private var filter: NginxAccessFilter

    init(remoteAddresses: String, trustedProxies: [IPNetwork], event: inout Event) {
        json = JSONLine(
            LineMembers(table: event.table, keys: Self.names.enumerated().map { ($1.0, $0) }),
            mends: true
        )
        filter = NginxAccessFilter(
            escape: .json,
            remoteAddresses: remoteAddresses,
            trustedProxies: trustedProxies,
            event: &event
        )
    }

    func read(
        _ line: RawSpan,
        of payload: RawSpan,
        _ context: LineContext,
        copy: inout ByteBuffer,
        into event: inout Event
    ) throws(LineFailure) -> LineFacts {
        guard try json.read(line, of: payload, copy: &copy, into: &event) else { return apply(line, &event) }
        var facts = copy.withSpan { apply($0, &event) }
        facts.isCopied = true
        return facts
    }

    private func apply(_ text: RawSpan, _ event: inout Event) -> LineFacts {
        var state = filter.begin(&event)
        var hasQuery = false
        var hasArguments = false
        json.forEach { member, value in
            switch Self.names[member.key].1 {
            case .requestURI:
                hasQuery = hasQuery || text.firstIndex(of: UInt8(ascii: "?"), in: value) != nil
            case .arguments: hasArguments = hasArguments || !value.isEmpty
            default: return
            }
        }
        json.forEach { member, value in
            guard member.kind == .string || member.kind == .number else { return }
            var (name, variable) = Self.names[member.key]
            // People call `$request_uri` so as well as `$uri`, which has no arguments.
            if name == "uri", hasArguments, !hasQuery { variable = .path }
            if variable == .timeISO8601 { variable = Self.time(text, value) }
            filter.take(variable, value, other: nil, text, &state, &event)
        }
        var facts = filter.finish(state, text, &event)
        facts.addECS(text, event)
        return facts
    }

    /// What of nginx's times a value is.
    private static func time(_ text: RawSpan, _ value: Range<Int>) -> NginxVariable {
        if value.count > 3, text[value.lowerBound + 2] == UInt8(ascii: "/") { return .timeLocal }
        return text.firstIndex(of: UInt8(ascii: ":"), in: value) == nil ? .milliseconds : .timeISO8601
    }

    /// nginx's names that have a meaning of their own, and what people call them.
    private static let names: [(String, NginxVariable)] =
        NginxVariable.named + [
            ("time", .timeISO8601), ("timestamp", .timeISO8601), ("@timestamp", .timeISO8601),
            ("date", .timeISO8601), ("datetime", .timeISO8601), ("ts", .timeISO8601),
            ("client", .address(.remote)), ("client_ip", .address(.remote)), ("clientip", .address(.remote)),
            ("ip", .address(.remote)), ("remote_ip", .address(.remote)), ("remote", .address(.remote)),
            ("xff", .address(.forwardedFor)), ("x_forwarded_for", .address(.forwardedFor)),
            ("user", .remoteUser), ("method", .text(.httpRequestMethod)),
            ("verb", .text(.httpRequestMethod)), ("url", .requestURI), ("path", .requestURI),
            ("query", .arguments), ("protocol", .protocolVersion), ("http_version", .protocolVersion),
            ("code", .status), ("status_code", .status), ("response", .status),
            ("bytes", .integer(.httpResponseBodyBytes)), ("size", .integer(.httpResponseBodyBytes)),
            ("body_bytes", .integer(.httpResponseBodyBytes)), ("referer", .text(.httpRequestReferrer)),
            ("referrer", .text(.httpRequestReferrer)), ("http_referrer", .text(.httpRequestReferrer)),
            ("ua", .text(.userAgentOriginal)), ("agent", .text(.userAgentOriginal)),
            ("user_agent", .text(.userAgentOriginal)), ("domain", .host), ("vhost", .host),
            ("duration", .duration(scale: 9)), ("response_time", .duration(scale: 9)),
            ("req_id", .text(.httpRequestID)), ("x_request_id", .text(.httpRequestID)),
            ("traceparent", .traceParent),
        ]
}

extension LineFacts {
    /// Notes client and user agent where a line names them as ECS does.
    fileprivate mutating func addECS(_ text: RawSpan, _ event: borrowing Event) {
        func string(_ field: ECSField) -> Range<Int>? {
            guard let slot = event.slot(field), slot.source == .line, slot.kind == .json,
                slot.range.count > 2,
                text[slot.start] == UInt8(ascii: "\"")
            else { return nil }
            return slot.start + 1..<slot.end - 1
        }
        if client == nil, let range = string(.sourceIP) { client = IPAddress(text, range) }
        // A name with escapes is the client's own and tells no product.
        if userAgent == nil, let range = string(.userAgentOriginal),
            text.firstIndex(of: UInt8(ascii: "\\"), in: range) == nil
        {
            userAgent = range
        }
    }
}
