import Common

/// Finds numbers of payment cards.
///
/// That is 13 to 19 digits (ISO/IEC 7812) whose last is the check digit of the others, and which begin as those of card
/// issuers do. A blank, a hyphen or a plus may stand between two digits.
enum CardNumber {
    /// The first one in `text[start...]`.
    static func next(in text: RawSpan, from start: Int) -> Range<Int>? {
        var index = start
        while index < text.byteCount {
            guard isDigit(text[index]) else {
                index += 1
                continue
            }
            if index == 0 || !isWord(text[index - 1]), let end = end(text, index) { return index..<end }
            // The next group of digits: a number may follow on another with a blank between them.
            while index < text.byteCount, isDigit(text[index]) { index += 1 }
        }
        return nil
    }

    /// The end of the longest number that begins at `start`; nil when none does.
    private static func end(_ text: RawSpan, _ start: Int) -> Int? {
        var (index, count, longest) = (start, 0, Int?.none)
        var digits: InlineArray<19, UInt8> = .init(repeating: 0)
        while index < text.byteCount, count < 19 {
            if isDigit(text[index]) {
                digits[count] = text[index] &- 48
                count += 1
                index += 1
                let isEnd = index == text.byteCount || !isWord(text[index])
                if isEnd, count >= 13, isIssued(digits), hasCheckDigit(digits, count) { longest = index }
            } else if isSeparator(text[index]), index + 1 < text.byteCount, isDigit(text[index + 1]) {
                index += 1
            } else {
                break
            }
        }
        return longest
    }

    /// American Express, Diners and JCB begin with 3, Visa with 4, Mastercard with 2221 to 2720 or 5, others with 6.
    private static func isIssued(_ digits: InlineArray<19, UInt8>) -> Bool {
        var first = 0
        for position in 0..<4 { first = first * 10 + Int(digits[position]) }
        return (3000...6999).contains(first) || (2221...2720).contains(first)
    }

    /// The Luhn algorithm, ISO/IEC 7812-1, annex B.
    private static func hasCheckDigit(_ digits: InlineArray<19, UInt8>, _ count: Int) -> Bool {
        var sum = 0
        for position in 0..<count {
            let digit = Int(digits[count - 1 - position])
            let weighted = position % 2 == 1 ? digit * 2 : digit
            sum += weighted > 9 ? weighted - 9 : weighted
        }
        return sum % 10 == 0
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte &- 48 < 10 }

    private static func isWord(_ byte: UInt8) -> Bool { isDigit(byte) || (byte | 0x20) &- 97 < 26 }

    private static func isSeparator(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "+")
    }
}
