import CPCRE2
import Synchronization

/// A compiled regular expression over bytes: PCRE2 with JIT, immutable and shared by threads.
///
/// `.` is one byte unless `Options.characters` are asked for; `\d`, `\w` and `\b` are ASCII, and case is folded for
/// ASCII only. Machine code is made at the first match, so that a thousand rules of which fifty are ever tried cost
/// neither start time nor memory.
///
/// This file alone names PCRE2. Designated initialisers and `deinit` do not: the linker keeps them in programs that
/// make no expression, and with them it would keep the library.
package final class RegularExpression: @unchecked Sendable {
    /// What changes the meaning of a pattern.
    package struct Options: OptionSet, Sendable {
        package let rawValue: UInt32
        package init(rawValue: UInt32) { self.rawValue = rawValue }

        package static let ignoreCase = Options(rawValue: UInt32(PCRE2_CASELESS))
        /// `.` is a line end too.
        package static let dotMatchesNewline = Options(rawValue: UInt32(PCRE2_DOTALL))
        /// `^` and `$` are beginning and end of every line.
        package static let anchorsMatchLines = Options(rawValue: UInt32(PCRE2_MULTILINE))
        /// Groups without a name are no groups.
        package static let namedGroupsOnly = Options(rawValue: UInt32(PCRE2_NO_AUTO_CAPTURE))
        /// `.` and classes stand for a character of UTF-8; bytes that are none match nothing.
        package static let characters = Options(
            rawValue: UInt32(PCRE2_UTF) | UInt32(PCRE2_MATCH_INVALID_UTF)
        )
        /// The deadline of a search is kept.
        package static let steps = Options(rawValue: UInt32(PCRE2_USE_OFFSET_LIMIT))
    }

    /// Offsets at which a match may start that are tried between two looks at the clock: longer than most lines.
    private static let stepBytes = 256
    /// As many where each of them is slow.
    private static let slowStepBytes = 16
    /// From when on a step is slow, in nanoseconds.
    private static let slowStep = 500_000

    // Sendable: `code` changes only under `compilation`, before `isReady` is released; PCRE2 reads it from then on.
    private let code: OpaquePointer
    private let compilation = Mutex<Void>(())
    private let isReady = Atomic(false)
    private let hasMachineCode = Atomic(false)
    private let free: @Sendable (OpaquePointer) -> Void
    /// Groups in the pattern, without the whole match.
    package let captureCount: Int
    private let goesInSteps: Bool

    /// - Throws: what PCRE2 says about the pattern, and where.
    package convenience init(_ pattern: String, ignoreCase: Bool = false) throws(RegularExpressionError) {
        try self.init(pattern, ignoreCase ? .ignoreCase : [])
    }

    /// - Throws: what PCRE2 says about the pattern, and where.
    package convenience init(_ pattern: String, _ wanted: Options) throws(RegularExpressionError) {
        var options = wanted.rawValue | UInt32(PCRE2_NEVER_UCP) | UInt32(PCRE2_NEVER_BACKSLASH_C)
        if !wanted.contains(.characters) { options |= UInt32(PCRE2_NEVER_UTF) }
        var errorCode: Int32 = 0
        var errorOffset = 0
        let context = pcre2_compile_context_create_8(nil)
        defer { pcre2_compile_context_free_8(context) }
        // Debian's default; said here so that `.` and `$` do not depend on how the library was built.
        pcre2_set_newline_8(context, UInt32(PCRE2_NEWLINE_LF))
        let utf8 = Array(pattern.utf8)
        let code = utf8.withUnsafeBufferPointer {
            pcre2_compile_8($0.baseAddress, $0.count, options, &errorCode, &errorOffset, context)
        }
        guard let code else {
            throw RegularExpressionError(reason: Self.message(errorCode), offset: errorOffset)
        }
        var count: UInt32 = 0
        pcre2_pattern_info_8(code, UInt32(PCRE2_INFO_CAPTURECOUNT), &count)
        var found: UInt32 = 0
        pcre2_pattern_info_8(code, UInt32(PCRE2_INFO_ALLOPTIONS), &found)
        self.init(
            code: code,
            captureCount: Int(count),
            // PCRE2 finds out by itself that a pattern can match at the beginning only.
            goesInSteps: wanted.contains(.steps) && found & UInt32(PCRE2_ANCHORED) == 0
        ) { pcre2_code_free_8($0) }
    }

    private init(
        code: OpaquePointer,
        captureCount: Int,
        goesInSteps: Bool,
        free: @escaping @Sendable (OpaquePointer) -> Void
    ) {
        self.code = code
        self.captureCount = captureCount
        self.goesInSteps = goesInSteps
        self.free = free
    }

    deinit { free(code) }

    /// Searches `bytes[range]` from its start and leaves the groups in `match`.
    ///
    /// - Returns: false also when the search was given up at its limit; `match.limitHits` counts those.
    package func firstMatch(in bytes: RawSpan, _ range: Range<Int>, into match: RegularExpressionMatch)
        -> Bool
    {
        firstMatch(in: bytes, range, from: range.lowerBound, into: match)
    }

    /// Searches `bytes[range]` from `first` on; anchors and look-behinds see what stands in front of it.
    ///
    /// - Returns: as the search from the start.
    package func firstMatch(
        in bytes: RawSpan,
        _ range: Range<Int>,
        from first: Int,
        into match: RegularExpressionMatch
    ) -> Bool {
        guard range.lowerBound >= 0, range.upperBound <= bytes.byteCount, first >= range.lowerBound,
            first <= range.upperBound
        else { return false }
        return match.accept(
            search(bytes, range, from: first - range.lowerBound, match),
            base: range.lowerBound
        )
    }

    /// Searches `bytes[range]` as `firstMatch(in:_:into:)` does, and gives up at a time.
    ///
    /// The limit of backtracking holds for each offset at which a match may start; over a long text that adds up to
    /// seconds. So the offsets are tried in steps, with a look at the clock between them.
    ///
    /// - Parameter deadline: as `Clock.monotonic` counts; looked at only where one step was not enough.
    package func firstMatch(
        in bytes: RawSpan,
        _ range: Range<Int>,
        into match: RegularExpressionMatch,
        until deadline: Int64
    ) -> Bool {
        guard goesInSteps, range.count > Self.stepBytes, range.lowerBound >= 0,
            range.upperBound <= bytes.byteCount
        else { return firstMatch(in: bytes, range, into: match) }
        defer { match.setLastStart(nil) }
        var start = 0
        var step = Self.stepBytes
        var began = Clock.monotonic
        while true {
            var next = start + step
            // A character is not cut.
            while next < range.count, bytes[range.lowerBound + next] & 0xC0 == 0x80 { next += 1 }
            match.setLastStart(next < range.count ? next - 1 : nil)
            let result = search(bytes, range, from: start, match)
            if result != PCRE2_ERROR_NOMATCH || next >= range.count {
                return match.accept(result, base: range.lowerBound)
            }
            let now = Clock.monotonic
            guard now < deadline else { return match.accept(PCRE2_ERROR_MATCHLIMIT, base: range.lowerBound) }
            step = now - began > Self.slowStep ? Self.slowStepBytes : Self.stepBytes
            (start, began) = (next, now)
        }
    }

    private func search(
        _ bytes: RawSpan,
        _ range: Range<Int>,
        from offset: Int,
        _ match: RegularExpressionMatch
    ) -> Int32 {
        if !isReady.load(ordering: .acquiring) { compile() }
        return bytes.withUnsafeBytes { bytes -> Int32 in
            guard let base = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) else {
                return match.empty(code)
            }
            let start = base + range.lowerBound
            return hasMachineCode.load(ordering: .relaxed)
                ? pcre2_jit_match_8(code, start, range.count, offset, 0, match.data, match.context)
                : pcre2_match_8(code, start, range.count, offset, 0, match.data, match.context)
        }
    }

    /// The number of the group with that name; nil when there is none.
    package func group(named name: String) -> Int? {
        let number = pcre2_substring_number_from_name_8(code, Array(name.utf8) + [0])
        return number > 0 ? Int(number) : nil
    }

    /// Without JIT support (another processor, a hardened kernel) the interpreter does the same, slower.
    private func compile() {
        compilation.withLock { _ in
            guard !isReady.load(ordering: .relaxed) else { return }
            let result = pcre2_jit_compile_8(code, UInt32(PCRE2_JIT_COMPLETE))
            hasMachineCode.store(result == 0, ordering: .relaxed)
            isReady.store(true, ordering: .releasing)
        }
    }

    private static func message(_ code: Int32) -> String {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 256) { text in
            let length = pcre2_get_error_message_8(code, text.baseAddress, text.count)
            return length < 0 ? "error \(code)" : String(decoding: text[..<Int(length)], as: UTF8.self)
        }
    }
}

