/// What the live page of a service shows: which of its numbers, as what.
///
/// The page itself is the same for every service: it asks `/page.json` for this description once, and `/stats` for the
/// numbers every two seconds.
package struct MonitoringPage: Sendable {
    /// How a number is read.
    package enum Reading: String, Sendable {
        /// As it is: counted since the start, or what a gauge shows.
        case value
        /// Its growth per second.
        case rate
    }

    package enum Unit: String, Sendable {
        case count, bytes, seconds
        /// Seconds that are often less than one: shown as µs, ms or s.
        case time
        /// The same, of a number of milliseconds.
        case milliseconds
        /// Of a rate of seconds: 0.5 is shown as 50 %.
        case share
        /// Yes or no.
        case flag
    }

    /// One number: the sum of a metric's series that have the given labels.
    package struct Figure: Sendable {
        let label: String
        let metric: String
        let labels: [(name: String, value: String)]
        let reading: Reading
        let unit: Unit
        /// Its growth is shown for each unit of this metric's growth.
        let per: String?

        /// - Parameter metric: its name; or `member.member#name` for a number of `/stats` beside the metrics: `name` of the
        ///   object that these members lead to, or of each object of the array there.
        /// - Parameter per: another metric with the same labels: shown is the growth for each unit of its growth, such as
        ///   seconds for each request, and the mean since the start while it does not grow.
        package init(
            _ label: String,
            _ metric: String,
            labels: [(String, String)] = [],
            _ reading: Reading = .value,
            unit: Unit = .count,
            per: String? = nil
        ) {
            self.label = label
            self.metric = metric
            self.labels = labels.map { (name: $0.0, value: $0.1) }
            self.reading = reading
            self.unit = unit
            self.per = per
        }

        /// The columns of most tables: what was counted since the start, and what comes now.
        package static func totalAndRate(_ metric: String) -> [Figure] {
            [Figure("total", metric), Figure("now", metric, .rate)]
        }
    }

    /// One part of the page.
    package struct Section: Sendable {
        fileprivate enum Content: Sendable {
            case tiles([Figure])
            case facts([Figure])
            case table(rows: String, columns: [Figure], samples: String?, isWide: Bool)
            case grid(metric: String, rows: String, columns: String)
        }

        fileprivate let title: String
        fileprivate let content: Content

        /// Large numbers, each with its course over the last two minutes.
        package static func tiles(_ title: String, _ figures: [Figure]) -> Section {
            Section(title: title, content: .tiles(figures))
        }

        /// Numbers that matter when something is odd, a row for each.
        package static func facts(_ title: String, _ figures: [Figure]) -> Section {
            Section(title: title, content: .facts(figures))
        }

        /// A row for each value that the label (or member) `rows` has, with the course of the last column's number.
        ///
        /// Rows of a metric are sorted by the first column's number, and left out while that is 0; rows of an array
        /// stand in its order.
        ///
        /// - Parameter rows: several labels, with commas between them, make a row for each combination.
        /// - Parameter samples: the member of `/stats` with `RejectSamples`, whose lines are shown below the row of
        ///   their reason; such a table is wide.
        /// - Parameter isWide: whether it takes the whole width of the page.
        package static func table(
            _ title: String,
            rows: String,
            _ columns: [Figure],
            samples: String? = nil,
            isWide: Bool = false
        ) -> Section {
            let isWide = isWide || samples != nil
            return Section(
                title: title,
                content: .table(rows: rows, columns: columns, samples: samples, isWide: isWide)
            )
        }

        /// A metric with two labels, one down and one across.
        package static func grid(_ title: String, _ metric: String, rows: String, columns: String) -> Section
        {
            Section(title: title, content: .grid(metric: metric, rows: rows, columns: columns))
        }
    }

    /// Between the values of several labels that name a row together: what samples of such a row give as their reason.
    package static let keySeparator = " · "

    private let sections: [Section]

    package init(_ sections: [Section]) { self.sections = sections }

    /// The description as the page's script reads it.
    var json: [UInt8] {
        var json = ByteBuffer(capacity: 4096)
        json.append(#"{"sections":["# as StaticString)
        for (index, section) in sections.enumerated() {
            if index > 0 { json.append(UInt8(ascii: ",")) }
            json.append(#"{"title":"# as StaticString)
            json.append(jsonString: section.title)
            append(section.content, to: &json)
            json.append(UInt8(ascii: "}"))
        }
        json.append("]}\n" as StaticString)
        return json.array
    }

    private func append(_ content: Section.Content, to json: inout ByteBuffer) {
        func member(_ key: StaticString, _ text: String) {
            json.append(UInt8(ascii: ","))
            json.append(key)
            json.append(jsonString: text)
        }
        switch content {
        case .tiles(let figures):
            member(#""kind":"#, "tiles")
            append(figures, to: &json)
        case .facts(let figures):
            member(#""kind":"#, "facts")
            append(figures, to: &json)
        case .table(let rows, let columns, let samples, let isWide):
            member(#""kind":"#, "table")
            member(#""rows":"#, rows)
            if let samples { member(#""samples":"#, samples) }
            if isWide { json.append(#","wide":true"# as StaticString) }
            append(columns, to: &json)
        case .grid(let metric, let rows, let columns):
            member(#""kind":"#, "grid")
            member(#""metric":"#, metric)
            member(#""rows":"#, rows)
            member(#""columns":"#, columns)
        }
    }

    private func append(_ figures: [Figure], to json: inout ByteBuffer) {
        json.append(#","figures":["# as StaticString)
        for (index, figure) in figures.enumerated() {
            json.append(index > 0 ? #",{"label":"# : #"{"label":"#)
            json.append(jsonString: figure.label)
            json.append(#","metric":"# as StaticString)
            json.append(jsonString: figure.metric)
            json.append(#","labels":{"# as StaticString)
            for (index, label) in figure.labels.enumerated() {
                if index > 0 { json.append(UInt8(ascii: ",")) }
                json.append(jsonString: label.name)
                json.append(UInt8(ascii: ":"))
                json.append(jsonString: label.value)
            }
            json.append(#"},"reading":"\#(figure.reading.rawValue)","unit":"\#(figure.unit.rawValue)""#)
            if let per = figure.per {
                json.append(#","per":"# as StaticString)
                json.append(jsonString: per)
            }
            json.append(UInt8(ascii: "}"))
        }
        json.append(UInt8(ascii: "]"))
    }
}

extension MonitoringPage {
    /// The page as a response: one file, which may load nothing and talk to nobody but this port.
    static var response: HTTPResponse {
        var body = ByteBuffer(capacity: 16 << 10)
        body.append(pageHead)
        body.append(pageStyle)
        body.append(pageBody)
        body.append(pageScript)
        body.append(pageEnd)
        return HTTPResponse(
            status: 200,
            headers: [
                .init("Content-Type", "text/html; charset=utf-8"),
                .init("Content-Security-Policy", policy),
                .init("X-Content-Type-Options", "nosniff"),
                .init("Referrer-Policy", "no-referrer"),
            ],
            body: body.array
        )
    }

    /// Text from outside is only ever set as text; this holds even if it were not.
    private static let policy =
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; "
        + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}
