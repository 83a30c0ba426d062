/// The numbers of a process at one moment, to be looked at by name and labels.
package struct MetricsSnapshot: Sendable {
    /// One series of a metric.
    package struct Sample: Sendable {
        package let labels: [String: String]
        package let value: Double

        package init(labels: [String: String], value: Double) {
            self.labels = labels
            self.value = value
        }
    }

    private let samplesByName: [String: [Sample]]

    package init(_ samplesByName: [String: [Sample]]) { self.samplesByName = samplesByName }

    /// The series of `name` that have these labels, in the order of their registration; none for a name that is unknown.
    package func samples(_ name: String, _ labels: [String: String] = [:]) -> [Sample] {
        (samplesByName[name] ?? []).filter { sample in
            labels.allSatisfy { sample.labels[$0.key] == $0.value }
        }
    }

    /// Their sum; 0 when there is none.
    package func sum(_ name: String, _ labels: [String: String] = [:]) -> Double {
        samples(name, labels).reduce(0) { $0 + $1.value }
    }
}
