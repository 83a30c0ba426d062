import Testing

@testable import Shipper

@Suite struct LumberjackAnswerTests {
    @Test(
        "what answers an empty window",
        arguments: [
            ([], .silence), (Array("2A\0\0\0\0".utf8), .acknowledged),
            (Array("2A\0\0\0\u{1}".utf8), .wrong("it acknowledges event 1, and none was sent")),
            (Array("2A\0".utf8), .wrong("its answer ends inside an ack")),
            // An alert of TLS 1.2: fatal, unexpected message.
            ([21, 3, 3, 0, 2, 2, 10], .wrong("it answers in TLS: set output.tls.enabled: true")),
            (
                Array("HTTP/1.1 400 Bad Request\r\nServer: nginx\r\nDate: Fri".utf8),
                .wrong(
                    "it does not speak Lumberjack, its answer begins with "
                        + "\"HTTP/1.1 400 Bad Request..Server: nginx.\"; are host and port those of ingest?"
                )
            ),
            (
                Array("1A\0\0\0\0".utf8),
                .wrong(
                    "it does not speak Lumberjack, its answer begins with \"1A....\"; are host and port those of ingest?"
                )
            ),
        ] as [([UInt8], LumberjackAnswer)]
    )
    func answers(_ bytes: [UInt8], expected: LumberjackAnswer) {
        #expect(LumberjackAnswer(bytes) == expected)
    }
}
