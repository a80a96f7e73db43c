import Glibc

/// Where a value came from, as `check-config` shows it.
enum SettingSource: Equatable, CustomStringConvertible {
    case environment
    /// The path of the file.
    case file(String)
    case builtIn

    var description: String {
        switch self {
        case .environment: "environment"
        case .file(let path): path
        case .builtIn: "default"
        }
    }
}

/// Why a configuration is refused: one sentence that names the setting and says what is possible.
struct ConfigurationRefusal: Error, Equatable, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// The file of settings: `NAME=value` lines, as systemd's EnvironmentFile reads them.
///
/// Empty lines and lines that begin with `#` or `;` are passed over; a value may stand in single or double quotes.
struct SettingsFile {
    let path: String
    let values: [(name: String, value: String)]

    /// The file that holds the settings: of the run folder, else as `BILLING_CONFIG_FILE` says, else
    /// `/etc/billing/billing.env` where it exists; nil when there is none.
    init?(of environment: [String: String]) throws(ConfigurationRefusal) {
        if let folder = environment["BILLING_RUN_DIR"] {
            try self.init(path: folder + "/billing.env", namedBy: "BILLING_RUN_DIR")
        } else if let path = environment["BILLING_CONFIG_FILE"] {
            try self.init(path: path, namedBy: "BILLING_CONFIG_FILE")
        } else {
            let path = "/etc/billing/billing.env"
            guard access(path, F_OK) == 0 else { return nil }
            try self.init(path: path, namedBy: nil)
        }
    }

    private init(path: String, namedBy name: String?) throws(ConfigurationRefusal) {
        guard let bytes = Self.read(path) else {
            let reason = String(cString: strerror(errno))
            let origin = name.map { ", which \($0) names," } ?? ""
            throw ConfigurationRefusal("The configuration \(path)\(origin) cannot be read: \(reason).")
        }
        try self.init(path: path, bytes: bytes)
    }

    /// Reads the text of a file.
    init(path: String, bytes: [UInt8]) throws(ConfigurationRefusal) {
        var values: [(name: String, value: String)] = []
        var number = 0
        for line in bytes.split(separator: 10, omittingEmptySubsequences: false) {
            number += 1
            let text = Self.trimmed(line)
            guard let first = text.first, first != UInt8(ascii: "#"), first != UInt8(ascii: ";") else {
                continue
            }
            guard let equals = text.firstIndex(of: UInt8(ascii: "=")), equals > text.startIndex,
                let name = String(validating: Self.trimmed(text[..<equals]), as: UTF8.self),
                let value = String(
                    validating: Self.unquoted(Self.trimmed(text[(equals + 1)...])), as: UTF8.self)
            else {
                throw ConfigurationRefusal("Line \(number) of \(path) is not of the form NAME=value.")
            }
            guard !values.contains(where: { $0.name == name }) else {
                throw ConfigurationRefusal("\(name) stands twice in \(path).")
            }
            values.append((name, value))
        }
        self.path = path
        self.values = values
    }

    private static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        func isBlank(_ byte: UInt8) -> Bool { byte == 32 || byte == 9 || byte == 13 }
        guard let first = bytes.firstIndex(where: { !isBlank($0) }),
            let last = bytes.lastIndex(where: { !isBlank($0) })
        else { return [] }
        return bytes[first...last]
    }

    private static func unquoted(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        guard bytes.count >= 2, let quote = bytes.first, quote == bytes.last,
            quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'")
        else { return bytes }
        return bytes.dropFirst().dropLast()
    }

    /// The whole file, nil with `errno` when it cannot be read. More than 64 KiB is no configuration.
    private static func read(_ path: String) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 65_537)
        var length = 0
        while length < bytes.count {
            let got = bytes.withUnsafeMutableBytes { buffer in
                Glibc.read(descriptor, buffer.baseAddress! + length, buffer.count - length)
            }
            if got == 0 { return Array(bytes[..<length]) }
            if got > 0 { length += got } else if errno != EINTR { return nil }
        }
        errno = EFBIG
        return nil
    }
}
