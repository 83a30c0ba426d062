/// An agent's answer as JSON text, ready to be copied into documents.
///
///     "name":"Chrome","version":"54.0","device":{"name":"Mac"},"os":{"name":"Mac OS X","version":"10.12.0",
///     "full":"Mac OS X 10.12.0"}
///
/// Field names: ECS `user_agent.*`. As in Elasticsearch's user_agent processor, an unknown system is left out, and
/// unknown names and devices are "Other".
package final class UserAgentEntry {
    /// The agent itself.
    let key: [UInt8]
    /// Members for the inside of a `user_agent` object, without a comma at either end; never empty.
    package let members: [UInt8]
    /// Each value alone, quotes included, as a part of `members`; nil when it is not known.
    let name: Range<Int>?
    let version: Range<Int>?
    let deviceName: Range<Int>?
    let osName: Range<Int>?
    let osVersion: Range<Int>?
    let osFull: Range<Int>?

    init(key: [UInt8], _ agent: UserAgent) {
        self.key = key
        var json = ByteBuffer(capacity: 256)
        let version = agent.browser.joinedVersion
        let osVersion = agent.system.joinedVersion
        name = json.member(#""name":"#, agent.browser.family ?? UserAgent.other)
        self.version = version.isEmpty ? nil : json.member(#","version":"#, version)
        if let device = agent.device.family {
            deviceName = json.member(#","device":{"name":"#, device)
            json.append(UInt8(ascii: "}"))
        } else {
            deviceName = nil
        }
        if let system = agent.system.family, system != UserAgent.other {
            osName = json.member(#","os":{"name":"#, system)
            if osVersion.isEmpty {
                self.osVersion = nil
                osFull = nil
            } else {
                self.osVersion = json.member(#","version":"#, osVersion)
                osFull = json.member(#","full":"#, system + [UInt8(ascii: " ")] + osVersion)
            }
            json.append(UInt8(ascii: "}"))
        } else {
            osName = nil
            self.osVersion = nil
            osFull = nil
        }
        members = json.array
    }

    /// What this entry holds, in bytes: the texts and about 200 for the objects around them.
    var cost: Int { key.count + members.count + 200 }
}

extension ByteBuffer {
    /// Appends `name` as it is and `value` as a JSON string; returns where the string lies.
    fileprivate mutating func member(_ name: StaticString, _ value: [UInt8]) -> Range<Int> {
        append(name)
        let start = count
        append(UInt8(ascii: "\""))
        append(jsonEscaped: value.span.bytes, 0..<value.count)
        append(UInt8(ascii: "\""))
        return start..<count
    }
}
