import Common
import Synchronization

/// Reads the configurations that Kibana keeps in Elasticsearch, all of them, every half a minute, on its own thread.
///
/// Source: the index `.apm-agent-configuration` as Kibana writes it:
///
///     {"service":{"name":"a","environment":"b"},"agent_name":"python","etag":"…","settings":{"log_level":"off"}}
final class AgentConfigurationIndex: Sendable {
    /// More documents than Elasticsearch gives at once (`index.max_result_window`) are not read.
    static let maxDocuments = 10_000

    /// After a failure: agents that come meanwhile are sent away for five minutes.
    private static let retryInterval = Duration.seconds(5)
    private static let path = "/.apm-agent-configuration/_search?filter_path=hits.hits._source"
    private static let query = Array(
        #"{"size":\#(maxDocuments),"_source":["service","agent_name","etag","settings"]}"#.utf8
    )

    private let configurations: AgentConfigurations
    private let interval: Duration
    private struct State {
        var isStopping = false
        /// The first answer has come, good or bad.
        var hasTried = false
    }

    private let state = Monitor(State())
    private let cancellation = HTTPClient.Cancellation()
    private let thread = Mutex<Thread?>(nil)

    /// Starts to read.
    ///
    /// - Throws: `HTTPClientError` for unusable certificate files, `Errno` without a thread.
    init(_ configurations: AgentConfigurations, _ settings: ElasticsearchSettings, interval: Duration) throws
    {
        self.configurations = configurations
        self.interval = interval
        let reader = try ElasticsearchReader(settings, cancellation: cancellation)
        let started = try Thread("agent-config") { [self] in run(reader) }
        thread.withLock { $0 = started }
    }

    /// Waits for the first answer, so that no agent is told to come back in five minutes because it came too early.
    func waitForFirst(atMost limit: Duration) {
        let moment = Clock.monotonic + limit.nanoseconds
        state.wait { state in
            state.hasTried || Clock.monotonic >= moment ? .proceed(()) : .wait(until: moment)
        }
    }

    func stop() {
        state.change { $0.isStopping = true }
        cancellation.cancel()
        thread.withLock { $0.take() }?.join()
    }

    private func run(_ reader: ElasticsearchReader) {
        var reader = reader
        var pause = interval
        repeat {
            pause = read(&reader) ? interval : min(interval, Self.retryInterval)
            state.change { $0.hasTried = true }
        } while !isStopped(at: Clock.monotonic + pause.nanoseconds)
        reader.close()
    }

    /// Waits until then.
    private func isStopped(at moment: Int64) -> Bool {
        state.wait { state in
            state.isStopping || Clock.monotonic >= moment ? .proceed(state.isStopping) : .wait(until: moment)
        }
    }

    /// What was read before stays when Elasticsearch does not answer.
    ///
    /// - Returns: whether it has answered.
    private func read(_ reader: inout ElasticsearchReader) -> Bool {
        do throws(HTTPClientError) {
            let status = try reader.post(Self.path, Self.query)
            switch status {
            case 200:
                guard let found = reader.withBody({ Self.configurations(in: $0) }) else {
                    complain("the answer is not a search result")
                    return false
                }
                if found.count == Self.maxDocuments {
                    complain("only the first \(Self.maxDocuments) are read")
                }
                configurations.update(stored: found)
                return true
            // Kibana has not made the index.
            case 404:
                configurations.update(stored: [])
                return true
            case 401, 403:
                complain(
                    "status \(status); give the user of the output the privilege read on "
                        + ".apm-agent-configuration, or set agent.config.elasticsearch.enabled: false"
                )
            default: complain("status \(status)")
            }
        } catch {
            if error.reason != .cancelled { complain(error.description) }
        }
        return false
    }

    private func complain(_ reason: String) {
        Log.limited(
            .warning,
            key: "agent-configuration",
            "cannot read the agent configurations in Elasticsearch",
            ["reason": reason]
        )
    }

    // MARK: - The answer

    /// The configurations of a search result; nil when it is none.
    ///
    /// A document that is not of the shape is left out.
    static func configurations(in answer: RawSpan) -> [AgentConfiguration]? {
        var found: [AgentConfiguration] = []
        do throws(JSONError) {
            var check = JSONReader()
            guard try check.kind(answer) == .object else { return nil }
            _ = try check.value(answer)
            // With no document at all, `filter_path` leaves `{}`.
            guard let hits = JSONLookup.range(answer, ["hits", "hits"]) else { return [] }
            var reader = JSONReader(offset: hits.lowerBound)
            var isFirst = true
            try reader.beginArray(answer)
            while try reader.nextElement(answer, isFirst: &isFirst) {
                let hit = answer.extracting(try reader.value(answer))
                guard let source = JSONLookup.range(hit, ["_source"]) else { continue }
                if let configuration = configuration(hit.extracting(source)) { found.append(configuration) }
            }
            return found
        } catch {
            return nil
        }
    }

    private static func configuration(_ document: RawSpan) -> AgentConfiguration? {
        guard let settings = JSONLookup.range(document, ["settings"]),
            let pairs = try? self.settings(document.extracting(settings))
        else { return nil }
        let etag = JSONLookup.text(document, ["etag"]) ?? ""
        return AgentConfiguration(
            service: JSONLookup.text(document, ["service", "name"]) ?? "",
            environment: JSONLookup.text(document, ["service", "environment"]) ?? "",
            agentName: JSONLookup.text(document, ["agent_name"]) ?? "",
            etag: etag.isHeaderSafe ? etag : nil,
            settings: pairs
        )
    }

    /// The members of an object; numbers and truth values as text, others left out.
    private static func settings(_ object: RawSpan) throws(JSONError) -> [AgentConfiguration.Setting] {
        var settings: [AgentConfiguration.Setting] = []
        var reader = JSONReader()
        var isFirst = true
        var text = ByteBuffer()
        try reader.beginObject(object)
        while let key = try reader.nextKey(object, isFirst: &isFirst) {
            let kind = try reader.kind(object)
            let range = try reader.value(object)
            text.removeAll()
            text.append(unescaped: key, of: object)
            let name = text.text
            switch kind {
            case .string:
                guard let value = JSONLookup.text(object.extracting(range), []) else { continue }
                settings.append(.init(name: name, value: value))
            case .number, .bool: settings.append(.init(name: name, value: object.text(range)))
            case .object, .array, .null: continue
            }
        }
        return settings
    }
}

extension String {
    /// Whether it can stand in a quoted header value (RFC 9110, section 8.8.3).
    fileprivate var isHeaderSafe: Bool {
        !isEmpty && utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\"") }
    }
}
