import Glibc

/// libFuzzer's entry: one input for the target that `FUZZ_TARGET` names.
///
/// A target that returns has done well, whatever the input was: what is no format is refused by a thrown error. A trap of
/// Swift (an index out of range, an overflow), a hang and memory beyond the limit are what is looked for.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    chosen(Array(UnsafeBufferPointer(start: data, count: size)))
    return 0
}

/// Every target by its name: `fuzz.py` reads them here.
nonisolated(unsafe) private let targets: [String: ([UInt8]) -> Void] = [
    "bulk-response": fuzzBulkResponse,
    "condition": fuzzCondition,
    "date-pattern": fuzzDatePattern,
    "event": fuzzEvent,
    "grok": fuzzGrok,
    "intake": fuzzIntake,
    "log-format": fuzzLogFormat,
    "lumberjack": fuzzLumberjack,
    "otlp": fuzzOTLP,
    "registry": fuzzRegistry,
    "spool": fuzzSpool,
    "user-agent-rules": fuzzUserAgentRules,
    "yaml": fuzzYAML,
]

nonisolated(unsafe) private let chosen: ([UInt8]) -> Void = {
    let name = getenv("FUZZ_TARGET").map { String(cString: $0) } ?? ""
    guard let target = targets[name] else {
        fatalError(
            "FUZZ_TARGET is \"\(name)\"; it is one of \(targets.keys.sorted().joined(separator: ", "))"
        )
    }
    return target
}()

/// The lines of an input, at most so many.
func lines(_ bytes: [UInt8], most: Int) -> [[UInt8]] {
    bytes.split(separator: 10, maxSplits: most - 1, omittingEmptySubsequences: false).map(Array.init)
}

/// An input as text; what is no UTF-8 is replaced.
func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
