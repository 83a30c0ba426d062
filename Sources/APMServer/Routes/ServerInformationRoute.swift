import Common
import Glibc

/// `GET /`: what agents and load balancers ask first.
///
///     {"build_date":"2026-01-01T00:00:00Z","build_sha":"…","publish_ready":false,"version":"9.5.2"}
struct ServerInformationRoute {
    /// The Elastic APM Server whose behaviour agents may expect: they choose theirs by this number.
    static let compatibleVersion = "9.5.2"

    private let buildDate: String

    init() {
        buildDate = Self.programDate
    }

    func add(to router: inout HTTPRouter) {
        router.on("GET", "/") { [self] request in answer(to: request) }
        router.on(nil, "/") { _ in
            .error(
                status: 405,
                "method not supported: this is the server information endpoint; "
                    + "did you mean to send data to another endpoint instead?"
            )
        }
    }

    private func answer(to request: HTTPRequest) -> HTTPResponse {
        // publish_ready: events can be stored. There is no intake yet, so they cannot.
        let members = [
            #""build_date": "\#(buildDate)""#,
            #""build_sha": "elkfa-\#(Version.current)""#,
            #""publish_ready": false"#,
            #""version": "\#(Self.compatibleVersion)""#,
        ]
        let accept = request.header("Accept") ?? ""
        let wantsJSON = ["*/*", "application/json"].contains { accept.contains($0) }
        let type = wantsJSON ? "application/json" : "text/plain; charset=utf-8"
        let text = wantsJSON ? Self.indented(members) : Self.oneLine(members)
        return HTTPResponse(status: 200, headers: [.init("Content-Type", type)], body: Array(text.utf8))
    }

    private static func indented(_ members: [String]) -> String {
        "{\n" + members.map { "  \($0)" }.joined(separator: ",\n") + "\n}\n"
    }

    private static func oneLine(_ members: [String]) -> String {
        "{" + members.map { $0.replacing(": ", with: ":", maxReplacements: 1) }.joined(separator: ",") + "}\n"
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
