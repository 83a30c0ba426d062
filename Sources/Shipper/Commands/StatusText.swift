import Common

/// What `shipper status` prints of two snapshots, one a moment after the other.
struct StatusText {
    /// Files shown at most; those that are behind come first.
    private static let maxFiles = 100

    let before: StatusSnapshot
    let now: StatusSnapshot

    var text: String {
        let health = now.reasons.isEmpty ? "healthy" : "unhealthy"
        let uptime = Readable.seconds(now.uptimeMilliseconds / 1000)
        var lines = ["shipper \(now.version), process \(now.processID), up \(uptime), \(health)"]
        lines += now.reasons.map { "wrong       \($0)" }
        let error = now.connectionError.map { "; last error: \($0)" } ?? ""
        lines.append("output      \(now.isConnected ? "connected" : "not connected")\(error)")
        let oldest = now.windowsOutstanding > 0 ? ", the oldest for \(now.oldestWindowSeconds) s" : ""
        lines.append("windows     \(now.windowsOutstanding) without ack\(oldest)")
        if let error = now.registryError { lines.append("registry    not saved: \(error)") }
        let age = now.lagSeconds > 0 ? " for \(Readable.seconds(Int(now.lagSeconds)))" : ""
        lines.append("behind      \(Readable.bytes(now.lagBytes))\(age)")
        lines.append(
            "stored      \(now.eventsStored) lines, \(Readable.bytes(now.bytesStored)); now \(rates)"
        )
        lines.append("files       \(now.fileCount)")
        return lines.map { TextTable.printable($0) + "\n" }.joined() + table
    }

    private var rates: String {
        // Another process than a moment ago counts from 0 again.
        let milliseconds = now.uptimeMilliseconds - before.uptimeMilliseconds
        guard now.processID == before.processID, milliseconds > 0 else { return "not known" }
        let events = (now.eventsStored - before.eventsStored) * 1000 / milliseconds
        let bytes = (now.bytesStored - before.bytesStored) * 1000 / milliseconds
        return "\(events) lines/s, \(Readable.bytes(bytes))/s"
    }

    private var table: String {
        var table = TextTable([
            ("FILE", .left), ("SIZE", .right), ("STORED", .right), ("BEHIND", .right), ("FOR", .right),
        ])
        for file in now.files.prefix(Self.maxFiles) {
            table.add([
                file.path, Readable.bytes(file.size), Readable.bytes(file.stored),
                Readable.bytes(file.lagBytes),
                file.lagSeconds > 0 ? Readable.seconds(Int(file.lagSeconds)) : "-",
            ])
        }
        guard !table.isEmpty else { return "" }
        let more = now.fileCount - min(now.files.count, Self.maxFiles)
        return "\n" + table.text + (more > 0 ? "and \(more) more\n" : "")
    }
}
