import Synchronization

/// A number that only grows: `ingest_events_received_total`.
package final class Counter: Sendable {
    private let value = Atomic<Int>(0)

    package init() {}

    package func add(_ amount: Int = 1) { value.add(amount, ordering: .relaxed) }

    package var total: Int { value.load(ordering: .relaxed) }
}

/// A number that goes up and down: open connections, bytes in memory.
package final class Gauge: Sendable {
    private let value = Atomic<Int>(0)

    package init() {}

    package func set(_ new: Int) { value.store(new, ordering: .relaxed) }

    package func add(_ amount: Int) { value.add(amount, ordering: .relaxed) }

    package var current: Int { value.load(ordering: .relaxed) }
}

/// A time that only grows, read in seconds: `ingest_pipeline_busy_seconds_total`.
package final class TimeCounter: Sendable {
    private let value = Atomic<Int64>(0)

    package init() {}

    package func add(nanoseconds: Int64) { value.add(nanoseconds, ordering: .relaxed) }

    package var nanoseconds: Int64 { value.load(ordering: .relaxed) }
}

/// All numbers of one process, as `/metrics` (Prometheus text) and `/stats` (JSON) show them.
///
/// Registration happens at start and when a labelled thing appears; counting takes no lock.
package final class Metrics: Sendable {
    /// Labelled series per name above this are folded into one with the label value `other`: a bound on memory
    /// whatever names come from outside.
    package static let maxSeriesPerName = 1000

    private struct Series: Sendable {
        let labels: [(name: String, value: String)]
        let read: @Sendable () -> Double
        let owner: (any AnyObject & Sendable)?
    }

    private struct Family: Sendable {
        let name: String
        let help: String
        let isCounter: Bool
        var series: [Series] = []
        /// Makes the series instead, when someone asks.
        var collect: (@Sendable () -> [Series])?
    }

    private let families = Mutex<[Family]>([])

    package init() {}

    /// The counter of that name and labels; the same object for the same question.
    ///
    /// - Parameter name: `service_thing_unit_total`.
    package func counter(_ name: String, _ help: String, _ labels: [(String, String)] = []) -> Counter {
        register(name, help, isCounter: true, labels, make: Counter.init) { counter in
            { Double(counter.total) }
        }
    }

    /// The time of that name and labels; the same object for the same question.
    ///
    /// - Parameter name: `service_thing_seconds_total`.
    package func time(_ name: String, _ help: String, _ labels: [(String, String)] = []) -> TimeCounter {
        register(name, help, isCounter: true, labels, make: TimeCounter.init) { time in
            { Double(time.nanoseconds) / 1e9 }
        }
    }

    /// The gauge of that name and labels; the same object for the same question.
    package func gauge(_ name: String, _ help: String, _ labels: [(String, String)] = []) -> Gauge {
        register(name, help, isCounter: false, labels, make: Gauge.init) { gauge in
            { Double(gauge.current) }
        }
    }

    /// A number that is computed when someone asks.
    package func gauge(
        _ name: String,
        _ help: String,
        _ labels: [(String, String)] = [],
        read: @escaping @Sendable () -> Double
    ) {
        add(name, help, isCounter: false, labels, read)
    }

    /// A time that only grows, in seconds, computed when someone asks.
    package func time(
        _ name: String,
        _ help: String,
        _ labels: [(String, String)] = [],
        read: @escaping @Sendable () -> Double
    ) {
        add(name, help, isCounter: true, labels, read)
    }

    private func add(
        _ name: String,
        _ help: String,
        isCounter: Bool,
        _ labels: [(String, String)],
        _ read: @escaping @Sendable () -> Double
    ) {
        families.withLock { families in
            let index = Self.family(name, help, isCounter: isCounter, in: &families)
            families[index].series.removeAll { Self.same($0.labels, labels) }
            families[index].series.append(Series(labels: labels, read: read, owner: nil))
        }
    }

    /// Forgets series of things that are gone.
    ///
    /// Whoever holds their counters may count on; nobody sees it.
    ///
    /// - Parameters:
    ///   - prefix: of the names that are looked at.
    ///   - isKept: told the values of a series' labels, in their order.
    package func keep(_ prefix: String, where isKept: ([String]) -> Bool) {
        families.withLock { families in
            for index in families.indices where families[index].name.hasPrefix(prefix) {
                families[index].series.removeAll { !isKept($0.labels.map(\.value)) }
            }
        }
    }

    /// Numbers of things that come and go, each with the value of `label`: made when someone asks.
    ///
    /// Prometheus text only: in JSON the owner of the things shows them with all that is known of each.
    package func gauges(
        _ name: String,
        _ help: String,
        label: String,
        read: @escaping @Sendable () -> [(value: String, number: Double)]
    ) {
        families.withLock { families in
            let index = Self.family(name, help, isCounter: false, in: &families)
            families[index].collect = {
                read().prefix(Self.maxSeriesPerName).map { thing in
                    Series(labels: [(label, thing.value)], read: { thing.number }, owner: nil)
                }
            }
        }
    }

    private func register<Kind: AnyObject & Sendable>(
        _ name: String,
        _ help: String,
        isCounter: Bool,
        _ labels: [(String, String)],
        make: () -> Kind,
        _ read: (Kind) -> @Sendable () -> Double
    ) -> Kind {
        families.withLock { families in
            let index = Self.family(name, help, isCounter: isCounter, in: &families)
            func known(_ labels: [(String, String)]) -> Kind? {
                families[index].series.first { Self.same($0.labels, labels) }?.owner as? Kind
            }
            if let found = known(labels) { return found }
            var labels = labels
            if families[index].series.count >= Self.maxSeriesPerName {
                labels = labels.map { ($0.0, "other") }
                if let found = known(labels) { return found }
            }
            let kind = make()
            families[index].series.append(Series(labels: labels, read: read(kind), owner: kind))
            return kind
        }
    }

    private static func family(
        _ name: String,
        _ help: String,
        isCounter: Bool,
        in families: inout [Family]
    ) -> Int {
        if let index = families.firstIndex(where: { $0.name == name }) { return index }
        families.append(Family(name: name, help: help, isCounter: isCounter))
        return families.count - 1
    }

    private static func same(_ left: [(name: String, value: String)], _ right: [(String, String)]) -> Bool {
        left.count == right.count && zip(left, right).allSatisfy { $0.name == $1.0 && $0.value == $1.1 }
    }
}

