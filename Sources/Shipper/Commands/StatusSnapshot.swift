import Common

/// What one `/stats` of a shipper says, as far as `shipper status` shows it.
struct StatusSnapshot: Equatable {
    struct File: Equatable {
        let path: String
        let size: Int
        let stored: Int
        let lagBytes: Int
        let lagSeconds: Double
    }

    let version: String
    let processID: Int
    let uptimeMilliseconds: Int
    /// What is wrong; empty when nothing is.
    let reasons: [String]
    let isConnected: Bool
    let connectionError: String?
    let registryError: String?
    let windowsOutstanding: Int
    let oldestWindowSeconds: Int
    let lagBytes: Int
    let lagSeconds: Double
    let fileCount: Int
    let files: [File]
    let eventsStored: Int
    let bytesStored: Int

    /// - Returns: nil when `body` is not what a shipper answers.
    init?(_ body: [UInt8]) {
        let bytes = body.span.bytes
        guard JSONLookup.text(bytes, ["service", "name"]) == "shipper",
            let version = JSONLookup.text(bytes, ["service", "version"]),
            let processID = JSONLookup.integer(bytes, ["pid"]),
            let uptime = JSONLookup.integer(bytes, ["uptime_milliseconds"]),
            let connected = JSONLookup.range(bytes, ["shipping", "connected"])
        else { return nil }
        self.version = version
        self.processID = processID
        uptimeMilliseconds = uptime
        isConnected = bytes.text(connected) == "true"
        func number(_ path: String...) -> Int { JSONLookup.integer(bytes, path) ?? 0 }
        reasons = Self.elements(bytes, ["health", "reasons"]).compactMap {
            JSONLookup.text(bytes.extracting($0), [])
        }
        connectionError = JSONLookup.text(bytes, ["shipping", "connection_error"])
        registryError = JSONLookup.text(bytes, ["shipping", "registry_error"])
        windowsOutstanding = number("shipping", "windows", "outstanding")
        oldestWindowSeconds = number("shipping", "windows", "oldest_seconds")
        lagBytes = number("shipping", "lag_bytes")
        lagSeconds = Self.double(bytes, ["shipping", "lag_seconds"])
        fileCount = number("shipping", "files", "count")
        eventsStored = number("metrics", "shipper_events_stored_total")
        bytesStored = number("metrics", "shipper_line_bytes_stored_total")
        files = Self.elements(bytes, ["shipping", "files", "shown"]).compactMap { range in
            let bytes = bytes.extracting(range)
            guard let path = JSONLookup.text(bytes, ["path"]) else { return nil }
            return File(
                path: path,
                size: JSONLookup.integer(bytes, ["size"]) ?? 0,
                stored: JSONLookup.integer(bytes, ["stored"]) ?? 0,
                lagBytes: JSONLookup.integer(bytes, ["lag_bytes"]) ?? 0,
                lagSeconds: Self.double(bytes, ["lag_seconds"])
            )
        }
    }

    /// The elements of an array; none when it is not there.
    private static func elements(_ bytes: RawSpan, _ path: [String]) -> [Range<Int>] {
        guard let array = JSONLookup.range(bytes, path) else { return [] }
        var reader = JSONReader(offset: array.lowerBound)
        var elements: [Range<Int>] = []
        var isFirst = true
        do throws(JSONError) {
            try reader.beginArray(bytes)
            while try reader.nextElement(bytes, isFirst: &isFirst) {
                elements.append(try reader.value(bytes))
            }
        } catch {
            // It is no array: `range` has read the value to its end.
            return []
        }
        return elements
    }

    private static func double(_ bytes: RawSpan, _ path: [String]) -> Double {
        JSONLookup.range(bytes, path).flatMap { Double(bytes.text($0)) } ?? 0
    }
}
