/// What a service does with the requests that one thread of its `HTTPServer` receives.
///
/// Every call comes on that thread, so that an implementation needs no locks for what is its own.
package protocol HTTPWorker: AnyObject {
    /// The head of a request has arrived (its `body` is empty): says what becomes of it.
    func open(_ request: HTTPRequest, _ exchange: any HTTPExchange) -> HTTPOpening

    /// Called after each round of events, and at the moment that the last call asked for.
    ///
    /// - Parameter now: monotonic nanoseconds.
    /// - Returns: when to call again at the latest, in monotonic nanoseconds; `.max` for no such moment.
    func tick(now: Int64) -> Int64

    /// The thread ends, after the last answer: the last call.
    func ended()
}

extension HTTPWorker {
    package func ended() {}
}

/// The first decision on a request, made when only its head is known.
package enum HTTPOpening {
    /// Answered at once; what comes of the body is dropped.
    case respond(HTTPResponse)
    /// The body goes to this as it arrives.
    case stream(any HTTPBodyStream)
    /// As `stream`, but nothing of the body is read before `HTTPExchange.wake`; `resumed` is the first call.
    case wait(any HTTPBodyStream)
}

/// Takes the body of one request as it arrives and makes its answer, on the thread that owns the connection.
package protocol HTTPBodyStream: AnyObject {
    /// Some more of the body; the bytes are valid during the call only and count as taken.
    func receive(_ bytes: RawSpan) -> HTTPStep
    /// The body is complete.
    func finish() -> HTTPStep
    /// `HTTPExchange.wake` was called.
    ///
    /// It may be an old call, made before this stream asked to wait: what was waited for need not have come.
    func resumed() -> HTTPStep
    /// The client has gone before it was answered; the last call.
    func cancelled()
    /// The server ends the request before it was answered; the last call.
    ///
    /// - Returns: what the client is told. The connection is closed behind it.
    func interrupted(by cause: HTTPInterruption) -> HTTPResponse
}

extension HTTPBodyStream {
    package func interrupted(by cause: HTTPInterruption) -> HTTPResponse {
        cancelled()
        return cause.response
    }
}

/// Why a server ends a request that it has not answered.
package enum HTTPInterruption: Sendable {
    /// The client took too long to send it.
    case timeout
    /// The server stops.
    case stop

    package var message: String {
        switch self {
        case .timeout: "request timed out"
        case .stop: "server is shutting down"
        }
    }

    /// What a request of no special kind is answered.
    package var response: HTTPResponse { .error(status: 503, message) }
}

/// What happens next to a request.
package enum HTTPStep {
    /// More of the body may come. After `finish` it is the same as `wait`.
    case proceed
    /// Nothing is read of this connection until `HTTPExchange.wake`; it costs its socket.
    case wait
    /// The answer, after which the stream is not called again.
    ///
    /// In the middle of a body the rest is dropped and the connection closed.
    case respond(HTTPResponse)
}

/// Wakes a request that waits.
package protocol HTTPExchange: AnyObject, Sendable {
    /// Has `resumed` called on the request's thread, at once or as soon as the request waits.
    ///
    /// From any thread, any number of times, also when the request is over.
    func wake()
}
