import Common

extension ConfigurationReader {
    /// The types of fields below `key`: `status: int`.
    func captureTypes(_ key: String) -> [(path: FieldPath, type: CaptureType)] {
        leaves(key).compactMap { leaf in
            guard let path = path(leaf.name, of: key) else { return nil }
            guard case .scalar(let name, _) = leaf.value, let type = CaptureType(name) else {
                problem(key, "\(leaf.name): expected one of \(CaptureType.names.joined(separator: ", "))")
                return nil
            }
            return (path, type)
        }
    }
}
