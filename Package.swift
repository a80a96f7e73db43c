// swift-tools-version: 6.2
import PackageDescription

// Every target of ours is compiled the same way: Swift 6 mode, warnings are errors.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]

let package = Package(
    name: "billing",
    products: [
        .executable(name: "billing", targets: ["BillingFCGI"])
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    ],
    targets: [
        // C libraries of Debian, each a module map and a shim.
        .systemLibrary(name: "CFastCGI"),
        .systemLibrary(name: "CPostgres"),
        .systemLibrary(name: "CXML", pkgConfig: "libxml-2.0"),
        .systemLibrary(name: "CJansson"),
        .systemLibrary(name: "CSodium"),
        .systemLibrary(name: "CLinux"),

        // The rules. The standard library only.
        .target(name: "Domain", swiftSettings: strict),
        // libpq, and nothing above it.
        .target(name: "Postgres", dependencies: ["CPostgres"], swiftSettings: strict),
        .target(
            name: "Persistence", dependencies: ["Domain", "Postgres"],
            resources: [.embedInCode("Migrations"), .embedInCode("Invariants")], swiftSettings: strict),
        .target(
            name: "Interchange", dependencies: ["Domain", "CXML", "CJansson"], swiftSettings: strict),
        .target(name: "Processing", dependencies: ["Domain", "Postgres"], swiftSettings: strict),
        .target(name: "Vault", dependencies: ["Domain", "CSodium"], swiftSettings: strict),
        // Master, workers, FastCGI: knows bytes and processes, nothing of billing.
        .target(
            name: "Pool",
            dependencies: ["CFastCGI", "CLinux", .product(name: "Logging", package: "swift-log")],
            swiftSettings: strict),
        .executableTarget(
            name: "BillingFCGI",
            dependencies: [
                "Domain", "Persistence", "Interchange", "Processing", "Vault", "Postgres",
                "Pool", "CLinux",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict),

        .target(
            name: "TestSupport", dependencies: ["Postgres"], path: "Tests/Support", swiftSettings: strict),
        .testTarget(
            name: "DomainTests", dependencies: ["Domain"], exclude: ["Fixtures"], swiftSettings: strict),
        .testTarget(name: "PostgresTests", dependencies: ["Postgres", "TestSupport"], swiftSettings: strict),
        .testTarget(
            name: "PersistenceTests", dependencies: ["Persistence", "TestSupport"], swiftSettings: strict),
        .testTarget(
            name: "InterchangeTests", dependencies: ["Interchange", "Domain"], swiftSettings: strict),
        .testTarget(
            name: "ProcessingTests", dependencies: ["Processing", "Domain", "Postgres", "TestSupport"],
            swiftSettings: strict),
        .executableTarget(
            name: "FCGIProbe", dependencies: ["Pool", .product(name: "Logging", package: "swift-log")],
            path: "Tests/FCGIProbe", swiftSettings: strict),
        .testTarget(
            name: "PoolTests",
            dependencies: ["Pool", "FCGIProbe", .product(name: "Logging", package: "swift-log")],
            swiftSettings: strict),
        .executableTarget(
            name: "simulate", dependencies: ["Domain"], path: "Tests/Simulation", swiftSettings: strict),
        .testTarget(
            name: "SimulationTests", dependencies: ["simulate"], swiftSettings: strict),
        .testTarget(name: "VaultTests", dependencies: ["Vault", "Domain"], swiftSettings: strict),
        .testTarget(
            name: "BillingFCGITests",
            dependencies: [
                "BillingFCGI", "Interchange", "Persistence", "Pool", "Postgres", "TestSupport", "Vault",
            ],
            swiftSettings: strict),
        .testTarget(
            name: "EndToEndTests", dependencies: ["TestSupport"],
            exclude: [
                "Chaos", "Concurrency", "Documentation", "Events", "Explain", "GeneratedClient", "Model", "Samples",
            ],
            swiftSettings: strict),
        .testTarget(name: "TidyTests", swiftSettings: strict),
    ]
)
