import Common

/// What `log.flags` says of an event.
struct LogFlags: OptionSet, Sendable {
    let rawValue: UInt8

    /// Several lines.
    static let multiline = LogFlags(rawValue: 1)
    /// Something was left out.
    static let truncated = LogFlags(rawValue: 2)
    /// The line's end had not been written.
    static let partial = LogFlags(rawValue: 4)

    private static let names: [(flag: LogFlags, json: StaticString)] = [
        (.multiline, #""multiline""#), (.truncated, #""truncated""#), (.partial, #""partial""#),
    ]

    /// The list as JSON; nil when there are none.
    var json: [UInt8]? {
        guard !isEmpty else { return nil }
        var text = ByteBuffer(capacity: 64)
        for (flag, name) in Self.names where contains(flag) {
            text.append(UInt8(ascii: text.isEmpty ? "[" : ","))
            text.append(name)
        }
        text.append(UInt8(ascii: "]"))
        return text.array
    }
}

extension ByteBuffer {
    /// Appends the member `flags` and a comma; nothing when there are none.
    mutating func append(_ flags: LogFlags) {
        guard let json = flags.json else { return }
        append(#""flags":"# as StaticString)
        append(json)
        append(UInt8(ascii: ","))
    }
}
