import Common

/// One step of a pipeline that is written in the configuration: reads and changes the fields of a record.
///
/// A filter belongs to one worker, so it may keep buffers. What all workers share is in its plan.
protocol Filter {
    /// - Throws: why the event could not be changed; the chain tags it, counts it and goes on.
    func apply(to record: Record) throws(FilterFailure) -> FilterOutcome
}

/// What becomes of an event behind a filter.
enum FilterOutcome: Equatable, Sendable {
    case next
    /// The event is not stored; its sender hears that it is done.
    case drop
    /// One event for each element of the list at the path, which takes the list's place.
    case split(FieldPath)
}

/// Why a filter could not do its work on an event.
struct FilterFailure: Error, Equatable {
    /// What went wrong, as the tag that Logstash users know; `tag_on_failure` replaces it.
    enum Tag: String, Sendable {
        case grok = "_grokparsefailure"
        case grokTimeout = "_groktimeout"
        case dissect = "_dissectfailure"
        case regex = "_regexfailure"
        case regexTimeout = "_regextimeout"
        case json = "_jsonparsefailure"
        case keyValue = "_kvparsefailure"
        case csv = "_csvparsefailure"
        case date = "_dateparsefailure"
        case geoIP = "_geoip_lookup_failure"
        case convert = "_convertfailure"
        case nginx = "_nginxparsefailure"
        case split = "_split_type_failure"
        /// A field cannot be set where its path leads.
        case field = "_fieldfailure"
    }

    let tag: Tag
    /// For `error.message`; nil where the tag says all, as for a look-up without result.
    let reason: String?

    init(_ tag: Tag, _ reason: String? = nil) {
        self.tag = tag
        self.reason = reason
    }
}

/// What the configuration says of a filter; makes each worker's own.
protocol FilterPlan: Sendable {
    /// Decodes the section below the filter's name; complaints go to the reader.
    init(_ reader: ConfigurationReader)

    /// - Throws: what is missing on this machine; everything in the configuration has been checked before.
    func filter(_ workplace: FilterWorkplace) throws -> any Filter
}

/// What the filters of one worker share.
struct FilterWorkplace {
    /// Databases of places and user agents; nil when there are none.
    var enrichment: Enrichment?
    /// Name of the pipeline, for messages.
    var pipeline: String
}
