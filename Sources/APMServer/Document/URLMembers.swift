import Common

extension EventMapper {
    /// Appends `url`: of the captured request, else of the page that a browser showed.
    func appendURL(_ fields: EventFields, _ line: RawSpan, into document: inout ByteBuffer) {
        let url = document.openObject(#""url":"#)
        if fields.hasRequestURL {
            document.appendRequestURL(fields, line)
        } else if fields[.pageURL].isGiven {
            scratch.removeAll()
            scratch.append(unescaped: fields[.pageURL], of: line)
            scratch.truncate(to: scratch.withSpan { $0.cut(0..<$0.byteCount, to: TextLimit.keyword).count })
            scratch.withSpan { document.appendPageURL($0, &urlPart) }
        }
        document.closeObject(url)
    }
}

extension EventFields {
    fileprivate var hasRequestURL: Bool {
        hasAny(
            .urlFull,
            .urlRaw,
            .urlProtocol,
            .urlHostname,
            .urlPort,
            .urlPathname,
            .urlSearch,
            .urlHash
        )
    }
}

extension ByteBuffer {
    /// Members of `url` as the agent took the URL apart.
    fileprivate mutating func appendRequestURL(_ fields: EventFields, _ line: RawSpan) {
        member(#""original":"#, fields[.urlRaw], line)
        member(#""full":"#, fields[.urlFull], line)
        member(#""domain":"#, fields[.urlHostname], line)
        member(#""path":"#, fields[.urlPathname], line)
        member(#""query":"#, fields[.urlSearch], line)
        member(#""fragment":"#, fields[.urlHash], line)
        var scheme = fields[.urlProtocol]
        if scheme.hasText, line[Int(scheme.end) - 1] == UInt8(ascii: ":") {
            scheme = FieldValue(scheme.kind, Int(scheme.start)..<Int(scheme.end) - 1)
        }
        quotedMember(#""scheme":"#, scheme, line)
        memberUnlessZero(#""port":"#, fields[.urlPort], line)
    }

    /// Members of `url` from the whole URL of a page.
    ///
    /// - Parameters:
    ///   - text: not longer than what documents hold.
    ///   - part: memory for one part of the URL.
    fileprivate mutating func appendPageURL(_ text: RawSpan, _ part: inout ByteBuffer) {
        let whole = 0..<text.byteCount
        guard !whole.isEmpty else { return }
        appendString(#""original":"#, text, whole)
        guard let url = PageURL(text) else { return }
        part.removeAll()
        part.append(fullOf: url, text)
        appendCut(#""full":"#, part)
        part.removeAll()
        part.append(schemeOf: url, text)
        appendCut(#""scheme":"#, part)
        part.removeAll()
        part.append(percentDecoding: text, url.hostname)
        appendCut(#""domain":"#, part)
        part.removeAll()
        part.append(percentDecoding: text, url.path)
        appendCut(#""path":"#, part)
        appendString(#""query":"#, text, url.query)
        part.removeAll()
        part.append(percentDecoding: text, url.fragment)
        appendCut(#""fragment":"#, part)
        if let port = Decimal.integer(text, url.port), port != 0 { member(#""port":"#, port) }
    }

    private mutating func appendCut(_ key: StaticString, _ part: borrowing ByteBuffer) {
        part.withSpan { appendString(key, $0, $0.cut(0..<$0.byteCount, to: TextLimit.keyword)) }
    }

    private mutating func appendString(_ key: StaticString, _ text: RawSpan, _ range: Range<Int>) {
        guard !range.isEmpty else { return }
        self.key(key)
        append(UInt8(ascii: "\""))
        append(jsonEscaped: text, range)
        append(UInt8(ascii: "\""))
    }
}
