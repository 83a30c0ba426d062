import Common

/// The registry as text that a person can read and a torn write cannot fool.
///
///     shipper registry 2
///     device inode birth generation token offset head head tail tail seen ended path     one line per state
///     end COUNT HASH                                                                    of everything before
///
/// Numbers are decimal, and bytes of a path outside of printable ASCII are `%XX`. A token is `VALUE:BYTES`, or `-` when
/// there is none; in version 1, which is read too, it is `VALUE` alone.
enum RegistryFile {
    enum Damage: Error, Equatable, CustomStringConvertible {
        case notARegistry
        case version(String)
        /// The last line is missing or does not fit what stands before it: cut, torn or changed.
        case checksum
        case line(Int)

        var description: String {
            switch self {
            case .notARegistry: "it is not a registry"
            case .version(let version): "it has version \(version), this program reads 1 and 2"
            case .checksum: "its checksum is wrong: it is cut or damaged"
            case .line(let number): "line \(number) is not a file state"
            }
        }
    }

    private static let title: StaticString = "shipper registry "
    private static let version = "2"
    private static let olderVersion = "1"
    private static let hash = SipHash(key: 0x7265_6769_7374_7279, 0x2076_6572_7369_6f6e)
    private static let fieldsPerLine = 13

    static func encode(_ states: some Sequence<FileState>) -> ByteBuffer {
        var text = ByteBuffer(capacity: 4096)
        text.append(title)
        text.append(version)
        text.append(UInt8(ascii: "\n"))
        var count = 0
        for state in states {
            append(state, to: &text)
            count += 1
        }
        let sum = text.withSpan { hash.hash($0, 0..<$0.byteCount) }
        text.append("end " as StaticString)
        text.append(decimal: Int64(count))
        text.append(UInt8(ascii: " "))
        text.append(hexadecimal: sum.high)
        text.append(hexadecimal: sum.low)
        text.append(UInt8(ascii: "\n"))
        return text
    }

    static func decode(_ bytes: RawSpan) throws(Damage) -> [FileState] {
        let count = bytes.byteCount
        let titleEnd = title.utf8CodeUnitCount
        guard count > titleEnd, bytes.equals(title, 0..<titleEnd),
            let firstEnd = bytes.firstIndex(of: UInt8(ascii: "\n"), in: titleEnd..<count)
        else { throw .notARegistry }
        let found = bytes.text(titleEnd..<firstEnd)
        guard found == version || found == olderVersion else { throw .version(found) }
        let (end, expected) = try checkedEnd(bytes)
        var states: [FileState] = []
        var splitter = LineSplitter(offset: firstEnd + 1)
        while splitter.offset < end, let line = splitter.next(bytes, end: end) {
            guard let state = state(bytes, line.content) else { throw .line(states.count + 2) }
            states.append(state)
        }
        guard states.count == expected else { throw .checksum }
        return states
    }

    /// Checks the last line.
    ///
    /// - Returns: where it begins, and how many states it says there are.
    private static func checkedEnd(_ bytes: RawSpan) throws(Damage) -> (offset: Int, count: Int) {
        // "end ", up to 19 digits, a blank, 32 digits of hash, a line feed.
        var start = bytes.byteCount - 39
        guard start > 0, bytes[bytes.byteCount - 1] == UInt8(ascii: "\n") else { throw .checksum }
        let lowest = max(start - 20, 1)
        while start > lowest, bytes[start - 1] != UInt8(ascii: "\n") { start -= 1 }
        guard bytes.equals("end ", start..<start + 4) else { throw .checksum }
        let sum = hash.hash(bytes, 0..<start)
        var expected = ByteBuffer(capacity: 40)
        expected.append(hexadecimal: sum.high)
        expected.append(hexadecimal: sum.low)
        let digits = bytes.byteCount - 33
        guard expected.text == bytes.text(digits..<digits + 32), bytes[digits - 1] == UInt8(ascii: " "),
            let count = Decimal.integer(bytes, start + 4..<digits - 1)
        else { throw .checksum }
        return (start, Int(count))
    }

