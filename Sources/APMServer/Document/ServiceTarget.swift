import Common

/// `service.target`: what a span called, by the event itself or by its destination's resource.
extension ByteBuffer {
    /// Appends the member `target` of `service`.
    ///
    /// - Parameter infers: whether the resource of the destination tells the target when the event gives no type.
    mutating func appendServiceTarget(_ fields: EventFields, _ line: RawSpan, infers: Bool) {
        let type = fields[.serviceTargetType]
        let resource = fields[.destinationServiceResource]
        if infers, !type.isGiven, resource.isGiven {
            appendTarget(ofResource: resource, line)
        } else if type.isGiven || fields[.serviceTargetName].isGiven {
            appendTarget(type: type, name: fields[.serviceTargetName], line)
        }
    }

    /// Appends `"target":{"type":…,"name":…}`; the type is written even when it is empty.
    mutating func appendTarget(type: FieldValue, name: FieldValue, _ line: RawSpan) {
        key(#""target":{"type":"#)
        appendQuoted(type.isString ? type : FieldValue(.string, 0..<0), line)
        quotedMember(#""name":"#, name, line)
        append(UInt8(ascii: "}"))
    }

    /// A resource `postgresql/customers` or `redis` is type and name of the target; any other is its name.
    private mutating func appendTarget(ofResource resource: FieldValue, _ line: RawSpan) {
        var end = resource.range.lowerBound
        while end < resource.range.upperBound, line.isLowerCaseOrDigit(end) { end += 1 }
        let type = FieldValue(.string, resource.range.lowerBound..<end)
        if !type.isEmpty, end == resource.range.upperBound {
            appendTarget(type: type, name: .absent, line)
        } else if !type.isEmpty, line.isWord(behindSlash: end, to: resource.range.upperBound) {
            let name = FieldValue(.string, end + 1..<resource.range.upperBound)
            appendTarget(type: type, name: name, line)
        } else {
            appendTarget(type: .absent, name: resource, line)
        }
    }
}

extension RawSpan {
    fileprivate func isLowerCaseOrDigit(_ offset: Int) -> Bool {
        let byte = self[offset]
        return byte &- 48 < 10 || byte &- UInt8(ascii: "a") < 26
    }

    /// Whether `/` stands at `start`, and behind it one or more of letters, digits and `_`.
    fileprivate func isWord(behindSlash start: Int, to end: Int) -> Bool {
        guard start + 1 < end, self[start] == UInt8(ascii: "/") else { return false }
        for offset in start + 1..<end {
            let byte = self[offset]
            guard byte &- 48 < 10 || (byte | 0x20) &- UInt8(ascii: "a") < 26 || byte == UInt8(ascii: "_")
            else {
                return false
            }
        }
        return true
    }
}
