import Common

/// Lines of syslog: RFC 5424, RFC 3164 with or without its priority, and the files of rsyslog with RFC 3339 times.
///
///     <165>1 2026-11-22T10:15:41.003Z web-1 shop 4711 ID47 [origin ip="192.0.2.1"] text
///     <34>Nov 22 10:15:41 web-1 sshd[4711]: text
///     2026-11-22T10:15:41.123456+00:00 web-1 sshd[4711]: text
final class SyslogFormat: LineFormat {
    let needsZone = true

    /// Names of RFC 5424, table 1, as syslog.conf has them.
    private static let facilities = [
        "kernel", "user-level", "mail", "system", "security/authorization", "syslogd", "line printer",
        "network news", "uucp", "clock", "security/authorization", "ftp", "ntp", "log audit", "log alert",
        "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
    ]
    private static let severities = [
        "emergency", "alert", "critical", "error", "warning", "notice", "informational", "debug",
    ]
    private static let levels = ["emerg", "alert", "crit", "error", "warning", "notice", "info", "debug"]

    private let facilityNames: [Range<Int>]
    private let severityNames: [Range<Int>]
    private let levelNames: [Range<Int>]

    init(event: inout Event) {
        facilityNames = Self.facilities.map { event.addConstant("\"\($0)\"") }
        severityNames = Self.severities.map { event.addConstant("\"\($0)\"") }
        levelNames = Self.levels.map { event.addConstant("\"\($0)\"") }
    }

    func read(
        _ line: RawSpan,
        of payload: RawSpan,
        _ context: LineContext,
        copy: inout ByteBuffer,
        into event: inout Event
    ) throws(LineFailure) -> LineFacts {
        guard let record = SyslogRecord(line, context) else {
            throw LineFailure(
                reason: "the line is neither RFC 5424 nor RFC 3164 nor a line of rsyslog's files"
            )
        }
        if let priority = record.priority { setPriority(priority, &event) }
        if let version = record.version {
            event.set(.syslogVersion, text: version, in: .line)
        }
        if let host = record.host {
            event.set(.syslogHostname, text: host, in: .line)
            if !event.has(.hostHostname) { event.set(.hostHostname, text: host, in: .line) }
        }
        if let application = record.application {
            event.set(.syslogAppname, text: application, in: .line)
            event.set(.processName, text: application, in: .line)
        }
        if let process = record.process {
            event.set(.syslogProcessID, text: process, in: .line)
            if let number = Decimal.integer(line, process), number >= 0 {
                event.set(.processPID, integer: number)
            }
        }
        if let id = record.messageID { event.set(.syslogMessageID, text: id, in: .line) }
        if let data = record.structuredData { SyslogData.set(data, line, &event) }
        event.set(.message, text: record.message, in: .line)
        var facts = LineFacts()
        facts.time = record.time
        facts.badTime = record.badTime
        return facts
    }

    private func setPriority(_ priority: Int, _ event: inout Event) {
        let facility = priority >> 3
        let severity = priority & 7
        event.set(.syslogPriority, integer: Int64(priority))
        event.set(.syslogFacilityCode, integer: Int64(facility))
        event.set(.syslogFacilityName, json: facilityNames[facility], in: .arena)
        event.set(.syslogSeverityCode, integer: Int64(severity))
        event.set(.syslogSeverityName, json: severityNames[severity], in: .arena)
        event.set(.logLevel, json: levelNames[severity], in: .arena)
    }
}
