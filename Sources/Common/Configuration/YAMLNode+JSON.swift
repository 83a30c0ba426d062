extension YAMLNode {
    /// Appends the value as compact JSON, scalars typed by YAML's core schema.
    func append(to json: inout ByteBuffer) {
        switch content {
        case .scalar(let scalar):
            switch scalar.value {
            case .null: json.append("null" as StaticString)
            case .bool(let value): json.append(value ? "true" : "false" as StaticString)
            case .integer(let number), .decimal(let number): json.append(number)
            case .text: json.append(jsonString: scalar.text)
            }
        case .sequence(let elements):
            json.append(UInt8(ascii: "["))
            for (index, element) in elements.enumerated() {
                if index > 0 { json.append(UInt8(ascii: ",")) }
                element.append(to: &json)
            }
            json.append(UInt8(ascii: "]"))
        case .mapping(let entries):
            json.append(UInt8(ascii: "{"))
            for (index, entry) in entries.enumerated() {
                if index > 0 { json.append(UInt8(ascii: ",")) }
                json.append(jsonString: entry.key)
                json.append(UInt8(ascii: ":"))
                entry.value.append(to: &json)
            }
            json.append(UInt8(ascii: "}"))
        }
    }
}
