import Common

/// A pattern of dates in the letters of Joda and `java.time`: `dd/MMM/yyyy:HH:mm:ss Z`.
///
/// Both agree in most letters. Where they do not: `Y` is a year like `y`, as in Joda; `x` is an offset, as in
/// `java.time`. Numbers may have fewer digits than letters. Names of months and days are English, in any case.
struct DatePattern: Sendable {
    enum Part: Equatable, Sendable {
        /// - Parameter maxDigits: all that are there, unless digits follow the year directly.
        case year(maxDigits: Int)
        case yearOfCentury(maxDigits: Int)
        case month, monthName, day, dayOfYear, week, dayOfWeek, dayName
        case hour, hourFromOne, hourOfHalf, half
        case minute, second
        case fraction(maxDigits: Int)
        case offset, zoneName, zoneID, era
        case text([UInt8])

        var isNumber: Bool {
            switch self {
            case .year, .yearOfCentury, .month, .day, .dayOfYear, .week, .dayOfWeek, .hour, .hourFromOne,
                .hourOfHalf, .minute, .second, .fraction:
                true
            default: false
            }
        }
    }

    let parts: [Part]

    /// - Throws: which letters are not known.
    init(_ pattern: String) throws(PatternError) {
        var parts: [Part] = []
        var literal: [UInt8] = []
        var rest = Array(pattern.utf8)[...]
        func flush() {
            if !literal.isEmpty { parts.append(.text(literal)) }
            literal = []
        }
        while let first = rest.first {
            if first == UInt8(ascii: "'") {
                literal += try Self.quoted(&rest)
            } else if (first | 0x20) &- 97 < 26 {
                let count = rest.prefix { $0 == first }.count
                rest = rest.dropFirst(count)
                flush()
                parts.append(try Self.part(first, count))
            } else {
                literal.append(first)
                rest = rest.dropFirst()
            }
        }
        flush()
        guard parts.contains(where: { $0 != .era && $0.isNumber }) else {
            throw PatternError(reason: "names no part of a date; write dd/MMM/yyyy:HH:mm:ss Z")
        }
        // A year ends where the next number begins.
        for index in parts.indices.dropLast() where parts[index + 1].isNumber {
            if case .year = parts[index] { parts[index] = .year(maxDigits: 4) }
            if case .yearOfCentury = parts[index] { parts[index] = .yearOfCentury(maxDigits: 2) }
        }
        self.parts = parts
    }

    /// `'T'`, with two quotes for one.
    private static func quoted(_ rest: inout ArraySlice<UInt8>) throws(PatternError) -> [UInt8] {
        rest = rest.dropFirst()
        if rest.first == UInt8(ascii: "'") {
            rest = rest.dropFirst()
            return [UInt8(ascii: "'")]
        }
        var text: [UInt8] = []
        while let byte = rest.first {
            rest = rest.dropFirst()
            guard byte == UInt8(ascii: "'") else {
                text.append(byte)
                continue
            }
            guard rest.first == UInt8(ascii: "'") else { return text }
            text.append(byte)
            rest = rest.dropFirst()
        }
        throw PatternError(reason: "a quote ' is not closed")
    }

    private static func part(_ letter: UInt8, _ count: Int) throws(PatternError) -> Part {
        switch letter {
        case UInt8(ascii: "y"), UInt8(ascii: "Y"), UInt8(ascii: "u"):
            return count == 2 ? .yearOfCentury(maxDigits: 9) : .year(maxDigits: 9)
        case UInt8(ascii: "M"), UInt8(ascii: "L"): return count > 2 ? .monthName : .month
        case UInt8(ascii: "d"): return .day
        case UInt8(ascii: "D"): return .dayOfYear
        case UInt8(ascii: "w"): return .week
        case UInt8(ascii: "e"): return .dayOfWeek
        case UInt8(ascii: "E"): return .dayName
        case UInt8(ascii: "a"): return .half
        case UInt8(ascii: "H"): return .hour
        case UInt8(ascii: "k"): return .hourFromOne
        case UInt8(ascii: "h"), UInt8(ascii: "K"): return .hourOfHalf
        case UInt8(ascii: "m"): return .minute
        case UInt8(ascii: "s"): return .second
        case UInt8(ascii: "S"), UInt8(ascii: "n"): return .fraction(maxDigits: count)
        case UInt8(ascii: "Z"): return count > 2 ? .zoneID : .offset
        case UInt8(ascii: "X"), UInt8(ascii: "x"), UInt8(ascii: "O"): return .offset
        case UInt8(ascii: "z"): return .zoneName
        case UInt8(ascii: "V"): return .zoneID
        case UInt8(ascii: "G"): return .era
        default:
            throw PatternError(
                reason: "\"\(Character(UnicodeScalar(letter)))\" is no letter of a date; put text in 'quotes'"
            )
        }
    }
}
