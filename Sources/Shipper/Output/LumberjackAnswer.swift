import Common

/// What a receiver's first bytes after an empty window mean.
///
/// Logstash and ingest answer ack 0; go-lumber's server says nothing.
enum LumberjackAnswer: Equatable {
    case silence
    case acknowledged
    /// Something else speaks there; the text says what, or what to do.
    case wrong(String)

    init(_ bytes: [UInt8]) {
        guard let first = bytes.first else {
            self = .silence
            return
        }
        var reader = LumberjackAckReader()
        var offset = 0
        do {
            switch try reader.next(in: bytes.span.bytes, at: &offset) {
            case 0?: self = .acknowledged
            case let sequence?: self = .wrong("it acknowledges event \(sequence), and none was sent")
            case nil: self = .wrong("its answer ends inside an ack")
            }
        } catch {
            self = .wrong(Self.reason(first, bytes))
        }
    }

    private static func reason(_ first: UInt8, _ bytes: [UInt8]) -> String {
        // A record of alerts or handshakes (RFC 8446, section 5.1).
        if first == 21 || first == 22 { return "it answers in TLS: set output.tls.enabled: true" }
        let text = String(
            decoding: bytes.prefix(40).map { 0x20..<0x7F ~= $0 ? $0 : UInt8(ascii: ".") },
            as: UTF8.self
        )
        return
            "it does not speak Lumberjack, its answer begins with \"\(text)\"; are host and port those of ingest?"
    }
}

extension LumberjackFrame {
    /// `2W` with a count of 0.
    static let emptyWindow: [UInt8] = Array("2W\0\0\0\0".utf8)
}