/// Why a pattern does not compile.
package struct RegularExpressionError: Error, Equatable, CustomStringConvertible {
    package let reason: String
    /// Bytes of the pattern in front of the fault.
    package let offset: Int

    package var description: String { "\(reason) at offset \(offset)" }
}

/// Where a match and its groups lie; reused from match to match by one thread.
package final class RegularExpressionMatch {
    fileprivate let data: OpaquePointer
    fileprivate let context: OpaquePointer
    private let stack: OpaquePointer?
    private let offsets: UnsafeMutablePointer<Int>
    private let free: (OpaquePointer, OpaquePointer, OpaquePointer?) -> Void
    private var base = 0
    /// Groups set by the last match, the whole match included.
    private var count = 0
    /// Searches given up because they backtracked too often.
    package private(set) var limitHits = 0

    /// Backtracking steps before a search is given up: a few milliseconds at worst.
    ///
    /// Ordinary searches of log lines need less than a thousand.
    package static let backtrackLimit = 100_000
    /// The machine stack part that JIT uses by default is 32 KiB, too little for long lines.
    package static let maxStackBytes = 256 << 10

    /// - Parameters:
    ///   - captures: the largest number of groups that any of the expressions has.
    ///   - limit: backtracking steps before a search is given up.
    ///   - stackBytes: memory that one search may take.
    package convenience init(
        captures: Int,
        limit: Int = RegularExpressionMatch.backtrackLimit,
        stackBytes: Int = RegularExpressionMatch.maxStackBytes
    ) {
        guard let data = pcre2_match_data_create_8(UInt32(captures + 1), nil),
            let context = pcre2_match_context_create_8(nil),
            let offsets = pcre2_get_ovector_pointer_8(data)
        else { fatalError("RegularExpressionMatch: out of memory") }
        let stack = pcre2_jit_stack_create_8(min(32 << 10, stackBytes), stackBytes, nil)
        pcre2_jit_stack_assign_8(context, nil, stack.map { UnsafeMutableRawPointer($0) })
        pcre2_set_match_limit_8(context, UInt32(clamping: limit))
        // Of the interpreter, which stands in where there is no machine code.
        pcre2_set_heap_limit_8(context, UInt32(clamping: stackBytes >> 10) * 16)
        let places = offsets.withMemoryRebound(to: Int.self, capacity: 1) { $0 }
        self.init(data, context, stack, places) { data, context, stack in
            pcre2_match_data_free_8(data)
            pcre2_match_context_free_8(context)
            pcre2_jit_stack_free_8(stack)
        }
    }

    private init(
        _ data: OpaquePointer,
        _ context: OpaquePointer,
        _ stack: OpaquePointer?,
        _ offsets: UnsafeMutablePointer<Int>,
        free: @escaping (OpaquePointer, OpaquePointer, OpaquePointer?) -> Void
    ) {
        self.data = data
        self.context = context
        self.stack = stack
        self.offsets = offsets
        self.free = free
    }

    deinit { free(data, context, stack) }

    /// The bytes of a group, as offsets into the searched bytes; nil when it took no part.
    ///
    /// Group 0 is the match.
    @inline(__always)
    package subscript(group: Int) -> Range<Int>? {
        guard group >= 0, group < count else { return nil }
        let start = offsets[group * 2]
        let end = offsets[group * 2 + 1]
        // Unset is the largest size, -1 here. `\K` in a look-around could put the end before the start.
        guard start >= 0, end >= start else { return nil }
        return base + start..<base + end
    }

    /// The last offset at which a match of the next search may start; nil for any.
    ///
    /// Only for expressions with `Options.steps`.
    fileprivate func setLastStart(_ offset: Int?) {
        // PCRE2_UNSET, all bits set, is a macro that Swift does not see.
        pcre2_set_offset_limit_8(context, offset ?? -1)
    }

    /// A search of no bytes at all, for which there is no pointer.
    fileprivate func empty(_ code: OpaquePointer) -> Int32 {
        var nothing: UInt8 = 0
        return pcre2_match_8(code, &nothing, 0, 0, 0, data, context)
    }

    fileprivate func accept(_ result: Int32, base: Int) -> Bool {
        self.base = base
        count = max(Int(result), 0)
        switch result {
        case 1...: return true
        case 0: fatalError("RegularExpressionMatch: expression has more groups than the match has room for")
        case PCRE2_ERROR_MATCHLIMIT, PCRE2_ERROR_JIT_STACKLIMIT, PCRE2_ERROR_HEAPLIMIT,
            PCRE2_ERROR_DEPTHLIMIT:
            limitHits += 1
            return false
        default: return false
        }
    }
}
