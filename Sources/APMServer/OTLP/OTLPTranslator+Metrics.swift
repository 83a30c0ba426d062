import Common

extension OTLPTranslator {
    /// Data points with equal attributes and time become one metricset.
    func metrics(_ scope: OTLPScope, _ bytes: RawSpan, _ tally: inout Tally, _ take: Taker) {
        groups.removeAll()
        var metrics = scope.items
        while let range = metrics.next(bytes) { group(OTLPMetric(bytes, range), bytes, &tally, take) }
        giveGroups(bytes, take)
    }

    private func giveGroups(_ bytes: RawSpan, _ take: Taker) {
        for group in groups.groups {
            writeMetricset(group, bytes)
            give(take, items: group.count)
        }
        groups.removeAll()
    }

    private func group(_ metric: OTLPMetric, _ bytes: RawSpan, _ tally: inout Tally, _ take: Taker) {
        var points = metric.points
        while let range = points.next(bytes) {
            tally.items += 1
            if groups.isFull { giveGroups(bytes, take) }
            let point = OTLPPoint(metric.shape, bytes, range)
            // A series that ended has nothing to say, and neither has a histogram of nothing.
            if point.hasNoValue { continue }
            if metric.name.isEmpty {
                tally.reject("data point of a metric without a name")
                continue
            }
            switch metric.shape {
            case .none: continue
            case .number:
                switch point.value {
                case .none: tally.reject("data point without a value")
                case .double(let value) where !value.isFinite: tally.reject("value that is not a number")
                default: groups.add(metric, point, bytes)
                }
            case .histogram, .exponentialHistogram:
                guard read(metric, point, bytes) else {
                    tally.reject("histogram whose buckets make no sense")
                    continue
                }
                if !buckets.values.isEmpty { groups.add(metric, point, bytes) }
            case .summary:
                guard point.sum?.isFinite ?? true else {
                    tally.reject("summary whose sum is not a number")
                    continue
                }
                groups.add(metric, point, bytes)
            }
        }
    }

    private func read(_ metric: OTLPMetric, _ point: OTLPPoint, _ bytes: RawSpan) -> Bool {
        metric.shape == .histogram
            ? buckets.read(histogram: point, bytes) : buckets.read(exponential: point, bytes)
    }

    private func writeMetricset(_ group: OTLPPointGroups.Group, _ bytes: RawSpan) {
        let first = groups.members[group.first]
        line.removeAll()
        line.append(#"{"metricset":{"# as StaticString)
        line.member(#""timestamp":"#, nanoseconds: first.point.time)
        line.key(#""samples":{"#)
        var index: Int? = group.first
        while let current = index {
            let member = groups.members[current]
            writeSample(member.metric, member.point, bytes)
            index = member.next
        }
        line.append(UInt8(ascii: "}"))
        let tags = line.openObject(#""tags":"#)
        var attributes = OTLPAttributes(first.metric.attributesField, of: first.point.range)
        while let attribute = attributes.next(bytes) { line.label(attribute, bytes) }
        line.closeObject(tags)
        line.append("}}" as StaticString)
    }

    private func writeSample(_ metric: OTLPMetric, _ point: OTLPPoint, _ bytes: RawSpan) {
        switch metric.shape {
        case .none: break
        case .number:
            openSample(metric, "", bytes)
            line.append(#""value":"# as StaticString)
            switch point.value {
            case .none: break
            case .int(let value): line.append(decimal: value)
            case .double(let value): line.append(double: value)
            }
            closeSample(metric, metric.isMonotonic ? "\"counter\"" : "\"gauge\"", bytes)
        case .histogram, .exponentialHistogram:
            _ = read(metric, point, bytes)
            openSample(metric, "", bytes)
            line.append(#""values":["# as StaticString)
            for value in buckets.values {
                line.separate()
                line.append(double: value)
            }
            line.append(#"],"counts":["# as StaticString)
            for count in buckets.counts {
                line.separate()
                line.append(decimal: Int64(clamping: count))
            }
            line.append(UInt8(ascii: "]"))
            closeSample(metric, "\"histogram\"", bytes)
        case .summary:
            // The intake has no sample of two numbers. Quantiles, which cannot be aggregated, are left out.
            openSample(metric, ".count", bytes)
            line.append(#""value":"# as StaticString)
            line.append(decimal: Int64(clamping: point.count))
            closeSample(metric, "\"counter\"", bytes)
            openSample(metric, ".sum", bytes)
            line.append(#""value":"# as StaticString)
            line.append(double: point.sum ?? 0)
            closeSample(metric, "\"gauge\"", bytes)
        }
    }

    /// Begins a sample under the metric's name, in which `*` and `"`, that the intake refuses, become `_`.
    private func openSample(_ metric: OTLPMetric, _ suffix: StaticString, _ bytes: RawSpan) {
        let name = bytes.cut(metric.name, to: TextLimit.keyword)
        scratch.removeAll()
        scratch.append(bytes, name)
        for index in 0..<scratch.count {
            let byte = scratch[index]
            if byte == UInt8(ascii: "*") || byte == UInt8(ascii: "\"") { scratch[index] = UInt8(ascii: "_") }
        }
        scratch.append(suffix)
        line.separate()
        scratch.withSpan { line.append(quoted: 0..<$0.byteCount, $0) }
        line.append(":{" as StaticString)
    }

    private func closeSample(_ metric: OTLPMetric, _ type: StaticString, _ bytes: RawSpan) {
        line.member(#""type":"#, literal: type)
        line.member(#""unit":"#, metric.unit, bytes)
        line.append(UInt8(ascii: "}"))
    }
}
