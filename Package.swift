// swift-tools-version: 6.2
import PackageDescription

/// Language settings of every target: Swift 6 mode comes with the tools version.
let language: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
    // One section per function, and nothing kept for clients outside the program: the linker can then
    // drop what a service does not use (shipper must not load libcurl and its thirty companions).
    .unsafeFlags(["-Xfrontend", "-function-sections", "-Xfrontend", "-internalize-at-link"]),
    // The run-time checks for overlapping access, which every test of a debug build makes, are left out: a tenth of
    // the time of a line.
    .unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release)),
]

/// Lets the services inline functions of Common.
///
/// Neither `@inlinable` nor `-cross-module-optimization` does that for `package` declarations (Swift 6.3). For a
/// module that others import only: two modules built with it define the same symbols.
let inlining: [SwiftSetting] = [
    .unsafeFlags(["-enable-cmo-everything"], .when(configuration: .release))
]

/// Links only the code that is reached.
///
/// Relative relocations are packed (glibc 2.36 and later): half a megabyte less to read at each start, and to hold.
/// The version script undoes the `-export-dynamic` that a static Swift
/// runtime brings, which would make every function a root.
let link: [LinkerSetting] = [
    .unsafeFlags([
        "-use-ld=lld",
        "-Xlinker", "--gc-sections",
        "-Xlinker", "-z", "-Xlinker", "pack-relative-relocs",
        "-Xlinker", "--version-script=\(Context.packageDirectory)/Sources/CSystem/executable.map",
    ])
]

/// Libraries behind Common that every service uses: TLS, zlib streams, whole-buffer deflate, YAML, HTTP server.
let commonLibraries: [LinkerSetting] = ["ssl", "crypto", "z", "deflate", "yaml", "microhttpd", "gnutls"].map {
    .linkedLibrary($0)
}

/// The HTTP client, for programs that talk to Elasticsearch.
let curl: [LinkerSetting] = [.linkedLibrary("curl")]

/// Regular expressions, for programs that match user agents or stack frames.
let regularExpressions: [LinkerSetting] = [.linkedLibrary("pcre2-8")]

/// GeoIP databases, for programs that tell where clients are.
let geoIP: [LinkerSetting] = [.linkedLibrary("maxminddb")]

let package = Package(
    name: "elkfa",
    products: [
        .executable(name: "shipper", targets: ["Shipper"]),
        .executable(name: "ingest", targets: ["Ingest"]),
        .executable(name: "apm-server", targets: ["APMServer"]),
    ],
    dependencies: [],
    targets: [
        .systemLibrary(
            name: "CSystem",
            providers: [
                .apt([
                    "libcurl4-openssl-dev", "zlib1g-dev", "libdeflate-dev", "libssl-dev", "libmaxminddb-dev",
                    "libpcre2-dev", "libyaml-dev", "libmicrohttpd-dev", "libgnutls28-dev",
                ])
            ]
        ),
        .target(
            name: "Common",
            dependencies: ["CSystem"],
            swiftSettings: language + inlining,
            linkerSettings: commonLibraries
        ),
        .executableTarget(
            name: "Shipper",
            dependencies: ["Common", "CSystem"],
            swiftSettings: language,
            // A debug build keeps unreachable code, so it needs these to link; the release build does not.
            linkerSettings: link + regularExpressions
                + ["curl", "maxminddb"].map { .linkedLibrary($0, .when(configuration: .debug)) }
        ),
        .executableTarget(
            name: "Ingest",
            dependencies: ["Common", "CSystem"],
            swiftSettings: language,
            linkerSettings: link + curl + regularExpressions + geoIP
        ),
        .executableTarget(
            name: "APMServer",
            dependencies: ["Common", "CSystem"],
            swiftSettings: language,
            linkerSettings: link + curl + regularExpressions + geoIP
        ),
        .executableTarget(
            name: "Bench",
            dependencies: ["Common", "CSystem"],
            path: "Tests/Benchmarks/Bench",
            swiftSettings: language,
            linkerSettings: link + curl + regularExpressions + geoIP
        ),
        // What test targets have in common.
        .target(name: "TestSupport", path: "Tests/Support", swiftSettings: language),
        .testTarget(
            name: "CommonTests",
            dependencies: ["Common", "CSystem", "TestSupport"],
            swiftSettings: language,
            linkerSettings: curl + regularExpressions + geoIP
        ),
        .testTarget(
            name: "ShipperTests",
            dependencies: ["Shipper", "Common"],
            swiftSettings: language,
            linkerSettings: curl + regularExpressions + geoIP
        ),
        .testTarget(
            name: "IngestTests",
            dependencies: ["Ingest", "Common", "CSystem", "TestSupport"],
            swiftSettings: language,
            linkerSettings: curl + regularExpressions + geoIP
        ),
        .testTarget(
            name: "APMServerTests",
            dependencies: ["APMServer", "Common"],
            swiftSettings: language,
            linkerSettings: curl + regularExpressions + geoIP
        ),
    ]
)
