import Common
import Glibc

/// `GET /`: what agents and load balancers ask first.
///
///     {"build_date":"2026-01-01T00:00:00Z","build_sha":"…","publish_ready":false,"version":"9.5.2"}
struct ServerInformationRoute: Sendable {
    /// The Elastic APM Server whose behaviour agents may expect: they choose theirs by this number.
    static let compatibleVersion = "9.5.2"

    private let buildDate: String
    private let isReady: @Sendable () -> Bool

    /// - Parameter isReady: whether Elasticsearch was reached, so that events can be stored (`publish_ready`).
    init(isReady: @escaping @Sendable () -> Bool) {
        buildDate = Self.programDate
        self.isReady = isReady
    }

    /// - Parameter isAuthenticated: others get an empty body, so that balancers can probe without credentials.
    func answer(to request: HTTPRequest, isAuthenticated: Bool) -> HTTPResponse {
        guard request.method == "GET" || request.method == "HEAD" else {
            return Answer.error(
                status: 405,
                "method not supported: this is the server information endpoint; "
                    + "did you mean to send data to another endpoint instead?",
                to: request
            )
        }
        guard isAuthenticated else { return HTTPResponse(status: 200) }
        let json =
            #"{"build_date":"\#(buildDate)","build_sha":"elkfa-\#(Version.current)","#
            + #""publish_ready":\#(isReady()),"version":"\#(Self.compatibleVersion)"}"#
        return Answer.json(Array(json.utf8), to: request)
    }

    /// When the running program was written to disk: the date of the build, without one compiled in.
    private static var programDate: String {
        var status = stat()
        guard stat("/proc/self/exe", &status) == 0 else { return "1970-01-01T00:00:00Z" }
        var text = ByteBuffer()
        text.append(iso8601: CalendarTime(nanoseconds: Int64(status.st_mtim.tv_sec) * 1_000_000_000))
        // Elastic's has no fraction of a second.
        return "\(text.text.prefix(19))Z"
    }
}
