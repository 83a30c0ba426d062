import Synchronization

/// For each reason that something was refused, the last thing that was: what a person looks at first.
///
/// Bounded in reasons and bytes. What it keeps comes from outside, as it came.
package final class RejectSamples: Sendable {
    private struct Sample: Sendable {
        let reason: String
        var message: [UInt8]
        var line: [UInt8]
        var count: Int
        /// Monotonic nanoseconds.
        var at: Int64
    }

    /// Reasons are few by design; further ones are not kept.
    private static let maxReasons = 64
    /// Enough to recognise a line; the rest may be megabytes.
    private static let maxLineBytes = 400
    private static let maxMessageBytes = 400

    private let samples = Mutex<[Sample]>([])

    package init() {}

    /// Replaces the sample of `reason`.
    ///
    /// - Parameters:
    ///   - message: what was wrong.
    ///   - line: what was refused; may be empty.
    ///   - now: monotonic nanoseconds.
    package func record(_ reason: String, message: String, line: RawSpan, now: Int64) {
        let cut = line.withUnsafeBytes { Array($0.prefix(Self.maxLineBytes)) }
        let text = Array(message.utf8.prefix(Self.maxMessageBytes))
        samples.withLock { samples in
            guard let index = samples.firstIndex(where: { $0.reason == reason }) else {
                guard samples.count < Self.maxReasons else { return }
                samples.append(Sample(reason: reason, message: text, line: cut, count: 1, at: now))
                return
            }
            samples[index].message = text
            samples[index].line = cut
            samples[index].count += 1
            samples[index].at = now
        }
    }

    /// A JSON array: `[{"reason":"…","message":"…","line":"…","count":3,"age_milliseconds":1200}]`.
    package func json(now: Int64) -> [UInt8] {
        var json = ByteBuffer(capacity: 1024)
        json.append(UInt8(ascii: "["))
        for (index, sample) in samples.withLock({ $0 }).enumerated() {
            if index > 0 { json.append(UInt8(ascii: ",")) }
            json.append(#"{"reason":"# as StaticString)
            json.append(jsonString: sample.reason)
            for (key, bytes) in [(#","message":""#, sample.message), (#","line":""#, sample.line)] {
                json.append(key)
                bytes.withUnsafeBytes { json.append(jsonEscaped: $0.bytes, 0..<$0.count) }
                json.append(UInt8(ascii: "\""))
            }
            json.append(#","count":\#(sample.count),"age_milliseconds":\#((now - sample.at) / 1_000_000)}"#)
        }
        json.append(UInt8(ascii: "]"))
        return json.array
    }
}
