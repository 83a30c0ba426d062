/// The body of a D frame: strings in pairs, each a big-endian length and its bytes.
enum LumberjackPairs {
    /// A pair is at least two lengths.
    private static let smallestPairBytes = 8

    /// How much of a D frame that is still arriving has been looked at, so that no byte is looked at twice.
    struct Scan {
        /// Keys and values that are there.
        private var strings = 0
        /// Their bytes, with lengths.
        private(set) var scannedBytes = 0

        /// Goes on over `pairs` pairs that start at `start`.
        ///
        /// - Returns: nil when all are there; else how many bytes from `start` on are needed to get further.
        mutating func advance(
            _ pairs: Int,
            in bytes: RawSpan,
            at start: Int,
            limitBytes: Int
        ) throws(LumberjackError) -> Int? {
            guard pairs > 0, pairs <= limitBytes / smallestPairBytes else { throw .pairs(count: pairs) }
            let available = bytes.byteCount - start
            while strings < pairs * 2 {
                var needed = scannedBytes + 4
                guard needed <= available else { return needed }
                needed += Int(bytes.bigEndian32(at: start + scannedBytes))
                guard needed <= limitBytes else { throw .frame(lengthBytes: needed, limit: limitBytes) }
                guard needed <= available else { return needed }
                scannedBytes = needed
                strings += 1
            }
            return nil
        }
    }

    /// Replaces the content of `output` by a JSON object of the pairs, which have been scanned.
    static func convert(
        _ pairs: Int,
        in bytes: RawSpan,
        at start: Int,
        into output: inout ByteBuffer,
        limitBytes: Int
    ) throws(LumberjackError) {
        output.removeAll()
        var offset = start
        for index in 0..<pairs {
            output.append(UInt8(ascii: index == 0 ? "{" : ","))
            appendString(bytes, &offset, to: &output)
            output.append(UInt8(ascii: ":"))
            appendString(bytes, &offset, to: &output)
            // Escapes make up to six bytes of one.
            guard output.count < limitBytes else {
                throw .frame(lengthBytes: output.count, limit: limitBytes)
            }
        }
        output.append(UInt8(ascii: "}"))
    }

    private static func appendString(_ bytes: RawSpan, _ offset: inout Int, to output: inout ByteBuffer) {
        let start = offset + 4
        let end = start + Int(bytes.bigEndian32(at: offset))
        output.append(UInt8(ascii: "\""))
        output.append(jsonEscaped: bytes, start..<end)
        output.append(UInt8(ascii: "\""))
        offset = end
    }
}
