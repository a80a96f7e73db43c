/// The lines that hold the shape of the code (ARCHITECTURE.md), each a function from files to violations.
enum Rules {
    /// What each target may import. The arrows go this way and no other.
    static let arrows: [String: Set<String>] = [
        "Domain": [],
        "Postgres": ["CPostgres", "Glibc"],
        "Persistence": ["Domain", "Postgres", "Glibc"],
        "Interchange": ["Domain", "CXML", "CJansson"],
        "Processing": ["Domain", "Postgres", "Glibc"],
        "Vault": ["Domain", "CSodium", "Glibc"],
        "Pool": ["CFastCGI", "CLinux", "Glibc", "Logging", "Synchronization"],
        "BillingFCGI": [
            "Domain", "Persistence", "Interchange", "Processing", "Vault", "Postgres", "Pool", "CLinux",
            "ArgumentParser", "Logging", "Glibc",
        ],
    ]

    /// C names and the only folders that may use them.
    static let rooms: [(what: String, folders: [String], isForbidden: @Sendable (Substring) -> Bool)] = [
        ("FCGX_ belongs to Sources/Pool/FastCGI", ["Sources/Pool/FastCGI"], { $0.hasPrefix("FCGX_") }),
        (
            "starting processes and handling signals belong to Sources/Pool/Process",
            ["Sources/Pool/Process"],
            { word in
                ["fork", "vfork", "sigaction", "execv", "execve"].contains(word)
                    || word.hasPrefix("posix_spawn")
            }
        ),
        (
            "libpq belongs to Sources/Postgres", ["Sources/Postgres"],
            { word in
                word == "OpaquePointer" || word.hasPrefix("PGRES_")
                    || (word.hasPrefix("PQ") && word.dropFirst(2).first?.isLowercase == true)
            }
        ),
        ("Swift concurrency has no place in a preforked server", [], { ["async", "await"].contains($0) }),
    ]

    /// Folders whose literals may hold SQL.
    static let sqlRooms = ["Sources/Persistence", "Sources/Postgres", "Sources/Processing"]

    static let mostLines = 450

    // MARK: Imports

    static func imports(_ files: [SourceFile]) -> [Violation] {
        files.filter { $0.isSwift && $0.target != nil }.flatMap { file -> [Violation] in
            guard let target = file.target, let allowed = arrows[target] else {
                return [Violation(file: file.path, line: 1, what: "a target that the arrows do not know")]
            }
            return importedModules(file).filter { !allowed.contains($0.module) }.map { line, module in
                Violation(file: file.path, line: line, what: "\(target) must not import \(module)")
            }
        }
    }

    /// Neither the program nor its tests use Foundation or Dispatch; the end-to-end tests do, as readers of json and xml that are
    /// not ours.
    static func foundation(_ files: [SourceFile]) -> [Violation] {
        files.filter(\.isSwift).flatMap { file in
            importedModules(file)
                .filter { _ in !file.path.hasPrefix("Tests/EndToEndTests/") }
                .filter { $0.module.hasPrefix("Foundation") || ["Dispatch", "XCTest"].contains($0.module) }
                .map { Violation(file: file.path, line: $0.line, what: "imports \($0.module)") }
        }
    }

    /// A C library's target is a module map and a shim, nothing else.
    static func systemLibraries(_ files: [SourceFile]) -> [Violation] {
        let maps = files.filter { $0.path.hasSuffix("/module.modulemap") }
        return files.filter { file in
            maps.contains { $0.target == file.target }
                && !["module.modulemap", "shim.h"].contains(file.path.split(separator: "/").last)
        }.map {
            Violation(file: $0.path, line: 1, what: "a C library's target holds a module map and a shim")
        }
    }

    private static func importedModules(_ file: SourceFile) -> [(line: Int, module: String)] {
        let kinds: Set<Substring> = [
            "struct", "class", "enum", "protocol", "typealias", "func", "var", "let",
        ]
        let before: Set<Substring> = [
            "public", "package", "internal", "fileprivate", "private", "testable", "_exported",
            "preconcurrency", "_implementationOnly",
        ]
        return SwiftText(file).code.enumerated().flatMap { index, line in
            line.split(separator: ";").compactMap { statement -> (line: Int, module: String)? in
                let parts = words(statement)
                guard let keyword = parts.firstIndex(of: "import"),
                    parts[..<keyword].allSatisfy(before.contains)
                else { return nil }
                let rest = parts[(keyword + 1)...]
                guard let first = rest.first else { return nil }
                let module = kinds.contains(first) ? rest.dropFirst().first : first
                return module.map { (index + 1, String($0)) }
            }
        }
    }

