import Common

/// A small JSON document to be shown, built as it reads; for answers to a person or a monitor, not for events.
indirect enum JSONTree {
    case object([(name: String, value: JSONTree)])
    case array([JSONTree])
    case string(String)
    /// Whole numbers are written without a fraction; what is no number is 0.
    case number(Double)
    case null
    /// Text that is JSON already.
    case verbatim([UInt8])

    static func count(_ value: Int) -> JSONTree { .number(Double(value)) }

    func append(to json: inout ByteBuffer) {
        switch self {
        case .object(let members):
            json.append(UInt8(ascii: "{"))
            Self.append(members, to: &json)
            json.append(UInt8(ascii: "}"))
        case .array(let values):
            json.append(UInt8(ascii: "["))
            for (index, value) in values.enumerated() {
                if index > 0 { json.append(UInt8(ascii: ",")) }
                value.append(to: &json)
            }
            json.append(UInt8(ascii: "]"))
        case .string(let text): json.append(jsonString: text)
        case .number(let value):
            let isWhole = value == value.rounded() && abs(value) < 9e15
            json.append(value.isFinite ? isWhole ? String(Int64(value)) : String(value) : "0")
        case .null: json.append("null" as StaticString)
        case .verbatim(let bytes): json.append(bytes)
        }
    }

    /// The members of an object, without its braces.
    static func append(_ members: [(name: String, value: JSONTree)], to json: inout ByteBuffer) {
        for (index, member) in members.enumerated() {
            if index > 0 { json.append(UInt8(ascii: ",")) }
            json.append(jsonString: member.name)
            json.append(UInt8(ascii: ":"))
            member.value.append(to: &json)
        }
    }
}
