import Common

/// Where a container wrote a line to.
enum OutputStream: Int, CaseIterable, Sendable {
    case stdout, stderr

    var name: StaticString { self == .stdout ? "stdout" : "stderr" }
}

/// How container engines wrap lines (`container`).
struct ContainerRule: Sendable {
    enum Format: String, CaseIterable, Sendable { case auto, docker, cri }
    enum Stream: String, CaseIterable, Sendable { case all, stdout, stderr }

    var format = Format.auto
    var stream = Stream.all

    func wants(_ stream: OutputStream) -> Bool {
        switch self.stream {
        case .all: true
        case .stdout: stream == .stdout
        case .stderr: stream == .stderr
        }
    }
}

/// One line of a container engine's log file.
///
///     {"log":"text\n","stream":"stdout","time":"2023-10-06T00:17:09.669794202Z"}     Docker's json-file
///     2023-10-06T00:17:09.669794202Z stdout F text                                   CRI: P for a part, F for the last
struct ContainerLine {
    let stream: OutputStream
    let time: CalendarTime?
    /// Whether the line goes on in the next one of the same stream.
    let isPart: Bool

    /// Reads a line and appends its text to `text`; nil for what is no such line.
    static func read(
        _ bytes: RawSpan,
        _ line: Range<Int>,
        _ format: ContainerRule.Format,
        text: inout ByteBuffer
    ) -> ContainerLine? {
        let isObject = !line.isEmpty && bytes[line.lowerBound] == UInt8(ascii: "{")
        switch format {
        case .docker: return docker(bytes, line, &text)
        case .cri: return cri(bytes, line, &text)
        case .auto: return isObject ? docker(bytes, line, &text) : cri(bytes, line, &text)
        }
    }

    private static func docker(
        _ bytes: RawSpan,
        _ line: Range<Int>,
        _ text: inout ByteBuffer
    ) -> ContainerLine? {
        bytes.withUnsafeBytes { all in
            let object = UnsafeRawBufferPointer(rebasing: all[line]).bytes
            var stream = OutputStream.stdout
            var time: CalendarTime?
            var log: JSONReader.Text?
            do throws(JSONError) {
                var reader = JSONReader()
                try reader.beginObject(object)
                var isFirst = true
                while let key = try reader.nextKey(object, isFirst: &isFirst) {
                    let kind = try reader.kind(object)
                    guard kind == .string else {
                        _ = try reader.value(object)
                        continue
                    }
                    let value = try reader.string(object)
                    if object.equals("log", key.range) {
                        log = value
                    } else if object.equals("stream", key.range) {
                        guard let known = Self.stream(object, value.range) else { return nil }
                        stream = known
                    } else if object.equals("time", key.range) {
                        time = CalendarTime.parse(iso8601: object, value.range)
                    }
                }
                try reader.end(object)
            } catch {
                return nil
            }
            guard let log else { return nil }
            let start = text.count
            text.append(unescaped: log, of: object)
            guard text.count > start, text[text.count - 1] == UInt8(ascii: "\n") else {
                return ContainerLine(stream: stream, time: time, isPart: true)
            }
            text.truncate(to: text.count - 1)
            if text.count > start, text[text.count - 1] == UInt8(ascii: "\r") {
                text.truncate(to: text.count - 1)
            }
            return ContainerLine(stream: stream, time: time, isPart: false)
        }
    }

    private static func cri(_ bytes: RawSpan, _ line: Range<Int>, _ text: inout ByteBuffer) -> ContainerLine?
    {
        let blank = UInt8(ascii: " ")
        guard let first = bytes.firstIndex(of: blank, in: line),
            let time = CalendarTime.parse(iso8601: bytes, line.lowerBound..<first),
            let second = bytes.firstIndex(of: blank, in: first + 1..<line.upperBound),
            let stream = stream(bytes, first + 1..<second)
        else { return nil }
        // Tags are separated by colons, and the first says whether the line is whole; an empty text may lack its blank.
        let third = bytes.firstIndex(of: blank, in: second + 1..<line.upperBound) ?? line.upperBound
        guard third > second + 1 else { return nil }
        let tag = bytes[second + 1]
        guard tag == UInt8(ascii: "F") || tag == UInt8(ascii: "P"),
            third == second + 2 || bytes[second + 2] == UInt8(ascii: ":")
        else { return nil }
        text.append(bytes, min(third + 1, line.upperBound)..<line.upperBound)
        return ContainerLine(stream: stream, time: time, isPart: tag == UInt8(ascii: "P"))
    }

    private static func stream(_ bytes: RawSpan, _ range: Range<Int>) -> OutputStream? {
        if bytes.equals("stdout", range) { return .stdout }
        return bytes.equals("stderr", range) ? .stderr : nil
    }
}
