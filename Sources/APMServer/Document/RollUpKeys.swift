import Common

/// What events add to roll-ups: the keys, in the form that `RollUpTables` describes.
extension EventMapper {
    /// Notes that the event's service was seen.
    ///
    /// Comes before what else is counted of the event, which is by the same labels.
    func rollUpSummary(
        _ fields: EventFields,
        at time: EventTime,
        _ owner: EventOwner,
        _ line: RawSpan,
        _ metadata: RequestMetadata,
        _ output: IntakeOutput
    ) {
        let labels = fields[.labels]
        hasRollUpLabels =
            owner.agent.labelsRollUps && metadata.labels.fitRollUps && labels.isGiven
            && metadata.labels.mayBeOverridden(by: labels, line)
        if hasRollUpLabels {
            rollUpLabels.removeAll()
            rollUpLabels.append(labels: metadata.labels, without: labels, line, &labelScratch)
        }
        beginSummaryKey(fields, owner, line, metadata)
        rollUpService.withSpan { service in
            rollUpKey.withSpan { key in
                output.rollUps.serviceSummary(minute: time.minute, service: service, key: key)
            }
        }
    }

    /// Counts a transaction, by itself and by its service.
    func rollUpTransaction(
        _ transaction: TransactionFacts,
        _ fields: EventFields,
        _ line: RawSpan,
        _ metadata: RequestMetadata,
        _ output: IntakeOutput
    ) {
        let owner = transaction.owner
        beginTransactionKey(fields, owner, line, metadata)
        let top = rollUpKey.count
        rollUpKey.appendInnerMember(#""name":"#, fields[.name], line, from: top)
        rollUpKey.appendType(fields[.type], line, from: top)
        rollUpKey.appendInnerMember(#""result":"#, fields[.result], line, from: top)
        if transaction.isRoot { rollUpKey.appendInner(#""root":true"#, from: top) }
        let inner = rollUpKey.count
        rollUpKey.append(#""outcome":""# as StaticString)
        rollUpKey.append(transaction.outcome.name)
        rollUpKey.append(UInt8(ascii: "\""))
        rollUpService.withSpan { service in
            rollUpKey.withSpan { key in
                output.rollUps.transaction(
                    .transaction,
                    minute: transaction.time.minute,
                    service: service,
                    key: key,
                    top: top,
                    inner: inner,
                    durationMicroseconds: transaction.duration.microseconds,
                    weightThousandths: representativeCount.thousandths,
                    outcome: transaction.outcome
                )
            }
        }
        rollUpServiceTransaction(transaction, fields, line, metadata, output)
    }

    private func rollUpServiceTransaction(
        _ transaction: TransactionFacts,
        _ fields: EventFields,
        _ line: RawSpan,
        _ metadata: RequestMetadata,
        _ output: IntakeOutput
    ) {
        beginSummaryKey(fields, transaction.owner, line, metadata)
        let top = rollUpKey.count
        rollUpKey.appendType(fields[.type], line, from: top)
        rollUpService.withSpan { service in
            rollUpKey.withSpan { key in
                output.rollUps.transaction(
                    .serviceTransaction,
                    minute: transaction.time.minute,
                    service: service,
                    key: key,
                    top: top,
                    inner: key.byteCount,
                    durationMicroseconds: transaction.duration.microseconds,
                    weightThousandths: representativeCount.thousandths,
                    outcome: transaction.outcome
                )
            }
        }
    }

    /// Counts what a span, or spans that the agent dropped, say of a destination.
    ///
    /// - Parameters:
    ///   - count: of requests, and `microseconds` their time, before weighting.
    ///   - target: appends the target to members of `service`.
    func rollUpDestination(
        at time: EventTime,
        _ owner: EventOwner,
        _ fields: EventFields,
        spanName: FieldValue,
        resource: FieldValue,
        outcome: Outcome?,
        count: Int64,
        microseconds: Int64,
        _ line: RawSpan,
        _ metadata: RequestMetadata,
        _ output: IntakeOutput,
        target: (inout ByteBuffer) -> Void
    ) {
        beginKey(fields, owner, line, metadata, target: target)
        if let outcome {
            rollUpKey.key(#""event":{"#)
            rollUpKey.append(outcome)
            rollUpKey.append(UInt8(ascii: "}"))
        }
        let top = rollUpKey.count
        rollUpKey.appendInnerMember(#""name":"#, spanName, line, from: top)
        let inner = rollUpKey.count
        rollUpKey.appendInnerMember(#""resource":"#, resource, line, from: inner)
        let weight = representativeCount.thousandths
        rollUpService.withSpan { service in
            rollUpKey.withSpan { key in
                output.rollUps.serviceDestination(
                    minute: time.minute,
                    service: service,
                    key: key,
                    top: top,
                    inner: inner,
                    countThousandths: count.multipliedCutOff(by: weight),
                    sumMicrosecondThousandths: microseconds.multipliedCutOff(by: weight)
                )
            }
        }
    }

    // MARK: - First parts

    /// Names the service of the event in `rollUpService`.
    private func nameService(
        _ fields: EventFields,
        _ owner: EventOwner,
        _ line: RawSpan,
        _ metadata: RequestMetadata
    ) {
        rollUpService.removeAll()
        if owner.isOverridden {
            rollUpService.appendServiceIdentity(fields, line, metadata.line)
        } else {
            rollUpService.append(.identity, of: metadata)
        }
        rollUpService.append(UInt8(ascii: "}"))
    }

    /// The metadata's labels that hold for the event.
    private func appendRollUpLabels(_ owner: EventOwner, _ metadata: RequestMetadata) {
        guard owner.agent.labelsRollUps, metadata.labels.fitRollUps else { return }
        if !hasRollUpLabels {
            rollUpKey.append(.labels, of: metadata)
        } else if !rollUpLabels.isEmpty {
            rollUpKey.separate()
            rollUpKey.append(rollUpLabels)
        }
    }

    private func beginSummaryKey(
        _ fields: EventFields,
        _ owner: EventOwner,
        _ line: RawSpan,
        _ metadata: RequestMetadata
    ) {
        nameService(fields, owner, line, metadata)
        rollUpKey.removeAll()
        rollUpKey.append(rollUpService)
        appendRollUpLabels(owner, metadata)
    }

    private func beginKey(
        _ fields: EventFields,
        _ owner: EventOwner,
        _ line: RawSpan,
        _ metadata: RequestMetadata,
        target: (inout ByteBuffer) -> Void
    ) {
        nameService(fields, owner, line, metadata)
        rollUpKey.removeAll()
        rollUpKey.append(rollUpService)
        rollUpKey.truncate(to: rollUpKey.count - 1)
        target(&rollUpKey)
        rollUpKey.append(UInt8(ascii: "}"))
        appendRollUpLabels(owner, metadata)
    }

    private func beginTransactionKey(
        _ fields: EventFields,
        _ owner: EventOwner,
        _ line: RawSpan,
        _ metadata: RequestMetadata
    ) {
        nameService(fields, owner, line, metadata)
        rollUpKey.removeAll()
        if owner.isOverridden {
            rollUpKey.appendTransactionService(fields, line, metadata.line)
        } else {
            rollUpKey.append(.transactionService, of: metadata)
        }
        rollUpKey.append(.transactionHost, of: metadata)
        appendRollUpLabels(owner, metadata)
        let faas = rollUpKey.openObject(#""faas":"#)
        rollUpKey.member(#""coldstart":"#, fields[.faasColdstart], line)
        rollUpKey.member(#""id":"#, fields[.faasID], line)
        rollUpKey.member(#""name":"#, fields[.faasName], line)
        rollUpKey.member(#""version":"#, fields[.faasVersion], line)
        let trigger = rollUpKey.openObject(#""trigger":"#)
        rollUpKey.member(#""type":"#, fields[.faasTriggerType], line)
        rollUpKey.closeObject(trigger)
        rollUpKey.closeObject(faas)
    }
}

extension ByteBuffer {
    /// Appends a member to the part of a key that begins at `start`.
    fileprivate mutating func appendInnerMember(
        _ key: StaticString,
        _ value: FieldValue,
        _ line: RawSpan,
        from start: Int
    ) {
        guard value.isGiven, !(value.isString && value.isEmpty) else { return }
        appendInner(key, from: start)
        append(value, line)
    }

    fileprivate mutating func appendInner(_ text: StaticString, from start: Int) {
        if count > start { append(UInt8(ascii: ",")) }
        append(text)
    }

    /// The type of a transaction, `unknown` when it has none.
    fileprivate mutating func appendType(_ type: FieldValue, _ line: RawSpan, from start: Int) {
        if type.hasText {
            appendInnerMember(#""type":"#, type, line, from: start)
        } else {
            appendInner(#""type":"unknown""#, from: start)
        }
    }
}

extension Int64 {
    /// The product, or what comes nearest to it.
    fileprivate func multipliedCutOff(by factor: Int64) -> Int64 {
        let (product, overflow) = multipliedReportingOverflow(by: factor)
        return overflow ? .max : product
    }
}
