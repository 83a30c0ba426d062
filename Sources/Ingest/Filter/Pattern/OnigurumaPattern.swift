import Common

/// A pattern as users of Logstash and Elasticsearch write it, in the syntax of Ruby's Oniguruma, made ready for PCRE2.
///
/// The two agree in most of it. What differs: groups may have any field's name; `\h` is a hexadecimal digit; `^` and
/// `$` match at every line; `(?m)` lets `.` match line ends; `{,n}` counts from zero; classes nest. Where a construct
/// has no counterpart, it is an error and never something else silently.
struct OnigurumaPattern {
    /// The pattern for PCRE2, whose groups are named `g1`, `g2` and so on.
    let text: String
    /// The name of each group as it was written, in order.
    let names: [String]
    let options: RegularExpression.Options

    /// - Throws: what PCRE2 cannot do.
    init(_ pattern: String) throws(PatternError) {
        // References may stand in front of their group, so names are collected first.
        var survey = Translation(pattern: Array(pattern.utf8), known: nil)
        try survey.run()
        var translation = Translation(pattern: Array(pattern.utf8), known: survey.names)
        try translation.run()
        text = String(decoding: translation.output, as: UTF8.self)
        names = translation.names
        var options: RegularExpression.Options = [.dotMatchesNewline, .anchorsMatchLines, .steps]
        if !names.isEmpty { options.insert(.namedGroupsOnly) }
        if translation.needsCharacters { options.insert(.characters) }
        self.options = options
    }
}

/// Why a pattern cannot be used.
struct PatternError: Error, Equatable, CustomStringConvertible {
    let reason: String
    var description: String { reason }
}

/// One pass over a pattern.
private struct Translation {
    let pattern: [UInt8]
    /// Names of all groups; nil in the pass that collects them.
    let known: [String]?
    var index = 0
    var output: [UInt8] = []
    var names: [String] = []
    /// Whether the pattern speaks of characters that are more than one byte.
    var needsCharacters = false

    init(pattern: [UInt8], known: [String]?) {
        self.pattern = pattern
        self.known = known
    }

    private var next: UInt8? { index < pattern.count ? pattern[index] : nil }

    private func starts(with text: StaticString) -> Bool {
        pattern.span.bytes.equals(text, index..<min(index + text.utf8CodeUnitCount, pattern.count))
    }

    private mutating func put(_ text: String) { output += Array(text.utf8) }

    mutating func run() throws(PatternError) {
        while let byte = next {
            switch byte {
            case UInt8(ascii: "\\"): try escape(inClass: false)
            case UInt8(ascii: "["): try characterClass()
            case UInt8(ascii: "("): try group()
            case UInt8(ascii: "{") where starts(with: "{,"):
                put("{0,")
                index += 2
            default: copy()
            }
        }
    }

    private mutating func copy() {
        if pattern[index] >= 0x80 { needsCharacters = true }
        output.append(pattern[index])
        index += 1
    }

    // MARK: - Groups

    private mutating func group() throws(PatternError) {
        if starts(with: "(*") {
            throw PatternError(
                reason: "\"(*\" is not known here; write \"(?:\" for a group, or escape the \"(\""
            )
        }
        if starts(with: "(?#") {
            guard let end = pattern[index...].firstIndex(of: UInt8(ascii: ")")) else {
                throw PatternError(reason: "the comment \"(?#\" is not closed")
            }
            index = end + 1
        } else if starts(with: "(?~") {
            throw PatternError(reason: "the absence operator \"(?~\" is not known here")
        } else if starts(with: "(?<"), !starts(with: "(?<="), !starts(with: "(?<!") {
            index += 3
            try beginGroup(until: UInt8(ascii: ">"))
        } else if starts(with: "(?P<") {
            index += 4
            try beginGroup(until: UInt8(ascii: ">"))
        } else if starts(with: "(?'") {
            index += 3
            try beginGroup(until: UInt8(ascii: "'"))
        } else if starts(with: "(?") {
            put("(?")
            index += 2
            // Ruby's `m` is everybody else's `s`.
            while let byte = next, (byte | 0x20) &- 97 < 26 || byte == UInt8(ascii: "-") {
                output.append(byte == UInt8(ascii: "m") ? UInt8(ascii: "s") : byte)
                index += 1
            }
        } else {
            copy()
        }
    }

    private mutating func beginGroup(until close: UInt8) throws(PatternError) {
        names.append(try name(until: close))
        put("(?<g\(names.count)>")
    }

    /// Reads a name and steps over what closes it.
    private mutating func name(until close: UInt8) throws(PatternError) -> String {
        guard let end = pattern[index...].firstIndex(of: close), end > index else {
            throw PatternError(reason: "the name of a group is empty or not closed")
        }
        defer { index = end + 1 }
        return String(decoding: pattern[index..<end], as: UTF8.self)
    }

    // MARK: - Escapes

