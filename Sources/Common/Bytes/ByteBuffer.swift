import CLinux
import Glibc

/// A growable run of bytes with one owner, reused from batch to batch.
///
/// Appending allocates only when the capacity is exceeded (it then doubles); `removeAll` keeps the memory.
/// Not shared between threads: ownership moves.
package struct ByteBuffer: ~Copyable, @unchecked Sendable {
    // Sendable is true because the pointer has exactly one owner, which the compiler enforces.
    @usableFromInline var base: UnsafeMutableRawPointer
    /// Bytes in use.
    package internal(set) var count: Int
    /// Bytes allocated.
    package internal(set) var capacity: Int

    /// An empty buffer with room for `capacity` bytes.
    package init(capacity: Int = 0) {
        count = 0
        self.capacity = max(capacity, 64)
        base = .allocate(byteCount: self.capacity, alignment: 16)
    }

    deinit { base.deallocate() }

    package var isEmpty: Bool { count == 0 }

    package subscript(index: Int) -> UInt8 {
        get {
            check(index < count)
            return base.load(fromByteOffset: index, as: UInt8.self)
        }
        set {
            check(index < count)
            base.storeBytes(of: newValue, toByteOffset: index, as: UInt8.self)
        }
    }

    /// Forgets the content and keeps the memory.
    package mutating func removeAll() { count = 0 }

    /// Forgets everything from `length` on.
    package mutating func truncate(to length: Int) {
        check(length <= count)
        count = length
    }

    /// Drops the first `length` bytes and moves the rest to the front.
    package mutating func removeFirst(_ length: Int) {
        check(length <= count)
        memmove(base, base + length, count - length)
        count -= length
    }

    /// Gives memory above `limit` bytes back, when the content allows it.
    package mutating func shrink(to limit: Int) {
        let target = max(limit, count, 64)
        guard capacity > target else { return }
        resize(to: target)
    }

    /// Makes room for `additional` bytes behind the content.
    @inlinable @inline(__always)
    package mutating func reserve(_ additional: Int) {
        if capacity - count < additional { grow(additional) }
    }

    @inlinable @inline(__always)
    package mutating func append(_ byte: UInt8) {
        reserve(1)
        base.storeBytes(of: byte, toByteOffset: count, as: UInt8.self)
        count += 1
    }

    @inlinable @inline(__always)
    package mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress else { return }
        reserve(bytes.count)
        memcpy(base + count, source, bytes.count)
        count += bytes.count
    }

    @inlinable @inline(__always)
    package mutating func append(_ text: StaticString) {
        append(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    package mutating func append(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { append($0) }
    }

    /// Appends the UTF-8 of `text`.
    ///
    /// Not for hot paths.
    package mutating func append(_ text: String) {
        var text = text
        text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
    }

    @inlinable @inline(__always)
    package mutating func append(_ bytes: RawSpan) {
        bytes.withUnsafeBytes { append($0) }
    }

    /// Appends `bytes[range]`.
    @inlinable @inline(__always)
    package mutating func append(_ bytes: RawSpan, _ range: Range<Int>) {
        check(range.lowerBound >= 0 && range.upperBound <= bytes.byteCount)
        bytes.withUnsafeBytes { append(UnsafeRawBufferPointer(rebasing: $0[range])) }
    }

    /// Appends a copy of what stands in `range` of this buffer.
    package mutating func appendCopy(of range: Range<Int>) {
        check(range.lowerBound >= 0 && range.upperBound <= count)
        reserve(range.count)
        memcpy(base + count, base + range.lowerBound, range.count)
        count += range.count
    }

    package mutating func append(_ other: borrowing ByteBuffer) {
        append(UnsafeRawBufferPointer(start: other.base, count: other.count))
    }

    /// Appends an unsigned 32-bit integer, most significant byte first.
    package mutating func appendBigEndian(_ value: UInt32) {
        reserve(4)
        base.storeBytes(of: value.bigEndian, toByteOffset: count, as: UInt32.self)
        count += 4
    }

    /// Replaces four bytes at `offset` by a big-endian integer.
    package mutating func setBigEndian(_ value: UInt32, at offset: Int) {
        check(offset + 4 <= count)
        base.storeBytes(of: value.bigEndian, toByteOffset: offset, as: UInt32.self)
    }

    /// Lets `fill` write into at least `size` free bytes; it returns how many it wrote.
    package mutating func append<E: Error>(
        reserving size: Int,
        _ fill: (UnsafeMutableRawBufferPointer) throws(E) -> Int
    ) throws(E) {
        reserve(size)
        let written = try fill(UnsafeMutableRawBufferPointer(start: base + count, count: capacity - count))
        check(written >= 0 && written <= capacity - count)
        count += written
    }

    @inlinable @inline(__always)
    package func withUnsafeBytes<R: ~Copyable, E: Error>(
        _ body: (UnsafeRawBufferPointer) throws(E) -> R
    ) throws(E) -> R {
        try body(UnsafeRawBufferPointer(start: base, count: count))
    }

    @inlinable @inline(__always)
    package mutating func withUnsafeMutableBytes<R, E: Error>(
        _ body: (UnsafeMutableRawBufferPointer) throws(E) -> R
    ) throws(E) -> R {
        try body(UnsafeMutableRawBufferPointer(start: base, count: count))
    }

    /// The content as a span, valid inside `body`.
    @inlinable @inline(__always)
    package func withSpan<R: ~Copyable, E: Error>(_ body: (RawSpan) throws(E) -> R) throws(E) -> R {
        try body(UnsafeRawBufferPointer(start: base, count: count).bytes)
    }

    /// A copy of the content.
    package var array: [UInt8] { withUnsafeBytes { Array($0) } }

    /// The content as text, each ill-formed part replaced by U+FFFD.
    ///
    /// Allocates.
    package var text: String { withUnsafeBytes { String(decoding: $0, as: UTF8.self) } }

    @usableFromInline mutating func grow(_ additional: Int) {
        resize(to: max(capacity * 2, count + additional))
    }

    private mutating func resize(to size: Int) {
        let larger = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 16)
        memcpy(larger, base, count)
        base.deallocate()
        base = larger
        capacity = size
    }

    @inlinable @inline(__always)
    func check(_ condition: Bool) {
        if !condition { fatalError("ByteBuffer: access outside of the content") }
    }
}

