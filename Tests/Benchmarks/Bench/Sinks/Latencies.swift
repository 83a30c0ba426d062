/// Samples of one latency and their percentiles.
struct Latencies {
    private var nanoseconds: [Int64] = []

    mutating func add(_ sample: Int64) { nanoseconds.append(sample) }

    /// JSON members with milliseconds; nothing when nothing was measured.
    var json: String {
        guard !nanoseconds.isEmpty else { return "" }
        let sorted = nanoseconds.sorted()
        func milliseconds(_ share: Double) -> Double {
            Double(sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))]) / 1e6
        }
        return ",\"latency_p50_ms\":\(milliseconds(0.5)),\"latency_p99_ms\":\(milliseconds(0.99))"
            + ",\"latency_max_ms\":\(milliseconds(1))"
    }
}
