import Common

/// The events of one file that wait for more of their lines.
///
/// A file has one lane; one that a container engine writes has a lane for each of its output streams, whose lines may
/// alternate.
final class EventAssembly {
    struct Lane {
        /// A container line whose rest is still to come.
        var part: AssembledEvent?
        var event: AssembledEvent?

        var isEmpty: Bool { part == nil && event == nil }
    }

    var lanes = [Lane](repeating: Lane(), count: OutputStream.allCases.count)
    /// Everything before is in finished events, and no event goes on beyond it: where to begin again after a crash.
    var boundary: Int64
    /// Everything before has been taken.
    var position: Int64
    /// Monotonic time at which the last line came.
    var grownAt: Int64 = 0
    /// Complete, in the order of their ends.
    var finished: [AssembledEvent] = []
    /// Whether what waits was given up from memory, to be read again.
    var isParked = false
    /// Whether what waits is finished with the file's last line.
    var finishesAtEnd = false

    /// - Parameter offset: where a line begins.
    init(at offset: Int64) {
        boundary = offset
        position = offset
    }

    var isEmpty: Bool { lanes.allSatisfy(\.isEmpty) }

    /// Bytes held in memory.
    var textBytes: Int {
        lanes.reduce(0) { $0 + ($1.part?.text.capacity ?? 0) + ($1.event?.text.capacity ?? 0) }
    }
}
