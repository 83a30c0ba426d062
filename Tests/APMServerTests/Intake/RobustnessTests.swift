import Common
import Testing

@testable import APMServer

@Suite("Whatever a client sends")
struct RobustnessTests {
    @Test("a line cut anywhere is refused", arguments: ValidLine.all)
    func cut(line: String) {
        var decoder = EventDecoder()
        var fields = EventFields()
        let line = Array(line.utf8)
        let taken = line.indices.filter { decoder.decode(Array(line[..<$0]), into: &fields).message == nil }
        #expect(taken.isEmpty)
        #expect(decoder.decode(line, into: &fields).message == nil)
    }

    @Test("recorded lines cut anywhere are refused, and nothing breaks", arguments: IntakeFixture.names)
    func cutFixture(name: String) throws {
        var decoder = EventDecoder()
        var fields = EventFields()
        for line in try IntakeFixture.lines(name) {
            let end = line.lastIndex(of: UInt8(ascii: "}")) ?? line.count
            let lengths = stride(from: 0, to: end, by: max(1, line.count / 150))
            let taken = lengths.filter { decoder.decode(Array(line[..<$0]), into: &fields).message == nil }
            #expect(taken.isEmpty)
        }
    }

    /// What is put into lines: bytes and pieces that mean something to the decoder.
    private static let pieces = [
        "\"", "{", "}", "[", "]", ",", ":", "null", "\\", "\\u", "\\ud83d", "-", "1e999", "{}", "[]",
        "\u{1F600}", "0",
        "\"\"", "true", "{\"a\":", "*", ".", "e", " ",
    ].map { Array($0.utf8) }

    @Test("lines with random changes are taken or refused, and what is taken can be read")
    func mutations() throws {
        var random = Generator(state: 42)
        var decoder = EventDecoder()
        var fields = EventFields()
        let lines = try IntakeFixture.allLines + ValidLine.all.map { Array($0.utf8) }
        for line in lines {
            for _ in 0..<20 {
                let changed = Self.changed(line, &random)
                switch decoder.decode(changed, into: &fields) {
                case .refused(let reason, let message):
                    #expect(!message.isEmpty && [.decode, .type, .validation].contains(reason))
                case .metadata(let dialect): Self.readAll(fields, dialect, changed.span.bytes)
                case .event(let kind):
                    Self.readAll(fields, kind.dialect, changed.span.bytes)
                    // The fast look and the slow one agree.
                    let root = CompiledSchema.shared.events.first { $0.kind == kind }?.object ?? -1
                    let finder = ViolationFinder(.shared)
                    #expect(finder.violation(root, changed.span.bytes) == nil)
                }
            }
        }
    }

    private static func changed(_ line: [UInt8], _ random: inout Generator) -> [UInt8] {
        var line = line
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            guard !line.isEmpty else { return line }
            let index = Int.random(in: 0..<line.count, using: &random)
            switch Int.random(in: 0..<5, using: &random) {
            case 0: line[index] = UInt8.random(in: 0...255, using: &random)
            case 1: line.remove(at: index)
            case 2:
                line.removeSubrange(index..<min(line.count, index + Int.random(in: 1...40, using: &random)))
            case 3:
                line.insert(contentsOf: pieces[Int.random(in: 0..<pieces.count, using: &random)], at: index)
            default: line.swapAt(index, Int.random(in: 0..<line.count, using: &random))
            }
        }
        return line
    }

    /// Reads every value, and the elements of lists as those who write documents do.
    private static func readAll(_ fields: EventFields, _ dialect: Dialect, _ line: RawSpan) {
        for field in Field.allCases where fields[field].isGiven {
            let value = fields[field]
            if value.range.upperBound > line.byteCount { Issue.record("\(field) ends behind the line") }
            _ = (value.integer(line), value.double(line), value.scaled(line, scale: 6), value.time(line))
            _ = value.string(line)
        }
        let lists: [(Field, ElementKind)] = [
            (.links, .link), (.droppedSpansStats, .droppedSpanStatistics), (.stacktrace, .frame),
            (.exceptionCause, .exception), (.nestedSpans, .nestedSpan), (.nestedMetricsets, .nestedMetricset),
        ]
        for (field, kind) in lists {
            var list = ListReader(fields[field])
            while let element = list.next(line) { read(kind, element, dialect, line) }
        }
        read(.exception, fields[.exception], dialect, line)
        read(.logRecord, fields[.log], dialect, line)
        var samples = ListReader(fields[.samples])
        while let (_, sample) = samples.nextMember(line) { read(.sample, sample, dialect, line) }
    }

    private static func read(_ kind: ElementKind, _ value: FieldValue, _ dialect: Dialect, _ line: RawSpan) {
        guard value.isGiven else { return }
        var decoder = EventDecoder()
        var fields = EventFields()
        decoder.element(kind, dialect, line, value.range, into: &fields)
        readAll(fields, dialect, line)
    }
}

/// SplitMix64: the same numbers in every run.
private struct Generator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
