import Common
import Foundation

@testable import APMServer

/// Calls and answers of roll-ups in tests.
enum RollUpHarness {
    static let namespace = "default"

    static var settings: MappingSettings {
        var settings = MappingSettings()
        settings.observerHostname = "apm-1"
        settings.observerVersion = "9.5.2"
        return settings
    }

    static let documents = RollUpDocuments(settings, indexNames: IndexNames(isClassic: false, version: ""))

    /// One document of a batch.
    struct Document: Equatable, Hashable {
        var index: String
        var id: String
        var source: NSDictionary

        /// The number at a dotted path.
        func number(_ path: String) -> Int? { (value(path) as? NSNumber)?.intValue }
        func text(_ path: String) -> String? { value(path) as? String }

        private func value(_ path: String) -> Any? {
            path.split(separator: ".").reduce(source as Any?) { ($0 as? NSDictionary)?[String($1)] }
        }
    }

    /// The documents of a batch.
    static func read(_ batch: BulkBatch) throws -> [Document] {
        try (0..<batch.documentCount).map { number in
            func object(_ range: Range<Int>) throws -> NSDictionary {
                let bytes = batch.bytes.withSpan { $0.withUnsafeBytes { Array($0[range]) } }
                return try JSONSerialization.jsonObject(with: Data(bytes)) as? NSDictionary ?? [:]
            }
            let action = try object(batch.actionRange(number))["create"] as? NSDictionary ?? [:]
            return Document(
                index: action["_index"] as? String ?? "",
                id: action["_id"] as? String ?? "",
                source: try object(batch.sourceRange(number))
            )
        }
    }

    /// Everything a flush writes.
    static func documents(of flush: RollUpFlush) throws -> [Document] {
        let batch = BulkBatch()
        let end = flush.write(documents, from: .init(), to: batch, maxBytes: .max)
        guard flush.isEnd(end) else { return [] }
        return try read(batch)
    }

    /// Everything a state writes when the service stops.
    static func documents(closing state: RollUpState) throws -> [Document] {
        var state = state
        state.closeAll()
        return try state.flushes.flatMap { try documents(of: $0) }
    }
}

extension RollUpLimits {
    /// As a machine of 1 GB has them, but for what is given.
    static func small(
        services: Int = 1000,
        transactions: Int = 5000,
        destinations: Int = 10_000,
        summaries: Int = 10_000
    ) -> RollUpLimits {
        var limits = RollUpLimits(memoryBytes: 1 << 30)
        limits.maxServices = services
        limits.maxGroups[.transaction] = transactions
        limits.maxGroups[.serviceDestination] = destinations
        limits.maxGroups[.serviceSummary] = summaries
        return limits
    }
}

/// The dimensions of an event and the calls that a mapper makes for it.
struct TestEvent {
    var service = #""agent":{"name":"go"},"service":{"name":"shop","language":{"name":"go"}}"#
    var top: String?
    var transaction = #""name":"GET /","type":"request""#
    var event = #""outcome":"success""#
    var minute: Int64 = 1_136_214_240
    var microseconds: Int64 = 1_000_000
    var weight: Int64 = 1000
    var outcome = Outcome.success

    func transaction(_ tables: RollUpTables, times: Int = 1) {
        call(top ?? service, transaction, event, times) { service, key, top, inner in
            tables.transaction(
                .transaction,
                minute: minute,
                service: service,
                key: key,
                top: top,
                inner: inner,
                durationMicroseconds: microseconds,
                weightThousandths: weight,
                outcome: outcome
            )
        }
    }

    func serviceTransaction(_ tables: RollUpTables, type: String = #""type":"request""#, times: Int = 1) {
        call(service, type, "", times) { service, key, top, inner in
            tables.transaction(
                .serviceTransaction,
                minute: minute,
                service: service,
                key: key,
                top: top,
                inner: inner,
                durationMicroseconds: microseconds,
                weightThousandths: weight,
                outcome: outcome
            )
        }
    }

    func destination(_ tables: RollUpTables, top: String, span: String, destination: String, times: Int = 1) {
        call(top, span, destination, times) { service, key, top, inner in
            tables.serviceDestination(
                minute: minute,
                service: service,
                key: key,
                top: top,
                inner: inner,
                countThousandths: weight,
                sumMicrosecondThousandths: microseconds * weight
            )
        }
    }

    func summary(_ tables: RollUpTables) {
        call(top ?? service, "", "", 1) { service, key, _, _ in
            tables.serviceSummary(minute: minute, service: service, key: key)
        }
    }

    private func call(
        _ top: String,
        _ second: String,
        _ third: String,
        _ times: Int,
        _ body: (RawSpan, RawSpan, Int, Int) -> Void
    ) {
        let key = Array((top + second + third).utf8)
        let name = Array(service.utf8)
        let inner = top.utf8.count + second.utf8.count
        for _ in 0..<times { body(name.span.bytes, key.span.bytes, top.utf8.count, inner) }
    }
}