    private static func append(_ state: FileState, to text: inout ByteBuffer) {
        func number(_ value: UInt64) {
            text.append(decimal: Int64(bitPattern: value))
            text.append(UInt8(ascii: " "))
        }
        number(state.key.device)
        number(state.key.inode)
        number(UInt64(bitPattern: state.key.birth))
        number(UInt64(state.generation))
        if let token = state.token {
            text.append(decimal: Int64(bitPattern: token.value))
            if let bytes = token.bytes {
                text.append(UInt8(ascii: ":"))
                text.append(decimal: Int64(bytes))
            }
        } else {
            text.append(UInt8(ascii: "-"))
        }
        text.append(UInt8(ascii: " "))
        number(UInt64(bitPattern: state.offset))
        number(state.fingerprint.head.high)
        number(state.fingerprint.head.low)
        number(state.fingerprint.tail.high)
        number(state.fingerprint.tail.low)
        number(UInt64(bitPattern: state.lastSeen))
        number(state.isEnded ? 1 : 0)
        var path = state.path
        path.withUTF8 { utf8 in
            for byte in utf8 {
                if byte > 0x20, byte < 0x7F, byte != UInt8(ascii: "%") {
                    text.append(byte)
                } else {
                    text.append(UInt8(ascii: "%"))
                    text.append(Hexadecimal.lowerCase(byte >> 4))
                    text.append(Hexadecimal.lowerCase(byte & 15))
                }
            }
        }
        text.append(UInt8(ascii: "\n"))
    }

    private static func state(_ bytes: RawSpan, _ line: Range<Int>) -> FileState? {
        var fields: [Range<Int>] = []
        var start = line.lowerBound
        while let blank = bytes.firstIndex(of: UInt8(ascii: " "), in: start..<line.upperBound) {
            fields.append(start..<blank)
            start = blank + 1
        }
        fields.append(start..<line.upperBound)
        guard fields.count == fieldsPerLine else { return nil }
        let numbers = fields.dropLast().map { Decimal.integer(bytes, $0) }
        func unsigned(_ index: Int) -> UInt64? { numbers[index].map(UInt64.init(bitPattern:)) }
        guard let device = unsigned(0), let inode = unsigned(1), let birth = numbers[2],
            let generation = numbers[3].flatMap({ UInt32(exactly: $0) }),
            let token = token(bytes, fields[4]),
            let offset = numbers[5], offset >= 0,
            let headHigh = unsigned(6), let headLow = unsigned(7),
            let tailHigh = unsigned(8), let tailLow = unsigned(9),
            let seen = numbers[10], let ended = numbers[11], let path = path(bytes, fields[12])
        else { return nil }
        return FileState(
            key: FileKey(device: device, inode: inode, birth: birth),
            generation: generation,
            path: path,
            token: token,
            offset: offset,
            fingerprint: Fingerprint(
                head: SipHash.Value(low: headLow, high: headHigh),
                tail: SipHash.Value(low: tailLow, high: tailHigh)
            ),
            lastSeen: seen,
            isEnded: ended != 0
        )
    }

    /// - Returns: nil for what is no token; no token inside of it where none is.
    private static func token(_ bytes: RawSpan, _ field: Range<Int>) -> IdentityToken?? {
        if bytes.equals("-", field) { return .some(nil) }
        let colon = bytes.firstIndex(of: UInt8(ascii: ":"), in: field)
        guard let value = Decimal.integer(bytes, field.lowerBound..<(colon ?? field.upperBound)) else {
            return nil
        }
        guard let colon else { return IdentityToken(value: UInt64(bitPattern: value), bytes: nil) }
        guard let length = Decimal.integer(bytes, colon + 1..<field.upperBound),
            (0...Int64(IdentityToken.firstLineBytes)).contains(length)
        else { return nil }
        return IdentityToken(value: UInt64(bitPattern: value), bytes: Int(length))
    }

    private static func path(_ bytes: RawSpan, _ range: Range<Int>) -> String? {
        var text: [UInt8] = []
        var index = range.lowerBound
        while index < range.upperBound {
            guard bytes[index] == UInt8(ascii: "%") else {
                text.append(bytes[index])
                index += 1
                continue
            }
            guard index + 3 <= range.upperBound, let high = Hexadecimal.value(bytes[index + 1]),
                let low = Hexadecimal.value(bytes[index + 2])
            else { return nil }
            text.append(high << 4 | low)
            index += 3
        }
        return String(validating: text, as: UTF8.self)
    }
}
