/// What two readings of a configuration have to do with each other.
package enum WrittenValues {
    /// The top-level keys that differ, sorted.
    ///
    /// - Parameters: as `ConfigurationReader.writtenValues` gives them.
    /// - Parameter live: keys that may differ, because they take effect at once.
    package static func changes(
        from old: [String: [UInt8]],
        to new: [String: [UInt8]],
        except live: Set<String>
    ) -> [String] {
        Set(old.keys).union(new.keys).subtracting(live).filter { old[$0] != new[$0] }.sorted()
    }
}
