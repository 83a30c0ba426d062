import Common

/// What is known of a request when its route takes over.
struct Admission {
    /// nil only on paths for anyone or everyone, where credentials were wrong or missing.
    var identity: Identity?
    var client: ClientAddress
    /// What events have to pass; nil when the client may send everything.
    var gate: EventGate?
}

/// Leads the requests of one worker to their routes: path, origin, authentication, rate limit, in this order.
///
/// The routes belong to the worker, what decides about access is shared. While Elasticsearch is asked about an API
/// key, the request waits and the worker goes on.
final class Router {
    /// Whom a path is for, and so what a request must pass.
    enum Audience {
        /// Nothing is checked.
        case everyone
        /// Credentials are looked at, and the route decides what their absence means.
        case anyone
        case agents
        /// As agents, and web pages of allowed origins, if RUM is enabled.
        case browsers
    }

    /// Takes over a request that was admitted.
    typealias Opener = (HTTPRequest, Admission, any HTTPExchange) -> HTTPOpening

    private struct Route {
        let audience: Audience
        let open: Opener
    }

    private static let disabledMessage =
        "forbidden request: RUM endpoint is disabled. Configure the `apm-server.rum` section in apm-server.yml "
        + "to enable ingestion of RUM events. If you are not using the RUM agent, you can safely ignore this error."

    /// Characters of it in the log: it may name what a client calls its kind of credentials.
    private static let longestReason = 300

    private let access: Access
    private var routes: [String: Route] = [:]

    init(_ access: Access) { self.access = access }

    /// Adds the route of a path, all methods.
    func on(_ path: String, for audience: Audience, _ open: @escaping Opener) {
        routes[path] = Route(audience: audience, open: open)
    }

    /// Decides about a request when its head has come.
    ///
    /// - Parameter now: monotonic nanoseconds.
    func open(_ request: HTTPRequest, _ exchange: any HTTPExchange, now: Int64) -> HTTPOpening {
        var headers = access.responseHeaders
        guard let route = routes[request.path] else {
            access.metrics.unknownPath.add()
            return .respond(Answer.error(status: 404, "404 page not found", to: request), headers)
        }
        if route.audience == .browsers {
            headers += access.rumResponseHeaders
            switch access.crossOrigin.decide(request) {
            case .proceed(let more): headers += more
            case .respond(let response):
                if response.status >= 400 { access.metrics.origin.add() }
                return .respond(response, headers)
            }
        }
        guard route.audience != .everyone else {
            let admission = Admission(client: ClientAddress(request))
            return RoutedStream.wrapping(route.open(request, admission, exchange), headers)
        }
        switch access.authorizer.decide(request.header("Authorization"), now: now) {
        case .known(let verdict):
            return RoutedStream.wrapping(enter(route, request, exchange, verdict, now: now), headers)
        case .pending(let pending):
            let stream = RoutedStream(pending, headers) { [self] verdict in
                enter(route, request, exchange, verdict, now: Clock.monotonic)
            }
            pending.whenSettled { exchange.wake() }
            return .wait(stream)
        }
    }

    /// Decides about a request when it is known who sends it.
    private func enter(
        _ route: Route,
        _ request: HTTPRequest,
        _ exchange: any HTTPExchange,
        _ verdict: Authorizer.Verdict,
        now: Int64
    ) -> HTTPOpening {
        let client = ClientAddress(request)
        guard route.audience != .anyone else {
            var identity: Identity?
            if case .granted(let granted) = verdict, granted != .anonymous { identity = granted }
            return route.open(request, Admission(identity: identity, client: client), exchange)
        }
        switch verdict {
        case .denied(let status, let message):
            return .respond(refusal(status, message, request, client))
        case .granted(let identity):
            guard access.admitsRequest(of: identity, address: client.ip, now: now) else {
                access.metrics.rateLimit.add()
                let message = "too many requests: rate limit exceeded"
                return .respond(Answer.error(status: 429, message, to: request))
            }
            if route.audience == .browsers, !access.isRUMEnabled {
                access.metrics.disabled.add()
                return .respond(Answer.error(status: 403, Self.disabledMessage, to: request))
            }
            let gate = access.gate(for: identity, address: client.ip)
            return route.open(request, Admission(identity: identity, client: client, gate: gate), exchange)
        }
    }

    private func refusal(
        _ status: Int,
        _ message: String,
        _ request: HTTPRequest,
        _ client: ClientAddress
    ) -> HTTPResponse {
        if status == 401 { access.metrics.unauthorized.add() } else { access.metrics.unavailable.add() }
        // The message never has a credential in it.
        Log.limited(
            .warning,
            key: "refused-\(status)",
            "a request is refused",
            [
                "client": client.ip, "path": request.path, "status": String(status),
                "reason": String(message.prefix(Self.longestReason)),
            ]
        )
        return Answer.error(status: status, message, to: request)
    }
}

extension HTTPOpening {
    fileprivate static func respond(_ response: HTTPResponse, _ more: [HTTPRequest.Field]) -> HTTPOpening {
        var response = response
        response.headers += more
        return .respond(response)
    }
}
