import Testing

@testable import Shipper
