import Glibc

/// Estimates how many different hashes it was shown, in 1 KiB and to about 3 %.
///
/// Source: Flajolet et al., "HyperLogLog: the analysis of a near-optimal cardinality estimation algorithm"
/// (2007), with 1024 registers and its correction for small numbers, which makes few hashes an exact count.
struct DistinctSketch: Equatable {
    static let registerCount = 1024

    private(set) var registers: [UInt8]

    init() { registers = Array(repeating: 0, count: Self.registerCount) }

    /// - Returns: nil unless there are exactly as many registers as there must be.
    init?(registers: [UInt8]) {
        guard registers.count == Self.registerCount, registers.allSatisfy({ $0 <= 55 }) else { return nil }
        self.registers = registers
    }

    /// Ten bits choose a register, which keeps the longest run of zeros among the other 54.
    mutating func insert(_ hash: UInt64) {
        let register = Int(truncatingIfNeeded: hash >> 54)
        // The bit put behind the 54 ends the run.
        let rank = UInt8(truncatingIfNeeded: (hash << 10 | 1 << 9).leadingZeroBitCount + 1)
        if rank > registers[register] { registers[register] = rank }
    }

    mutating func merge(_ other: DistinctSketch) {
        for (index, rank) in other.registers.enumerated() where rank > registers[index] {
            registers[index] = rank
        }
    }

    var estimate: Int64 {
        let count = Double(Self.registerCount)
        let harmonic = registers.reduce(0.0) { $0 + scalbn(1.0, -Int($1)) }
        let raw = 0.7213 / (1 + 1.079 / count) * count * count / harmonic
        let zeros = registers.count { $0 == 0 }
        if raw <= 2.5 * count, zeros > 0 { return Int64((count * log(count / Double(zeros))).rounded()) }
        return Int64(raw.rounded())
    }
}
