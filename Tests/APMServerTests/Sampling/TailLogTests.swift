import Common
import Glibc
import Testing

@testable import APMServer

@Suite("Files of held events")
struct TailLogTests {
    @Test("one that cannot be removed is counted on, and removed later")
    func removal() throws {
        let folder = try TemporaryFolder()
        let log = try TailLog(folder.path, segmentBytes: 1)
        var bytes = ByteBuffer()
        bytes.append(UInt8(ascii: "x"))
        let number = try log.append(bytes, isSynced: false).segment
        log.seal()
        // unlink(2) removes no directory.
        let path = "\(folder.path)/tail-0000000001.log"
        #expect(unlink(path) == 0 && mkdir(path, 0o700) == 0)
        #expect(throws: TailLog.Failure.self) { try log.remove(number) }
        #expect(log.totalBytes == 1 && log.sealed.count == 1)
        #expect(rmdir(path) == 0)
        try log.remove(number)
        #expect(log.totalBytes == 0 && log.sealed.isEmpty)
    }
}
