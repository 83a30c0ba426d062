import Common

/// Makes the `_id` of documents: 20 characters of base64url from 15 bytes.
///
///     seconds u32, big-endian | 11 bytes of SipHash-128
///
/// The hash is over who read the line (agent or host), from which file, where, and what: a line that is sent again gets the
/// same id, and `create` stores it once. The seconds are those written in the line, never those of reading it, and 0 when the
/// line has none; they make ids of one time neighbours, which keeps Elasticsearch's look-ups of ids cheap.
///
/// Ids may not begin with `_`, the last letter of the alphabet: only seconds of the years 2101 to 2106 could do that, and
/// 0 is written for those.
struct DocumentID: ~Copyable {
    /// Letters of RFC 4648, section 5.
    private static let alphabet: StaticString =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    /// First seconds whose text would begin with `-` or `_`.
    private static let tooLate: Int64 = 0xF800_0000
    /// Elasticsearch's limit.
    static let maxBytes = 512

    /// The same in all processes for ever: another key would be another id for the same line.
    private let hash = SipHash(key: 0x696E_6765_7374_2069, 0x6420_6F66_206C_696E)
    private let random: SipHash
    private var counter: UInt64 = 0
    private var origin = ByteBuffer(capacity: 1024)
    /// What `text` was made from; nil for an id that the sender asked for.
    private var value: SipHash.Value?
    /// The last id that was made.
    private(set) var text = ByteBuffer(capacity: 64)

    /// - Parameter seed: start of the sequence of random ids; two workers need different ones.
    init(seed: SipHash.Value) { random = SipHash(key: seed) }

    /// Makes the id of an event.
    ///
    /// Events that do not say where they were read get a random id: nothing then tells a repeat by the sender from a second
    /// equal line, but our own repeats of the bulk request still carry the same id.
    ///
    /// - Parameters:
    ///   - time: the time written in the line.
    ///   - line: the unescaped message.
    mutating func make(for event: borrowing Event, time: CalendarTime?, payload: RawSpan, line: RawSpan) {
        text.removeAll()
        value = nil
        if let id = event.requestedID, id.count <= Self.maxBytes, !id.isEmpty,
            payload[id.lowerBound] != UInt8(ascii: "_")
        {
            text.append(payload, id)
            return
        }
        let prefix = Self.prefix(time)
        guard appendOrigin(event, payload) else {
            counter += 1
            append(prefix, random.hash(line, 0..<0, tweak: counter))
            return
        }
        origin.append(line)
        append(prefix, origin.withSpan { hash.hash($0, 0..<$0.byteCount) })
        origin.shrink(to: 64 << 10)
    }

    /// Makes the same id for another time in the line, which a filter has found.
    mutating func restamp(_ time: CalendarTime) {
        guard let value else { return }
        text.removeAll()
        append(Self.prefix(time), value)
    }

    private static func prefix(_ time: CalendarTime?) -> UInt64 {
        let seconds = time.map(\.seconds) ?? 0
        return UInt64(seconds > 0 && seconds < tooLate ? seconds : 0)
    }

    /// Writes reader, file and offset to `origin`; false when the event does not have them all.
    private mutating func appendOrigin(_ event: borrowing Event, _ payload: RawSpan) -> Bool {
        guard let reader = event.slot(.agentID) ?? event.slot(.hostName),
            let file = event.slot(.logFileIdentity) ?? event.slot(.logFilePath),
            let offset = event.slot(.logOffset), reader.source == .payload, file.source == .payload,
            Decimal.integer(payload, offset.range) != nil
        else { return false }
        origin.removeAll()
        // JSON text holds no zero byte, so the parts cannot run into each other.
        origin.append(payload, reader.range)
        origin.append(UInt8(0))
        origin.append(payload, file.range)
        origin.append(UInt8(0))
        origin.append(payload, offset.range)
        origin.append(UInt8(0))
        return true
    }

    private mutating func append(_ seconds: UInt64, _ value: SipHash.Value) {
        self.value = value
        // 120 bits in groups of 24, four letters each: 32 of seconds, 64 of `low`, 24 of `high`.
        append24(seconds >> 8)
        append24(seconds << 16 | value.low >> 48)
        append24(value.low >> 24)
        append24(value.low)
        append24(value.high)
    }

    @inline(__always)
    private mutating func append24(_ bits: UInt64) {
        let letters = Self.alphabet.utf8Start
        text.append(reserving: 4) { free in
            for position in 0..<4 { free[position] = letters[Int(bits &>> UInt64(18 - 6 * position) & 63)] }
            return 4
        }
    }
}
