import Glibc

/// A file descriptor with one owner, closed when the owner goes.
package struct Descriptor: ~Copyable {
    package let raw: Int32

    /// Takes over the descriptor that a call answered.
    ///
    /// - Throws: the call's error when it answered -1.
    package init(adopting raw: Int32) throws(Errno) {
        guard raw >= 0 else { throw .current }
        self.raw = raw
    }

    deinit { _ = close(raw) }

    /// Gives the number away; the new owner closes it.
    package consuming func release() -> Int32 {
        let raw = raw
        discard self
        return raw
    }

    /// open(2), close-on-exec.
    package static func open(_ path: String, _ flags: Int32, mode: UInt32 = 0o600) throws(Errno) -> Descriptor
    {
        try Descriptor(adopting: try Errno.check { Glibc.open(path, flags | O_CLOEXEC, mode) })
    }

    /// read(2); 0 at the end of the file.
    package borrowing func read(into bytes: UnsafeMutableRawBufferPointer) throws(Errno) -> Int {
        let raw = raw
        return try Errno.check { Glibc.read(raw, bytes.baseAddress, bytes.count) }
    }

    /// pread(2); 0 at the end of the file.
    package borrowing func read(into bytes: UnsafeMutableRawBufferPointer, at offset: Int64) throws(Errno)
        -> Int
    {
        let raw = raw
        return try Errno.check { pread(raw, bytes.baseAddress, bytes.count, off_t(offset)) }
    }

    /// write(2), once; may write less.
    package borrowing func write(_ bytes: UnsafeRawBufferPointer) throws(Errno) -> Int {
        let raw = raw
        return try Errno.check { Glibc.write(raw, bytes.baseAddress, bytes.count) }
    }

    /// write(2) until all is written.
    package borrowing func writeAll(_ bytes: UnsafeRawBufferPointer) throws(Errno) {
        var rest = bytes
        while !rest.isEmpty {
            let count = try write(rest)
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
    }

    /// pwrite(2) until all is written.
    package borrowing func writeAll(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(Errno) {
        let raw = raw
        var done = 0
        while done < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
            done += try Errno.check { pwrite(raw, rest.baseAddress, rest.count, off_t(offset + done)) }
        }
    }

    /// pread(2) until `bytes` is full or the file ends.
    ///
    /// - Returns: how many bytes were read.
    package borrowing func readAll(into bytes: UnsafeMutableRawBufferPointer, at offset: Int) throws(Errno)
        -> Int
    {
        var done = 0
        while done < bytes.count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: bytes[done...])
            let count = try read(into: rest, at: Int64(offset + done))
            if count == 0 { break }
            done += count
        }
        return done
    }

    /// fsync(2).
    package borrowing func sync() throws(Errno) {
        let raw = raw
        try Errno.check { fsync(raw) }
    }

    /// fdatasync(2).
    package borrowing func syncData() throws(Errno) {
        let raw = raw
        try Errno.check { fdatasync(raw) }
    }
}
