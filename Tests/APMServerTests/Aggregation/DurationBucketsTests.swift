import Testing

@testable import APMServer

@Suite("Duration buckets")
struct DurationBucketsTests {
    @Test(
        "keep two significant digits",
        arguments: [
            (0, 0), (1, 1), (255, 255), (256, 257), (257, 257), (258, 259), (511, 511), (512, 515),
            (38853, 38911), (1_000_000, 1_003_519), (4_294_967_295, 4_294_967_295),
        ] as [(Int64, Int64)]
    )
    func values(microseconds: Int64, value: Int64) throws {
        let bucket = try #require(DurationBuckets.bucket(of: microseconds))
        #expect(DurationBuckets.value(of: bucket) == value)
        #expect(Int(bucket) < DurationBuckets.count)
    }

    @Test("end at 2^32 µs and take negative durations for none")
    func limits() {
        #expect(DurationBuckets.bucket(of: 1 << 32) == nil)
        #expect(DurationBuckets.bucket(of: .max) == nil)
        #expect(DurationBuckets.bucket(of: -5) == 0)
    }

    @Test("follow one another, each beginning behind the last value of the one before")
    func order() {
        for bucket in 1..<UInt16(DurationBuckets.count) {
            let before = DurationBuckets.value(of: bucket - 1)
            #expect(DurationBuckets.bucket(of: before + 1) == bucket)
            #expect(DurationBuckets.bucket(of: DurationBuckets.value(of: bucket)) == bucket)
        }
        #expect(DurationBuckets.value(of: DurationBuckets.coarse(300)) == 511)
    }
}
