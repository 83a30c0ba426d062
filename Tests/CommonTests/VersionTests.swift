import Common
import Testing

@Suite("Version")
struct VersionTests {
    @Test("has three numbers")
    func threeNumbers() {
        #expect(Version.current.split(separator: ".").compactMap { Int($0) }.count == 3)
    }
}
