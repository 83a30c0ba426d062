import Common

extension ByteBuffer {
    /// Appends `faas`: the function that was running.
    mutating func appendFaaS(_ fields: EventFields, _ line: RawSpan) {
        let faas = openObject(#""faas":"#)
        member(#""id":"#, fields[.faasID], line)
        member(#""name":"#, fields[.faasName], line)
        member(#""version":"#, fields[.faasVersion], line)
        member(#""execution":"#, fields[.faasExecution], line)
        member(#""coldstart":"#, fields[.faasColdstart], line)
        let trigger = openObject(#""trigger":"#)
        member(#""type":"#, fields[.faasTriggerType], line)
        member(#""request_id":"#, fields[.faasTriggerRequestID], line)
        closeObject(trigger)
        closeObject(faas)
    }
}
