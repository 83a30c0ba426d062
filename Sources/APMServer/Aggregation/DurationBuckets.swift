/// The buckets of durations: those of an HDR histogram with two significant digits up to 2^32 µs.
///
/// With `shift` the smallest number for which `duration >> shift` is below 256, a bucket holds the durations
/// that agree in `duration >> shift`: each microsecond below 256, then 128 buckets for every doubling.
enum DurationBuckets {
    /// Durations from here on (71.6 minutes) have no bucket.
    static let limitMicroseconds: Int64 = 1 << 32
    static let count = 256 + 24 * 128

    /// The bucket of a duration; nil when it is too long.
    @inline(__always)
    static func bucket(of microseconds: Int64) -> UInt16? {
        guard microseconds < limitMicroseconds else { return nil }
        let value = UInt32(truncatingIfNeeded: max(microseconds, 0))
        let shift = max(24 - value.leadingZeroBitCount, 0)
        return UInt16(truncatingIfNeeded: shift * 128 + Int(value >> UInt32(shift)))
    }

    /// The highest duration of a bucket, in microseconds: what stands for all of them in a document.
    static func value(of bucket: UInt16) -> Int64 {
        guard bucket >= 256 else { return Int64(bucket) }
        let shift = Int64(bucket / 128) - 1
        return ((Int64(bucket % 128) + 129) << shift) - 1
    }

    /// The last bucket of the same doubling (of the same half of those below 256).
    @inline(__always)
    static func coarse(_ bucket: UInt16) -> UInt16 { bucket | 127 }
}
