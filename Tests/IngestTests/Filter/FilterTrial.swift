import Common
import Foundation

@testable import Ingest

/// One filter from its configuration, and what it does to events.
struct FilterTrial {
    /// An event behind the filter.
    struct Result {
        let fields: [String: Any]
        let outcome: FilterOutcome?
        let failure: FilterFailure?

        /// The value at a dotted path as JSON; nil when it is not there.
        subscript(path: String) -> String? {
            let value = path.split(separator: ".").reduce(fields as Any?) { value, key in
                (value as? [String: Any])?[String(key)]
            }
            return value.map(Self.json)
        }

        /// All fields as JSON with sorted keys.
        var json: String { Self.json(fields) }

        static func json(_ value: Any) -> String {
            let data = try? JSONSerialization.data(
                withJSONObject: value,
                options: [.fragmentsAllowed, .sortedKeys, .withoutEscapingSlashes]
            )
            return data.map { String(decoding: $0, as: UTF8.self) } ?? "not JSON"
        }
    }

    let filter: any Filter

    /// - Parameter yaml: the entry: `grok: {…}`.
    /// - Throws: the complaints about it.
    init(_ yaml: String) throws {
        let reader = try ConfigurationReader.parse(
            Array("filters: [{\(yaml)}]".utf8),
            source: "test.yml"
        )
        var ids: Set<String> = []
        let steps = FilterStep.steps(reader, "filters", ids: &ids)
        try reader.finish()
        guard case .filter(let plan) = steps[0].action else { fatalError("no filter: \(yaml)") }
        filter = try plan.filter(FilterWorkplace(pipeline: "test"))
    }

    /// Complaints about an entry; empty for a good one.
    static func problems(_ yaml: String) -> String {
        do {
            _ = try FilterTrial(yaml)
            return ""
        } catch {
            return "\(error)"
        }
    }

    /// Applies the filter to an event.
    func apply(json event: String) throws -> Result {
        let record = Record()
        try record.load(Array(event.utf8).span.bytes)
        var outcome: FilterOutcome?
        var failure: FilterFailure?
        do throws(FilterFailure) {
            outcome = try filter.apply(to: record)
        } catch {
            failure = error
        }
        var output = ByteBuffer()
        record.write(into: &output)
        let object = try JSONSerialization.jsonObject(with: Data(output.array))
        return Result(fields: object as? [String: Any] ?? [:], outcome: outcome, failure: failure)
    }

    /// Applies the filter to an event with a message.
    func apply(_ message: String) throws -> Result {
        try apply(json: Result.json(["message": message]))
    }
}
