import Common

/// Sets `url.*` from request targets.
struct URLFields {
    /// Sets `url.original` and all parts of a target that stands in the line.
    ///
    /// - Returns: the query, still encoded.
    static func set(
        _ target: Range<Int>,
        isAuthority: Bool,
        line: RawSpan,
        into event: inout Event
    ) -> Range<Int>? {
        event.set(.urlOriginal, text: target, in: .line)
        let parts = URLParts(line, target, isAuthority: isAuthority)
        if let scheme = parts.scheme { event.set(.urlScheme, text: scheme, in: .line) }
        if let domain = parts.domain { event.set(.urlDomain, text: domain, in: .line) }
        if let port = parts.port { event.set(.urlPort, integer: port) }
        if let fragment = parts.fragment { event.set(.urlFragment, text: fragment, in: .line) }
        if let query = parts.query { decode(query, as: .urlQuery, line: line, into: &event) }
        if let path = parts.path { setPath(path, line: line, into: &event) }
        return parts.query
    }

    /// Sets `url.path`, and `url.extension`: what stands behind the last dot of the decoded path.
    ///
    /// - Parameter isEncoded: false for `$uri`, which nginx has decoded.
    static func setPath(_ path: Range<Int>, isEncoded: Bool = true, line: RawSpan, into event: inout Event) {
        if isEncoded {
            decode(path, as: .urlPath, line: line, into: &event)
        } else {
            event.set(.urlPath, text: path, in: .line)
        }
        guard let slot = event.slot(.urlPath) else { return }
        let range = slot.range
        let start =
            slot.source == .line
            ? line.startOfExtension(range) : event.arena.withSpan { $0.startOfExtension(range) }
        guard let start else { return }
        event.set(.urlExtension, text: start..<range.upperBound, in: slot.source)
    }

    /// Sets a field to text of the line with its percent-encoding resolved.
    static func decode(_ range: Range<Int>, as field: ECSField, line: RawSpan, into event: inout Event) {
        guard line.firstIndex(of: UInt8(ascii: "%"), in: range) != nil else {
            event.set(field, text: range, in: .line)
            return
        }
        let start = event.arena.count
        event.arena.append(percentDecoded: line, range)
        event.set(field, text: start..<event.arena.count, in: .arena)
    }
}

extension RawSpan {
    fileprivate func startOfExtension(_ range: Range<Int>) -> Int? {
        var index = range.upperBound
        while index > range.lowerBound {
            index -= 1
            if self[index] == UInt8(ascii: ".") { return index + 1 < range.upperBound ? index + 1 : nil }
        }
        return nil
    }
}
