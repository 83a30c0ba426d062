import Common

/// The parts of an nginx error's message.
///
///     TEXT, client: IP, server: NAME, request: "…", subrequest: "…", upstream: "…", host: "…", referrer: "…"
///
/// All but the text are optional and come in this order. nginx escapes nothing, and cuts the line at 2047 bytes: what a client
/// sent may look like parts. So the client must be an address, the server a name, and what follows is cut from the right,
/// where the client has least to say. The message as a whole is kept in any case.
struct NginxErrorParts: Equatable {
    let text: Range<Int>
    var client: Range<Int>?
    var server: Range<Int>?
    var request: Range<Int>?
    var subrequest: Range<Int>?
    var upstream: Range<Int>?
    var host: Range<Int>?
    var referrer: Range<Int>?

    private static let clientKey: StaticString = ", client: "

    init(_ line: RawSpan, _ message: Range<Int>) {
        guard let (start, client, server, rest) = Self.findClient(line, message) else {
            text = message
            return
        }
        text = message.lowerBound..<start
        self.client = client
        self.server = server
        takeQuoted(line, rest)
    }

    /// The place where the client stands: the first that is not inside quotes, else the last.
    private static func findClient(
        _ line: RawSpan,
        _ message: Range<Int>
    ) -> (start: Int, client: Range<Int>, server: Range<Int>?, rest: Range<Int>)? {
        var found: (start: Int, client: Range<Int>, server: Range<Int>?, rest: Range<Int>)?
        var offset = message.lowerBound
        var isQuoted = false
        var counted = offset
        // Looks behind a place end at a comma, so all of them together cost no more than the line is long.
        while let start = line.firstIndex(of: clientKey, in: offset..<message.upperBound) {
            while let quote = line.firstIndex(of: UInt8(ascii: "\""), in: counted..<start) {
                isQuoted.toggle()
                counted = quote + 1
            }
            counted = start
            offset = start + clientKey.utf8CodeUnitCount
            let client = offset..<endOfWord(line, offset, message.upperBound)
            guard IPAddress(line, client) != nil || line.has("unix:", at: client.lowerBound) else { continue }
            var end = client.upperBound
            var server: Range<Int>?
            if line.has(", server: ", at: end) {
                let name = end + 10..<endOfWord(line, min(end + 10, message.upperBound), message.upperBound)
                server = name.isEmpty ? nil : name
                end = name.upperBound
            }
            guard end == message.upperBound || line.has(", ", at: end) else { continue }
            found = (start, client, server, end..<message.upperBound)
            if !isQuoted { break }
        }
        return found
    }

    /// The end of text without blanks, quotes and commas.
    private static func endOfWord(_ line: RawSpan, _ start: Int, _ limit: Int) -> Int {
        var end = start
        while end < limit, line[end] > 0x20, line[end] != UInt8(ascii: ","), line[end] != UInt8(ascii: "\"") {
            end += 1
        }
        return end
    }

    /// Takes what stands in quotes, from the right.
    private mutating func takeQuoted(_ line: RawSpan, _ range: Range<Int>) {
        var rest = range
        referrer = Self.last(", referrer: \"", line, &rest)
        host = Self.last(", host: \"", line, &rest)
        upstream = Self.last(", upstream: \"", line, &rest)
        subrequest = Self.last(", subrequest: \"", line, &rest)
        let key: StaticString = ", request: \""
        guard line.has(key, at: rest.lowerBound) else { return }
        request = Self.value(line, rest.lowerBound + key.utf8CodeUnitCount..<rest.upperBound)
    }

    /// Takes the last part with that key off the end of `rest`.
    private static func last(_ key: StaticString, _ line: RawSpan, _ rest: inout Range<Int>) -> Range<Int>? {
        var found: Int?
        var offset = rest.lowerBound
        while let start = line.firstIndex(of: key, in: offset..<rest.upperBound) {
            found = start
            offset = start + 1
        }
        guard let found else { return nil }
        let value = found + key.utf8CodeUnitCount..<rest.upperBound
        rest = rest.lowerBound..<found
        return Self.value(line, value)
    }

    /// Without the closing quote, which is missing where the line was cut.
    private static func value(_ line: RawSpan, _ range: Range<Int>) -> Range<Int> {
        guard !range.isEmpty, line[range.upperBound - 1] == UInt8(ascii: "\"") else { return range }
        return range.lowerBound..<range.upperBound - 1
    }
}
