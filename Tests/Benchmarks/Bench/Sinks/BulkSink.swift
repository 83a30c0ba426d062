import Common
import Synchronization

/// An Elasticsearch that keeps no document: one item per document in every answer, and a count of ids, so that
/// losses and doubles are seen.
final class BulkSink: Sendable {
    private struct State {
        var ids: IDSet
        var documents = 0
        var rollUps = 0
        var documentBytes = 0
        var wireBytes = 0
        var bulks = 0
        var latencies = Latencies()
        var started: Int64 = 0
        var completed: Int64 = 0
    }

    private let expected: Int
    private let state: Mutex<State>

    init(_ arguments: Arguments) throws(BenchError) {
        expected = try arguments.number("expect")
        state = Mutex(State(ids: IDSet(expected: expected)))
    }

    func run() throws {
        try Server.run(report: { json("end") }) { [self] in try serve($0) }
    }

    private func serve(_ stream: Stream) throws {
        var connection = BulkConnection(stream)
        var contents = BulkContents()
        while let head = try connection.nextRequest() {
            guard head.method == "POST", head.path.hasSuffix("/_bulk") else {
                try connection.answer(head)
                continue
            }
            let now = Clock.monotonic
            try connection.readBulk(head, now: now, into: &contents)
            record(contents, wireBytes: head.byteCount + head.contentLength, now: now)
            try connection.answerBulk(head, contents)
        }
    }

    private func record(_ contents: borrowing BulkContents, wireBytes: Int, now: Int64) {
        let documentBytes = contents.documentBytes
        let ages = contents.ages
        let hashes = contents.idHashes
        let rollUps = contents.rollUps
        let isComplete = state.withLock { state in
            if state.started == 0 { state.started = now }
            state.bulks += 1
            state.rollUps += rollUps
            state.documents += hashes.count
            state.documentBytes += documentBytes
            state.wireBytes += wireBytes
            for age in ages { state.latencies.add(age) }
            for hash in hashes { _ = state.ids.insert(hash) }
            guard state.ids.count >= expected, state.completed == 0 else { return false }
            state.completed = Clock.monotonic
            return true
        }
        if isComplete { Console.report(json("complete")) }
    }

    private func json(_ event: String) -> String {
        state.withLock { state in
            "{\"event\":\"\(event)\",\"events\":\(state.documents),\"distinct\":\(state.ids.count)"
                + ",\"document_bytes\":\(state.documentBytes),\"wire_bytes\":\(state.wireBytes)"
                + ",\"bulks\":\(state.bulks),\"roll_ups\":\(state.rollUps),\"started\":\(state.started),\"completed\":\(state.completed)"
                + "\(state.latencies.json)}"
        }
    }
}
