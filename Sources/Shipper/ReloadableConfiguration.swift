import Common

/// The configuration file of a running shipper, which is read again on SIGHUP.
///
/// Only what says which files are read, and how, takes effect then.
struct ReloadableConfiguration {
    enum Outcome {
        case inputs([Input])
        /// The new configuration is wrong: the one before stays.
        case refused
    }

    /// Keys that take effect without a restart.
    private static let live: Set<String> = ["inputs", "name"]

    let invocation: Invocation
    let agentID: String
    let metrics: ShipperMetrics
    /// What the shipper was started with.
    let running: Configuration

    /// Reads the file; what is wrong, and what must wait for the next start, is logged.
    func read() -> Outcome {
        let new: Configuration
        do throws(ConfigurationError) {
            let reader = try invocation.configuration()
            new = Configuration(reader)
            try reader.finish()
        } catch {
            Log.error("the new configuration is refused; the one before stays", ["error": "\(error)"])
            return .refused
        }
        let changed = Self.changes(from: running.written, to: new.written)
        if !changed.isEmpty {
            Log.warning("takes effect at the next start", ["changed": changed.joined(separator: ", ")])
        }
        Log.info("inputs are read anew", ["inputs": "\(new.inputs.count)"])
        return .inputs(new.inputs(agentID: agentID, metrics))
    }

    /// The top-level keys that differ and need a restart.
    static func changes(from old: [String: [UInt8]], to new: [String: [UInt8]]) -> [String] {
        WrittenValues.changes(from: old, to: new, except: live)
    }
}
