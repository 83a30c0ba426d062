import Common
import Glibc

/// How the bytes of a file spell characters (`encoding`).
struct TextEncoding: Equatable, Sendable {
    enum Kind: Equatable, Sendable {
        case utf8
        /// UTF-16 whose byte order mark says in which order.
        case utf16WithMark
        case utf16(isBigEndian: Bool)
        /// One in which ASCII is spelled as in ASCII, under iconv(3)'s name.
        case asciiBased(String)
    }

    let kind: Kind

    static let utf8 = TextEncoding(kind: .utf8)

    private init(kind: Kind) { self.kind = kind }

    /// The encoding that a configuration names as Filebeat or the WHATWG do; nil for one that is not known.
    ///
    /// Only such are known in which no part of another character looks like the end of a line.
    init?(name: String) {
        switch name.lowercased() {
        case "", "plain", "utf-8", "utf8": kind = .utf8
        case "utf-16", "utf-16-bom", "utf-16le-bom", "utf-16be-bom": kind = .utf16WithMark
        case "utf-16le": kind = .utf16(isBigEndian: false)
        case "utf-16be": kind = .utf16(isBigEndian: true)
        case let other:
            guard let known = Self.charset(other), Self.isInstalled(known) else { return nil }
            kind = .asciiBased(known)
        }
    }

    /// Names for a message.
    static let examples =
        "utf-8, latin1, gbk, gb18030, big5, shift-jis, euc-jp, euc-kr, iso-8859-1 to -16, "
        + "windows-1250 to -1258, koi8-r, utf-16, utf-16le, utf-16be"

    var unitBytes: Int {
        switch kind {
        case .utf8, .asciiBased: 1
        case .utf16WithMark, .utf16: 2
        }
    }

    var isUTF8: Bool { kind == .utf8 }

    /// A character of the basic plane in this encoding.
    ///
    /// Of characters beyond ASCII only UTF-8 and UTF-16 are sure to have a spelling; the others get UTF-8's.
    func bytes(_ unit: UInt16) -> [UInt8] {
        switch kind {
        case .utf16(let isBigEndian):
            let (high, low) = (UInt8(unit >> 8), UInt8(unit & 0xFF))
            return isBigEndian ? [high, low] : [low, high]
        case .utf16WithMark, .utf8, .asciiBased:
            return Unicode.Scalar(unit).map { Array(String($0).utf8) } ?? []
        }
    }

    /// The encoding of a file that begins with `first`: what a byte order mark decides.
    func resolved(_ first: RawSpan) -> TextEncoding {
        guard kind == .utf16WithMark else { return self }
        // Without a mark: RFC 2781, section 4.3.
        let isLittle = first.byteCount >= 2 && first[0] == 0xFF && first[1] == 0xFE
        return TextEncoding(kind: .utf16(isBigEndian: !isLittle))
    }

    /// iconv's name; nil for UTF-8, which needs none.
    var charset: String? {
        switch kind {
        case .utf8, .utf16WithMark: nil
        case .utf16(let isBigEndian): isBigEndian ? "UTF-16BE" : "UTF-16LE"
        case .asciiBased(let name): name
        }
    }

    private static func charset(_ name: String) -> String? {
        switch name {
        case "latin1", "latin-1", "iso-8859-1": return "ISO-8859-1"
        // A superset, as browsers read it.
        case "gbk", "gb2312", "gb18030": return "GB18030"
        case "big5": return "BIG5-HKSCS"
        case "shift-jis", "shift_jis": return "CP932"
        case "euc-jp": return "EUC-JP"
        case "euc-kr": return "CP949"
        case "koi8-r", "koi8r": return "KOI8-R"
        case "koi8-u", "koi8u": return "KOI8-U"
        case "macintosh": return "MACINTOSH"
        default: break
        }
        for (prefix, iconv, last) in [
            ("iso-8859-", "ISO-8859-", 2...16), ("iso8859-", "ISO-8859-", 2...16),
            ("windows-", "CP", 1250...1258), ("windows", "CP", 1250...1258), ("cp", "CP", 1250...1258),
        ] where name.hasPrefix(prefix) {
            if let number = Int(name.dropFirst(prefix.count)), last.contains(number) {
                return iconv + "\(number)"
            }
        }
        return ["windows-874": "CP874", "ibm866": "CP866", "cp866": "CP866", "cp850": "CP850"][name]
    }

    private static func isInstalled(_ charset: String) -> Bool {
        guard let handle = iconv_open("UTF-8", charset), !handle.isNone else { return false }
        iconv_close(handle)
        return true
    }
}

extension iconv_t {
    /// Whether iconv_open(3) failed: -1 instead of a pointer.
    fileprivate var isNone: Bool { Int(bitPattern: self) == -1 }
}

/// Turns text of one encoding into UTF-8, through iconv(3); belongs to one thread.
final class TextDecoder {
    let encoding: TextEncoding
    private let handle: iconv_t

    /// - Parameter encoding: `resolved`, and not UTF-8.
    init?(_ encoding: TextEncoding) {
        guard let charset = encoding.charset, let handle = iconv_open("UTF-8", charset),
            !handle.isNone
        else { return nil }
        self.encoding = encoding
        self.handle = handle
    }

    deinit { iconv_close(handle) }

    /// Appends `bytes[range]` to `text`; each code unit that means nothing becomes one U+FFFD.
    func append(_ bytes: RawSpan, _ range: Range<Int>, to text: inout ByteBuffer) {
        iconv(handle, nil, nil, nil, nil)
        bytes.withUnsafeBytes { all in
            let source = UnsafeMutableRawBufferPointer(mutating: UnsafeRawBufferPointer(rebasing: all[range]))
            guard let base = source.baseAddress else { return }
            var input: UnsafeMutablePointer<CChar>? = base.assumingMemoryBound(to: CChar.self)
            var left = source.count
            while left > 0 {
                let code = convert(&input, &left, into: &text)
                guard code != 0, left > 0, code != E2BIG else { continue }
                text.append("\u{FFFD}" as StaticString)
                let skipped = min(encoding.unitBytes, left)
                input = input.map { $0 + skipped }
                left -= skipped
                iconv(handle, nil, nil, nil, nil)
            }
        }
    }

    /// - Returns: 0, or why the conversion stopped.
    private func convert(
        _ input: inout UnsafeMutablePointer<CChar>?,
        _ left: inout Int,
        into text: inout ByteBuffer
    ) -> Int32 {
        var code: Int32 = 0
        // A byte becomes three at most, in these encodings; more is taken in another round.
        text.append(reserving: left * 3 + 16) { free in
            var output: UnsafeMutablePointer<CChar>? = free.baseAddress?.assumingMemoryBound(to: CChar.self)
            var room = free.count
            if iconv(handle, &input, &left, &output, &room) == -1 { code = errno }
            return free.count - room
        }
        return code
    }
}
