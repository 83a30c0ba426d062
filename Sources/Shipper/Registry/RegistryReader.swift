import Common
import Glibc

/// The registry as it is on the disk, for commands that only look.
///
/// Takes no lock and changes nothing, so it may be used while a shipper runs: that one replaces the file as a whole.
enum RegistryReader {
    /// The states that the last save left, ended lives first; nil when nothing was ever saved here.
    ///
    /// As at a start, the generation before is used when the newest is damaged, which is logged.
    static func read(_ directory: String) throws(RegistryStore.Failure) -> [FileState]? {
        var damage: [String] = []
        for name in ["registry", "registry.previous"] {
            let path = directory + "/" + name
            do throws(AtomicFile.Failure) {
                let bytes = try AtomicFile.read(path, limit: RegistryStore.maxBytes)
                do throws(RegistryFile.Damage) {
                    let states = try RegistryFile.decode(bytes.span.bytes)
                    if !damage.isEmpty {
                        Log.warning(
                            "the generation before is shown",
                            ["reason": damage.joined(separator: "; ")]
                        )
                    }
                    return Registry(states).all
                } catch {
                    damage.append("\(path): \(error)")
                }
            } catch {
                if error.cause != .notFound { damage.append("\(error)") }
            }
        }
        guard damage.isEmpty else { throw RegistryStore.Failure(description: damage.joined(separator: "; ")) }
        return nil
    }
}
