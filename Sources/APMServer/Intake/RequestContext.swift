import Common

/// What an intake request brings to each of its events besides their lines.
struct RequestContext: Sendable {
    /// When the request was received: the time of events that carry none.
    var received: CalendarTime
    /// Whether it came on one of the two RUM paths.
    var isRUM = false
    /// The client's address by the rules for proxy headers (numeric, without port); empty when unknown.
    var clientIP = ""
    /// The client's port; 0 when unknown.
    var clientPort = 0
    /// The peer's address when a proxy header named another client; empty otherwise.
    var natIP = ""
    /// The request's own User-Agent header.
    var userAgent = ""
}
