import Common

/// Turns decoded events into documents and roll-ups.
///
/// One per worker: it keeps the memory that events of all requests use in turn.
final class EventMapper {
    let settings: MappingSettings
    let store: StoreTraits
    /// By `DataStream`; those of single services are made for each request.
    let dataStreams: [DataStreamText]
    /// That of the last service that was not the metadata's: programs that speak for several name few in turn.
    var lastDataStream: (stream: DataStream, service: [UInt8], text: DataStreamText)?
    /// Reads links, statistics of dropped spans and what is nested in RUM transactions.
    var decoder = EventDecoder()
    /// Text for a moment: whoever writes into it empties it first and reads it before calling anything else.
    var scratch = ByteBuffer(capacity: 4096)
    /// A part of a URL while it is decoded.
    var urlPart = ByteBuffer(capacity: 4096)
    /// What the gate is asked.
    var agentName = ByteBuffer(capacity: 64)
    var serviceName = ByteBuffer(capacity: 64)
    /// A key of a roll-up while it is composed, and how its service is named.
    var rollUpKey = ByteBuffer(capacity: 4096)
    var rollUpService = ByteBuffer(capacity: 1024)
    /// The metadata's labels that the event leaves alone, if it has others of the same names.
    var rollUpLabels = ByteBuffer(capacity: 256)
    var hasRollUpLabels = false
    var representativeCount = RepresentativeCount()
    var labelScratch = LabelScratch()
    /// Keys of the object that is being written: headers, marks.
    var memberKeys = MemberKeys()
    /// Keys of the object around it.
    var groupKeys = MemberKeys()
    /// Where a captured request came from.
    var socketAddress = CapturedAddress()
    var proxiedAddress = CapturedAddress()
    /// Tells more of clients where the store does not.
    let clients: ClientDetails
    /// Writes the stack traces of errors and spans.
    let stackTraces: StackTraces
    /// Values of one element of a list.
    var element = EventFields()
    /// The exceptions and the log record of the error that is being mapped.
    var errorParts = ErrorParts()
    let grouping = GroupingKey()
    /// Translates what agents send in the words of OpenTelemetry.
    let otel = OTelBridge()
    /// What stands in the line of a RUM v3 transaction: its spans, their ids, its metricsets, and values of one.
    var nestedSpans: [FieldValue] = []
    var nestedSpanIDs: [FieldValue] = []
    var nestedMetricsets: [FieldValue] = []
    var nested = EventFields()

    init(_ settings: MappingSettings, _ store: StoreTraits, _ databases: ClientDatabases) {
        self.settings = settings
        self.store = store
        clients = ClientDetails(databases, store)
        stackTraces = StackTraces(settings)
        dataStreams = DataStream.allCases.map { DataStreamText($0, namespace: settings.namespace) }
    }

    /// Maps one decoded event.
    ///
    /// - Returns: how many events were accepted: 1; 0 for a metricset without usable samples; all parts of a RUM v3
    ///   transaction.
    /// - Throws: when this client may not send the event; nothing was put out then.
    func map(
        _ kind: EventKind,
        _ fields: EventFields,
        _ line: RawSpan,
        _ metadata: RequestMetadata,
        _ output: IntakeOutput
    ) throws(IntakeError) -> Int {
        switch kind {
        case .transaction: try transaction(fields, line, metadata, output)
        case .span: try span(fields, line, metadata, output)
        case .error, .rumError: try error(fields, kind.dialect, line, metadata, output)
        case .metricset: try metricset(fields, line, metadata, output)
        case .log: try log(fields, line, metadata, output)
        case .rumTransaction: try rumTransaction(fields, line, metadata, output)
        }
    }
}