extension RawSpan {
    /// The byte at `offset`, bounds checked.
    @inlinable @inline(__always)
    package subscript(offset: Int) -> UInt8 { unsafeLoad(fromByteOffset: offset, as: UInt8.self) }

    /// The bytes of `range` as text, each ill-formed part replaced by U+FFFD.
    ///
    /// Allocates.
    package func text(_ range: Range<Int>) -> String {
        withUnsafeBytes { String(decoding: UnsafeRawBufferPointer(rebasing: $0[range]), as: UTF8.self) }
    }

    /// The offset of the first `byte` in `range`, found with memchr.
    @inline(__always)
    package func firstIndex(of byte: UInt8, in range: Range<Int>) -> Int? {
        guard range.lowerBound < range.upperBound, range.upperBound <= byteCount, range.lowerBound >= 0 else {
            return nil
        }
        return withUnsafeBytes { bytes -> Int? in
            guard let base = bytes.baseAddress else { return nil }
            guard let hit = memchr(base + range.lowerBound, Int32(byte), range.count) else { return nil }
            return UnsafeRawPointer(hit) - base
        }
    }

    /// Whether `self[range]` are these bytes.
    @inline(__always)
    package func equals(_ bytes: [UInt8], _ range: Range<Int>) -> Bool {
        guard bytes.count == range.count, range.upperBound <= byteCount else { return false }
        return withUnsafeBytes { own in
            bytes.withUnsafeBytes { other in
                guard let left = own.baseAddress, let right = other.baseAddress else { return range.isEmpty }
                return memcmp(left + range.lowerBound, right, range.count) == 0
            }
        }
    }

    /// Whether `self[own]` are the bytes `other[range]`.
    @inline(__always)
    package func equals(_ other: RawSpan, _ range: Range<Int>, _ own: Range<Int>) -> Bool {
        guard own.count == range.count, own.upperBound <= byteCount, range.upperBound <= other.byteCount
        else {
            return false
        }
        return withUnsafeBytes { left in
            other.withUnsafeBytes { right in
                guard let left = left.baseAddress, let right = right.baseAddress else { return own.isEmpty }
                return memcmp(left + own.lowerBound, right + range.lowerBound, own.count) == 0
            }
        }
    }

    /// The offset of the first place in `range` where `text` stands, found with memmem; the start for no text.
    package func firstIndex(of text: [UInt8], in range: Range<Int>) -> Int? {
        guard range.lowerBound >= 0, range.upperBound <= byteCount, range.count >= text.count else {
            return nil
        }
        return withUnsafeBytes { bytes in
            text.withUnsafeBytes { text -> Int? in
                guard let base = bytes.baseAddress, let wanted = text.baseAddress else {
                    return range.lowerBound
                }
                guard let hit = memmem(base + range.lowerBound, range.count, wanted, text.count) else {
                    return nil
                }
                return UnsafeRawPointer(hit) - base
            }
        }
    }

    /// Whether the bytes of `range` are exactly those of `text`.
    @inline(__always)
    package func equals(_ text: StaticString, _ range: Range<Int>) -> Bool {
        guard range.count == text.utf8CodeUnitCount, range.upperBound <= byteCount else { return false }
        return withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return range.isEmpty }
            return memcmp(base + range.lowerBound, text.utf8Start, range.count) == 0
        }
    }
}
