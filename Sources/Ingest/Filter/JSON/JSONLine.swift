import Common

/// Reads lines that are JSON objects into events, and holds the members that their format takes for itself.
struct JSONLine: ~Copyable {
    private let members: LineMembers
    /// Whether lines that are nearly JSON are mended (`ByteBuffer.append(mendedJSON:)`).
    private let mends: Bool
    private var captured: [LineMembers.Captured] = []
    /// The text of each, its escapes resolved.
    private var texts: [Range<Int>] = []
    private var scratch = ByteBuffer()

    init(_ members: LineMembers, mends: Bool) {
        self.members = members
        self.mends = mends
    }

    /// Sets the fields that members of the line are.
    ///
    /// - Returns: whether ranges are of `copy`, which then holds the line and the texts behind it.
    mutating func read(
        _ line: RawSpan,
        of payload: RawSpan,
        copy: inout ByteBuffer,
        into event: inout Event
    ) throws(LineFailure) -> Bool {
        do throws(EventDecoder.Failure) {
            let hasLoneSurrogate = try decode(line, payload, &event)
            guard hasLoneSurrogate || captured.contains(where: \.text.hasEscapes) else {
                texts.removeAll(keepingCapacity: true)
                for member in captured { texts.append(member.text.range) }
                return false
            }
            // As long as the line, so that ranges keep their meaning.
            copy.append(repairingSurrogates: line)
        } catch {
            guard mends, case .json = error else { throw Self.failure(error) }
            copy.append(mendedJSON: line)
            // Up to the error the mended line is the same, so what was set is set again.
            var hasLoneSurrogate = false
            do throws(EventDecoder.Failure) {
                try copy.withSpan { text throws(EventDecoder.Failure) in
                    hasLoneSurrogate = try decode(text, payload, &event)
                }
            } catch {
                throw Self.failure(error)
            }
            if hasLoneSurrogate { repairSurrogates(in: &copy) }
        }
        resolveEscapes(in: &copy)
        return true
    }

    /// Calls `body` with each member that the format takes, and where its text stands.
    func forEach(_ body: (LineMembers.Captured, Range<Int>) -> Void) {
        for (member, text) in zip(captured, texts) { body(member, text) }
    }

    private mutating func decode(
        _ text: RawSpan,
        _ payload: RawSpan,
        _ event: inout Event
    ) throws(EventDecoder.Failure) -> Bool {
        try EventDecoder.decode(line: text, of: payload, members, captured: &captured, into: &event)
    }

    private static func failure(_ error: EventDecoder.Failure) -> LineFailure {
        LineFailure(reason: "the line is no JSON object: \(error)", hasWritten: true, isJSON: true)
    }

    private mutating func repairSurrogates(in copy: inout ByteBuffer) {
        scratch.removeAll()
        copy.withSpan { scratch.append(repairingSurrogates: $0) }
        copy.removeAll()
        copy.append(scratch)
    }

    /// Appends the values of strings with escapes to the line that `copy` holds, and sets `texts`.
    private mutating func resolveEscapes(in copy: inout ByteBuffer) {
        texts.removeAll(keepingCapacity: true)
        scratch.removeAll()
        let end = copy.count
        for member in captured {
            guard member.text.hasEscapes else {
                texts.append(member.text.range)
                continue
            }
            let start = scratch.count
            copy.withSpan { scratch.append(unescaped: member.text, of: $0) }
            texts.append(end + start..<end + scratch.count)
        }
        copy.append(scratch)
        scratch.shrink(to: 64 << 10)
    }
}
