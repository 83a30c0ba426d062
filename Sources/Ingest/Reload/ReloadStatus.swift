import Common
import Synchronization

/// How the reloads ended, for `/stats` and `/metrics`.
final class ReloadStatus: Sendable {
    private struct Last: Sendable {
        var success: CalendarTime?
        var failure: CalendarTime?
        var error: String?
    }

    /// Of a message that names all mistakes of a file.
    private static let maxErrorBytes = 4096

    private let successes: Counter
    private let failures: Counter
    private let last = Mutex(Last())

    init(_ metrics: Metrics) {
        successes = metrics.counter("ingest_reloads_total", "New configurations that were taken over.")
        failures = metrics.counter(
            "ingest_reload_errors_total",
            "New configurations that were refused; the one before stays."
        )
    }

    func succeeded(now: CalendarTime) {
        last.withLock { $0.success = now }
        successes.add()
    }

    func failed(_ error: String, now: CalendarTime) {
        let text = String(decoding: error.utf8.prefix(Self.maxErrorBytes), as: UTF8.self)
        last.withLock {
            $0.failure = now
            $0.error = text
        }
        failures.add()
    }

    /// As Logstash shows them: `{"successes":1,"failures":0,"last_error":null,…}`.
    var json: [UInt8] {
        let last = last.withLock { $0 }
        var json = ByteBuffer(capacity: 256)
        json.append(#"{"successes":\#(successes.total),"failures":\#(failures.total),"last_error":"#)
        if let error = last.error {
            json.append(#"{"message":"# as StaticString)
            json.append(jsonString: error)
            json.append(UInt8(ascii: "}"))
        } else {
            json.append("null" as StaticString)
        }
        for (key, time) in [
            ("last_success_timestamp", last.success), ("last_failure_timestamp", last.failure),
        ] {
            json.append(#","\#(key)":"#)
            json.append(time.map { "\"\($0.iso8601)\"" } ?? "null")
        }
        json.append(UInt8(ascii: "}"))
        return json.array
    }
}
