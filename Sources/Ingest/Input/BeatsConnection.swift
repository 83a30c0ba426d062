import Common

/// One sender's connection: bytes in, events out, acks back.
///
/// Owned by one worker's event loop. It decides nothing about memory or time: the worker asks and tells.
final class BeatsConnection {
    /// Why a connection ends.
    enum End: Error {
        /// The peer closed in good order, or a health check came and went.
        case closed
        case lost(Errno)
        case protocolError(LumberjackError)
        case tls(TLSError)
        case idle
        /// A window was begun and not finished in time.
        case slow
        /// Its port is no longer configured, and all its windows are acknowledged.
        case removed
    }

    /// Where reading stopped.
    enum Progress: Equatable {
        /// Everything that was there is decoded.
        case waiting
        /// The consumer asked to stop in the middle; `resume` goes on.
        case stopped
        /// More memory is needed for the frame that is arriving than is granted.
        case needsMemory(bytes: Int)
    }

    /// Bytes asked of the socket at once: large enough that a window of 2,048 compressed events is one read.
    static let readBytes = 256 * 1024

    /// Acks queued above this stop the reading: ten thousand windows that nobody asked about.
    private static let maxOutputBytes = 64 * 1024

    let token: UInt64
    let peer: Socket.Address
    /// Which configured input it came in by.
    let input: Int
    let descriptor: Int32
    var windows = ReceiveWindows()
    /// Reading is off until memory is free.
    private(set) var isPaused = false
    /// It ends after the window being received.
    var isLeaving = false
    /// What the event loop watches for it now.
    var interest: EventLoop.Interest = .read
    /// What the TLS handshake waits for; nil once data may flow.
    private(set) var handshakeInterest: EventLoop.Interest?
    /// When bytes last came or went (monotonic nanoseconds).
    private(set) var lastActivity: Int64
    /// When the last ack or keep-alive went out.
    var lastAnswer: Int64
    /// When the window being received was begun; nil between windows.
    private(set) var windowStart: Int64?

    private let socket: Descriptor
    private var tls: TLSConnection?
    private var decoder: LumberjackDecoder
    /// Bytes received and not decoded: part of a frame, or what a stop left.
    private var received = ByteBuffer()
    /// Bytes that the frame under way needs in all.
    private var neededBytes = 0
    private var window: ReceiveWindows.ID = 0
    private var output = ByteBuffer()

    init(
        socket: consuming Descriptor,
        token: UInt64,
        peer: Socket.Address,
        input: Int,
        tls: consuming TLSConnection?,
        limits: LumberjackLimits,
        now: Int64
    ) {
        descriptor = socket.raw
        self.socket = socket
        self.token = token
        self.peer = peer
        self.input = input
        handshakeInterest = tls == nil ? nil : .read
        self.tls = tls
        decoder = LumberjackDecoder(limits: limits)
        lastActivity = now
        lastAnswer = now
    }

    /// Whether a sender waits in the middle of a window for us to read on.
    var isInsideWindow: Bool { decoder.isInsideWindow }

    /// Memory for the frame under way.
    var bufferedBytes: Int { max(received.capacity, neededBytes) }

    /// Acks that the socket has not taken yet.
    var hasOutput: Bool { !output.isEmpty }

    /// Whether the sender does not read its acks: then nothing more is taken from it either.
    var isDeaf: Bool { output.count >= Self.maxOutputBytes }

    /// Reads what the socket has, up to one buffer, and decodes it.
    ///
    /// - Parameter scratch: the worker's read buffer, used while this connection holds no part of a frame.
    /// - Parameter inflate: the worker's inflate buffer, lent for the time of the call.
    /// - Parameter consume: takes one event of a window; answers whether it can take another.
    func read(
        scratch: inout ByteBuffer,
        inflate: inout ByteBuffer,
        now: Int64,
        _ consume: (RawSpan, Range<Int>, ReceiveWindows.ID) -> Bool
    ) throws(End) -> Progress {
        guard try handshake() else { return .waiting }
        if received.isEmpty {
            scratch.removeAll()
            guard try receive(into: &scratch, atMost: Self.readBytes, now: now) else { return .waiting }
            return try decode(&scratch, inflate: &inflate, now: now, consume)
        }
        let missing = max(neededBytes - received.count, MemoryBudget.freeBytes / 2)
        guard try receive(into: &received, atMost: missing, now: now) else { return .waiting }
        return try resume(inflate: &inflate, now: now, consume)
    }

    /// Decodes what an earlier stop left.
    func resume(
        inflate: inout ByteBuffer,
        now: Int64,
        _ consume: (RawSpan, Range<Int>, ReceiveWindows.ID) -> Bool
    ) throws(End) -> Progress {
        var bytes = ByteBuffer()
        swap(&bytes, &received)
        return try decode(&bytes, inflate: &inflate, now: now, consume)
    }

    /// Whether TLS holds decrypted bytes that the event loop cannot see.
    var hasHiddenInput: Bool { (tls?.pendingBytes ?? 0) > 0 }

    /// Stops reading until memory is free; time does not count against the sender meanwhile.
    func pauseReading() { isPaused = true }

    /// Ends a pause.
    func resumeReading(now: Int64) {
        isPaused = false
        lastActivity = now
        if windowStart != nil { windowStart = now }
    }

    /// Whether TLS is not agreed on in `timeout`, or a window's rest does not come: nothing for `timeout`, or bytes so slow that
    /// the window has taken ten times as long.
    func isTooSlow(now: Int64, timeout: Int64) -> Bool {
        if handshakeInterest != nil { return now - lastActivity >= timeout }
        guard let windowStart, !isPaused else { return false }
        return now - max(windowStart, lastActivity) >= timeout || now - windowStart >= 10 * timeout
    }

