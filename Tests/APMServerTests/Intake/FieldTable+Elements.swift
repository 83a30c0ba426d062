@testable import APMServer

extension FieldTable {
    static let elements = [
        FieldTable(
            "exception",
            element: .exception,
            rows: """
                message exceptionMessage
                type exceptionType
                module exceptionModule
                code exceptionCode 7
                handled exceptionHandled true
                attributes exceptionAttributes {"a":1}
                stacktrace stacktrace [{"filename":"f"}]
                cause exceptionCause [{"type":"E"}]
                """
        ),
        FieldTable(
            "log",
            element: .logRecord,
            rows: """
                message logMessage
                level logLevel
                logger_name loggerName
                param_message paramMessage
                stacktrace stacktrace [{"filename":"f"}]
                """
        ),
        FieldTable(
            "frame",
            element: .frame,
            rows: """
                filename frameFilename
                classname frameClassname
                abs_path frameAbsPath
                function frameFunction
                module frameModule
                lineno frameLine 1
                colno frameColumn 2
                context_line frameContextLine
                pre_context framePreContext ["a"]
                post_context framePostContext ["b"]
                library_frame frameIsLibrary true
                vars frameVars {"a":null}
                """
        ),
        FieldTable(
            "link",
            element: .link,
            rows: """
                trace_id traceID
                span_id spanID
                """
        ),
        FieldTable(
            "dropped span statistics",
            element: .droppedSpanStatistics,
            rows: """
                destination_service_resource droppedResource
                service_target_type droppedTargetType
                service_target_name droppedTargetName
                outcome outcome "success"
                duration/count droppedCount 1
                duration/sum/us droppedSumMicroseconds 2
                """
        ),
        FieldTable(
            "sample",
            element: .sample,
            rows: """
                value sampleValue 1.5
                values sampleValues [1.5]
                counts sampleCounts [1]
                type sampleType
                unit sampleUnit
                """
        ),
        FieldTable(
            "exception",
            .v3,
            element: .exception,
            rows: """
                mg exceptionMessage
                mo exceptionModule
                cd exceptionCode
                t exceptionType
                hd exceptionHandled false
                at exceptionAttributes {"a":1}
                ca exceptionCause [{"t":"E"}]
                st stacktrace [{"f":"f"}]
                """
        ),
        FieldTable(
            "log",
            .v3,
            element: .logRecord,
            rows: """
                lv logLevel
                ln loggerName
                mg logMessage
                pmg paramMessage
                st stacktrace [{"f":"f"}]
                """
        ),
        FieldTable(
            "frame",
            .v3,
            element: .frame,
            rows: """
                f frameFilename
                fn frameFunction
                ap frameAbsPath
                cn frameClassname
                mo frameModule
                li frameLine 1
                co frameColumn 2
                cli frameContextLine
                prc framePreContext ["a"]
                poc framePostContext ["b"]
                """
        ),
        FieldTable(
            "span",
            .v3,
            element: .nestedSpan,
            rows: """
                id id
                n name
                t type
                su subtype
                ac action
                s start 1.5
                d duration 2.5
                o outcome "success"
                pi parentIndex 0
                sr sampleRate 1
                sy sync false
                st stacktrace [{"f":"f"}]
                c/g labels {"a":1}
                c/se/n serviceName "n"
                c/dt/ad destinationAddress
                c/dt/po destinationPort 80
                c/dt/se/n destinationServiceName
                c/dt/se/rc destinationServiceResource
                c/dt/se/t destinationServiceType
                c/h/mt httpMethod
                c/h/url httpURL
                c/h/sc httpStatusCode 200
                c/h/r/dbs responseDecodedBodySize 1
                c/h/r/ebs responseEncodedBodySize 2
                c/h/r/ts responseTransferSize 3
                """
        ),
        FieldTable(
            "metricset",
            .v3,
            element: .nestedMetricset,
            rows: """
                y/t spanType
                y/su spanSubtype
                sa/ysc/v selfTimeCount 1
                sa/yss/v selfTimeSumMicroseconds 2
                """
        ),
    ]
}
