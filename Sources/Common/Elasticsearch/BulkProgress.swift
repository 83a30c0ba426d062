/// How far one batch has come: which documents go into the next request and what became of the others.
///
/// Pure bookkeeping: it sends nothing and reads no clock. A batch starts as one part with all documents; parts are
/// halved when a request is refused as a whole, and shrink to the documents that ask for another try.
package struct BulkProgress: Sendable {
    /// A document that can never be stored, and what the store said.
    package struct Burial: Equatable, Sendable {
        package let document: Int
        package let status: Int
        package let type: String
        package let reason: String
        /// A stripped document is about to be stored in its place.
        package var hasFallback = false

        package init(document: Int, status: Int, type: String, reason: String) {
            self.document = document
            self.status = status
            self.type = type
            self.reason = reason
        }
    }

    /// What to do next.
    package enum Step: Equatable, Sendable {
        /// Send the documents of `part`.
        case send
        /// Write `burials` to the dead letters, then call `buried`.
        case bury
        /// Some documents were turned back; wait, then send. `isHeld`: an operator has to act.
        case pause(isHeld: Bool)
        /// Every document is stored or a dead letter.
        case done
    }

    /// A lone document that the store refuses as a malformed request may be the store's fault as long as it never
    /// took a bulk request: so many refusals, slowly repeated, before the document is buried.
    package static let refusalsOfUnprovenStore = 5

    /// Documents of the next request, ascending; empty when all is done.
    package var part: [Int] { parts.last ?? [] }
    package private(set) var stored = 0
    package private(set) var duplicates = 0
    package private(set) var deadLetters = 0
    /// Stripped documents that the store took in the place of dead letters, and those it refused too.
    package private(set) var fallbacks = (stored: 0, refused: 0)
    package private(set) var burials: [Burial] = []

    private var parts: [[Int]]
    /// Documents from here on are stripped ones.
    private var originalCount: Int
    private var documentCount: Int
    /// Documents of the answer being read that go into another request.
    private var turnedBack: [Int] = []
    private var isPausing = false
    private var isHeld = false
    private var loneRefusals = 0

    package init(documents count: Int) {
        parts = count > 0 ? [Array(0..<count)] : []
        originalCount = count
        documentCount = count
    }

    package var step: Step {
        if !burials.isEmpty { return .bury }
        if isPausing { return .pause(isHeld: isHeld) }
        return parts.isEmpty ? .done : .send
    }

    /// Takes note of one item of the answer to `part`; `itemsEnded` must follow the last.
    ///
    /// - Parameters:
    ///   - position: of the document within `part`.
    ///   - detail: type and reason of the error; asked for only when the document is buried.
    package mutating func item(
        _ position: Int,
        _ outcome: BulkOutcome,
        status: Int,
        detail: () -> (type: String, reason: String)
    ) {
        guard let part = parts.last, position < part.count else { return }
        let document = part[position]
        let isFallback = document >= originalCount
        switch outcome {
        case .stored where isFallback, .duplicate where isFallback: fallbacks.stored += 1
        case .deadLetter where isFallback: fallbacks.refused += 1
        case .stored: stored += 1
        case .duplicate: duplicates += 1
        case .retry: turnedBack.append(document)
        case .hold:
            turnedBack.append(document)
            isHeld = true
        case .deadLetter:
            let (type, reason) = detail()
            burials.append(Burial(document: document, status: status, type: type, reason: reason))
        }
    }

    /// All items of the answer have been read: the part is replaced by what it left over.
    package mutating func itemsEnded() {
        guard !parts.isEmpty else { return }
        parts.removeLast()
        loneRefusals = 0
        guard !turnedBack.isEmpty else { return }
        // Behind the other parts (they are taken from the end): those were not refused yet.
        parts.insert(turnedBack, at: 0)
        turnedBack = []
        isPausing = true
    }

    /// The request with `part` was refused as a whole because of its content (413 or 400).
    ///
    /// - Parameter isStoreProven: whether the store has ever taken a bulk request of ours.
    package mutating func refused(status: Int, type: String, reason: String, isStoreProven: Bool) {
        guard let part = parts.popLast() else { return }
        if part.count > 1 {
            let middle = part.count / 2
            parts.append(Array(part[middle...]))
            parts.append(Array(part[..<middle]))
            return
        }
        loneRefusals += 1
        guard status == 413 || isStoreProven || loneRefusals >= Self.refusalsOfUnprovenStore else {
            parts.append(part)
            isPausing = true
            isHeld = true
            return
        }
        loneRefusals = 0
        for document in part {
            guard document < originalCount else {
                fallbacks.refused += 1
                continue
            }
            burials.append(Burial(document: document, status: status, type: type, reason: reason))
        }
    }

    /// All of `burials` are in the dead-letter file.
    package mutating func buried() {
        deadLetters += burials.count
        burials = []
    }

    /// Stripped documents stand at the end of the batch and go into the next request.
    package mutating func addFallbacks(_ count: Int) {
        guard count > 0 else { return }
        parts.append(Array(documentCount..<documentCount + count))
        documentCount += count
    }

    /// The documents that are not safe yet, ascending; nil while stripped documents wait among them.
    package var waiting: [Int]? {
        guard documentCount == originalCount else { return nil }
        return parts.count == 1 ? parts[0] : parts.joined().sorted()
    }

    /// Counts the documents that are left from 0 on, as they stand in a batch without the others.
    ///
    /// - Precondition: `waiting` is not nil, and nothing waits to be buried.
    package mutating func renumber() {
        let count = parts.reduce(0) { $0 + $1.count }
        parts = [Array(0..<count)]
        originalCount = count
        documentCount = count
    }

    /// The pause is over.
    package mutating func resumed() {
        isPausing = false
        isHeld = false
    }
}
