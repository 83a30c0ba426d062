/// What becomes of one document, from the item of the bulk response that answers it.
package enum BulkOutcome: Equatable, Sendable {
    /// Stored now.
    case stored
    /// Stored by an earlier try whose answer was lost: success.
    case duplicate
    /// The store cannot just now: the same bytes go out again after a pause.
    case retry
    /// The store is set up so that it will not: an operator has to act; kept, tried again slowly.
    case hold
    /// Sending it again would fail again.
    case deadLetter

    /// - Parameters:
    ///   - status: of the item.
    ///   - type: `error.type`; nil without an error.
    package init(status: Int, type: String?) {
        switch type {
        case "es_rejected_execution_exception", "rejected_execution_exception", "circuit_breaking_exception",
            "unavailable_shards_exception":
            self = .retry
            return
        // A closed index, or a cluster at its limit of shards (400 validation_exception: "this action would add
        // [2] shards"): the document is fine, and goes in once an operator has acted.
        case "index_closed_exception", "validation_exception":
            self = .hold
            return
        default: break
        }
        switch status {
        case 200...299: self = .stored
        case 409: self = type == nil || type == "version_conflict_engine_exception" ? .duplicate : .deadLetter
        // 429 also covers the flood-stage cluster_block_exception of a full disk.
        case 408, 429, 500...: self = .retry
        case 401, 403, 404: self = .hold
        default: self = .deadLetter
        }
    }
}

/// What becomes of a whole bulk request, from the status of its answer.
package enum BulkRequestOutcome: Equatable, Sendable {
    /// The items decide.
    case answered
    /// Overload or a node in trouble: the same bytes again, after a pause or to another server.
    case retry
    /// Too large: in halves; a document too large alone is a dead letter.
    case halve
    /// Malformed: in halves, until the culprit stands alone.
    case bisect
    /// Credentials, or an address that is no bulk endpoint: nothing is sent for a while, an operator has to act.
    case hold

    package init(status: Int) {
        switch status {
        case 200: self = .answered
        case 413: self = .halve
        case 400: self = .bisect
        case 408, 429, 500...: self = .retry
        default: self = .hold
        }
    }
}
