import Common

extension ShipperMonitor {
    /// What one followed file looks like from outside.
    struct FileRow: Equatable, Sendable {
        let path: String
        let size: Int64
        let read: Int64
        let stored: Int64
        /// How long the oldest of its lines that are not stored has waited.
        let age: Duration
        let isOpen: Bool
        let isDeleted: Bool

        var lagBytes: Int64 { max(size - stored, 0) }
    }

    /// How the event loop stands.
    struct Report: Sendable {
        /// The files furthest behind, at most `maxRows`.
        var files: [FileRow] = []
        var fileCount = 0
        var lagBytes: Int64 = 0
        /// The file whose oldest line has waited for longest; nil when none waits.
        var oldest: FileRow?
        var isConnected = false
        /// Why the last connection failed, unless one has worked since.
        var connectionFailure: String?
        var windowsOutstanding = 0
        /// How long the oldest window has waited for its ack.
        var oldestWindow = Duration.zero
        /// Why the registry could not be saved, unless it was since.
        var registryFailure: String?
    }

    /// The connection, and the files furthest behind.
    ///
    ///     {"connected":true,"connection_error":null,"registry_error":null,
    ///      "windows":{"outstanding":1,"oldest_seconds":0},"lag_bytes":0,"lag_seconds":0,
    ///      "files":{"count":1,"shown":[{"path":"…","size":9,"read":9,"stored":9,"lag_bytes":0,…}]}}
    static func json(_ report: Report?) -> [UInt8] {
        guard let report else { return Array("null".utf8) }
        var text = ByteBuffer(capacity: 1024)
        text.append("{\"connected\":\(report.isConnected),\"connection_error\":")
        text.append(jsonText: report.connectionFailure)
        text.append(",\"registry_error\":")
        text.append(jsonText: report.registryFailure)
        text.append(",\"windows\":{\"outstanding\":\(report.windowsOutstanding)")
        text.append(",\"oldest_seconds\":\(report.oldestWindow.components.seconds)}")
        text.append(",\"lag_bytes\":\(report.lagBytes),\"lag_seconds\":")
        text.append(number: report.oldest?.age.inSeconds ?? 0)
        text.append(",\"files\":{\"count\":\(report.fileCount),\"shown\":[")
        for (index, file) in report.files.enumerated() {
            text.append(index > 0 ? ",{\"path\":" : "{\"path\":")
            text.append(jsonString: file.path)
            text.append(",\"size\":\(file.size),\"read\":\(file.read),\"stored\":\(file.stored)")
            text.append(",\"lag_bytes\":\(file.lagBytes),\"lag_seconds\":")
            text.append(number: file.age.inSeconds)
            text.append(",\"open\":\(file.isOpen),\"deleted\":\(file.isDeleted)}")
        }
        text.append("]}}")
        return text.array
    }
}

extension Duration {
    /// In seconds, to the millisecond.
    var inSeconds: Double { Double(nanoseconds / 1_000_000) / 1000 }
}

extension ByteBuffer {
    /// Appends a JSON string, or `null`.
    mutating func append(jsonText text: String?) {
        guard let text else {
            append("null" as StaticString)
            return
        }
        append(jsonString: text)
    }
}
