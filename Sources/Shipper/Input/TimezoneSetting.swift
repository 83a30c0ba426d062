import Glibc

/// `timezone` of an input: the zone of time stamps that name none.
enum TimezoneSetting: Equatable, Sendable {
    /// The host's zone; events say its offset of the moment.
    case local
    /// An IANA name or `+hh:mm`, sent as it is.
    case fixed(String)

    init(_ text: String) { self = text == "local" ? .local : .fixed(text) }

    /// What `event.timezone` says now.
    var text: String {
        switch self {
        case .local: Self.localOffset
        case .fixed(let text): text
        }
    }

    var isValid: Bool {
        guard case .fixed(let text) = self else { return true }
        if text == "UTC" || text == "Z" || Self.isOffset(text) { return true }
        let isName = text.utf8.allSatisfy { byte in
            (byte | 0x20) &- 97 < 26 || byte &- 48 < 10 || [UInt8(ascii: "/"), 43, 45, 95].contains(byte)
        }
        return isName && !text.isEmpty && access("/usr/share/zoneinfo/" + text, R_OK) == 0
    }

    private static func isOffset(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        guard bytes.count == 6, bytes[0] == UInt8(ascii: "+") || bytes[0] == UInt8(ascii: "-"),
            bytes[3] == UInt8(ascii: ":")
        else { return false }
        return [1, 2, 4, 5].allSatisfy { bytes[$0] &- 48 < 10 }
    }

    private static var localOffset: String {
        var now = time(nil)
        var parts = tm()
        tzset()
        localtime_r(&now, &parts)
        let minutes = abs(parts.tm_gmtoff) / 60
        func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
        return (parts.tm_gmtoff < 0 ? "-" : "+") + two(minutes / 60) + ":" + two(minutes % 60)
    }
}
