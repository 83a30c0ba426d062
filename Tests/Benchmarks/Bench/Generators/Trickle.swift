import Common
import Glibc

/// Appends lines to a file at a steady rate.
///
/// Each carries the moment of its write in the requested path.
struct Trickle {
    private let source: String
    private let path: String
    private let rate: Int
    private let seconds: Int

    init(_ arguments: Arguments) throws(BenchError) {
        source = try arguments.text("source")
        path = try arguments.text("out")
        rate = max(1, try arguments.number("rate"))
        seconds = try arguments.number("seconds")
    }

    func run() throws {
        let count = rate * seconds
        var mixer = LineMixer(try CombinedLine.load(source), count: count)
        let file = try Descriptor.open(path, O_WRONLY | O_CREAT | O_APPEND)
        var buffer = ByteBuffer()
        let start = Clock.monotonic
        for index in 0..<count {
            sleep(until: start + Int64(index) * 1_000_000_000 / Int64(rate))
            buffer.removeAll()
            mixer.append(to: &buffer, at: Clock.now, marker: LatencyMarker.path(at: Clock.monotonic))
            buffer.append(UInt8(ascii: "\n"))
            try buffer.withUnsafeBytes { (line) throws(Errno) in try file.writeAll(line) }
        }
        Console.report("{\"event\":\"written\",\"lines\":\(count),\"seconds\":\(seconds)}")
    }

    private func sleep(until moment: Int64) {
        var time = timespec(tv_sec: Int(moment / 1_000_000_000), tv_nsec: Int(moment % 1_000_000_000))
        while clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nil) == EINTR {}
    }
}
