import Common

/// A request between the server and its route: it waits for the verdict about its sender, and adds to the answer
/// what every answer has.
final class RoutedStream: HTTPBodyStream {
    private enum State {
        /// Nothing of the body is read.
        case waiting(Authorizer.PendingVerdict, (Authorizer.Verdict) -> HTTPOpening)
        case open(any HTTPBodyStream)
        case over
    }

    private var state: State
    private let headers: [HTTPRequest.Field]

    /// - Parameters:
    ///   - headers: of the answer, besides its own.
    ///   - open: called with the verdict when it is there.
    init(
        _ pending: Authorizer.PendingVerdict,
        _ headers: [HTTPRequest.Field],
        open: @escaping (Authorizer.Verdict) -> HTTPOpening
    ) {
        state = .waiting(pending, open)
        self.headers = headers
    }

    private init(_ stream: any HTTPBodyStream, _ headers: [HTTPRequest.Field]) {
        state = .open(stream)
        self.headers = headers
    }

    /// The opening with `headers` added to its answer, whenever that comes.
    static func wrapping(_ opening: HTTPOpening, _ headers: [HTTPRequest.Field]) -> HTTPOpening {
        guard !headers.isEmpty else { return opening }
        switch opening {
        case .respond(var response):
            response.headers += headers
            return .respond(response)
        case .stream(let stream): return .stream(RoutedStream(stream, headers))
        case .wait(let stream): return .wait(RoutedStream(stream, headers))
        }
    }

    // MARK: - What the server calls

    func receive(_ bytes: RawSpan) -> HTTPStep {
        guard case .open(let stream) = state else { return .wait }
        return completed(stream.receive(bytes))
    }

    func finish() -> HTTPStep {
        guard case .open(let stream) = state else { return .wait }
        return completed(stream.finish())
    }

    func resumed() -> HTTPStep {
        switch state {
        case .open(let stream): return completed(stream.resumed())
        case .waiting(let pending, let open): return enterWhenSettled(pending, open)
        case .over: return .wait
        }
    }

    func cancelled() {
        if case .open(let stream) = state { stream.cancelled() }
        state = .over
    }

    func interrupted(by cause: HTTPInterruption) -> HTTPResponse {
        var response = cause.response
        if case .open(let stream) = state { response = stream.interrupted(by: cause) }
        state = .over
        response.headers += headers
        return response
    }

    // MARK: - Steps

    /// When the verdict is there, the route takes over.
    private func enterWhenSettled(
        _ pending: Authorizer.PendingVerdict,
        _ open: (Authorizer.Verdict) -> HTTPOpening
    ) -> HTTPStep {
        guard let verdict = pending.verdict else { return .wait }
        switch open(verdict) {
        case .respond(let response): return completed(.respond(response))
        case .stream(let stream):
            state = .open(stream)
            return .proceed
        case .wait(let stream):
            state = .open(stream)
            return .wait
        }
    }

    private func completed(_ step: HTTPStep) -> HTTPStep {
        guard case .respond(var response) = step else { return step }
        state = .over
        response.headers += headers
        return .respond(response)
    }
}
