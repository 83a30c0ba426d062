import Common

/// A file of the host's time zone database (RFC 8536), in `/usr/share/zoneinfo`.
///
///     "TZif" | version | 15 unused | six counts u32      header
///     times | types | offsets | names | ...             data with times of four bytes
///     header, data with times of eight bytes            from version 2 on, in place of the first
///     "\n" rule "\n"                                    what goes behind the last time
enum TimeZoneFile {
    static let directory = "/usr/share/zoneinfo"
    /// The largest zone of tzdata 2025b has 3.5 kB.
    private static let maxBytes = 256 << 10
    private static let maxNameLength = 64

    /// The zone of that name.
    static func zone(_ name: String) throws(TimeZoneError) -> TimeZoneRules {
        guard isName(name) else {
            throw TimeZoneError(
                name: name,
                reason: "is no name of a zone; write Europe/Paris, UTC or +02:00"
            )
        }
        return try read(directory + "/" + name, name: name)
    }

    /// The zone of this host: what `TZ` names, or `/etc/localtime`; UTC where there is neither.
    static func local() throws(TimeZoneError) -> TimeZoneRules {
        if let variable = ConfigurationFile.environment["TZ"] {
            let name = variable.hasPrefix(":") ? String(variable.dropFirst()) : variable
            return name.isEmpty || name == "UTC" ? .utc : try zone(name)
        }
        let path = "/etc/localtime"
        return ConfigurationFile.isReadable(path) ? try read(path, name: "local") : .utc
    }

    private static func read(_ path: String, name: String) throws(TimeZoneError) -> TimeZoneRules {
        let bytes: [UInt8]
        do throws(AtomicFile.Failure) {
            bytes = try AtomicFile.read(path, limit: maxBytes)
        } catch {
            throw TimeZoneError(
                name: name,
                reason: "cannot be read from \(path): \(error.cause); install tzdata, or correct the name"
            )
        }
        guard let rules = rules(bytes, name: name) else {
            throw TimeZoneError(name: name, reason: "cannot be read: \(path) is no time zone file")
        }
        return rules
    }

    /// Letters, digits and `/_+-`: nothing that leads out of the directory.
    private static func isName(_ name: String) -> Bool {
        let bytes = Array(name.utf8)
        guard let first = bytes.first, (first | 0x20) &- 97 < 26, bytes.count <= maxNameLength else {
            return false
        }
        return bytes.allSatisfy { byte in
            (byte | 0x20) &- 97 < 26 || byte &- 48 < 10 || [UInt8]("/_+-".utf8).contains(byte)
        }
    }
}

extension TimeZoneFile {
    private static let headerLength = 44

    /// The counts of a header, in their order.
    private struct Header {
        let version: UInt8
        let universals, standards, leaps, times, types, characters: Int

        /// - Returns: nil for bytes that are no header.
        init?(_ bytes: RawSpan, at offset: Int) {
            guard offset + headerLength <= bytes.byteCount,
                bytes.equals("TZif", offset..<offset + 4)
            else { return nil }
            version = bytes[offset + 4]
            func count(_ index: Int) -> Int {
                Int(TimeZoneFile.integer(bytes, at: offset + 20 + index * 4, length: 4))
            }
            (universals, standards, leaps) = (count(0), count(1), count(2))
            (times, types, characters) = (count(3), count(4), count(5))
            guard [universals, standards, leaps, times, types, characters].allSatisfy({ $0 >= 0 }) else {
                return nil
            }
        }

        /// - Parameter width: bytes of one time.
        func dataLength(width: Int) -> Int {
            times * (width + 1) + types * 6 + characters + leaps * (width + 4) + standards + universals
        }
    }

    /// The zone that a file describes; nil for bytes that are no such file.
    static func rules(_ file: [UInt8], name: String) -> TimeZoneRules? {
        let bytes = file.span.bytes
        guard let first = Header(bytes, at: 0) else { return nil }
        guard first.version >= UInt8(ascii: "2") else {
            return rules(bytes, first, at: headerLength, width: 4, rule: nil, name)
        }
        let second = headerLength + first.dataLength(width: 4)
        guard let header = Header(bytes, at: second) else { return nil }
        let start = second + headerLength
        let footer = start + header.dataLength(width: 8)
        guard footer < bytes.byteCount, bytes[footer] == UInt8(ascii: "\n"),
            let end = bytes.firstIndex(of: UInt8(ascii: "\n"), in: footer + 1..<bytes.byteCount)
        else { return nil }
        let text = Array(file[footer + 1..<end])
        let rule = TimeZoneRule(text)
        guard rule != nil || text.isEmpty else { return nil }
        return rules(bytes, header, at: start, width: 8, rule: rule, name)
    }

    private static func rules(
        _ bytes: RawSpan,
        _ header: Header,
        at start: Int,
        width: Int,
        rule: TimeZoneRule?,
        _ name: String
    ) -> TimeZoneRules? {
        guard start + header.dataLength(width: width) <= bytes.byteCount, header.types > 0 else { return nil }
        let kinds = start + header.times * width
        let types = kinds + header.times
        let offsets = (0..<header.types).map { Int(integer(bytes, at: types + $0 * 6, length: 4)) }
        guard offsets.allSatisfy({ abs($0) < 2 * 86_400 }) else { return nil }
        var transitions: [Int64] = []
        var changes: [Int] = []
        for index in 0..<header.times {
            let time = integer(bytes, at: start + index * width, length: width)
            let kind = Int(bytes[kinds + index])
            guard kind < offsets.count, transitions.last.map({ $0 < time }) ?? true else { return nil }
            transitions.append(time)
            changes.append(offsets[kind])
        }
        return TimeZoneRules(
            name: name,
            firstOffset: offsets[0],
            transitions: transitions,
            offsets: changes,
            rule: rule
        )
    }

    /// A signed big-endian integer.
    private static func integer(_ bytes: RawSpan, at offset: Int, length: Int) -> Int64 {
        var value: UInt64 = 0
        for index in offset..<offset + length { value = value << 8 | UInt64(bytes[index]) }
        let unused = UInt64(64 - length * 8)
        return Int64(bitPattern: value << unused) >> unused
    }
}
