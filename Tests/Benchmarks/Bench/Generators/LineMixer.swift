import Common

/// An endless access log with the variety of a busy site: real requests in random order, as many distinct
/// addresses as a tenth of the lines and as many distinct user agents as a hundredth.
///
/// A cache that sees ten agents proves nothing. The same seed gives the same lines, except for their dates.
struct LineMixer: ~Copyable {
    private let lines: [CombinedLine]
    private let addresses: [[UInt8]]
    private let userAgents: [[UInt8]]
    private var random: SplitMix

    init(_ lines: [CombinedLine], count: Int, seed: UInt64 = 1) {
        var random = SplitMix(seed: seed)
        self.lines = lines
        addresses = (0..<max(1, count / 10)).map { _ in Self.address(&random) }
        userAgents = Self.userAgents(lines, count: max(1, count / 100), &random)
        self.random = random
    }

    /// Appends one line without its end.
    ///
    /// `marker`, if there is one, takes the place of the requested path.
    mutating func append(to output: inout ByteBuffer, at time: CalendarTime, marker: String? = nil) {
        let line = lines[Int(random.next() % UInt64(lines.count))]
        output.append(addresses[Int(random.next() % UInt64(addresses.count))])
        output.append(line.identity)
        Self.appendDate(time, to: &output)
        if let marker {
            output.append("] \"GET \(marker) HTTP/1.1\" 200 512 \"-\" \"")
        } else {
            output.append(line.request)
        }
        output.append(userAgents[Int(random.next() % UInt64(userAgents.count))])
        output.append(UInt8(ascii: "\""))
    }

    /// A public IPv4 address.
    private static func address(_ random: inout SplitMix) -> [UInt8] {
        let bits = random.next()
        var first = 1 + bits % 222
        if [10, 127, 172, 192].contains(first) { first += 1 }
        return Array("\(first).\(bits >> 8 & 255).\(bits >> 16 & 255).\(1 + (bits >> 24) % 254)".utf8)
    }

    /// Real agents first, then real agents with other version numbers.
    private static func userAgents(_ lines: [CombinedLine], count: Int, _ random: inout SplitMix) -> [[UInt8]]
    {
        var known = Set(lines.map(\.userAgent))
        let real = known.sorted { $0.lexicographicallyPrecedes($1) }
        var agents = Array(real.prefix(count))
        // Agents without digits cannot be varied; the bound keeps a strange log from hanging this loop.
        var attempts = count * 100
        while agents.count < count, attempts > 0 {
            attempts -= 1
            var agent = real[Int(random.next() % UInt64(real.count))]
            for index in agent.indices.dropFirst(agent.count / 2) where (0x30...0x39).contains(agent[index]) {
                agent[index] = 0x30 + UInt8(random.next() % 10)
            }
            if known.insert(agent).inserted { agents.append(agent) }
        }
        return agents
    }

    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// Appends `22/Nov/2026:10:13:40 +0000`.
    private static func appendDate(_ time: CalendarTime, to output: inout ByteBuffer) {
        let (year, month, day) = time.date
        let second = Int(time.seconds) - time.day * 86_400
        appendTwoDigits(day, to: &output)
        output.append("/\(months[month - 1])/\(year):")
        appendTwoDigits(second / 3600, to: &output)
        output.append(UInt8(ascii: ":"))
        appendTwoDigits(second / 60 % 60, to: &output)
        output.append(UInt8(ascii: ":"))
        appendTwoDigits(second % 60, to: &output)
        output.append(" +0000" as StaticString)
    }

    private static func appendTwoDigits(_ value: Int, to output: inout ByteBuffer) {
        output.append(0x30 + UInt8(value / 10))
        output.append(0x30 + UInt8(value % 10))
    }
}
