import Common
import Glibc

/// Writes a log file of any size out of a small real one.
///
/// Its last line is of now, a thousand lines a second.
struct ResampledLog {
    private let source: String
    private let path: String
    private let count: Int

    init(_ arguments: Arguments) throws(BenchError) {
        source = try arguments.text("source")
        path = try arguments.text("out")
        count = try arguments.number("count")
    }

    func write() throws {
        var mixer = LineMixer(try CombinedLine.load(source), count: count)
        let file = try Descriptor.open(path, O_WRONLY | O_CREAT | O_TRUNC)
        let end = Clock.now.nanoseconds
        var buffer = ByteBuffer(capacity: 1 << 20)
        var bytes = 0
        for index in 0..<count {
            let age = Int64(count - index) * 1_000_000
            mixer.append(to: &buffer, at: CalendarTime(nanoseconds: end - age))
            buffer.append(UInt8(ascii: "\n"))
            if buffer.count > 1 << 20 || index == count - 1 {
                try buffer.withUnsafeBytes { (chunk) throws(Errno) in try file.writeAll(chunk) }
                bytes += buffer.count
                buffer.removeAll()
            }
        }
        Console.report("{\"event\":\"written\",\"lines\":\(count),\"bytes\":\(bytes)}")
    }
}
