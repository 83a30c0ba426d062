import Common

/// Makes events of lines by an input's rules; belongs to one thread, and serves all files of the input.
///
///     bytes ── encoding ── container ── json ── multiline ── max_bytes ── include/exclude ── event
///
/// The order is Filebeat's.
final class LineProcessor {
    let rules: LineRules
    let maxLineBytes: Int
    /// Lines that a filter left out, or whose stream is not wanted.
    private let excludedLines: Counter
    private let match = RegularExpressionMatch(captures: 99)
    /// By encoding of a file: with byte order marks an input can have several.
    private var decoders: [TextDecoder] = []
    private var decoded = ByteBuffer(capacity: 4096)
    private var unwrapped = ByteBuffer(capacity: 4096)
    private var spare: [AssembledEvent] = []
    /// Events kept for later ones.
    private static let maxSpare = 64
    /// Bytes of the file that unfinished events may span; beyond this they are finished as they are.
    ///
    /// An event may never end, and the lanes of a container log keep each other's boundary back.
    private let maxSpan: Int64

    init(_ rules: LineRules, maxLineBytes: Int, _ metrics: ShipperMetrics) {
        self.rules = rules
        excludedLines = metrics.excludedLines
        maxSpan = max(8 << 20, 2 * Int64(maxLineBytes))
        self.maxLineBytes = maxLineBytes
    }

    /// One physical line.
    struct Line {
        /// Where it begins and where the next one does, in the file.
        let start: Int64
        let next: Int64
        /// Whether bytes of it are missing behind those given.
        var isCut = false
        /// Whether its end has not been written yet.
        var isUnfinished = false
    }

    /// Takes the next line of a file; events that it completes are then in `assembly.finished`.
    ///
    /// - Parameters:
    ///   - content: the line without its end.
    ///   - encoding: of the file, `resolved`.
    func take(
        _ bytes: RawSpan,
        _ content: Range<Int>,
        _ line: Line,
        _ encoding: TextEncoding,
        into assembly: EventAssembly,
        now: Int64
    ) {
        if assembly.isEmpty { assembly.boundary = line.start }
        assembly.grownAt = now
        if encoding.isUTF8 {
            unwrap(bytes, content, line, into: assembly)
        } else {
            decoded.removeAll()
            decoder(encoding)?.append(bytes, content, to: &decoded)
            // Out of the property for the call: the processor is used inside.
            var text = ByteBuffer(capacity: 0)
            swap(&text, &decoded)
            text.withSpan { unwrap($0, 0..<$0.byteCount, line, into: assembly) }
            swap(&text, &decoded)
        }
        assembly.position = line.next
        if line.next - assembly.boundary > maxSpan { finishAll(of: assembly) }
        if assembly.isEmpty { assembly.boundary = line.next }
    }

    /// Until when an event of the file waits for another line; nil when none does.
    func deadline(of assembly: EventAssembly) -> Int64? {
        assembly.isEmpty && !assembly.isParked
            ? nil : assembly.grownAt + (rules.multiline?.timeout ?? .seconds(5)).nanoseconds
    }

    /// Finishes what waits for more lines.
    func finishAll(of assembly: EventAssembly) {
        for index in assembly.lanes.indices {
            if let part = assembly.lanes[index].part {
                assembly.lanes[index].part = nil
                part.isPartial = true
                join(part, lane: index, into: assembly)
            }
            finish(lane: index, of: assembly)
        }
        assembly.boundary = assembly.position
        assembly.finishesAtEnd = false
    }

    /// Gives up what waits, to be read again.
    func park(_ assembly: EventAssembly) {
        for index in assembly.lanes.indices {
            if let event = assembly.lanes[index].event { recycle(event) }
            if let part = assembly.lanes[index].part { recycle(part) }
            assembly.lanes[index] = EventAssembly.Lane()
        }
        assembly.position = assembly.boundary
        assembly.isParked = true
    }

    /// Takes an event back that was sent.
    func recycle(_ event: AssembledEvent) {
        if spare.count < Self.maxSpare { spare.append(event) }
    }

    // MARK: - Stages

    private func unwrap(
        _ text: RawSpan,
        _ range: Range<Int>,
        _ line: Line,
        into assembly: EventAssembly
    ) {
        let range = line.start == 0 ? LineSplitter.withoutByteOrderMark(range, text) : range
        guard let container = rules.container else {
            parse(text, range, line, lane: 0, nil, nil, into: assembly)
            return
        }
        guard !range.isEmpty else { return }
        unwrapped.removeAll()
        guard let found = ContainerLine.read(text, range, container.format, text: &unwrapped) else {
            let event = makeEvent(line, text, range)
            event.problem = ("container", "not a line of a container log")
            finishAll(of: assembly)
            deliver(event, of: assembly)
            return
        }
        guard container.wants(found.stream) else {
            excludedLines.add()
            return
        }
        let lane = found.stream.rawValue
        var whole = ByteBuffer(capacity: 0)
        swap(&whole, &unwrapped)
        defer { swap(&whole, &unwrapped) }
        let isPart = found.isPart && !line.isUnfinished
        if let part = assembly.lanes[lane].part {
            whole.withSpan { part.append($0, 0..<$0.byteCount, limit: maxLineBytes) }
            part.isTruncated = part.isTruncated || line.isCut
            guard !isPart else { return }
            assembly.lanes[lane].part = nil
            join(part, lane: lane, into: assembly)
        } else if isPart {
            let part = whole.withSpan { makeEvent(line, $0, 0..<$0.byteCount) }
            part.stream = found.stream
            part.time = found.time
            assembly.lanes[lane].part = part
        } else {
            whole.withSpan {
                parse($0, 0..<$0.byteCount, line, lane: lane, found.stream, found.time, into: assembly)
            }
        }
    }