    // MARK: Rooms

    static func names(_ files: [SourceFile]) -> [Violation] {
        files.filter { $0.isSwift && $0.isBelow(["Sources"]) }.flatMap { file -> [Violation] in
            let strangers = rooms.filter { !file.isBelow($0.folders) }
            return SwiftText(file).code.enumerated().flatMap { index, line in
                words(line).flatMap { word in
                    strangers.filter { $0.isForbidden(word) }.map { room in
                        Violation(file: file.path, line: index + 1, what: "\(word): \(room.what)")
                    }
                }
            }
        }
    }

    static func sql(_ files: [SourceFile]) -> [Violation] {
        files.filter { $0.isSwift && $0.isBelow(["Sources"]) && !$0.isBelow(sqlRooms) }.flatMap { file in
            SwiftText(file).literals.filter { isSQL($0.text) }.map { literal in
                Violation(file: file.path, line: literal.line, what: "SQL belongs to \(sqlRooms)")
            }
        }
    }

    /// Whether a literal begins a statement: `select … from`, `insert into`, `update … set`, `delete from`.
    private static func isSQL(_ text: String) -> Bool {
        let parts = words(text.lowercased())
        for (index, word) in parts.enumerated() {
            let next = index + 1 < parts.count ? parts[index + 1] : ""
            switch word {
            case "select" where parts[index...].contains("from"): return true
            case "insert" where next == "into": return true
            case "delete" where next == "from": return true
            case "update" where index + 2 < parts.count && parts[index + 2] == "set": return true
            default: continue
            }
        }
        return false
    }

    /// What follows `exists (` ends with `offset 0`, in statements over the books.
    ///
    /// Otherwise the server may answer it for one row by reading all of the account's that it could concern ("hashed SubPlan"): it did
    /// so with open items while a billing run made a hundred thousand of them.
    static func existence(_ files: [SourceFile]) -> [Violation] {
        files.filter { $0.isSwift && $0.isBelow(["Sources/Persistence/Stores"]) }.flatMap { file in
            SwiftText(file).literals.flatMap { literal in
                var violations: [Violation] = []
                var rest = literal.text[...]
                while let found = rest.firstRange(of: "exists (") {
                    rest = rest[found.upperBound...]
                    let line = literal.line + literal.text[..<found.lowerBound].count(where: \.isNewline)
                    var depth = 1
                    let body = rest.prefix {
                        depth += $0 == "(" ? 1 : $0 == ")" ? -1 : 0
                        return depth > 0
                    }
                    if !words(body).suffix(2).elementsEqual(["offset", "0"]) {
                        violations.append(
                            Violation(file: file.path, line: line, what: "exists (…) without offset 0"))
                    }
                }
                return violations
            }
        }
    }

    // MARK: Texts

    static func length(_ files: [SourceFile]) -> [Violation] {
        files.filter { $0.isSwift && $0.lines.count > mostLines + 1 }.map {
            Violation(
                file: $0.path, line: mostLines + 1,
                what: "\($0.lines.count - 1) lines, more than \(mostLines)")
        }
    }

    /// What says that something is not finished. Words are written apart and phrases backwards, so that this file does not
    /// hold them.
    static let unfinished: [[Substring]] =
        [
            "to" + "do", "fix" + "me", "x" + "xx", "ha" + "ck", "st" + "ub", "to" + "y", "unimple" + "mented",
            "place" + "holder", "tb" + "d", "yet implemented not", "now for", "implemented yet not",
        ].map { words($0).reversed() }

    static func unfinishedWork(_ files: [SourceFile]) -> [Violation] {
        everyLine(of: files) { line in
            let found = words(line.lowercased())
            guard
                let phrase = unfinished.first(where: { phrase in
                    found.indices.contains { found[$0...].starts(with: phrase) }
                })
            else { return nil }
            return "'\(phrase.joined(separator: " "))' marks unfinished work"
        }
    }

    /// Folders of a person's machine.
    static let homes = ["home", "Users", "root"].map { "/\($0)/" }

    static func machinePaths(_ files: [SourceFile]) -> [Violation] {
        everyLine(of: files) { line in
            homes.first { line.contains($0) }.map { "\($0) is a folder of somebody's machine" }
        }
    }

    private static func everyLine(of files: [SourceFile], _ fault: (String) -> String?) -> [Violation] {
        files.flatMap { file in
            file.lines.enumerated().compactMap { index, line in
                fault(line).map { Violation(file: file.path, line: index + 1, what: $0) }
            }
        }
    }
}
