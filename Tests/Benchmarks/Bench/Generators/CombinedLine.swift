import Common
import Glibc

/// A line of a `combined` access log, cut where other addresses, dates and user agents go in.
struct CombinedLine {
    /// Between address and date: ` - - [`.
    let identity: [UInt8]
    /// Between date and user agent: `] "GET / HTTP/1.1" 200 5 "-" "`.
    let request: [UInt8]
    let userAgent: [UInt8]

    /// - Returns: nil for a line of another shape.
    init?(_ line: ArraySlice<UInt8>) {
        guard let addressEnd = line.firstIndex(of: UInt8(ascii: " ")),
            let dateStart = line.firstIndex(of: UInt8(ascii: "[")),
            let dateEnd = line.firstIndex(of: UInt8(ascii: "]")), dateStart < dateEnd,
            line.last == UInt8(ascii: "\""),
            let agentStart = line.dropLast().lastIndex(of: UInt8(ascii: "\""))
        else { return nil }
        identity = Array(line[addressEnd...dateStart])
        request = Array(line[dateEnd...agentStart])
        userAgent = Array(line[(agentStart + 1)..<(line.endIndex - 1)])
    }

    /// The lines of a log file.
    ///
    /// Bytes above ASCII become `?`, so that every line is as long in JSON as here.
    static func load(_ path: String) throws -> [CombinedLine] {
        let bytes = try contents(of: path).map { $0 < 0x80 ? $0 : UInt8(ascii: "?") }
        let lines = bytes.split(separator: UInt8(ascii: "\n")).compactMap { CombinedLine($0) }
        guard !lines.isEmpty else { throw BenchError("\(path) holds no line in combined format") }
        return lines
    }

    private static func contents(of path: String) throws -> [UInt8] {
        let file = try Descriptor.open(path, O_RDONLY)
        var buffer = ByteBuffer()
        var isAtEnd = false
        while !isAtEnd {
            try buffer.append(reserving: 1 << 20) { room throws(Errno) in
                let count = try file.read(into: room)
                isAtEnd = count == 0
                return count
            }
        }
        return buffer.array
    }
}
