import Common

/// A key as the decoder compares it: the first eight bytes and, of longer keys, the last eight.
struct KeyWords {
    var head: UInt64
    var tail: UInt64
    var length: Int

    /// The bytes of `range`, which must lie inside of `bytes`.
    @inline(__always)
    init(_ bytes: RawSpan, _ range: Range<Int>) {
        length = range.count
        if length > 8 {
            head = bytes.unsafeLoadUnaligned(fromByteOffset: range.lowerBound, as: UInt64.self)
            tail = bytes.unsafeLoadUnaligned(fromByteOffset: range.upperBound - 8, as: UInt64.self)
        } else {
            tail = 0
            if range.lowerBound + 8 <= bytes.byteCount {
                head = bytes.unsafeLoadUnaligned(fromByteOffset: range.lowerBound, as: UInt64.self)
                // Little-endian: the bytes behind the key are the upper ones.
                let rest = 64 - length * 8
                head = (head << rest) >> rest
            } else {
                head = 0
                for index in range.reversed() { head = head << 8 | UInt64(bytes[index]) }
            }
        }
    }

    /// Spreads keys over the slots of an object's table.
    @inline(__always)
    func slot(_ multiplier: UInt64, _ shift: UInt64) -> Int {
        let mixed = (head ^ tail) &+ UInt64(truncatingIfNeeded: length)
        return Int(truncatingIfNeeded: (mixed &* multiplier) >> shift)
    }
}

/// A member, flat: what the decoder needs for a key it has found.
struct CompiledMember {
    var head: UInt64
    var tail: UInt64
    var length: Int
    var key: StaticString
    var rule: ValueRule
    /// Of `Field`; meaningless for kind `object`.
    var field: Int
    /// Index of the object that the value, or each of its elements, is; -1 for none.
    var object: Int
    /// The member's bit in masks of its object.
    var bit: UInt64
    var isRequired: Bool
    var yields: Bool
    /// Strings of more bytes than this, or any if the rule has more to say, are looked at closely.
    var plainBytes: Int
}

/// What the members of a given object ask of each other: if any of `trigger` (or it is 0), then any of `needed`.
struct CompiledRule {
    var trigger: UInt64
    var needed: UInt64
    var source: ObjectRule
}

/// A known object, flat.
struct CompiledObject {
    var members: UnsafePointer<CompiledMember>
    var count: Int
    /// Index of a member plus 1, by slot of the key; 0 for none.
    ///
    /// No two keys share a slot.
    var slots: UnsafePointer<UInt8>
    var multiplier: UInt64
    var shift: UInt64
    var required: UInt64
    var rules: UnsafeBufferPointer<CompiledRule>

    var allMembers: UnsafeBufferPointer<CompiledMember> { UnsafeBufferPointer(start: members, count: count) }

    /// The member that `key` names: the exact one, else one that differs in case only.
    func member(_ line: RawSpan, _ key: JSONReader.Text) -> UnsafePointer<CompiledMember>? {
        if key.hasEscapes { return member(escaped: key, line) }
        return member(KeyWords(line, key.range), line, key.range)
    }

    /// The same for a key without escapes.
    @inline(__always)
    func member(_ words: KeyWords, _ line: RawSpan, _ range: Range<Int>) -> UnsafePointer<CompiledMember>? {
        let index = Int(slots[words.slot(multiplier, shift)])
        if index > 0 {
            let member = members + (index - 1)
            if member.pointee.head == words.head, member.pointee.length == words.length,
                member.pointee.tail == words.tail,
                words.length <= 16 || line.equals(member.pointee.key, range)
            {
                return member
            }
        }
        return member(ignoringCase: line, range)
    }

    @inline(never)
    private func member(ignoringCase bytes: RawSpan, _ range: Range<Int>) -> UnsafePointer<CompiledMember>? {
        for index in 0..<count where members[index].length == range.count {
            if bytes.equals(ignoringCase: members[index].key, range) { return members + index }
        }
        return nil
    }

    private func member(escaped key: JSONReader.Text, _ line: RawSpan) -> UnsafePointer<CompiledMember>? {
        var buffer = ByteBuffer(capacity: key.range.count)
        buffer.append(unescaped: key, of: line)
        return buffer.withSpan { bytes in
            for index in 0..<count where bytes.equals(members[index].key, 0..<bytes.byteCount) {
                return members + index
            }
            return member(ignoringCase: bytes, 0..<bytes.byteCount)
        }
    }
}

/// All objects of both dialects, compiled once for the life of the program.
final class CompiledSchema: @unchecked Sendable {
    // Sendable is true because nothing changes after `init`, and the memory is never given back.

    static let shared = CompiledSchema()

    /// What a line can be besides metadata.
    struct Root {
        var name: StaticString
        var kind: EventKind
        /// An object whose one member is the event.
        var object: Int
    }

    let objects: UnsafePointer<CompiledObject>
    let events: [Root]
    let metadata: [(name: StaticString, dialect: Dialect, object: Int)]
    /// By dialect and kind; -1 where the dialect has no such element.
    private let elements: [Int]

    private init() {
        var compiler = SchemaCompiler()
        var elements = Array(repeating: -1, count: 2 * ElementKind.allCases.count)
        for dialect in [Dialect.v2, .v3] {
            compiler.elements = Array(repeating: -1, count: ElementKind.allCases.count)
            for kind in ElementKind.allCases where dialect.schema(of: kind) != nil {
                compiler.elements[Int(kind.rawValue)] = compiler.reserve()
            }
            for kind in ElementKind.allCases {
                guard let schema = dialect.schema(of: kind) else { continue }
                compiler.compile(schema, at: compiler.elements[Int(kind.rawValue)])
            }
            let start = Int(dialect.rawValue) * ElementKind.allCases.count
            elements.replaceSubrange(start..<start + compiler.elements.count, with: compiler.elements)
            compiler.compileRoots(of: dialect)
        }
        self.elements = elements
        events = compiler.events
        metadata = compiler.metadata
        objects = compiler.finished()
    }

    /// The object that elements of `kind` are.
    func element(_ kind: ElementKind, _ dialect: Dialect) -> Int? {
        let index = elements[Int(dialect.rawValue) * ElementKind.allCases.count + Int(kind.rawValue)]
        return index < 0 ? nil : index
    }
}
