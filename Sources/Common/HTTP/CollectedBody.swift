/// Collects a whole body, for routes that want their requests complete.
package final class CollectedBody: HTTPBodyStream {
    private var request: HTTPRequest
    private let maxBytes: Int
    private let handler: (HTTPRequest) -> HTTPStep
    private let whenResumed: () -> HTTPStep
    private let whenCancelled: () -> Void

    /// Begins to collect the body of `request`.
    ///
    /// - Parameters:
    ///   - maxBytes: a larger body is answered 413.
    ///   - whenResumed: called after a wake, when `handler` has asked to wait.
    ///   - whenCancelled: called when the client has gone after `handler` was called and before it was answered.
    ///   - handler: gets the complete request.
    package init(
        of request: HTTPRequest,
        maxBytes: Int,
        whenResumed: @escaping () -> HTTPStep = { .wait },
        whenCancelled: @escaping () -> Void = {},
        handler: @escaping (HTTPRequest) -> HTTPStep
    ) {
        self.request = request
        self.maxBytes = maxBytes
        self.handler = handler
        self.whenResumed = whenResumed
        self.whenCancelled = whenCancelled
        if let length = declaredBytes, length <= maxBytes { self.request.body.reserveCapacity(length) }
    }

    private var isHandled = false

    /// What to answer to `open`: 413 at once, when the declared length says so, else to stream into this.
    package var opening: HTTPOpening {
        if let length = declaredBytes, length > maxBytes { return .respond(tooLarge) }
        return .stream(self)
    }

    package func receive(_ bytes: RawSpan) -> HTTPStep {
        guard bytes.byteCount <= maxBytes - request.body.count else {
            request.body = []
            return .respond(tooLarge)
        }
        bytes.withUnsafeBytes { request.body += $0 }
        return .proceed
    }

    package func finish() -> HTTPStep {
        isHandled = true
        return handler(request)
    }

    package func resumed() -> HTTPStep { isHandled ? whenResumed() : .proceed }

    package func cancelled() {
        if isHandled { whenCancelled() }
    }

    private var declaredBytes: Int? { request.header("content-length").map { Int($0) ?? .max } }

    private var tooLarge: HTTPResponse { .error(status: 413, "the body has more than \(maxBytes) bytes") }
}

/// Answers complete requests by an `HTTPRouter`.
final class HTTPRouterWorker: HTTPWorker {
    private let router: HTTPRouter
    private let maxBodyBytes: Int

    init(_ router: HTTPRouter, maxBodyBytes: Int) {
        self.router = router
        self.maxBodyBytes = maxBodyBytes
    }

    func open(_ request: HTTPRequest, _ exchange: any HTTPExchange) -> HTTPOpening {
        guard request.announcesBody else { return .respond(router.respond(to: request)) }
        let router = router
        return CollectedBody(of: request, maxBytes: maxBodyBytes) { .respond(router.respond(to: $0)) }.opening
    }

    func tick(now: Int64) -> Int64 { .max }
}
