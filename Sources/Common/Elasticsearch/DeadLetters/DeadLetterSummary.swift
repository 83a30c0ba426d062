/// What there is of dead letters: per segment, and by reason and index.
struct DeadLetterSummary {
    struct Segment {
        let name: String
        let byteCount: Int
        var letters = 0
        /// Lines that are no letters, such as one that was edited to be no JSON.
        var unreadable = 0
        var oldest: CalendarTime?
        var newest: CalendarTime?
    }

    struct Group: Hashable {
        let reason: String
        let index: String
    }

    /// Groups told apart; more are counted as `_other`.
    private static let maxGroups = 1000
    private static let other = Group(reason: "_other", index: "_other")

    private(set) var segments: [Segment] = []
    private(set) var groups: [Group: Int] = [:]

    /// Reads all segments of a directory, also while ingest writes to them.
    init(_ directory: DeadLetterDirectory) throws(DeadLetterError) {
        for found in try directory.segments() {
            var segment = Segment(name: Path.name(of: found.path), byteCount: found.byteCount)
            if var reader = try DeadLetterReader.open(found.path, takesRest: false) {
                while try reader.advance() { reader.withLine { take($0, &segment) } }
            }
            segments.append(segment)
        }
    }

    private mutating func take(_ line: RawSpan, _ segment: inout Segment) {
        guard let entry = DeadLetterEntry(line) else {
            segment.unreadable += 1
            return
        }
        segment.letters += 1
        if let time = entry.time {
            segment.oldest = min(segment.oldest ?? time, time)
            segment.newest = max(segment.newest ?? time, time)
        }
        let group = Group(reason: entry.shortReason, index: entry.index)
        groups[groups[group] != nil || groups.count < Self.maxGroups ? group : Self.other, default: 0] += 1
    }

    /// The groups, largest first.
    private var sortedGroups: [(key: Group, value: Int)] {
        groups.sorted { left, right in
            (right.value, left.key.reason, left.key.index) < (left.value, right.key.reason, right.key.index)
        }
    }

    /// Two tables for a terminal.
    ///
    /// - Parameter now: ages count back from it.
    func text(now: CalendarTime) -> String {
        var files = TextTable([
            ("SEGMENT", .left), ("LETTERS", .right), ("BYTES", .right), ("OLDEST", .left), ("NEWEST", .left),
            ("AGE", .right),
        ])
        for segment in segments {
            let letters =
                "\(segment.letters)" + (segment.unreadable > 0 ? "+\(segment.unreadable) unreadable" : "")
            files.add([
                segment.name, letters, "\(segment.byteCount)", segment.oldest?.iso8601 ?? "-",
                segment.newest?.iso8601 ?? "-", segment.oldest.map { Self.age(since: $0, now: now) } ?? "-",
            ])
        }
        var reasons = TextTable([("LETTERS", .right), ("REASON", .left), ("INDEX", .left)])
        for (group, count) in sortedGroups { reasons.add(["\(count)", group.reason, group.index]) }
        return files.text + (reasons.isEmpty ? "" : "\n" + reasons.text)
    }

    /// `{"segments":[…],"groups":[…]}` on one line.
    func json() -> String {
        var text = ByteBuffer()
        text.append(#"{"segments":["#)
        for (number, segment) in segments.enumerated() {
            text.append(number > 0 ? "," : "")
            text.append(#"{"name":"#)
            text.append(jsonString: segment.name)
            text.append(
                #","letters":\#(segment.letters),"unreadable":\#(segment.unreadable),"bytes":\#(segment.byteCount)"#
            )
            if let oldest = segment.oldest, let newest = segment.newest {
                text.append(#","oldest":"\#(oldest.iso8601)","newest":"\#(newest.iso8601)""#)
            }
            text.append("}")
        }
        text.append(#"],"groups":["#)
        for (number, (group, count)) in sortedGroups.enumerated() {
            text.append(number > 0 ? #",{"reason":"# : #"{"reason":"#)
            text.append(jsonString: group.reason)
            text.append(#","index":"#)
            text.append(jsonString: group.index)
            text.append(#","letters":\#(count)}"#)
        }
        text.append("]}\n")
        return text.text
    }

    /// `40s`, `12m`, `5h`, `3d`.
    private static func age(since time: CalendarTime, now: CalendarTime) -> String {
        let seconds = max(now.seconds - time.seconds, 0)
        return switch seconds {
        case ..<60: "\(seconds)s"
        case ..<3600: "\(seconds / 60)m"
        case ..<86400: "\(seconds / 3600)h"
        default: "\(seconds / 86400)d"
        }
    }
}
