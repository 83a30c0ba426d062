import Common

/// A small body that is taken as a whole, its compression undone, and answered at once.
final class CollectedBody: HTTPBodyStream {
    /// A question about configuration has 200 bytes; this is for patience, not for data.
    private static let maxBytes = 64 << 10

    private let answer: ([UInt8]) -> HTTPResponse
    private let refuse: (String) -> HTTPResponse
    private var decoder: BodyDecoder
    private var body = ByteBuffer()

    /// - Parameters:
    ///   - answer: called with the decoded body.
    ///   - refuse: called with a reason when the body cannot be decoded or is too large.
    init(
        _ request: HTTPRequest,
        answer: @escaping ([UInt8]) -> HTTPResponse,
        refuse: @escaping (String) -> HTTPResponse
    ) {
        self.answer = answer
        self.refuse = refuse
        decoder = BodyDecoder(
            contentEncoding: request.header("Content-Encoding"),
            maxBytes: Self.maxBytes
        )
    }

    func receive(_ bytes: RawSpan) -> HTTPStep {
        var offset = 0
        do throws(IntakeError) {
            while offset < bytes.byteCount {
                _ = try decoder.decode(bytes, at: &offset, into: &body, maxOutput: Self.maxBytes)
            }
            return .proceed
        } catch {
            return .respond(refuse(error.message))
        }
    }

    func finish() -> HTTPStep {
        do throws(IntakeError) { try decoder.finish(into: &body) } catch {
            return .respond(refuse(error.message))
        }
        return .respond(answer(body.array))
    }

    func resumed() -> HTTPStep { .wait }

    func cancelled() {}
}