    private mutating func escape(inClass: Bool) throws(PatternError) {
        guard index + 1 < pattern.count else { throw PatternError(reason: "ends with a single \\") }
        let letter = pattern[index + 1]
        index += 2
        switch letter {
        case UInt8(ascii: "h"): put(inClass ? "0-9a-fA-F" : "[0-9a-fA-F]")
        case UInt8(ascii: "H") where !inClass: put("[^0-9a-fA-F]")
        case UInt8(ascii: "H"): throw PatternError(reason: "\\H inside of [] is not known here")
        case UInt8(ascii: "k") where next == UInt8(ascii: "<") || next == UInt8(ascii: "'"):
            put("\\k{g\(try reference())}")
        case UInt8(ascii: "g") where next == UInt8(ascii: "<") || next == UInt8(ascii: "'"):
            put("(?&g\(try reference()))")
        case UInt8(ascii: "Q"), UInt8(ascii: "E"):
            throw PatternError(reason: "\\Q and \\E are not known here; escape each character")
        case UInt8(ascii: "u"): try codePoint()
        case UInt8(ascii: "p"), UInt8(ascii: "P"):
            try property(isNegated: letter == UInt8(ascii: "P"), inClass: inClass)
        case 0x80...:
            index -= 1
            copy()
        default:
            if letter == UInt8(ascii: "X") || (letter == UInt8(ascii: "x") && next == UInt8(ascii: "{")) {
                needsCharacters = true
            }
            output += [UInt8(ascii: "\\"), letter]
        }
    }

    /// The number of the group that `<name>` refers to.
    private mutating func reference() throws(PatternError) -> Int {
        let close: UInt8 = next == UInt8(ascii: "<") ? UInt8(ascii: ">") : UInt8(ascii: "'")
        index += 1
        let name = try name(until: close)
        guard let known else { return 1 }
        guard let group = known.firstIndex(of: name) else {
            throw PatternError(reason: "refers to a group \"\(name)\" that is not there")
        }
        return group + 1
    }

    private mutating func codePoint() throws(PatternError) {
        let digits = pattern[index...].prefix(4)
        guard digits.count == 4, digits.allSatisfy({ Hexadecimal.value($0) != nil }) else {
            throw PatternError(reason: "\\u needs four hexadecimal digits")
        }
        put("\\x{\(String(decoding: digits, as: UTF8.self))}")
        index += 4
        needsCharacters = true
    }

    /// Names of properties that PCRE2 does not have, as the inside of a class.
    private static let properties = [
        "alpha": #"\p{L}"#, "alnum": #"\p{Xan}"#, "digit": #"\p{Nd}"#, "space": #"\p{Xps}"#,
        "upper": #"\p{Lu}"#,
        "lower": #"\p{Ll}"#, "punct": #"\p{P}"#, "word": #"\p{Xwd}"#, "xdigit": "0-9a-fA-F",
    ]

    private mutating func property(isNegated: Bool, inClass: Bool) throws(PatternError) {
        needsCharacters = true
        guard next == UInt8(ascii: "{") else { throw PatternError(reason: "\\p needs a name: \\p{L}") }
        index += 1
        var name = try name(until: UInt8(ascii: "}"))
        var isNegated = isNegated
        if name.first == "^" {
            name.removeFirst()
            isNegated.toggle()
        }
        let content = Self.properties[name.lowercased()] ?? "\\p{\(name)}"
        if !isNegated {
            put(inClass ? content : "[\(content)]")
        } else if inClass {
            guard content.hasPrefix("\\p") else {
                throw PatternError(reason: "\\P{\(name)} inside of [] is not known here")
            }
            put("\\P" + content.dropFirst(2))
        } else {
            put("[^\(content)]")
        }
    }

    // MARK: - Classes

    private mutating func characterClass() throws(PatternError) {
        output.append(UInt8(ascii: "["))
        index += 1
        if next == UInt8(ascii: "^") { copy() }
        // A class may begin with the bracket that closes it elsewhere.
        if next == UInt8(ascii: "]") {
            put("\\]")
            index += 1
        }
        var depth = 1
        while let byte = next {
            switch byte {
            case UInt8(ascii: "\\"): try escape(inClass: true)
            case UInt8(ascii: "]"):
                index += 1
                depth -= 1
                guard depth == 0 else { continue }
                output.append(byte)
                return
            case UInt8(ascii: "[") where starts(with: "[:"): try posixClass()
            case UInt8(ascii: "["):
                // A class within a class adds its members.
                guard !starts(with: "[^") else {
                    throw PatternError(
                        reason: "a negated class inside of [] is not known here; escape \"[\" as \\["
                    )
                }
                index += 1
                depth += 1
            case UInt8(ascii: "&") where starts(with: "&&"):
                throw PatternError(reason: "\"&&\" inside of [] is not known here; use a look-ahead")
            default: copy()
            }
        }
        throw PatternError(reason: "\"[\" is not closed by \"]\"; escape it as \\[ to match a bracket")
    }

    /// `[:alpha:]`, which both know.
    private mutating func posixClass() throws(PatternError) {
        let rest = pattern[index...]
        guard let end = rest.firstRange(of: Array(":]".utf8)), end.lowerBound > index + 1,
            end.lowerBound - index < 16
        else { throw PatternError(reason: "\"[:\" inside of [] is not closed by \":]\"") }
        output += rest[..<end.upperBound]
        index = end.upperBound
    }
}
