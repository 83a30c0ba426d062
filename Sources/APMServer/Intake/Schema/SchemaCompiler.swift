/// Turns schemas into flat tables that stay in memory.
struct SchemaCompiler {
    private var objects: [CompiledObject?] = []
    /// Objects of the dialect at hand, by kind of element.
    var elements: [Int] = []
    private(set) var events: [CompiledSchema.Root] = []
    private(set) var metadata: [(name: StaticString, dialect: Dialect, object: Int)] = []

    /// An index for an object that others name before it is compiled.
    mutating func reserve() -> Int {
        objects.append(nil)
        return objects.count - 1
    }

    mutating func compileRoots(of dialect: Dialect) {
        for (name, kind, schema) in dialect.events {
            let object = root(name, schema)
            events.append(CompiledSchema.Root(name: name, kind: kind, object: object))
        }
        let (name, schema) = dialect.metadata
        metadata.append((name, dialect, root(name, schema)))
    }

    /// The object around an event: one required member.
    private mutating func root(_ name: StaticString, _ schema: ObjectSchema) -> Int {
        let index = reserve()
        compile(ObjectSchema([Member(name, schema, .required)]), at: index)
        return index
    }

    mutating func compile(_ schema: ObjectSchema, at index: Int) {
        var members: [CompiledMember] = []
        for (position, member) in schema.members.enumerated() {
            members.append(compiled(member, bit: 1 << UInt64(position)))
        }
        let mask = { (keys: [StaticString]) -> UInt64 in
            members.filter { member in keys.contains { $0.description == member.key.description } }
                .reduce(0) { $0 | $1.bit }
        }
        let rules = schema.rules.map { rule in
            switch rule {
            case .anyOf(let keys): CompiledRule(trigger: 0, needed: mask(keys), source: rule)
            case .required(let key, let others):
                CompiledRule(trigger: mask(others), needed: mask([key]), source: rule)
            }
        }
        let table = Self.slots(members)
        objects[index] = CompiledObject(
            members: members.kept(),
            count: members.count,
            slots: table.slots.kept(),
            multiplier: table.multiplier,
            shift: table.shift,
            required: members.filter(\.isRequired).reduce(0) { $0 | $1.bit },
            rules: UnsafeBufferPointer(start: rules.kept(), count: rules.count)
        )
    }

    private mutating func compiled(_ member: Member, bit: UInt64) -> CompiledMember {
        var object = -1
        if let schema = member.object {
            object = reserve()
            compile(schema, at: object)
        } else if let element = member.element {
            object = elements[Int(element.rawValue)]
        }
        let rule = member.rule
        let words = KeyWords(member.key)
        let isPlain = rule.minLength == 0 && !rule.hasPattern
        return CompiledMember(
            head: words.head,
            tail: words.tail,
            length: words.length,
            key: member.key,
            rule: rule,
            field: Int(member.field?.rawValue ?? 0),
            object: object,
            bit: bit,
            isRequired: member.isRequired,
            yields: member.yields,
            plainBytes: !isPlain ? -1 : rule.maxLength == 0 ? .max : Int(rule.maxLength)
        )
    }

    /// A table of a power of two of slots in which no two keys meet.
    private static func slots(_ members: [CompiledMember]) -> (
        slots: [UInt8], multiplier: UInt64, shift: UInt64
    ) {
        var bits: UInt64 = 2
        while 1 << bits < members.count * 2 { bits += 1 }
        while bits < 12 {
            // Odd numbers without pattern, from a generator with a fixed start.
            var multiplier: UInt64 = 0x9E37_79B9_7F4A_7C15
            for _ in 0..<1000 {
                if let slots = slots(members, multiplier, bits) { return (slots, multiplier, 64 - bits) }
                multiplier = (multiplier &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407) | 1
            }
            bits += 1
        }
        fatalError("SchemaCompiler: two members of an object have the same key")
    }

    private static func slots(_ members: [CompiledMember], _ multiplier: UInt64, _ bits: UInt64) -> [UInt8]? {
        var slots = [UInt8](repeating: 0, count: 1 << Int(bits))
        for (index, member) in members.enumerated() {
            let slot = KeyWords(member.key).slot(multiplier, 64 - bits)
            guard slots[slot] == 0 else { return nil }
            slots[slot] = UInt8(index + 1)
        }
        return slots
    }

    /// The objects, in memory that is never given back.
    func finished() -> UnsafePointer<CompiledObject> {
        let all = objects.compactMap { $0 }
        guard all.count == objects.count else {
            fatalError("SchemaCompiler: an object was named but not compiled")
        }
        return all.kept()
    }
}

extension KeyWords {
    fileprivate init(_ key: StaticString) {
        let bytes = UnsafeRawBufferPointer(start: key.utf8Start, count: key.utf8CodeUnitCount).bytes
        self.init(bytes, 0..<bytes.byteCount)
    }
}

extension Array {
    /// A copy for the life of the program.
    fileprivate func kept() -> UnsafePointer<Element> {
        let copy = UnsafeMutablePointer<Element>.allocate(capacity: Swift.max(count, 1))
        for (index, element) in enumerated() { (copy + index).initialize(to: element) }
        return UnsafePointer(copy)
    }
}
