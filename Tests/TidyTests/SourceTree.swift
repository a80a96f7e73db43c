import Glibc
import Testing

/// A text file of the project, with its path below the package root.
struct SourceFile: Sendable {
    let path: String
    let lines: [String]

    init(path: String, text: String) {
        self.path = path
        lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }

    /// The target whose code it is: `Domain` for `Sources/Domain/Failure.swift`.
    var target: String? {
        let parts = path.split(separator: "/")
        return parts.count > 2 && parts[0] == "Sources" ? String(parts[1]) : nil
    }
    var isSwift: Bool { path.hasSuffix(".swift") }
    var text: String { lines.joined(separator: "\n") }

    func isBelow(_ folders: [String]) -> Bool { folders.contains { path.hasPrefix($0 + "/") } }
}

/// Where a rule is broken; reads `path:line: what`.
struct Violation: Hashable, CustomStringConvertible {
    let file: String
    let line: Int
    let what: String

    var description: String { "\(file):\(line): \(what)" }
}

/// All text files of the project, without what is built and what is downloaded.
enum SourceTree {
    /// The folder of Package.swift, found from the place of this file.
    static let root: String = {
        var parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
        parts.removeLast(3)
        return parts.joined(separator: "/")
    }()

    static let files: [SourceFile] = {
        var found: [SourceFile] = []
        visit("", &found)
        return found.sorted { $0.path < $1.path }
    }()

    /// The one file at this path.
    static func file(_ path: String) throws -> SourceFile {
        try #require(files.first { $0.path == path }, "there is no \(path)")
    }

    private static func visit(_ folder: String, _ found: inout [SourceFile]) {
        guard let handle = opendir("\(root)/\(folder)") else { return }
        defer { closedir(handle) }
        while let entry = readdir(handle) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            let isBuilt = name.hasPrefix(".build") || name.hasPrefix(".run") || name == "Package.resolved"
            if name == "." || name == ".." || name.hasPrefix(".git") || isBuilt { continue }
            let path = folder.isEmpty ? name : "\(folder)/\(name)"
            var facts = stat()
            guard lstat("\(root)/\(path)", &facts) == 0 else { continue }
            switch facts.st_mode & S_IFMT {
            case S_IFDIR: visit(path, &found)
            case S_IFREG:
                if let text = read("\(root)/\(path)") { found.append(SourceFile(path: path, text: text)) }
            default: continue
            }
        }
    }

    /// The text of a file; nil when it is none.
    private static func read(_ path: String) -> String? {
        guard let handle = fopen(path, "r") else { return nil }
        defer { fclose(handle) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = fread(&buffer, 1, buffer.count, handle)
            if count == 0 { break }
            bytes += buffer[..<count]
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