// MARK: - Output

extension Metrics {
    /// All numbers as they are now, except those of things that come and go (`gauges`).
    package var snapshot: MetricsSnapshot {
        var samples: [String: [MetricsSnapshot.Sample]] = [:]
        for family in families.withLock({ $0 }) where family.collect == nil {
            samples[family.name] = family.series.map { series in
                MetricsSnapshot.Sample(
                    labels: Dictionary(series.labels.map { ($0.name, $0.value) }) { first, _ in first },
                    value: series.read()
                )
            }
        }
        return MetricsSnapshot(samples)
    }

    /// Prometheus text format, version 0.0.4.
    package func appendPrometheus(to text: inout ByteBuffer) {
        for family in families.withLock({ $0 }) {
            text.append("# HELP \(family.name) \(family.help)\n")
            text.append("# TYPE \(family.name) \(family.isCounter ? "counter" : "gauge")\n")
            for series in family.collect?() ?? family.series {
                text.append(family.name)
                if !series.labels.isEmpty {
                    let labels = series.labels.map { "\($0.name)=\"\(Self.escaped($0.value))\"" }
                    text.append("{\(labels.joined(separator: ","))}")
                }
                text.append(" \(Self.number(series.read()))\n")
            }
        }
    }

    /// A JSON object: name → number, or name → list of objects with the labels and `value`.
    package func appendJSON(to text: inout ByteBuffer) {
        text.append(UInt8(ascii: "{"))
        for (index, family) in families.withLock({ $0 }).filter({ $0.collect == nil }).enumerated() {
            if index > 0 { text.append(UInt8(ascii: ",")) }
            text.append(jsonString: family.name)
            text.append(UInt8(ascii: ":"))
            if family.series.count == 1, let only = family.series.first, only.labels.isEmpty {
                text.append(Self.number(only.read()))
                continue
            }
            text.append(UInt8(ascii: "["))
            for (index, series) in family.series.enumerated() {
                text.append(index > 0 ? ",{" : "{")
                for label in series.labels {
                    text.append(jsonString: label.name)
                    text.append(UInt8(ascii: ":"))
                    text.append(jsonString: label.value)
                    text.append(UInt8(ascii: ","))
                }
                text.append("\"value\":\(Self.number(series.read()))}")
            }
            text.append(UInt8(ascii: "]"))
        }
        text.append(UInt8(ascii: "}"))
    }

    private static func number(_ value: Double) -> String {
        guard value.isFinite else { return "0" }
        return value == value.rounded() && abs(value) < 9e15 ? String(Int64(value)) : String(value)
    }

    private static func escaped(_ value: String) -> String {
        var result = ""
        for character in value.unicodeScalars {
            switch character {
            case "\\": result += "\\\\"
            case "\"": result += "\\\""
            case "\n": result += "\\n"
            default: result.unicodeScalars.append(character)
            }
        }
        return result
    }
}
