import Glibc

/// The end of a connection: the last answer, if there is one, and what the client still sends.
///
/// libmicrohttpd cannot answer in the middle of a body, and it closes a socket with unread bytes, upon which TCP tells
/// the client to forget the answer too. Here the answer is written past libmicrohttpd, then the end of the stream, and
/// then a bounded amount is read and dropped for a bounded time, until the client has seen the answer and closes.
/// Driven by `HTTPServerLoop`.
final class HTTPFarewell {
    /// What to wait for.
    enum Progress {
        case wantsRead, wantsWrite, wantsBoth
        case over
    }

    /// How much is dropped, and for how long.
    struct Patience {
        let bytes: Int
        let nanoseconds: Int64

        /// After our answer: agents write into one request for 10 s, and some read only then.
        static let answered = Patience(bytes: 16 << 20, nanoseconds: 15_000_000_000)
        /// After an answer of libmicrohttpd's to what is no request: the rest is on the way already.
        static let refused = Patience(bytes: 1 << 20, nanoseconds: 2_000_000_000)
    }

    private enum Phase {
        case answering, closing, draining
    }

    let socket: Int32
    /// Whose connection it is; nil when the socket belongs to this alone.
    let exchange: HTTPServerExchange?
    /// When it ends at the latest, in monotonic nanoseconds.
    private(set) var deadline: Int64
    private let patience: Patience
    private var answer: [UInt8]
    private var sentBytes = 0
    private var droppedBytes = 0
    private var phase: Phase
    private var isEnded = false

    /// Answers on a connection that libmicrohttpd lets alone.
    init(_ answer: [UInt8], to exchange: HTTPServerExchange, until deadline: Int64) {
        socket = exchange.connection.socket
        self.exchange = exchange
        self.deadline = deadline
        self.answer = answer
        patience = .answered
        phase = .answering
    }

    /// Drops what comes on a socket that has been shut down for writing, and closes it then.
    init(draining socket: consuming Descriptor, now: Int64) {
        self.socket = socket.release()
        exchange = nil
        answer = []
        patience = .refused
        deadline = now + patience.nanoseconds
        phase = .draining
    }

    deinit {
        if exchange == nil { close(socket) }
    }

    /// Whether nothing is left to do but to wait for the client's end.
    var isAnswerSent: Bool { phase == .draining }

    /// Reads and writes what can be without waiting.
    func proceed() -> Progress {
        guard drop() else { return .over }
        if let exchange, !send(on: exchange.connection.daemon) { return .over }
        guard phase == .draining else { return isEnded ? .wantsWrite : .wantsBoth }
        return isEnded ? .over : .wantsRead
    }

    /// - Returns: false when the connection is broken.
    private func send(on connection: HTTPDaemonConnection) -> Bool {
        if phase == .answering {
            while sentBytes < answer.count {
                let count = answer.withUnsafeBytes { bytes in
                    let rest = UnsafeRawBufferPointer(rebasing: bytes[sentBytes...])
                    if let count = connection.sendSecurely(rest) { return count }
                    let count = Glibc.send(socket, rest.baseAddress, rest.count, Int32(MSG_NOSIGNAL))
                    return count < 0 && errno != EAGAIN && errno != EINTR ? -2 : count
                }
                guard count >= 0 else { return count == -1 }
                sentBytes += count
            }
            phase = .closing
        }
        if phase == .closing, connection.endSecurely() {
            shutdown(socket, Int32(SHUT_WR))
            phase = .draining
            answer = []
            deadline = Clock.monotonic + patience.nanoseconds
        }
        return true
    }

    /// Reads and drops; with TLS, records unopened.
    ///
    /// - Returns: false when the connection is broken, or the patience is over.
    private func drop() -> Bool {
        withUnsafeTemporaryAllocation(byteCount: 32 * 1024, alignment: 16) { scratch in
            // Bounded, for the thread has others to serve.
            for _ in 0..<16 where !isEnded {
                let count = recv(socket, scratch.baseAddress, scratch.count, 0)
                guard count >= 0 else { return errno == EAGAIN || errno == EINTR }
                isEnded = count == 0
                droppedBytes += count
                if droppedBytes > patience.bytes { return false }
            }
            return true
        }
    }
}

extension HTTPResponse {
    /// The answer as HTTP/1.1 that closes the connection.
    ///
    /// - Parameter hasBody: false in answer to `HEAD`.
    func closingBytes(hasBody: Bool, now: CalendarTime) -> [UInt8] {
        var bytes = ByteBuffer(capacity: 512 + body.count)
        bytes.append("HTTP/1.1 \(status) \(HTTPDaemon.phrase(status))\r\n")
        bytes.append("Date: \(now.httpDate)\r\nConnection: Close\r\n")
        for header in headers where !header.isNamed("connection") {
            let line = "\(header.name): \(header.value)"
            guard line.utf8.allSatisfy({ $0 >= 0x20 || $0 == 0x09 }) else {
                Log.limited(.error, key: "http-header", "left out an HTTP header", ["header": header.name])
                continue
            }
            bytes.append(line)
            bytes.append("\r\n" as StaticString)
        }
        bytes.append("X-Content-Type-Options: nosniff\r\n" as StaticString)
        if status >= 200, status != 204 { bytes.append("Content-Length: \(body.count)\r\n") }
        bytes.append("\r\n" as StaticString)
        if hasBody, status >= 200, status != 204, status != 304 { bytes.append(body) }
        return bytes.array
    }
}

extension CalendarTime {
    /// `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, section 5.6.7).
    var httpDate: String {
        let weekdays = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let (year, month, dayOfMonth) = date
        let second = Int(seconds) - day * 86400
        func pad(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
        let time = "\(pad(second / 3600)):\(pad(second / 60 % 60)):\(pad(second % 60))"
        let weekday = weekdays[(day % 7 + 7) % 7]
        return "\(weekday), \(pad(dayOfMonth)) \(months[month - 1]) \(year) \(time) GMT"
    }
}
