import Common

/// Fields of other records.
extension Record {
    /// Copies a value of another record, with null in place of `missing`.
    func take(_ source: Node, of other: Record, at target: Node, without missing: Node? = nil) {
        let cell = other[source]
        guard cell.kind.isContainer, source != missing else {
            write(target, source == missing ? .null : cell.kind) { output in
                other.arena.withSpan { output.append($0, source == missing ? 0..<0 : cell.start..<cell.end) }
            }
            return
        }
        write(target, cell.kind) { _ in }
        other.forEach(in: source) { key, child in
            let copy = cell.kind == .object ? newMember(key, of: other, in: target) : newElement(of: target)
            take(child, of: other, at: copy, without: missing)
            return true
        }
    }

    private func newMember(_ key: Range<Int>, of other: Record, in object: Node) -> Node {
        newMember(of: object) { output in other.arena.withSpan { output.append($0, key) } }
    }

    func join(_ source: Node, of other: Record, to target: Node) {
        other.forEach(in: source) { key, value in
            let name = other.arena.withSpan { $0.extracting(key).withUnsafeBytes { Array($0) } }
            guard let known = child(of: target, name, nil) else {
                take(value, of: other, at: newMember(key, of: other, in: target))
                return true
            }
            if other.kind(of: value) == .object, kind(of: known) == .object {
                join(value, of: other, to: known)
            } else {
                take(value, of: other, at: known)
            }
            return true
        }
    }
}
