/// The steps of a pipeline as one list of instructions, which needs no recursion to run and can go on from any place.
///
///     filter → next, or its block of on_failure
///     unless condition → behind `then`
///     jump → behind `else`, or back from on_failure
struct FilterProgram: Sendable {
    enum Instruction: Sendable {
        /// - Parameters:
        ///   - step: index in `steps`.
        ///   - failure: where its `on_failure` begins; nil without.
        case filter(step: Int, failure: Int?)
        case unless(Condition, to: Int)
        case jump(Int)
        case end
    }

    /// A filter with its options.
    struct Step: Sendable {
        let plan: any FilterPlan
        let name: String
        let id: String
        let condition: Condition?
        let failureTags: [String]?
        let success: SuccessActions
    }

    private(set) var instructions: [Instruction] = []
    private(set) var steps: [Step] = []
    /// Blocks of `on_failure` to be placed behind the main list: the filter's instruction, and where to go on.
    private var blocks: [(instruction: Int, steps: [FilterStep])] = []

    init(_ steps: [FilterStep]) {
        append(steps)
        instructions.append(.end)
        // Blocks may add blocks.
        var next = 0
        while next < blocks.count {
            let block = blocks[next]
            next += 1
            guard case .filter(let step, _) = instructions[block.instruction] else { continue }
            instructions[block.instruction] = .filter(step: step, failure: instructions.count)
            append(block.steps)
            instructions.append(.jump(block.instruction + 1))
        }
    }

    var conditions: [Condition] {
        steps.compactMap(\.condition)
            + instructions.compactMap { if case .unless(let condition, _) = $0 { condition } else { nil } }
    }

    private mutating func append(_ steps: [FilterStep]) {
        for step in steps {
            switch step.action {
            case .filter(let plan):
                self.steps.append(
                    Step(
                        plan: plan,
                        name: step.name,
                        id: step.id,
                        condition: step.condition,
                        failureTags: step.failureTags,
                        success: step.success
                    )
                )
                if let onFailure = step.onFailure { blocks.append((instructions.count, onFailure)) }
                instructions.append(.filter(step: self.steps.count - 1, failure: nil))
            case .branch(let then, let otherwise):
                append(then, otherwise, if: step.condition)
            }
        }
    }

    private mutating func append(_ then: [FilterStep], _ otherwise: [FilterStep], if condition: Condition?) {
        guard let condition else { return append(then) }
        let test = instructions.count
        instructions.append(.jump(0))
        append(then)
        if otherwise.isEmpty {
            instructions[test] = .unless(condition, to: instructions.count)
            return
        }
        let leave = instructions.count
        instructions.append(.jump(0))
        instructions[test] = .unless(condition, to: instructions.count)
        append(otherwise)
        instructions[leave] = .jump(instructions.count)
    }
}
