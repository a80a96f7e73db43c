internal import Glibc

/// A folder of its own for one test, with a short path: a Unix socket inside it stays below 108 bytes. Removed
/// with everything in it when the object goes.
public final class TemporaryFolder: Sendable {
    /// The absolute path.
    public let path: String

    /// Makes the folder, mode 0700.
    public init(prefix: String = "billing") throws {
        var template = Array("/tmp/\(prefix)-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw SetupFailure.systemCall("mkdtemp") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { remove() }

    /// Removes the folder now.
    public func remove() {
        _ = try? Subprocess.run("/bin/rm", ["-rf", "--", path])
    }

    /// Writes a file into the folder and gives back its path.
    @discardableResult
    public func write(_ text: String, to name: String) throws -> String {
        let file = "\(path)/\(name)"
        guard let stream = fopen(file, "w") else { throw SetupFailure.systemCall("fopen \(file)") }
        fputs(text, stream)
        guard fclose(stream) == 0 else { throw SetupFailure.systemCall("fclose \(file)") }
        return file
    }
}

/// The text of a file; nil when it cannot be read.
public func readText(_ path: String) -> String? {
    guard let stream = fopen(path, "r") else { return nil }
    defer { fclose(stream) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while true {
        let count = fread(&chunk, 1, chunk.count, stream)
        if count == 0 { return String(decoding: bytes, as: UTF8.self) }
        bytes += chunk[..<count]
    }
}

/// A TCP port of 127.0.0.1 that nobody listens on at this moment.
public func freePort() throws -> UInt16 {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { throw SetupFailure.systemCall("socket") }
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let outcome = withUnsafeMutableBytes(of: &address) { bytes in
        let generic = bytes.baseAddress!.assumingMemoryBound(to: sockaddr.self)
        return bind(descriptor, generic, length) == 0 && getsockname(descriptor, generic, &length) == 0
    }
    guard outcome else { throw SetupFailure.systemCall("bind") }
    return UInt16(bigEndian: address.sin_port)
}
