import Common

/// Which web pages may send (cross-origin resource sharing, `rum.allow_origins` and `rum.allow_headers`).
struct CrossOrigin: Sendable {
    enum Decision {
        /// Go on; these headers belong to whatever the answer will be.
        case proceed([HTTPRequest.Field])
        case respond(HTTPResponse)
    }

    private let origins: [Glob]
    private let allowedHeaders: String

    init(origins: [String], headers: [String]) {
        self.origins = origins.map(Glob.init)
        allowedHeaders = (headers + ["Content-Type", "Content-Encoding", "Accept"]).joined(separator: ", ")
    }

    /// Answers preflight requests and refuses pages of other origins.
    ///
    /// The origin is echoed, never `*`. A request without one counts as of the origin "".
    func decide(_ request: HTTPRequest) -> Decision {
        let origin = request.header("Origin") ?? ""
        let isAllowed = origins.contains { $0.matches(origin) }
        var headers: [HTTPRequest.Field] = []
        if isAllowed, !origin.isEmpty { headers.append(.init("Access-Control-Allow-Origin", origin)) }
        if request.method == "OPTIONS" {
            headers += [
                .init("Access-Control-Max-Age", "3600"), .init("Vary", "Origin"),
                .init("Access-Control-Allow-Methods", "POST, OPTIONS"),
                .init("Access-Control-Allow-Headers", allowedHeaders),
                .init("Access-Control-Expose-Headers", "Etag"),
            ]
            return .respond(HTTPResponse(status: 200, headers: headers))
        }
        guard isAllowed else {
            let message = "forbidden request: origin: '\(origin)' is not allowed"
            return .respond(Answer.error(status: 403, message, to: request))
        }
        return .proceed(headers)
    }
}
