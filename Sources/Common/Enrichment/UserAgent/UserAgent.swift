/// What the rules say about one user agent; nil is "not known".
struct UserAgent: Equatable {
    /// A family with the parts of its version, most significant first.
    struct Product: Equatable {
        var family: [UInt8]?
        var version: [[UInt8]?] = []
    }

    struct Device: Equatable {
        var family: [UInt8]?
        var brand: [UInt8]?
        var model: [UInt8]?
    }

    var browser = Product()
    var system = Product()
    var device = Device()

    /// The family of what no rule matches.
    static let other = Array("Other".utf8)

    /// The answer for an agent that no rule matches.
    static let unknown = UserAgent(
        browser: Product(family: other),
        system: Product(family: other),
        device: Device(family: other)
    )
}

extension UserAgent.Product {
    /// The known parts of the version, joined by dots; empty when there are none.
    var joinedVersion: [UInt8] {
        var text: [UInt8] = []
        for part in version {
            guard let part else { continue }
            if !text.isEmpty { text.append(UInt8(ascii: ".")) }
            text += part
        }
        return text
    }
}