    /// Makes an event of one whole line and joins it with those before.
    private func parse(
        _ text: RawSpan,
        _ range: Range<Int>,
        _ line: Line,
        lane: Int,
        _ stream: OutputStream?,
        _ time: CalendarTime?,
        into assembly: EventAssembly
    ) {
        let event = makeEvent(line, text, range)
        event.stream = stream
        event.time = time
        join(event, lane: lane, into: assembly)
    }

    private func join(_ line: AssembledEvent, lane: Int, into assembly: EventAssembly) {
        if let rule = rules.json { read(line, by: rule) }
        guard let rule = rules.multiline else {
            guard !line.text.isEmpty || line.object != nil else {
                recycle(line)
                return
            }
            deliver(line, of: assembly)
            return
        }
        let open = assembly.lanes[lane].event
        var traceback = open?.traceback ?? PythonTraceback()
        let decision = line.text.withSpan { rule.decide($0, lines: open?.lines ?? 0, &traceback, match) }
        if let open, decision.joins {
            append(line, to: open, rule)
            open.traceback = traceback
            recycle(line)
        } else {
            finish(lane: lane, of: assembly)
            // Empty lines count inside of an event only.
            guard !line.text.isEmpty || line.object != nil else {
                recycle(line)
                return
            }
            if assembly.isEmpty { assembly.boundary = line.start }
            line.traceback = traceback
            assembly.lanes[lane].event = line
        }
        if decision.ends || line.isPartial { finish(lane: lane, of: assembly) }
    }

    private func append(_ line: AssembledEvent, to event: AssembledEvent, _ rule: MultilineRule) {
        event.lines += 1
        event.isPartial = event.isPartial || line.isPartial
        event.isTruncated = event.isTruncated || line.isTruncated
        guard event.lines <= rule.maxLines else {
            event.isTruncated = true
            return
        }
        if !rule.skipsNewline {
            if event.text.count < maxLineBytes {
                event.text.append(UInt8(ascii: "\n"))
            } else if !line.text.isEmpty {
                event.isTruncated = true
            }
        }
        line.text.withSpan { event.append($0, 0..<$0.byteCount, limit: maxLineBytes) }
    }

    /// Reads the line's text as JSON; what is none stays the message.
    private func read(_ line: AssembledEvent, by rule: JSONRule) {
        guard !line.text.isEmpty else { return }
        do throws(JSONError) {
            line.object = try line.text.withSpan { text throws(JSONError) in
                try JSONObject(text, expandsKeys: rule.expandsKeys)
            }
            // Without a key for the message, filters look at the whole line.
            guard !rule.messageKey.isEmpty else { return }
            line.text.removeAll()
            if let message = line.object?[Array(rule.messageKey.utf8)]?.string {
                message.withUnsafeBytes { line.append($0.bytes, 0..<$0.count, limit: maxLineBytes) }
            }
        } catch {
            if rule.addsErrorKey { line.problem = ("json", "Error decoding JSON: \(error)") }
        }
    }

    private func finish(lane: Int, of assembly: EventAssembly) {
        guard let event = assembly.lanes[lane].event else { return }
        assembly.lanes[lane].event = nil
        if case .pythonTraceback? = rules.multiline?.kind { event.dropTrailingNewlines() }
        deliver(event, of: assembly)
    }

    private func deliver(_ event: AssembledEvent, of assembly: EventAssembly) {
        let isAdmitted = rules.filter.isEmpty || event.text.withSpan { rules.filter.admits($0, match) }
        guard isAdmitted else {
            excludedLines.add(event.lines)
            recycle(event)
            return
        }
        assembly.finished.append(event)
    }

    private func makeEvent(_ line: Line, _ text: RawSpan, _ range: Range<Int>) -> AssembledEvent {
        let event = spare.popLast() ?? AssembledEvent()
        event.reset(start: line.start)
        event.lines = 1
        event.isPartial = line.isUnfinished
        event.append(text, range, limit: maxLineBytes)
        if line.isCut { event.isTruncated = true }
        return event
    }

    private func decoder(_ encoding: TextEncoding) -> TextDecoder? {
        if let known = decoders.first(where: { $0.encoding == encoding }) { return known }
        let made = TextDecoder(encoding)
        if let made { decoders.append(made) }
        return made
    }
}

extension AssembledEvent {
    fileprivate func dropTrailingNewlines() {
        while !text.isEmpty, text[text.count - 1] == UInt8(ascii: "\n") { text.truncate(to: text.count - 1) }
    }
}
