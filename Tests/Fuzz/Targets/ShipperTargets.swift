@testable import Common
@testable import Shipper

/// A registry as the disk gives it back.
func fuzzRegistry(_ bytes: [UInt8]) {
    guard let states = try? RegistryFile.decode(bytes.span.bytes) else { return }
    let again = RegistryFile.encode(states).array
    guard let same = try? RegistryFile.decode(again.span.bytes), same.count == states.count else {
        fatalError("a registry that does not read what it wrote")
    }
}
