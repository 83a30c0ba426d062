import CLinux
import Common
import Glibc

/// What evaluating conditions needs room for; one per worker.
final class ConditionScratch {
    /// Of a longer text, a pattern sees the beginning: patterns may take time that grows with the square of it.
    static let maxPatternBytes = 64 << 10

    private let match: RegularExpressionMatch
    private var left = ByteBuffer()
    private var right = ByteBuffer()

    /// - Parameter conditions: all that will be evaluated.
    init(_ conditions: [Condition]) {
        match = RegularExpressionMatch(captures: conditions.map { Self.captures($0.expression) }.max() ?? 0)
    }

    private static func captures(_ expression: Condition.Expression) -> Int {
        switch expression {
        case .all(let parts), .any(let parts): parts.map(captures).max() ?? 0
        case .not(let inner): captures(inner)
        case .matches(_, let pattern): pattern.captureCount
        case .isTrue, .compares, .isIn: 0
        }
    }

    func holds(_ expression: Condition.Expression, _ record: Record) -> Bool {
        switch expression {
        case .all(let parts): parts.allSatisfy { holds($0, record) }
        case .any(let parts): parts.contains { holds($0, record) }
        case .not(let inner): !holds(inner, record)
        case .isTrue(let operand): isTrue(operand, record)
        case .compares(let left, let comparison, let right): compares(left, comparison, right, record)
        case .matches(let operand, let pattern):
            anyValue(operand, record) { value in
                guard loadText(value, record, into: &left) else { return false }
                return left.withSpan {
                    pattern.firstMatch(in: $0, 0..<min($0.byteCount, Self.maxPatternBytes), into: match)
                }
            }
        case .isIn(let operand, let members):
            anyValue(operand, record) { value in
                members.contains { member in
                    anyValue(member, record) { isEqual(value, $0, record) }
                        || isPart(value, of: member, record)
                }
            }
        }
    }

    // MARK: - Values

    /// A literal, or one value in a record.
    private enum Value {
        case literal(Condition.Operand)
        case node(Record.Node)
    }

    /// Whether `body` is true of the operand's value, or of one element of its list.
    private func anyValue(_ operand: Condition.Operand, _ record: Record, _ body: (Value) -> Bool) -> Bool {
        guard case .field(let path) = operand else { return body(.literal(operand)) }
        guard let node = record.find(path) else { return false }
        guard record.kind(of: node) == .list else { return body(.node(node)) }
        var isFound = false
        record.forEach(in: node) { _, element in
            isFound = body(.node(element))
            return !isFound
        }
        return isFound
    }

    private func isTrue(_ operand: Condition.Operand, _ record: Record) -> Bool {
        switch operand {
        case .field(let path):
            guard let node = record.find(path) else { return false }
            let isText = record.kind(of: node) == .text
            if isText { return record.withText(of: node) { !$1.isEmpty } ?? false }
            return !record.isEmpty(node) && record.kind(of: node) != .no
        case .text(let text): return !text.isEmpty
        case .number(let number): return number != 0
        case .bool(let value): return value
        case .null: return false
        }
    }

    private func compares(
        _ left: Condition.Operand,
        _ comparison: Condition.Comparison,
        _ right: Condition.Operand,
        _ record: Record
    ) -> Bool {
        switch comparison {
        case .equal: areEqual(left, right, record)
        case .unequal: !areEqual(left, right, record)
        case .less: isOrdered(left, right, record) { $0 < 0 }
        case .lessOrEqual: isOrdered(left, right, record) { $0 <= 0 }
        case .greater: isOrdered(left, right, record) { $0 > 0 }
        case .greaterOrEqual: isOrdered(left, right, record) { $0 >= 0 }
        }
    }

    private func areEqual(_ left: Condition.Operand, _ right: Condition.Operand, _ record: Record) -> Bool {
        if case .null = right { return isNull(left, record) }
        if case .null = left { return isNull(right, record) }
        return anyValue(left, record) { left in anyValue(right, record) { isEqual(left, $0, record) } }
    }

    private func isNull(_ operand: Condition.Operand, _ record: Record) -> Bool {
        switch operand {
        case .field(let path): record.find(path).map { record.kind(of: $0) == .null } ?? true
        case .null: true
        default: false
        }
    }

    private func isEqual(_ left: Value, _ right: Value, _ record: Record) -> Bool {
        if isNumber(left, record) || isNumber(right, record) {
            guard let first = number(left, record), let second = number(right, record) else { return false }
            return first == second
        }
        guard loadText(left, record, into: &self.left), loadText(right, record, into: &self.right) else {
            return false
        }
        return order() == 0
    }

    private func isOrdered(
        _ left: Condition.Operand,
        _ right: Condition.Operand,
        _ record: Record,
        _ isWanted: (Int) -> Bool
    ) -> Bool {
        anyValue(left, record) { left in
            anyValue(right, record) { right in
                if isNumber(left, record) || isNumber(right, record) {
                    guard let first = number(left, record), let second = number(right, record) else {
                        return false
                    }
                    // What is no number is in no order: "nan" spells one.
                    guard !first.isNaN, !second.isNaN else { return false }
                    return isWanted(first < second ? -1 : first == second ? 0 : 1)
                }
                guard loadText(left, record, into: &self.left), loadText(right, record, into: &self.right)
                else {
                    return false
                }
                return isWanted(order())
            }
        }
    }

    /// Whether a text stands inside of a field's text: `"bot" in user_agent.original`.
    private func isPart(_ value: Value, of member: Condition.Operand, _ record: Record) -> Bool {
        guard case .field = member else { return false }
        return anyValue(member, record) { whole in
            guard case .node(let node) = whole, record.kind(of: node) == .text,
                loadText(value, record, into: &left), loadText(whole, record, into: &right)
            else { return false }
            return left.withUnsafeBytes { part in
                right.withUnsafeBytes { whole in
                    guard let needle = part.baseAddress, let hay = whole.baseAddress else {
                        return part.isEmpty
                    }
                    return memmem(hay, whole.count, needle, part.count) != nil
                }
            }
        }
    }

    /// Compares `left` and `right` byte by byte.
    private func order() -> Int {
        left.withUnsafeBytes { first in
            right.withUnsafeBytes { second in
                let shared = min(first.count, second.count)
                if shared > 0, let one = first.baseAddress, let other = second.baseAddress {
                    let result = memcmp(one, other, shared)
                    if result != 0 { return Int(result) }
                }
                return first.count - second.count
            }
        }
    }

    private func isNumber(_ value: Value, _ record: Record) -> Bool {
        switch value {
        case .literal(.number): true
        case .node(let node): record.kind(of: node) == .number
        case .literal: false
        }
    }

    private func number(_ value: Value, _ record: Record) -> Double? {
        switch value {
        case .literal(.number(let number)): number
        case .literal(.text(let text)): Double(String(decoding: text, as: UTF8.self))
        case .node(let node):
            record.withText(of: node) { bytes, range in range.count <= 40 ? Double(bytes.text(range)) : nil }
                ?? nil
        case .literal: nil
        }
    }

    private func loadText(_ value: Value, _ record: Record, into buffer: inout ByteBuffer) -> Bool {
        buffer.removeAll()
        switch value {
        case .literal(.text(let text)): buffer.append(text)
        case .literal(.bool(let value)): buffer.append(value ? "true" : "false" as StaticString)
        case .literal: return false
        case .node(let node): return record.copyText(of: node, into: &buffer)
        }
        return true
    }
}
