import Common

/// The labels of a metadata line, ready for documents.
struct MetadataLabels: Sendable {
    fileprivate struct Label: Sendable {
        /// `"key":value` in `text`, and in it the key without quotes.
        let member: Range<Int>
        let key: Range<Int>
        let isNumber: Bool
    }

    fileprivate let text: [UInt8]
    fileprivate let labels: [Label]

    /// - Parameter value: the object that the agent sent.
    init(_ value: FieldValue, _ line: RawSpan) {
        var text = ByteBuffer()
        var labels: [Label] = []
        var keys = (MemberKeys(), MemberKeys())
        var reader = ListReader(value)
        while let member = reader.nextMember(line) {
            let start = text.count
            guard let key = text.append(label: member, line) else { continue }
            let isNumber = member.value.kind == .number
            if isNumber ? keys.1.insert(key, in: text) : keys.0.insert(key, in: text) {
                labels.append(Label(member: start..<text.count, key: key, isNumber: isNumber))
            } else {
                text.truncate(to: start)
            }
        }
        self.text = text.array
        self.labels = labels
    }
}

extension MetadataLabels {
    /// More than this of labels is no dimension: every group of every roll-up would hold a copy of them.
    private static let maxRollUpBytes = 8 << 10

    /// Whether roll-ups are made by these labels.
    var fitRollUps: Bool { text.count <= Self.maxRollUpBytes }

    /// Whether a label of an event may take the place of one of these.
    func mayBeOverridden(by value: FieldValue, _ line: RawSpan) -> Bool {
        guard !labels.isEmpty else { return false }
        var reader = ListReader(value)
        while let (key, value) = reader.nextMember(line) {
            guard value.isGiven else { continue }
            // Escapes are compared when they are resolved.
            guard key.kind == .string else { return true }
            for label in labels where label.key.count == key.range.count && matches(label, key, line) {
                return true
            }
        }
        return false
    }

    private func matches(_ label: Label, _ key: FieldValue, _ line: RawSpan) -> Bool {
        for offset in 0..<label.key.count {
            let byte = line[key.range.lowerBound + offset]
            let isSpecial = byte == UInt8(ascii: ".") || byte == UInt8(ascii: "*")
            guard text[label.key.lowerBound + offset] == (isSpecial ? UInt8(ascii: "_") : byte) else {
                return false
            }
        }
        return true
    }
}

/// Memory for the labels of one event at a time.
struct LabelScratch: ~Copyable {
    fileprivate var strings = ByteBuffer(capacity: 1024)
    fileprivate var numbers = ByteBuffer(capacity: 256)
    fileprivate var stringKeys = MemberKeys()
    fileprivate var numberKeys = MemberKeys()

    fileprivate mutating func removeAll() {
        strings.removeAll()
        numbers.removeAll()
        stringKeys.removeAll()
        numberKeys.removeAll()
    }

    /// Begins anew with the labels of an event.
    fileprivate mutating func take(_ value: FieldValue, _ line: RawSpan) {
        removeAll()
        var reader = ListReader(value)
        while let member = reader.nextMember(line) { add(member, line) }
    }

    /// Adds the metadata's, but for keys that are there.
    fileprivate mutating func add(_ metadata: borrowing MetadataLabels) {
        for label in metadata.labels { add(label, of: metadata.text.span.bytes) }
    }

    private mutating func add(_ label: (key: FieldValue, value: FieldValue), _ line: RawSpan) {
        if label.value.isNumeric(line) {
            numbers.append(label: label, line, &numberKeys)
        } else {
            strings.append(label: label, line, &stringKeys)
        }
    }

    private mutating func add(_ label: MetadataLabels.Label, of text: RawSpan) {
        if label.isNumber {
            numbers.append(label: label, of: text, &numberKeys)
        } else {
            strings.append(label: label, of: text, &stringKeys)
        }
    }
}

extension ByteBuffer {
    /// Appends `labels` and `numeric_labels` of a request.
    mutating func append(_ labels: borrowing MetadataLabels) {
        appendLabels(#""labels":"#, labels, ofNumbers: false)
        appendLabels(#""numeric_labels":"#, labels, ofNumbers: true)
    }

    private mutating func appendLabels(
        _ key: StaticString,
        _ labels: borrowing MetadataLabels,
        ofNumbers isNumber: Bool
    ) {
        let object = openObject(key)
        for label in labels.labels where label.isNumber == isNumber {
            separate()
            append(labels.text.span.bytes, label.member)
        }
        closeObject(object)
    }

    /// Appends `labels` and `numeric_labels` of an event: its own, and those of the metadata that it leaves alone.
    mutating func append(
        labels value: FieldValue,
        _ line: RawSpan,
        over metadata: borrowing MetadataLabels,
        _ scratch: inout LabelScratch
    ) {
        scratch.take(value, line)
        scratch.add(metadata)
        append(scratch)
    }

    /// Appends `labels` and `numeric_labels` of the metadata alone, without those that an event's take the place of.
    mutating func append(
        labels metadata: borrowing MetadataLabels,
        without value: FieldValue,
        _ line: RawSpan,
        _ scratch: inout LabelScratch
    ) {
        scratch.take(value, line)
        scratch.strings.removeAll()
        scratch.numbers.removeAll()
        scratch.add(metadata)
        append(scratch)
    }

    private mutating func append(_ scratch: borrowing LabelScratch) {
        let labels = openObject(#""labels":"#)
        append(scratch.strings)
        closeObject(labels)
        let numbers = openObject(#""numeric_labels":"#)
        append(scratch.numbers)
        closeObject(numbers)
    }

    /// Appends `"key":value`; nothing for a null.
    ///
    /// - Returns: where the key stands, without quotes.
    fileprivate mutating func append(label: (key: FieldValue, value: FieldValue), _ line: RawSpan) -> Range<
        Int
    >? {
        guard label.value.isGiven else { return nil }
        guard let key = append(sanitizedKey: label.key, line) else { return nil }
        switch label.value.kind {
        case .true: append(#""true""# as StaticString)
        case .false: append(#""false""# as StaticString)
        default: append(label.value, line)
        }
        return key
    }

    fileprivate mutating func append(
        label: (key: FieldValue, value: FieldValue),
        _ line: RawSpan,
        _ keys: inout MemberKeys
    ) {
        let mark = count
        if count > 0 { append(UInt8(ascii: ",")) }
        guard let key = append(label: label, line), keys.insert(key, in: self) else {
            truncate(to: mark)
            return
        }
    }

    fileprivate mutating func append(
        label: MetadataLabels.Label,
        of text: RawSpan,
        _ keys: inout MemberKeys
    ) {
        let mark = count
        if count > 0 { append(UInt8(ascii: ",")) }
        let start = count
        append(text, label.member)
        let key = start + 1..<start + 1 + label.key.count
        if !keys.insert(key, in: self) { truncate(to: mark) }
    }
}

extension FieldValue {
    /// Whether this is a number, or a list of numbers as attributes of OpenTelemetry may be.
    fileprivate func isNumeric(_ line: RawSpan) -> Bool {
        guard kind == .array else { return kind == .number }
        let first = line[range.lowerBound + 1]
        return first &- 48 < 10 || first == UInt8(ascii: "-")
    }
}
