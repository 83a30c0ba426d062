import Glibc

extension Descriptor {
    /// Where the last complete line of a file of `size` bytes ends, looking back from its end; 0 without a line feed.
    package borrowing func endOfLastLine(size: Int) throws(Errno) -> Int {
        let blockBytes = 64 << 10
        var end = size
        var block = ByteBuffer(capacity: blockBytes)
        while end > 0 {
            let start = max(end - blockBytes, 0)
            let length = end - start
            block.removeAll()
            try block.append(reserving: length) { (free) throws(Errno) in
                try readAll(
                    into: UnsafeMutableRawBufferPointer(rebasing: free[..<length]),
                    at: start
                )
            }
            let newline = block.withUnsafeBytes { $0.lastIndex(of: UInt8(ascii: "\n")) }
            if let newline { return start + newline + 1 }
            end = start
        }
        return 0
    }
}
