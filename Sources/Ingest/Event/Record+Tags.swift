import Common

/// `tags` and `error.message`: what pipelines say about an event.
extension Record {
    private static let tags = FieldPath("tags")
    private static let errorMessage = FieldPath("error.message")

    /// Adds a tag that is not there yet.
    func tag(_ name: String) throws(FilterFailure) {
        guard let path = Self.tags else { return }
        if let node = find(path), children(of: node).contains(where: { string($0) == name }) { return }
        try append(path, text: name)
    }

    /// Takes a tag away, and the list with the last one.
    func untag(_ name: String) {
        guard let path = Self.tags, let node = find(path), kind(of: node) == .list else { return }
        removeElements(of: node) { self.string($0) == name }
        if isEmpty(node) { remove(path) }
    }

    /// Notes why something could not be done.
    func note(_ failure: FilterFailure, tags: [String]) throws(FilterFailure) {
        for tag in tags { try self.tag(tag) }
        guard let path = Self.errorMessage, let reason = failure.reason else { return }
        if find(path) == nil {
            try set(path, text: reason)
        } else {
            try append(path, text: reason)
        }
    }
}
