/// How many bulk requests may be in flight at once: one more for good answers, half for overload (AIMD).
///
/// Pure bookkeeping between 1 and a maximum, where it starts: a store that keeps up gets all of it. What was sent before
/// the last cut says nothing about the limit since then, so that answers to one burst cut once.
package struct AdaptiveConcurrency: Equatable, Sendable {
    /// What a request says about the store's load.
    package enum Verdict: Equatable, Sendable {
        /// Answered, and how long that took is not known.
        case good
        /// Answered after these nanoseconds.
        case took(Int64, bytes: Int)
        /// The store had no time for it, or for many of its documents.
        case overloaded
        /// It failed for another reason.
        case unknown
    }

    /// Of the documents of a bulk; a few rejections pass.
    private static let overloadShare = 0.1
    /// Answers that come sooner are never slow, and smaller requests tell nothing of speed.
    private static let (leastNanoseconds, leastBytes): (Int64, Int) = (100_000_000, 64 << 10)
    /// A byte that takes so many times as long as in good times: more requests only wait in the store's own queue.
    private static let slowFactor = 3.0
    private static let (overloadCut, slowCut) = (0.5, 0.8)
    /// How quickly the good time follows: down soon, up slowly, for stores that are slower for good.
    private static let (fallingWeight, risingFactor) = (0.25, 1.005)

    /// More is no limit at all.
    private static let largestMaximum = 1_000_000

    private let maximum: Double
    private var exactLimit: Double
    private var inFlight = 0
    private var lastCut = Int64.min
    /// Nanoseconds per byte in good times.
    private var goodTime: Double?

    package init(maximum: Int) {
        self.maximum = Double(min(max(maximum, 1), Self.largestMaximum))
        exactLimit = self.maximum
    }

    package var limit: Int { Int(exactLimit) }

    /// Whether another request may be sent; `BulkQueue` counts batches in work instead, and lets some pass.
    package var hasRoom: Bool { inFlight < limit }

    package static func isOverload(turnedBack: Int, of documents: Int) -> Bool {
        Double(turnedBack) > Double(documents) * overloadShare
    }

    package mutating func began() { inFlight += 1 }

    /// - Returns: whether there is room for one more than before.
    package mutating func ended(_ verdict: Verdict, started: Int64, now: Int64) -> Bool {
        // Only where the limit was reached, the answer says that one more may be good.
        let isAtLimit = inFlight >= limit
        inFlight -= 1
        switch verdict {
        case .unknown: return false
        case .overloaded:
            cut(Self.overloadCut, started: started, now: now)
            return false
        case .took(let nanoseconds, let bytes) where isSlow(nanoseconds, bytes):
            cut(Self.slowCut, started: started, now: now)
            return false
        case .good, .took:
            guard isAtLimit, started >= lastCut else { return false }
            let before = limit
            exactLimit = min(exactLimit + 1 / exactLimit, maximum)
            return limit > before
        }
    }

    private mutating func cut(_ factor: Double, started: Int64, now: Int64) {
        guard started >= lastCut else { return }
        exactLimit = max(exactLimit * factor, 1)
        lastCut = now
    }

    private mutating func isSlow(_ nanoseconds: Int64, _ bytes: Int) -> Bool {
        guard bytes >= Self.leastBytes else { return false }
        let time = Double(nanoseconds) / Double(bytes)
        guard let good = goodTime else {
            goodTime = time
            return false
        }
        goodTime =
            time < good ? good + (time - good) * Self.fallingWeight : min(good * Self.risingFactor, time)
        return nanoseconds >= Self.leastNanoseconds && time > good * Self.slowFactor
    }
}
