import Foundation
import Synchronization
import TestSupport

/// What must not be found anywhere: card numbers, security codes and passwords that the tests have sent.
///
/// Security codes are looked for with the quotes or signs that fields have around them: three digits alone stand in
/// any number.
final class Secrets: Sendable {
    private let known = Mutex<Set<String>>([])

    /// Keeps a password.
    func keep(_ secret: String) {
        known.withLock { _ = $0.insert(secret) }
    }

    /// Keeps the account numbers and security codes of a request's body, in any format.
    func keep(ofBody body: String) {
        for pattern in [
            #"\b[0-9]{12,19}\b"#, #"(?<=csc": ?")[0-9]{3,4}(?=")"#, #"(?<=csc=")[0-9]{3,4}(?=")"#,
            "(?<=csc=)[0-9]{3,4}",
        ] {
            var rest = body[...]
            while let found = rest.range(of: pattern, options: .regularExpression) {
                let text = String(rest[found])
                keep(text.count > 4 ? text : "csc\(text)")
                rest = rest[found.upperBound...]
            }
        }
    }

    /// All of them.
    var all: Set<String> { known.withLock { $0 } }

    /// Those that stand in a text.
    func found(in text: String) -> [String] {
        let markers = known.withLock { $0 }
        return markers.filter { marker in
            guard marker.hasPrefix("csc") else { return text.contains(marker) }
            let code = marker.dropFirst(3)
            return ["\"\(code)\"", "=\(code)&", "csc=\(code)", "'\(code)'"].contains { text.contains($0) }
        }
    }

    /// Where secrets are found in what a stack has written: its log folder, and a dump of its database but for the
    /// vault's sealed entries. The secrets themselves are not named.
    func traces(in stack: RunningStack) throws -> [String] {
        var places: [String] = []
        let logs = "\(stack.folder)/state/log"
        for name in try FileManager.default.contentsOfDirectory(atPath: logs) {
            let count = found(in: readText("\(logs)/\(name)") ?? "").count
            if count > 0 { places.append("\(count) secrets in log/\(name)") }
        }
        let dump = try Subprocess.run(
            "/usr/bin/pg_dump",
            [
                "--data-only", "--inserts", "-h", "\(stack.folder)/state/sockets", "-U", "postgres",
                "--exclude-table-data=billing.vault_entries", "billing",
            ])
        guard dump.status == 0 else { throw SetupFailure("pg_dump: \(dump.errors)") }
        for line in dump.output.split(separator: "\n") where !found(in: String(line)).isEmpty {
            places.append("a secret in the table of \(line.prefix(60))")
        }
        return places
    }
}
