/// The version of the three services: they are built, released and deployed together.
package enum Version {
    package static let current = "0.1.0"
}
