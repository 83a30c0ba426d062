import Testing

@testable import APMServer
