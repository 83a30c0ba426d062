import Common

/// A compiled pattern whose groups are fields.
struct CapturePattern: Sendable {
    /// Where a group's text goes.
    struct Capture: Sendable {
        let path: FieldPath
        let type: CaptureType
        /// Number of the field among those that are overwritten; nil for one that becomes a list.
        let overwritten: Int?
    }

    let expression: RegularExpression
    /// Of each group, from 1 on.
    let captures: [Capture]
    /// Text without which there is no match; may be empty.
    let required: [UInt8]

    /// - Parameters:
    ///   - text: the pattern; each group is named after its field, with `:int` or another type behind it.
    ///   - source: what the user wrote, for `required`.
    ///   - overwrite: fields whose value is replaced.
    init(_ text: String, source: String, overwrite: [FieldPath] = []) throws(PatternError) {
        let pattern = try OnigurumaPattern(text)
        var captures: [Capture] = []
        for name in pattern.names {
            let (path, type) = try Self.field(name)
            captures.append(Capture(path: path, type: type, overwritten: overwrite.firstIndex(of: path)))
        }
        self.captures = captures
        required = RequiredText(source).bytes
        do throws(RegularExpressionError) {
            expression = try RegularExpression(pattern.text, pattern.options)
        } catch {
            let bytes = Array(pattern.text.utf8)
            let near = bytes[
                max(0, min(error.offset, bytes.count) - 20)..<min(error.offset + 10, bytes.count)
            ]
            throw PatternError(
                reason: "\(error.reason), near \"\(String(decoding: near, as: UTF8.self))\""
            )
        }
        guard names(of: pattern) else {
            throw PatternError(reason: "groups that share a number cannot be told apart; leave out \"(?|\"")
        }
    }

    private func names(of pattern: OnigurumaPattern) -> Bool {
        pattern.names.isEmpty || pattern.names.count == expression.captureCount
    }

    /// `status:int` as a field and a type.
    private static func field(_ name: String) throws(PatternError) -> (FieldPath, CaptureType) {
        let parts = name.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count <= 2, let path = FieldPath(String(parts[0])) else {
            throw PatternError(
                reason:
                    "\"\(name)\" names no field; write status, http.request.method or [http][request][method]"
            )
        }
        guard parts.count == 2 else { return (path, .text) }
        guard let type = CaptureType(String(parts[1])) else {
            throw PatternError(
                reason: "\"\(parts[1])\" is no type; use one of \(CaptureType.names.joined(separator: ", "))"
            )
        }
        return (path, type)
    }
}
