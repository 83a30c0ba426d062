/// Finds the handler of a request by path and method.
///
/// Handlers run on the server's thread: they answer at once and do not wait.
package struct HTTPRouter: Sendable {
    package typealias Handler = @Sendable (HTTPRequest) -> HTTPResponse

    private struct Route: Sendable {
        /// nil for every method that has no route of its own.
        let method: String?
        let handler: Handler
    }

    private var routes: [String: [Route]] = [:]

    package init() {}

    /// Adds the handler of `method` on `path`; that of `GET` answers `HEAD` as well, sent without its body.
    ///
    /// - Parameter method: nil for all methods that have no handler of their own.
    package mutating func on(_ method: String?, _ path: String, _ handler: @escaping Handler) {
        routes[path, default: []].append(Route(method: method, handler: handler))
    }

    /// The answer of the handler; 404 for an unknown path, 405 with `Allow` for another method.
    package func respond(to request: HTTPRequest) -> HTTPResponse {
        guard let candidates = routes[request.path] else {
            return .error(status: 404, "404 page not found")
        }
        let method = request.method == "HEAD" ? "GET" : request.method
        let route = candidates.first { $0.method == method } ?? candidates.first { $0.method == nil }
        if let route { return route.handler(request) }
        var response = HTTPResponse.error(status: 405, "method not supported: \(request.method)")
        response.headers.append(.init("Allow", allowed(candidates)))
        return response
    }

    private func allowed(_ routes: [Route]) -> String {
        routes.compactMap(\.method).map { $0 == "GET" ? "GET, HEAD" : $0 }.joined(separator: ", ")
    }
}
