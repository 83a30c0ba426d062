import Common

/// An input whose port is open.
struct OpenInput: Sendable {
    /// Names it as long as the process lives; no other input ever gets it.
    let id: Int
    var configuration: InputConfiguration
    let address: Socket.Address
}

/// What becomes of the open inputs when others are wanted.
struct InputChanges {
    /// Their ports stay open; the configuration may say another pipeline, or TLS.
    private(set) var kept: [OpenInput] = []
    private(set) var added: [InputConfiguration] = []
    private(set) var removed: [OpenInput]

    /// An input is the same when it listens on the same host and port.
    init(from open: [OpenInput], to wanted: [InputConfiguration]) {
        removed = open
        for input in wanted {
            let same = removed.firstIndex {
                $0.configuration.host == input.host && $0.configuration.port == input.port
            }
            guard let same else {
                added.append(input)
                continue
            }
            var kept = removed.remove(at: same)
            kept.configuration = input
            self.kept.append(kept)
        }
    }
}
