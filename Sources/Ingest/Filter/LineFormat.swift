import Common

/// A kind of lines, such as nginx's access log: it knows what their bytes mean, and sets an event's fields.
///
/// It opens, stores and counts nothing; `Pipeline` asks it for one line at a time. Each worker has its own.
protocol LineFormat: AnyObject {
    /// Whether its times may lack a zone, so that `LineContext.zone` matters.
    var needsZone: Bool { get }
    /// Whether an event without a line lacks what is to be read; a format that leaves events as they are needs none.
    var needsMessage: Bool { get }
    /// Whether `message` shows what a line says; a line that is not understood then stands there as a whole.
    var hasMessage: Bool { get }

    /// Sets the fields that `line` tells.
    ///
    /// - Parameters:
    ///   - line: the message, its escapes resolved.
    ///   - payload: the event as it came.
    ///   - copy: empty; a format that has to change bytes before it can point at them puts them here.
    ///   - event: what the sender said about the line; ranges with source `line` mean `line`, or `copy` where
    ///     `LineFacts.isCopied` says so.
    /// - Throws: why the line is not of this kind.
    func read(
        _ line: RawSpan,
        of payload: RawSpan,
        _ context: LineContext,
        copy: inout ByteBuffer,
        into event: inout Event
    ) throws(LineFailure) -> LineFacts
}

extension LineFormat {
    var needsZone: Bool { false }
    var needsMessage: Bool { true }
    var hasMessage: Bool { true }
}

/// What the meaning of a line depends on, beside its bytes.
struct LineContext {
    /// When the line was read: the year of times that have none is near it.
    var readTime: CalendarTime
    /// The zone of times that name none.
    var zone = TimeZoneRules.utc
}

/// What later steps need to know about a line that was understood.
struct LineFacts {
    /// The most precise of the times in the line; nil if there is none, or none is valid.
    var time: CalendarTime?
    /// A time that is there but is no date.
    var badTime: Range<Int>?
    /// The client, if it is known by an address.
    var client: IPAddress?
    var userAgent: Range<Int>?
    var referrer: Range<Int>?
    /// The query of the URL, still percent-encoded.
    var query: Range<Int>?
    /// Whether ranges, those of the event's fields too, are of the copy and not of the line.
    var isCopied = false
}

/// Why a line is not of the kind that it should be.
struct LineFailure: Error {
    let reason: String
    /// Whether the event has to be made anew, because fields of the line have been set already.
    var hasWritten = false
    /// Whether the line should have been JSON.
    var isJSON = false
}
