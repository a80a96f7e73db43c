// swift-tools-version: 6.2
import PackageDescription

// The sources of the product are links: the program measured is the product's, and its package knows nothing of this one.
let package = Package(
    name: "codec",
    targets: [
        .systemLibrary(name: "CXML", pkgConfig: "libxml-2.0"),
        .systemLibrary(name: "CJansson"),
        .target(name: "Domain", swiftSettings: settings),
        .target(name: "Interchange", dependencies: ["Domain", "CXML", "CJansson"], swiftSettings: settings),
        .executableTarget(name: "codec", dependencies: ["Domain", "Interchange"], swiftSettings: settings),
    ]
)

var settings: [SwiftSetting] {
    [
        .swiftLanguageMode(.v6), .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"), .enableUpcomingFeature("MemberImportVisibility"),
    ]
}
