import Common
import Glibc

extension Harvester {
    /// Gives the life its identity as soon as its first line is complete, before anything is read.
    ///
    /// - Returns: whether it got it now.
    func takeName() throws(Errno) -> Bool {
        guard state.token == nil, let raw else { return false }
        var first = ByteBuffer(capacity: IdentityToken.firstLineBytes)
        try first.append(raw: raw, 0, IdentityToken.firstLineBytes)
        let isComplete =
            first.count == IdentityToken.firstLineBytes
            || first.withSpan { $0.firstIndex(of: UInt8(ascii: "\n"), in: 0..<$0.byteCount) } != nil
        guard isComplete else { return false }
        state.token = try IdentityToken.token(key, generation: state.generation, raw: raw)
        return true
    }
}
