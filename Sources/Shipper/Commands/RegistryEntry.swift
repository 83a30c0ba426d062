import Common

/// One state of the registry and what became of its file, as `shipper registry` shows it.
struct RegistryEntry {
    /// Whether the state still stands for a file.
    enum Condition: String {
        /// The file is there, under its name or another in the same directory.
        case live
        /// The file is not in its directory.
        case gone
        /// The file was truncated or deleted after this life.
        case ended
    }

    let state: FileState
    let condition: Condition
    /// Where the file is; nil unless it is live.
    let place: FilePlaces.Place?

    init(_ state: FileState, _ places: inout FilePlaces) {
        self.state = state
        place = state.isEnded ? nil : places.place(of: state)
        condition = state.isEnded ? .ended : place == nil ? .gone : .live
    }

    /// All states, by path; ended lives before the one that goes on.
    static func all(_ states: [FileState]) -> [RegistryEntry] {
        var places = FilePlaces()
        return states.map { RegistryEntry($0, &places) }.sorted {
            ($0.state.path, $0.state.generation) < ($1.state.path, $1.state.generation)
        }
    }

    /// What `log.file.identity` of the file's events says; nil until the first line was complete.
    var identity: String? {
        state.token.map { token in
            var text = ByteBuffer(capacity: 16)
            text.append(hexadecimal: token.value)
            return text.text
        }
    }

    /// Bytes of the file that are not stored; nil when there is no file, or one that is shorter: compressed, or
    /// truncated since.
    var lagBytes: Int64? { place.flatMap { $0.size < state.offset ? nil : $0.size - state.offset } }

    static let columns: [(title: String, alignment: TextTable.Alignment)] = [
        ("PATH", .left), ("IDENTITY", .left), ("SIZE", .right), ("STORED", .right), ("LAG", .right),
        ("LAST SEEN", .left), ("STATE", .left),
    ]

    /// The cells of `columns`.
    var cells: [String] {
        let name = place.flatMap { $0.path == state.path ? nil : " as " + Path.name(of: $0.path) } ?? ""
        return [
            state.path, identity ?? "-", place.map { "\($0.size)" } ?? "-", "\(state.offset)",
            lagBytes.map { "\($0)" } ?? "-", CalendarTime(seconds: state.lastSeen).secondsText,
            condition.rawValue + name,
        ]
    }

    /// One JSON object with everything that is known.
    ///
    /// Device and inode are text as in events, because JSON's numbers do not hold 64 bits everywhere.
    var json: [UInt8] {
        var text = ByteBuffer(capacity: 512)
        text.append(#"{"path":"# as StaticString)
        text.append(jsonString: state.path)
        text.append(#","state":"\#(condition.rawValue)","found":"#)
        text.append(jsonText: place?.path)
        text.append(#","identity":"# as StaticString)
        text.append(jsonText: identity)
        text.append(#","identity_bytes":"# as StaticString)
        text.append(state.token?.bytes.map { "\($0)" } ?? "null")
        text.append(#","device_id":"\#(state.key.deviceNumber)","inode":"\#(state.key.inode)","born":"#)
        text.append(jsonText: state.key.birth == 0 ? nil : CalendarTime(nanoseconds: state.key.birth).iso8601)
        text.append(#","generation":\#(state.generation),"size":"#)
        text.append(place.map { "\($0.size)" } ?? "null")
        text.append(#","offset":\#(state.offset),"lag_bytes":"#)
        text.append(lagBytes.map { "\($0)" } ?? "null")
        text.append(#","last_seen":"\#(CalendarTime(seconds: state.lastSeen).secondsText)","head":""#)
        text.append(hexadecimal: state.fingerprint.head.high)
        text.append(hexadecimal: state.fingerprint.head.low)
        text.append(#"","tail":""# as StaticString)
        text.append(hexadecimal: state.fingerprint.tail.high)
        text.append(hexadecimal: state.fingerprint.tail.low)
        text.append(#""}"# as StaticString)
        return text.array
    }
}
