/// The frame of a `test output`: goes to each host step by step and says how far it comes.
///
///     ingest.example.org:5044
///       resolve      OK    10.0.0.1
///       connect      FAILED
///         10.0.0.1:5044: Connection refused
package struct StepwiseTest {
    /// Why a step failed, in words that say what to do.
    package struct Failure: Error {
        package let reason: String
        package init(reason: String) { self.reason = reason }
    }

    private let say: (String) -> Void

    /// - Parameter say: takes one line without its end.
    package init(say: @escaping (String) -> Void) { self.say = say }

    /// Tests hosts one after the other, those behind a failed one too.
    ///
    /// - Returns: whether every host passed every step.
    package func run<Host>(
        _ hosts: [Host],
        title: (Host) -> String,
        _ test: (Host) throws(Failure) -> Void
    ) -> Bool {
        var isGood = true
        for host in hosts {
            say(title(host))
            do throws(Failure) { try test(host) } catch {
                say("    \(error.reason)")
                isGood = false
            }
        }
        return isGood
    }

    /// Prints the step's name and how it ended.
    ///
    /// - Parameter body: answers the step's result, and what is to be said of it; empty for nothing.
    @discardableResult
    package func step<Result>(
        _ name: String,
        _ body: () throws(Failure) -> (Result, String)
    ) throws(Failure) -> Result {
        let title = "  " + name + String(repeating: " ", count: max(0, 13 - name.utf8.count))
        do throws(Failure) {
            let (result, detail) = try body()
            say(detail.isEmpty ? "\(title)OK" : "\(title)OK    \(detail)")
            return result
        } catch {
            say("\(title)FAILED")
            throw error
        }
    }
}
