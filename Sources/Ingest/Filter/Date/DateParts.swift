import Common

/// What a text said of a date, before it is one.
struct DateParts {
    var year: Int?
    var month: Int?
    var day: Int?
    var dayOfYear: Int?
    var week: Int?
    var dayOfWeek: Int?
    var hour = 0
    /// Set when the hour counts to twelve.
    var isAfternoon: Bool?
    var minute = 0
    var second = 0
    var nanosecond = 0
    /// Seconds east of UTC.
    var offset: Int?
    var zone: TimeZoneRules?

    /// Why parts are no moment.
    enum Problem: Equatable {
        /// Such as 31 February, or hour 25.
        case impossible
        /// Clocks in the zone were set forward over it.
        case skipped(zone: String)
    }

    /// The moment.
    ///
    /// - Parameters:
    ///   - rules: for texts without zone.
    ///   - reference: when the event was read. A missing year is that one's, and the one before for December read in
    ///     January, or the one behind for January read in December. A time without date is of that day.
    func moment(_ rules: TimeZoneRules, reference: CalendarTime) -> Result<CalendarTime, Problem> {
        let rules = zone ?? rules
        let zoneOffset = offset ?? rules.offset(at: reference.seconds)
        let (today, _) = reference.nanoseconds.addingReportingOverflow(Int64(zoneOffset) * 1_000_000_000)
        guard let date = date(CalendarTime(nanoseconds: today).date),
            let local = CalendarTime.civil(
                date,
                (hourOfDay, minute, second),
                nanosecond: nanosecond,
                zone: offset ?? 0
            )
        else { return .failure(.impossible) }
        if offset != nil { return .success(local) }
        guard let moment = rules.moment(of: local) else { return .failure(.skipped(zone: rules.name)) }
        return .success(moment)
    }

    /// From 0 to 23 where `isAfternoon` is set or not.
    private var hourOfDay: Int {
        guard let isAfternoon else { return hour }
        return hour > 12 ? hour : hour % 12 + (isAfternoon ? 12 : 0)
    }

    private func date(_ today: (year: Int, month: Int, day: Int)) -> (year: Int, month: Int, day: Int)? {
        var date = (year: year ?? today.year, month: month ?? 1, day: day ?? 1)
        if let dayOfYear {
            guard (1...366).contains(dayOfYear), CalendarTime.years.contains(date.year) else { return nil }
            let found = CalendarTime.date(
                days: CalendarTime.days(year: date.year, month: 1, day: 1) + dayOfYear - 1
            )
            return found.year == date.year ? found : nil
        }
        if let week, month == nil, day == nil {
            return Self.date(year: date.year, week: week, day: dayOfWeek ?? 1)
        }
        guard year == nil else { return date }
        guard let month else {
            // Only a day, or only a time.
            return (today.year, today.month, day ?? today.day)
        }
        if month == 12, today.month == 1 { date.year -= 1 }
        if month == 1, today.month == 12 { date.year += 1 }
        return date
    }

    /// The day of a week by ISO 8601: Monday is 1, and week 1 has 4 January.
    private static func date(year: Int, week: Int, day: Int) -> (year: Int, month: Int, day: Int)? {
        guard (1...53).contains(week), (1...7).contains(day), CalendarTime.years.contains(year) else {
            return nil
        }
        let fourth = CalendarTime.days(year: year, month: 1, day: 4)
        // 1970-01-01 was a Thursday.
        let weekday = ((fourth + 3) % 7 + 7) % 7
        return CalendarTime.date(days: fourth - weekday + (week - 1) * 7 + day - 1)
    }
}

extension DateParts.Problem: Error {}
