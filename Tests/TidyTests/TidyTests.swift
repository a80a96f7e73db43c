import Glibc
import Testing

/// The tree as it is.
@Suite struct TidyTests {
    private static let all = SourceTree.files

    private func expectNone(_ violations: [Violation], at location: SourceLocation = #_sourceLocation) {
        for violation in violations { Issue.record("\(violation)", sourceLocation: location) }
    }

    @Test func `the tree is read`() {
        #expect(Self.all.contains { $0.path == "Package.swift" })
        #expect(Self.all.filter { $0.isBelow(["Sources"]) && $0.isSwift }.count > 100)
        #expect(Set(Rules.arrows.keys).isSubset(of: Set(Self.all.compactMap(\.target))))
    }

    @Test func `imports go along the arrows`() { expectNone(Rules.imports(Self.all)) }
    @Test func `nothing imports Foundation or Dispatch`() { expectNone(Rules.foundation(Self.all)) }
    @Test func `C libraries are a module map and a shim`() { expectNone(Rules.systemLibraries(Self.all)) }
    @Test func `C names and concurrency stay in their rooms`() { expectNone(Rules.names(Self.all)) }
    @Test func `SQL stays in its rooms`() { expectNone(Rules.sql(Self.all)) }
    @Test func `what exists is looked up by key`() { expectNone(Rules.existence(Self.all)) }
    @Test func `files are short`() { expectNone(Rules.length(Self.all)) }
    @Test func `nothing is marked as unfinished`() { expectNone(Rules.unfinishedWork(Self.all)) }
    @Test func `no file knows somebody's machine`() { expectNone(Rules.machinePaths(Self.all)) }
    @Test func `migrations are numbered without gaps`() { expectNone(Tables.migrations(Self.all)) }

    @Test func `every test target has a test`() throws {
        expectNone(Tables.testTargets(package: try SourceTree.file("Package.swift"), Self.all))
    }

    @Test(arguments: ["ARCHITECTURE.md", "CONTRIBUTING.md", "README.md", "CHANGELOG.md"])
    func `what the documents name is there`(document: String) throws {
        expectNone(Tables.namesInDocument(try SourceTree.file(document), Self.all))
    }

    @Test func `every failure code is unique, has a status and is documented`() throws {
        expectNone(
            Tables.failureCodes(
                cases: try SourceTree.file("Sources/Domain/Failure.swift"),
                statuses: try #require(
                    Self.all.first { $0.isSwift && $0.lines.contains { $0 == "extension FailureCode {" } }),
                documentation: try SourceTree.file("docs/failure-codes.md")))
    }

    /// Asked of the dynamic linker; only where a built program is named.
    @Test(.enabled(if: getenv("BILLING_BINARY") != nil, "BILLING_BINARY names no program"))
    func `the program links no Foundation library`() throws {
        let pipe = try #require(popen("ldd -- \"$BILLING_BINARY\" 2>&1", "r"))
        var output: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = fread(&buffer, 1, buffer.count, pipe)
            if count == 0 { break }
            output += buffer[..<count]
        }
        let libraries = String(decoding: output, as: UTF8.self)
        try #require(pclose(pipe) == 0, "ldd: \(libraries)")
        #expect(libraries.contains("libpq"))
        for line in libraries.split(separator: "\n") where line.contains("Foundation") {
            Issue.record("the program links \(line)")
        }
    }
}
