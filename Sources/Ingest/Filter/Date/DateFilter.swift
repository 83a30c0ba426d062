import Common

/// Reads the time of an event from a text.
///
///     - date:
///         field: timestamp
///         formats: ['dd/MMM/yyyy:HH:mm:ss Z', ISO8601, UNIX_MS]
///         timezone: Europe/Paris          for texts that name none; also '%{host.timezone}'
///         target: '@timestamp'
struct DatePlan: FilterPlan {
    fileprivate enum Zone: Sendable {
        case fixed(TimeZoneRules)
        /// Made from fields of the event; the rules stand in where that names nothing.
        case text(FieldText, otherwise: TimeZoneRules?)
    }

    fileprivate let field: FieldPath
    fileprivate let formats: [DateFormat]
    fileprivate let zone: Zone
    fileprivate let target: FieldPath

    init(_ reader: ConfigurationReader) {
        reader.advise("match", "write field: timestamp and formats: [ISO8601]")
        reader.advise("locale", "names of months and days are always English; remove it")
        field = reader.requiredPath("field")
        target = reader.path("target", default: "@timestamp")
        let texts = reader.strings("formats")
        if texts.isEmpty {
            reader.problem("formats", "is missing; write formats: ['dd/MMM/yyyy:HH:mm:ss Z']")
        }
        formats = texts.compactMap { text in
            do throws(PatternError) {
                return try DateFormat(text)
            } catch {
                reader.problem("formats", "\"\(text)\" \(error)")
                return nil
            }
        }
        zone = Self.zone(reader)
    }

    /// Without `timezone`, the one that the shipper says (`event.timezone`), or else this host's.
    private static func zone(_ reader: ConfigurationReader) -> Zone {
        guard let text = reader.text("timezone") else {
            let local = reader.has("timezone") ? nil : rules("local", reader)
            do throws(FieldTextError) {
                return .text(try FieldText("%{event.timezone}"), otherwise: local)
            } catch {
                fatalError("the name of the shipper's zone: \(error)")
            }
        }
        guard text.isConstant else { return .text(text, otherwise: nil) }
        return .fixed(rules(reader.string("timezone", default: "UTC"), reader) ?? .utc)
    }

    private static func rules(_ name: String, _ reader: ConfigurationReader) -> TimeZoneRules? {
        do throws(TimeZoneError) {
            return try TimeZoneRules.named(name)
        } catch {
            reader.problem("timezone", "\(error)")
            return nil
        }
    }

    func filter(_ workplace: FilterWorkplace) -> any Filter { DateFilter(plan: self) }
}

private final class DateFilter: Filter {
    private let plan: DatePlan
    private let zones = TimeZoneCache()
    private var text = ByteBuffer()
    private var zoneName = ByteBuffer()

    init(plan: DatePlan) { self.plan = plan }

    func apply(to record: Record) throws(FilterFailure) -> FilterOutcome {
        guard let node = record.find(plan.field), record.copyText(of: node, into: &text), !text.isEmpty else {
            throw FilterFailure(.date, "\(plan.field.text) has no text")
        }
        let reference = FieldText.time(of: record) ?? Clock.now
        let time = try text.withSpan { bytes throws(FilterFailure) in try moment(bytes, record, reference) }
        try record.set(plan.target, time: time)
        return .next
    }

    private func moment(_ bytes: RawSpan, _ record: Record, _ reference: CalendarTime) throws(FilterFailure)
        -> CalendarTime
    {
        let range = 0..<bytes.byteCount
        var problem: DateParts.Problem?
        if range.count <= DateFormat.maxBytes {
            let year = reference.date.year
            for format in plan.formats {
                if format.isNumber {
                    if let time = format.moment(bytes, range) { return time }
                } else if let parts = format.parts(bytes, range, year: year, zones) {
                    switch parts.moment(try rules(parts, record), reference: reference) {
                    case .success(let time): return time
                    case .failure(let reason): problem = problem ?? reason
                    }
                }
            }
        }
        let shown = "\(plan.field.text) \"\(bytes.text(0..<min(range.count, 64)))\""
        switch problem {
        case nil: throw FilterFailure(.date, "\(shown) is in none of the formats")
        case .impossible: throw FilterFailure(.date, "\(shown) is no date that exists")
        case .skipped(let zone):
            throw FilterFailure(.date, "\(shown) never was in \(zone): clocks were set forward over it")
        }
    }

    /// The zone for texts that name none.
    private func rules(_ parts: DateParts, _ record: Record) throws(FilterFailure) -> TimeZoneRules {
        guard parts.offset == nil, parts.zone == nil else { return .utc }
        switch plan.zone {
        case .fixed(let rules): return rules
        case .text(let text, let otherwise):
            zoneName.removeAll()
            guard text.append(record, to: &zoneName) || otherwise == nil else { return otherwise ?? .utc }
            let found = zoneName.withSpan { name in zones.zone(name, 0..<name.byteCount) }
            guard let rules = found ?? otherwise else {
                throw FilterFailure(.date, "\"\(zoneName.text.prefix(64))\" is no time zone")
            }
            return rules
        }
    }
}
