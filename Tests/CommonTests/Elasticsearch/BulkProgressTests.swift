import Common
import Testing

@Suite("Bulk progress")
struct BulkProgressTests {
    private func answer(_ progress: inout BulkProgress, _ outcomes: [BulkOutcome]) {
        for (position, outcome) in outcomes.enumerated() {
            progress.item(position, outcome, status: 400) { ("type", "reason") }
        }
        progress.itemsEnded()
    }

    @Test("an empty batch is done")
    func empty() { #expect(BulkProgress(documents: 0).step == .done) }

    @Test("sends again only what asked for it, until nothing is left")
    func retries() {
        var progress = BulkProgress(documents: 4)
        #expect(progress.part == [0, 1, 2, 3])
        answer(&progress, [.stored, .retry, .duplicate, .retry])
        #expect(progress.step == .pause(isHeld: false))
        progress.resumed()
        #expect(progress.step == .send)
        #expect(progress.part == [1, 3])
        answer(&progress, [.stored, .hold])
        #expect(progress.step == .pause(isHeld: true))
        progress.resumed()
        #expect(progress.part == [3])
        answer(&progress, [.stored])
        #expect(progress.step == .done)
        #expect([progress.stored, progress.duplicates, progress.deadLetters] == [3, 1, 0])
    }

    @Test("tells which documents are not safe yet, and counts them anew when the others are gone")
    func waiting() {
        var progress = BulkProgress(documents: 4)
        #expect(progress.waiting == [0, 1, 2, 3])
        progress.refused(status: 413, type: "", reason: "", isStoreProven: true)
        answer(&progress, [.stored, .retry])
        #expect(progress.waiting == [1, 2, 3])
        progress.resumed()
        answer(&progress, [.stored, .retry])
        progress.resumed()
        #expect(progress.waiting == [1, 3])
        progress.renumber()
        #expect(progress.waiting == [0, 1] && progress.part == [0, 1])
        answer(&progress, [.deadLetter, .stored])
        #expect(progress.burials.map(\.document) == [0])
        progress.buried()
        progress.addFallbacks(1)
        // A stripped document does not say whose it is.
        #expect(progress.part == [2] && progress.waiting == nil)
        answer(&progress, [.stored])
        #expect(progress.step == .done)
        #expect([progress.stored, progress.deadLetters, progress.fallbacks.stored] == [3, 1, 1])
    }

    @Test("buries before it goes on")
    func buries() {
        var progress = BulkProgress(documents: 3)
        answer(&progress, [.deadLetter, .retry, .deadLetter])
        #expect(progress.step == .bury)
        #expect(progress.burials.map(\.document) == [0, 2])
        progress.buried()
        #expect(progress.step == .pause(isHeld: false))
        #expect(progress.deadLetters == 2)
    }

    @Test("stripped documents follow their burials, and are never buried themselves")
    func fallbacks() {
        var progress = BulkProgress(documents: 3)
        answer(&progress, [.deadLetter, .stored, .deadLetter])
        progress.buried()
        progress.addFallbacks(2)
        #expect(progress.step == .send)
        #expect(progress.part == [3, 4])
        answer(&progress, [.retry, .deadLetter])
        #expect(progress.step == .pause(isHeld: false))
        progress.resumed()
        #expect(progress.part == [3])
        progress.refused(status: 413, type: "", reason: "", isStoreProven: true)
        #expect(progress.step == .done)
        #expect([progress.stored, progress.deadLetters] == [1, 2])
        #expect(progress.fallbacks == (0, 2))
        progress.addFallbacks(1)
        answer(&progress, [.duplicate])
        #expect(progress.fallbacks == (1, 2))
    }

    /// The requests of a batch of which some documents make a request be refused as a whole.
    @Test(
        "bisects to the culprits",
        arguments: [
            (1, [0], 1), (2, [1], 3), (8, [5], 7), (8, [0, 7], 11), (8, [0, 1, 2, 3, 4, 5, 6, 7], 15),
            (1000, [333], 21),
        ] as [(Int, Set<Int>, Int)],
        [400, 413]
    )
    func bisects(_ row: (count: Int, culprits: Set<Int>, requests: Int), status: Int) {
        var progress = BulkProgress(documents: row.count)
        var requests = 0
        var buried: Set<Int> = []
        while progress.step != .done {
            switch progress.step {
            case .bury:
                buried.formUnion(progress.burials.map(\.document))
                progress.buried()
            case .send:
                requests += 1
                if row.culprits.isDisjoint(with: progress.part) {
                    answer(&progress, progress.part.map { _ in .stored })
                } else {
                    progress.refused(status: status, type: "t", reason: "r", isStoreProven: true)
                }
            case .pause, .done: progress.resumed()
            }
        }
        #expect(buried == row.culprits)
        #expect(progress.stored == row.count - row.culprits.count)
        #expect(requests == row.requests)
    }

    @Test("does not blame a lone document at once when the store never took a bulk request")
    func unproven() {
        var progress = BulkProgress(documents: 1)
        for _ in 1..<BulkProgress.refusalsOfUnprovenStore {
            progress.refused(status: 400, type: "t", reason: "r", isStoreProven: false)
            #expect(progress.step == .pause(isHeld: true))
            progress.resumed()
        }
        progress.refused(status: 400, type: "t", reason: "r", isStoreProven: false)
        #expect(progress.step == .bury)
    }
}
