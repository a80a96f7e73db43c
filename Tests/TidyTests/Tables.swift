/// Lists that must agree with each other: failure codes, migrations, test targets.
enum Tables {
    // MARK: Failure codes

    /// A failure code as one place knows it.
    struct Entry: Hashable {
        let line: Int
        let code: String
        let status: String?
    }

    /// Every code of `FailureCode` is unique, has a status in the router, and stands in the documentation with that status.
    static func failureCodes(cases: SourceFile, statuses: SourceFile, documentation: SourceFile)
        -> [Violation]
    {
        var violations: [Violation] = []
        func fault(_ file: SourceFile, _ line: Int, _ what: String) {
            violations.append(Violation(file: file.path, line: line, what: what))
        }
        let declared = declaredCodes(cases)
        var names: [String: Entry] = [:]
        var seen: Set<String> = []
        for (name, entry) in declared {
            if !seen.insert(entry.code).inserted { fault(cases, entry.line, "\(entry.code) is used twice") }
            names[name] = entry
        }
        if declared.isEmpty { fault(cases, 1, "no failure code found") }

        var statusOf: [String: String] = [:]
        for (line, name, status) in statusArms(statuses) {
            guard let code = names[name]?.code else {
                fault(statuses, line, "a status for \(name), which is no failure code")
                continue
            }
            if statusOf.updateValue(status, forKey: code) != nil {
                fault(statuses, line, "a second status for \(code)")
            }
        }
        for (_, entry) in declared where statusOf[entry.code] == nil {
            fault(cases, entry.line, "\(entry.code) has no HTTP status in \(statuses.path)")
        }

        let documented = documentedCodes(documentation)
        var described: Set<String> = []
        for entry in documented {
            if !described.insert(entry.code).inserted {
                fault(documentation, entry.line, "\(entry.code) is described twice")
            }
            guard seen.contains(entry.code) else {
                fault(documentation, entry.line, "\(entry.code) is no failure code")
                continue
            }
            if let status = statusOf[entry.code], status != entry.status {
                fault(documentation, entry.line, "\(entry.code) is answered with \(status)")
            }
        }
        for (_, entry) in declared where !described.contains(entry.code) {
            fault(cases, entry.line, "\(entry.code) is not in \(documentation.path)")
        }
        return violations
    }

    /// `case name = "V21"`.
    private static func declaredCodes(_ file: SourceFile) -> [(name: String, Entry)] {
        var isInside = false
        return file.lines.enumerated().compactMap { index, line in
            if line.contains("enum FailureCode") { isInside = true }
            if line == "}" { isInside = false }
            let parts = words(line)
            guard isInside, parts.count == 3, parts[0] == "case", line.contains("= \"") else { return nil }
            return (String(parts[1]), Entry(line: index + 1, code: String(parts[2]), status: nil))
        }
    }

    /// The arms of `var status` in `extension FailureCode`: `case .a, .b: 404`, on one line or several.
    private static func statusArms(_ file: SourceFile) -> [(line: Int, name: String, status: String)] {
        var arms: [(line: Int, name: String, status: String)] = []
        var open: [(Int, String)] = []
        var isInside = false
        for (index, line) in SwiftText(file).code.enumerated() {
            if line.contains("extension FailureCode") { isInside = true }
            if line == "}" { isInside = false }
            guard isInside else { continue }
            for word in words(line) {
                if word.allSatisfy(\.isNumber), word.count == 3 {
                    arms += open.map { ($0.0, $0.1, String(word)) }
                    open = []
                } else if line.contains(".\(word)") {
                    open.append((index + 1, String(word)))
                }
            }
        }
        return arms
    }

    /// The rows of a table that begin with a code and a status: `| V21 | 422 | … |`.
    private static func documentedCodes(_ file: SourceFile) -> [Entry] {
        file.lines.enumerated().compactMap { index, line in
            let cells = line.split(separator: "|").map { $0.split(separator: " ").joined(separator: " ") }
            guard cells.count >= 3, let first = cells[0].utf8.first, (65...90).contains(first),
                cells[0].utf8.count == 3, cells[0].utf8.dropFirst().allSatisfy({ (48...57).contains($0) })
            else { return nil }
            return Entry(line: index + 1, code: cells[0], status: cells[1])
        }
    }

    // MARK: Migrations

    /// `0001_name.sql`, `0002_…`: numbered from 1 without gaps.
    static func migrations(_ files: [SourceFile]) -> [Violation] {
        let folder = "Sources/Persistence/Migrations/"
        let steps = files.filter { $0.path.hasPrefix(folder) }.sorted { $0.path < $1.path }
        if steps.isEmpty { return [Violation(file: folder, line: 1, what: "there is no migration")] }
        return steps.enumerated().compactMap { index, file in
            let name = file.path.dropFirst(folder.count)
            let digits = name.prefix(4)
            let isNumbered =
                digits.utf8.count == 4 && Int(digits) == index + 1 && name.dropFirst(4).first == "_"
                && name.hasSuffix(".sql")
            return isNumbered
                ? nil : Violation(file: file.path, line: 1, what: "migration \(index + 1) is not numbered so")
        }
    }

    // MARK: Test targets

    /// Every test target of the package holds at least one test.
    static func testTargets(package: SourceFile, _ files: [SourceFile]) -> [Violation] {
        let lines = package.lines.enumerated().flatMap { index, line in
            line.contains(".testTarget(") ? [index] : []
        }
        if lines.isEmpty { return [Violation(file: package.path, line: 1, what: "no test target found")] }
        return lines.compactMap { index in
            let declaration = package.lines[index...].prefix(3).joined(separator: " ")
            let parts = declaration.split(separator: "\"", omittingEmptySubsequences: false)
            guard let label = parts.firstIndex(where: { $0.hasSuffix("name: ") }), label + 1 < parts.count
            else {
                return Violation(file: package.path, line: index + 1, what: "a test target without a name")
            }
            let name = parts[label + 1]
            let hasTest = files.contains { file in
                file.isBelow(["Tests/\(name)"]) && file.isSwift
                    && SwiftText(file).code.contains { $0.contains("@Test") }
            }
            return hasTest
                ? nil : Violation(file: package.path, line: index + 1, what: "\(name) has no test")
        }
    }

    // MARK: Names in documents

    /// What a document names in backticks is there: paths below the root, and names of the schema like `open_items_balance`.
    static func namesInDocument(_ document: SourceFile, _ files: [SourceFile]) -> [Violation] {
        let folders = ["Sources/", "Tests/", "Scripts/", "deploy/", "docs/"]
        let schema = Set(
            files.filter { $0.path.hasSuffix(".sql") || $0.path.hasSuffix("Migrator.swift") }
                .flatMap { words($0.text) })
        return document.lines.enumerated().flatMap { index, line -> [Violation] in
            let quoted = line.split(separator: "`", omittingEmptySubsequences: false).enumerated()
                .filter { $0.offset % 2 == 1 }.map(\.element)
            return quoted.compactMap { name in
                let isThere: Bool
                if folders.contains(where: name.hasPrefix) {
                    isThere = files.contains {
                        $0.path == name || $0.path.hasPrefix(name.hasSuffix("/") ? name : "\(name)/")
                    }
                } else if name.contains("_"), name.allSatisfy({ $0 == "_" || ("a"..."z").contains($0) }) {
                    isThere = schema.contains(name)
                } else {
                    return nil
                }
                return isThere
                    ? nil : Violation(file: document.path, line: index + 1, what: "there is no \(name)")
            }
        }
    }
}
