import Testing

@testable import APMServer

@Suite("Distinct sketch")
struct DistinctSketchTests {
    /// Well-mixed numbers; the sketch is given hashes.
    private func hash(_ number: Int) -> UInt64 {
        var mixed = UInt64(number) &* 0x9E37_79B9_7F4A_7C15
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }

    @Test("estimates within a tenth", arguments: [0, 1, 3, 10, 100, 1000, 10_000, 200_000])
    func estimates(count: Int) {
        var sketch = DistinctSketch()
        for number in 1...max(count, 1) where number <= count {
            sketch.insert(hash(number))
            sketch.insert(hash(number))
        }
        #expect(abs(Int(sketch.estimate) - count) <= count / 10)
    }

    @Test("two together count what either saw")
    func merge() {
        var (left, right, both) = (DistinctSketch(), DistinctSketch(), DistinctSketch())
        for number in 1...3000 {
            if number <= 2000 { left.insert(hash(number)) }
            if number > 1000 { right.insert(hash(number)) }
            both.insert(hash(number))
        }
        left.merge(right)
        #expect(left == both)
    }

    @Test("refuses registers that it cannot have made")
    func registers() {
        #expect(DistinctSketch(registers: [1, 2]) == nil)
        #expect(DistinctSketch(registers: Array(repeating: 56, count: DistinctSketch.registerCount)) == nil)
        #expect(DistinctSketch(registers: DistinctSketch().registers) == DistinctSketch())
    }
}
