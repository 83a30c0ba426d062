import Common

/// The part of a file's events that is the same in each, encoded once.
///
///     {"@timestamp":"…","message":"…","log":{"offset":N ‖ ,"file":{…}},"host":{…},"agent":{…},…}
///                                                        └ `ending`, one copy per event
struct EventTemplate {
    /// What all events of one input say.
    struct Source: Sendable {
        var hostName = ""
        var agentID = ""
        var timezone = ""
        /// What `event.dataset` says; `event.module` is its part before the first dot.
        ///
        /// Empty: neither is sent.
        var dataset = ""
        /// JSON of the configured `fields`, an object; empty for none.
        var fieldsJSON: [UInt8] = []
        /// Whether they are members of the event itself.
        var areFieldsUnderRoot = false
        var tags: [String] = []
    }

    /// Everything behind the offset's digits.
    let ending: [UInt8]

    /// The members as an object, `log.offset` being 0: for events that are merged with others.
    var members: JSONObject {
        var text = ByteBuffer(capacity: ending.count + 32)
        text.append(#"{"log":{"offset":0"# as StaticString)
        text.append(ending)
        do {
            return try text.withSpan { bytes throws(JSONError) in try JSONObject(bytes, expandsKeys: false) }
        } catch {
            fatalError("EventTemplate: its own text is no JSON: \(error)")
        }
    }

    init(source: Source, path: String, key: FileKey, token: UInt64) {
        var text = ByteBuffer(capacity: 512)
        text.append(#","file":{"path":"# as StaticString)
        text.append(jsonString: path)
        text.append(#","device_id":""# as StaticString)
        text.append(decimal: Int64(bitPattern: key.deviceNumber))
        text.append(#"","inode":""# as StaticString)
        text.append(decimal: Int64(bitPattern: key.inode))
        text.append(#"","identity":""# as StaticString)
        text.append(hexadecimal: token)
        text.append(#""}},"host":{"name":"# as StaticString)
        text.append(jsonString: source.hostName)
        text.append(#"},"agent":{"type":"shipper","version":"# as StaticString)
        text.append(jsonString: Version.current)
        text.append(#","id":"# as StaticString)
        text.append(jsonString: source.agentID)
        text.append(#"},"event":{"timezone":"# as StaticString)
        text.append(jsonString: source.timezone)
        if !source.dataset.isEmpty {
            text.append(#","dataset":"# as StaticString)
            text.append(jsonString: source.dataset)
            text.append(#","module":"# as StaticString)
            text.append(jsonString: String(source.dataset.prefix { $0 != "." }))
        }
        text.append(UInt8(ascii: "}"))
        if source.fieldsJSON.count > 2 {
            if source.areFieldsUnderRoot {
                text.append(UInt8(ascii: ","))
                text.append(Array(source.fieldsJSON.dropFirst().dropLast()))
            } else {
                text.append(#","fields":"# as StaticString)
                text.append(source.fieldsJSON)
            }
        }
        if !source.tags.isEmpty {
            text.append(#","tags":["# as StaticString)
            for (index, tag) in source.tags.enumerated() {
                if index > 0 { text.append(UInt8(ascii: ",")) }
                text.append(jsonString: tag)
            }
            text.append(UInt8(ascii: "]"))
        }
        text.append(UInt8(ascii: "}"))
        ending = text.array
    }
}

extension FileKey {
    /// The device as stat(2) and Beats number it: glibc's `makedev`.
    var deviceNumber: UInt64 {
        let major = device >> 32
        let minor = device & 0xFFFF_FFFF
        let low = (minor & 0xFF) | (major & 0xFFF) << 8
        return low | (minor & ~0xFF) << 12 | (major & ~0xFFF) << 32
    }
}

extension ByteBuffer {
    /// Appends sixteen hexadecimal digits.
    mutating func append(hexadecimal value: UInt64) {
        for shift in stride(from: UInt64(60), through: 0, by: -4) {
            append(Hexadecimal.lowerCase(UInt8(truncatingIfNeeded: value >> shift) & 15))
        }
    }
}