    // MARK: - Answers

    /// Queues an ack (0 is a keep-alive) and sends what the socket takes.
    func acknowledge(_ sequence: UInt32, now: Int64) throws(End) {
        output.append(lumberjackAck: sequence)
        lastAnswer = now
        try flush(now: now)
    }

    /// Sends queued acks.
    ///
    /// What the socket does not take stays.
    func flush(now: Int64) throws(End) {
        guard handshakeInterest == nil else { return }
        while !output.isEmpty {
            let sent = try send()
            if sent == 0 { return }
            output.removeFirst(sent)
            lastActivity = now
        }
    }

    private func send() throws(End) -> Int {
        do {
            let progress = try output.withUnsafeBytes { bytes throws(TLSError) in try tls?.write(bytes) }
            switch progress {
            case .done(let count): return count
            case .wantsRead, .wantsWrite: return 0
            case .closed: throw End.closed
            case nil: break
            }
        } catch let error as TLSError {
            throw .tls(error)
        } catch {
            throw .closed
        }
        do {
            return try output.withUnsafeBytes { bytes throws(Errno) in try Socket.send(bytes, on: socket) }
        } catch {
            if error == .wouldBlock { return 0 }
            throw .lost(error)
        }
    }
}

// MARK: - Bytes in

extension BeatsConnection {
    /// - Returns: whether data may flow.
    private func handshake() throws(End) -> Bool {
        guard handshakeInterest != nil else { return true }
        let progress: TLSConnection.Progress?
        do { progress = try tls?.handshake() } catch { throw .tls(error) }
        switch progress {
        case .wantsRead: handshakeInterest = .read
        case .wantsWrite: handshakeInterest = .write
        case .closed: throw .closed
        case .done, nil: handshakeInterest = nil
        }
        return handshakeInterest == nil
    }

    /// - Returns: false when nothing was there.
    private func receive(into buffer: inout ByteBuffer, atMost size: Int, now: Int64) throws(End) -> Bool {
        let before = buffer.count
        var isEnd = false
        do {
            try buffer.append(reserving: size) { free throws(End) in
                let room = UnsafeMutableRawBufferPointer(rebasing: free[..<min(size, free.count)])
                guard let count = try receive(room) else { return 0 }
                isEnd = count == 0
                return count
            }
        }
        if isEnd { throw .closed }
        if buffer.count > before { lastActivity = now }
        return buffer.count > before
    }

    /// - Returns: nil when nothing is there, 0 at the end.
    private func receive(_ room: UnsafeMutableRawBufferPointer) throws(End) -> Int? {
        let progress: TLSConnection.Progress?
        do { progress = try tls?.read(into: room) } catch { throw .tls(error) }
        switch progress {
        case .done(let count): return count
        case .wantsRead, .wantsWrite: return nil
        case .closed: return 0
        case nil: break
        }
        do { return try socket.read(into: room) } catch {
            if error == .wouldBlock { return nil }
            throw .lost(error)
        }
    }

    /// Hands out the events in `bytes` and keeps the rest.
    private func decode(
        _ bytes: inout ByteBuffer,
        inflate: inout ByteBuffer,
        now: Int64,
        _ consume: (RawSpan, Range<Int>, ReceiveWindows.ID) -> Bool
    ) throws(End) -> Progress {
        _ = decoder.exchangeInflateBuffer(with: &inflate)
        defer {
            // A stop inside a C frame leaves the buffer here; it goes back when the frame is done, and the one that the
            // worker had meanwhile is dropped, so that only connections that wait hold one.
            if decoder.exchangeInflateBuffer(with: &inflate) { decoder.shrink(to: MemoryBudget.freeBytes) }
        }
        var offset = 0
        let progress: Progress
        do {
            progress = try bytes.withSpan { span throws(LumberjackError) in
                try decode(span, at: &offset, now: now, consume)
            }
        } catch {
            throw .protocolError(error)
        }
        if offset < bytes.count {
            bytes.withSpan { received.append($0, offset..<$0.byteCount) }
        } else if received.isEmpty, received.capacity > MemoryBudget.freeBytes {
            received = ByteBuffer()
        }
        return progress
    }

    private func decode(
        _ span: RawSpan,
        at offset: inout Int,
        now: Int64,
        _ consume: (RawSpan, Range<Int>, ReceiveWindows.ID) -> Bool
    ) throws(LumberjackError) -> Progress {
        while true {
            switch try decoder.next(in: span, at: &offset) {
            case .needsMore(let minimumBytes):
                neededBytes = offset < span.byteCount ? minimumBytes : 0
                return neededBytes > MemoryBudget.freeBytes ? .needsMemory(bytes: neededBytes) : .waiting
            case .windowStarted:
                window = windows.begin()
                windowStart = now
            case .event(let event):
                let wantsMore = decoder.withBytes(of: event, in: span) { consume($0, $1, window) }
                if !wantsMore { return .stopped }
            case .windowComplete(let ack, _):
                windows.complete(sequence: ack)
                windowStart = nil
                if isLeaving { return .stopped }
            }
        }
    }
}

extension BeatsConnection.End: CustomStringConvertible {
    var description: String {
        switch self {
        case .closed: "closed by the peer"
        case .lost(let error): "lost: \(error)"
        case .protocolError(let error): "not Lumberjack: \(error)"
        case .tls(let error): "TLS: \(error)"
        case .idle: "nothing came for limits.idle_timeout"
        case .removed: "its input is no longer configured"
        case .slow: "a window was begun and its rest did not come within limits.frame_timeout"
        }
    }
}
