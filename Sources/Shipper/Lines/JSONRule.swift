import Common

/// How lines that are JSON objects become fields (`json`).
struct JSONRule: Sendable {
    /// The member that takes the object; empty for the event itself.
    var target = "json"
    /// Whether values of the line replace those that the shipper sets.
    ///
    /// What says where the line came from (`log.offset`, `log.file`, `agent`) is never replaced: it keeps events apart.
    var overwritesKeys = false
    /// `{"a.b":1}` becomes `{"a":{"b":1}}`.
    var expandsKeys = false
    /// The member that holds the text, for `message`, multi-line rules and filters; empty for none.
    var messageKey = ""
    /// Whether an event says why its line could not be read as JSON.
    var addsErrorKey = false

    /// Puts a line's object into the event's members.
    ///
    /// - Returns: why `@timestamp` was not taken over; nil when it was, or there was none to take.
    func apply(_ object: JSONObject, to event: inout JSONObject) -> String? {
        guard target.isEmpty else {
            event.set(Array(target.utf8), .object(object))
            return nil
        }
        var object = object
        var complaint: String?
        if overwritesKeys, let text = object["@timestamp"]?.string {
            let time = CalendarTime.parse(iso8601: text.span.bytes, 0..<text.count)
            if let time {
                var json = ByteBuffer(capacity: 32)
                json.append(UInt8(ascii: "\""))
                json.append(iso8601: time)
                json.append(UInt8(ascii: "\""))
                event.set("@timestamp", .text(json.array))
            } else {
                complaint =
                    "@timestamp not overwritten (parse error on \(String(decoding: text.prefix(100), as: UTF8.self)))"
            }
        }
        object.remove("@timestamp")
        object.remove("agent")
        object.keepOnlyNewLogMembers()
        // The host of the line is where the application ran; ours is where its log lies.
        let host = object["host"]
        if let message = object["message"] { event.set("message", message) }
        event.merge(object, overwrites: overwritesKeys)
        if case .object(let its)? = host {
            var merged = its
            if case .object(let mine)? = event["host"] { merged.merge(mine, overwrites: false) }
            event.set("host", .object(merged))
        }
        return complaint
    }
}

extension JSONObject {
    /// Drops what would change where a line came from.
    fileprivate mutating func keepOnlyNewLogMembers() {
        guard case .object(var log)? = self["log"] else {
            remove("log")
            return
        }
        for key in ["offset", "file", "flags"] as [StaticString] { log.remove(key) }
        set("log", .object(log))
    }
}
