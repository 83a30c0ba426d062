import Common

/// The times that nginx writes.
enum LogTime {
    /// `22/Nov/2026:10:13:40 +0000`, as `$time_local` and Apache's `%t` have it; nil for anything else.
    static func local(_ bytes: RawSpan, _ range: Range<Int>) -> CalendarTime? {
        var reader = DateDigits(bytes: range, offset: range.lowerBound)
        guard let day = reader.digits(2, bytes), reader.take(UInt8(ascii: "/"), bytes),
            let month = month(&reader, bytes), reader.take(UInt8(ascii: "/"), bytes),
            let year = reader.digits(4, bytes), reader.take(UInt8(ascii: ":"), bytes),
            let hour = reader.digits(2, bytes), reader.take(UInt8(ascii: ":"), bytes),
            let minute = reader.digits(2, bytes), reader.take(UInt8(ascii: ":"), bytes),
            let second = reader.digits(2, bytes), reader.take(0x20, bytes),
            let zone = reader.zone(bytes), reader.isAtEnd
        else { return nil }
        return CalendarTime.civil((year, month, day), (hour, minute, second), zone: zone)
    }

    /// `1795342422.275`: seconds since 1970; nil for anything else.
    static func seconds(_ bytes: RawSpan, _ range: Range<Int>) -> CalendarTime? {
        guard let nanoseconds = Decimal.scaled(bytes, range, scale: 9), nanoseconds >= 0 else { return nil }
        return CalendarTime(nanoseconds: nanoseconds)
    }

    /// An English month of three letters, which nginx writes in every locale.
    static func month(_ reader: inout DateDigits, _ bytes: RawSpan) -> Int? {
        guard let first = reader.next(bytes), let second = reader.next(bytes), let third = reader.next(bytes)
        else { return nil }
        let letters = UInt32(first | 0x20) << 16 | UInt32(second | 0x20) << 8 | UInt32(third | 0x20)
        switch letters {
        case 0x6A616E: return 1
        case 0x666562: return 2
        case 0x6D6172: return 3
        case 0x617072: return 4
        case 0x6D6179: return 5
        case 0x6A756E: return 6
        case 0x6A756C: return 7
        case 0x617567: return 8
        case 0x736570: return 9
        case 0x6F6374: return 10
        case 0x6E6F76: return 11
        case 0x646563: return 12
        default: return nil
        }
    }
}
