import Common

/// A text with references to fields: `orders-%{service.name}-%{+yyyy.MM.dd}`.
///
/// `%{name}` and `%{[a][b]}` stand for the text of a field, `%{+FORMAT}` and `%{{FORMAT}}` for the event's `@timestamp`
/// in UTC. A reference to a field that is not there stays as it is written, as in Logstash.
struct FieldText: Sendable {
    enum Part: Sendable {
        case text([UInt8])
        case field(FieldPath, original: [UInt8])
        case time([TimeLetters])
    }

    /// One run of letters of a time format, or the text between two of them.
    enum TimeLetters: Equatable, Sendable {
        case year, yearOfCentury, month, day, hour, minute, second, millisecond, dayOfYear
        /// Of ISO 8601: weeks begin on Monday, and belong to the year of their Thursday.
        case week, weekYear
        case text([UInt8])
    }

    private static let timestamp = FieldPath("@timestamp")

    let parts: [Part]

    /// Whether the text is the same for every event.
    var isConstant: Bool {
        parts.allSatisfy { if case .text = $0 { true } else { false } }
    }

    /// The fields that are referred to.
    var fields: [FieldPath] {
        parts.compactMap { if case .field(let path, _) = $0 { path } else { nil } }
    }

    /// - Throws: what is wrong with a reference.
    init(_ text: String) throws(FieldTextError) {
        var parts: [Part] = []
        var literal: [UInt8] = []
        var rest = text[...]
        while let open = rest.firstRange(of: "%{") {
            literal += Array(rest[..<open.lowerBound].utf8)
            let isJava = rest[open.upperBound...].first == "{"
            guard let close = rest[open.upperBound...].firstRange(of: isJava ? "}}" : "}") else {
                throw FieldTextError(reason: "%{ is not closed by }")
            }
            let name = String(rest[open.upperBound..<close.lowerBound])
            if !literal.isEmpty { parts.append(.text(literal)) }
            literal = []
            if isJava || name.first == "+" {
                parts.append(.time(try Self.time(name.dropFirst())))
            } else if let path = FieldPath(name) {
                parts.append(.field(path, original: Array("%{\(name)}".utf8)))
            } else {
                throw FieldTextError(
                    reason: "%{\(name)} names no field; write %{http.request.method} or %{+yyyy.MM.dd}"
                )
            }
            rest = rest[close.upperBound...]
        }
        literal += Array(rest.utf8)
        if !literal.isEmpty { parts.append(.text(literal)) }
        self.parts = parts
    }

    /// Appends the text for a record.
    ///
    /// - Returns: false when a reference had no value and was written as it stands.
    @discardableResult
    func append(_ record: Record, to output: inout ByteBuffer) -> Bool {
        var isComplete = true
        for part in parts {
            switch part {
            case .text(let bytes): output.append(bytes)
            case .field(let path, let original):
                if let node = record.find(path) {
                    record.appendText(of: node, to: &output)
                } else {
                    output.append(original)
                    isComplete = false
                }
            case .time(let letters):
                if let time = Self.time(of: record) {
                    Self.append(time, letters, to: &output)
                } else {
                    isComplete = false
                }
            }
        }
        return isComplete
    }

    /// The event's `@timestamp`.
    static func time(of record: Record) -> CalendarTime? {
        guard let path = timestamp, let node = record.find(path) else { return nil }
        return record.withText(of: node) { CalendarTime.parse(iso8601: $0, $1) } ?? nil
    }

    private static func append(_ time: CalendarTime, _ letters: [TimeLetters], to output: inout ByteBuffer) {
        let (year, month, day) = time.date
        let second = Int(time.seconds - Int64(time.day) * 86_400)
        for letter in letters {
            switch letter {
            case .yearOfCentury: output.append(decimal: year % 100, width: 2)
            case .millisecond:
                let nanoseconds = Int(time.nanoseconds - time.seconds * 1_000_000_000)
                output.append(decimal: nanoseconds / 1_000_000, width: 3)
            case .week, .weekYear:
                // The day of the week counts from 0 for Monday; 1970-01-01 was a Thursday.
                let thursday = time.day - (((time.day + 3) % 7 + 7) % 7) + 3
                let weekYear = CalendarTime.date(days: thursday).year
                let first = CalendarTime.days(year: weekYear, month: 1, day: 1)
                if letter == .week {
                    output.append(decimal: (thursday - first) / 7 + 1, width: 2)
                } else {
                    output.append(decimal: weekYear, width: 4)
                }
            case .year: output.append(decimal: year, width: 4)
            case .month: output.append(decimal: month, width: 2)
            case .day: output.append(decimal: day, width: 2)
            case .hour: output.append(decimal: second / 3600, width: 2)
            case .minute: output.append(decimal: second / 60 % 60, width: 2)
            case .second: output.append(decimal: second % 60, width: 2)
            case .dayOfYear:
                output.append(
                    decimal: time.day - CalendarTime.days(year: year, month: 1, day: 1) + 1,
                    width: 3
                )
            case .text(let bytes): output.append(bytes)
            }
        }
    }

    private static func time(_ format: Substring) throws(FieldTextError) -> [TimeLetters] {
        var letters: [TimeLetters] = []
        var rest = format
        while let first = rest.first {
            if first == "'" {
                guard let close = rest.dropFirst().firstIndex(of: "'") else {
                    throw FieldTextError(reason: "%{+\(format)}: the ' is not closed")
                }
                let quoted = rest[rest.index(after: rest.startIndex)..<close]
                letters.append(.text(Array((quoted.isEmpty ? "'" : quoted).utf8)))
                rest = rest[rest.index(after: close)...]
                continue
            }
            let run = rest.prefix { $0 == first }
            rest = rest.dropFirst(run.count)
            switch run {
            case "yyyy", "YYYY", "uuuu": letters.append(.year)
            case "yy", "YY", "uu": letters.append(.yearOfCentury)
            case "xxxx": letters.append(.weekYear)
            case "ww": letters.append(.week)
            case "SSS": letters.append(.millisecond)
            case "MM": letters.append(.month)
            case "dd": letters.append(.day)
            case "HH": letters.append(.hour)
            case "mm": letters.append(.minute)
            case "ss": letters.append(.second)
            case "DDD": letters.append(.dayOfYear)
            case _ where first.isLetter:
                throw FieldTextError(
                    reason:
                        "%{+\(format)}: \(run) is not known here; use yyyy yy MM dd HH mm ss SSS DDD, xxxx ww"
                )
            default: letters.append(.text(Array(run.utf8)))
            }
        }
        return letters
    }
}

/// Why a text with references cannot be used.
struct FieldTextError: Error, Equatable, CustomStringConvertible {
    let reason: String
    var description: String { reason }
}
