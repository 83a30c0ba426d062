import Common

/// How the members of a line that is JSON join the event that carried it.
struct LineMembers: Sendable {
    /// A member of the line's root that its format takes for itself.
    struct Captured {
        /// What `keys` says about its name.
        let key: Int
        let kind: JSONReader.Kind
        /// Where the name stands.
        let name: Range<Int>
        /// The value as JSON.
        let value: Range<Int>
        /// The inside of a string, or the value itself.
        let text: JSONReader.Text
    }

    /// More are no name of a format's, however often a line repeats them.
    static let maxCaptured = 128

    /// Names at the root that are not what they are in ECS, such as nginx's `host`, while their values are no objects.
    let keys: KeyIndex
    /// For each field, whether what the sender said about it wins: who read the line, and where it stood.
    let isSenders: [Bool]
    /// Fields of which sender and line may both have values, which are put together.
    let areLists: [FieldID]

    init(table: FieldTable, keys: [(String, Int)] = []) {
        self.keys = KeyIndex(keys)
        var isSenders = Array(repeating: false, count: table.entries.count)
        for field in ECSField.allCases where Self.isSenders(field) { isSenders[table.id(field).index] = true }
        self.isSenders = isSenders
        areLists = [table.id(.tags), table.id(.errorMessage)]
    }

    private static func isSenders(_ field: ECSField) -> Bool {
        switch field {
        case .logFileDeviceID, .logFileIdentity, .logFileInode, .logFilePath, .logFlags, .logOffset,
            .eventCreated,
            .eventOriginal, .eventTimezone, .inputType, .agentID, .agentEphemeralID, .agentName, .agentType,
            .agentVersion, .hostName, .hostHostname:
            true
        default: false
        }
    }
}
