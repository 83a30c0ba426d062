/// What a member's value must be.
///
/// The kind decides what can be decoded at all; the rest is validated. Source: the intake specification of Elastic's
/// APM agents.
struct ValueRule {
    enum Kind: UInt8 {
        case text
        /// `success`, `failure`, `unknown` or nothing.
        case outcome
        case integer, number, bool
        /// Integer microseconds since 1970, or RFC 3339 text.
        case timestamp
        /// Kinds that are decoded whatever comes, and validated: their messages name the types.
        case textOrInteger, port, textOrObject, any
        /// Arrays of plain values.
        case texts, integers, numbers
        /// A flat object of strings, Booleans and numbers.
        case labels
        /// An object of strings or arrays of strings; anything else does not decode.
        case headers
        /// An object of any content.
        case free
        /// An object of objects of numbers.
        case marks
        /// A known object whose members have fields of their own.
        case object
        /// A known object, an array of them, or an object of them, kept as a range and decoded when it is written.
        case element, elements, namedElements
    }

    var kind: Kind
    /// Code points; 0 for no limit.
    var maxLength: UInt16 = 0
    var minLength: UInt8 = 0
    /// Of numbers; nil for no limit.
    var minimum: Int8?
    /// Whether only `[a-zA-Z0-9 _-]` may occur.
    var hasPattern = false
    /// Whether null and empty elements are refused.
    var needsElements = false

    /// A string of up to 1024 code points, the usual limit.
    static let text = ValueRule(kind: .text, maxLength: 1024)
    static let text512 = ValueRule(kind: .text, maxLength: 512)
    static let longText = ValueRule(kind: .text)
    static let someText = ValueRule(kind: .text, maxLength: 1024, minLength: 1)
    static let serviceName = ValueRule(kind: .text, maxLength: 1024, minLength: 1, hasPattern: true)
    static let patternText = ValueRule(kind: .text, maxLength: 1024, hasPattern: true)
    static let outcome = ValueRule(kind: .outcome)
    static let integer = ValueRule(kind: .integer)
    static func integer(atLeast minimum: Int8) -> ValueRule { ValueRule(kind: .integer, minimum: minimum) }
    static let number = ValueRule(kind: .number)
    static let positiveNumber = ValueRule(kind: .number, minimum: 0)
    static let bool = ValueRule(kind: .bool)
    static let timestamp = ValueRule(kind: .timestamp)
    static let textOrInteger = ValueRule(kind: .textOrInteger, maxLength: 1024)
    static let port = ValueRule(kind: .port, maxLength: 1024)
    static let textOrObject = ValueRule(kind: .textOrObject)
    static let any = ValueRule(kind: .any)
    static let texts = ValueRule(kind: .texts, maxLength: 1024)
    static let longTexts = ValueRule(kind: .texts)
    static let counts = ValueRule(kind: .integers, minimum: 0)
    static let numbers = ValueRule(kind: .numbers)
    static let labels = ValueRule(kind: .labels, maxLength: 1024)
    static let headers = ValueRule(kind: .headers)
    static let free = ValueRule(kind: .free)
    static let marks = ValueRule(kind: .marks)
}
