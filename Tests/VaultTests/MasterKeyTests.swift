import Glibc
import Testing

@testable import Vault

private let hex = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
private let base64 = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

struct MasterKeyTests {
    @Test(
        arguments: [
            ("billing-vault-key v1 \(hex)\n", [1]),
            ("billing-vault-key v1 \(hex)", [1]),
            ("billing-vault-key v1 \(hex.uppercased())\r\n", [1]),
            ("billing-vault-key v1 \(base64)\n", [1]),
            ("# made for the demo\n\nbilling-vault-key v1 \(hex)\nbilling-vault-key v2 \(base64)\n", [1, 2]),
            ("billing-vault-key v7 \(hex)\nbilling-vault-key v65535 \(hex)\n", [7, 65_535]),
        ] as [(String, [UInt16])])
    func `a well-formed file gives its versions`(text: String, versions: [UInt16]) throws {
        let folder = Folder()
        let key = try MasterKey.read(from: folder.write(text))
        #expect(key.versions == versions)
        #expect(key.newestVersion == versions.last)
    }

    @Test(arguments: [
        ("", "it holds no key"),
        ("\n# nothing\n", "it holds no key"),
        (hex, "line 1 is not of the form"),
        ("billing-vault-key \(hex)", "line 1 is not of the form"),
        ("billing-vault-key v0 \(hex)", "line 1 is not of the form"),
        ("billing-vault-key v01 \(hex)", "line 1 is not of the form"),
        ("billing-vault-key v65536 \(hex)", "line 1 is not of the form"),
        ("billing-vault-key v-1 \(hex)", "line 1 is not of the form"),
        ("billing-vault-keys v1 \(hex)", "line 1 is not of the form"),
        ("billing-vault-key v1 \(hex) x", "line 1 is not of the form"),
        ("billing-vault-key v1 \(hex.dropLast(2))", "line 1: the key is not 32 bytes"),
        ("billing-vault-key v1 \(hex)00", "line 1: the key is not 32 bytes"),
        ("billing-vault-key v1 \(base64.dropLast())", "line 1: the key is not 32 bytes"),
        ("billing-vault-key v1 \(hex.dropLast())g", "line 1: the key is not 32 bytes"),
        ("billing-vault-key v1 \(hex)\nbilling-vault-key v1 \(hex)", "line 2: versions must rise"),
        ("billing-vault-key v2 \(hex)\nbilling-vault-key v1 \(hex)", "line 2: versions must rise"),
    ])
    func `a garbled file is refused in one sentence without its content`(text: String, problem: String) {
        let folder = Folder()
        let path = folder.write(text)
        let failure = #expect(throws: VaultFailure.self) { try MasterKey.read(from: path) }
        guard let failure else { return }
        #expect(failure.description.hasPrefix("vault key file \(path): \(problem)"))
        #expect(!failure.description.contains("0a0b0c") && !failure.description.contains("AAEC"))
    }

    @Test(arguments: [0o600, 0o400, 0o700] as [mode_t])
    func `a file closed to others is read`(mode: mode_t) throws {
        let folder = Folder()
        #expect(
            try MasterKey.read(from: folder.write("billing-vault-key v1 \(hex)", mode: mode)).versions == [1])
    }

    @Test(arguments: [0o640, 0o604, 0o660, 0o610, 0o601, 0o666] as [mode_t])
    func `a file open to others is refused`(mode: mode_t) {
        let folder = Folder()
        let path = folder.write("billing-vault-key v1 \(hex)", mode: mode)
        #expect(
            throws: VaultFailure.keyFile(
                path: path, problem: "it is open to other users; close it with `chmod 600`")
        ) {
            try MasterKey.read(from: path)
        }
    }

    @Test func `what is no plain file is refused`() {
        let folder = Folder()
        #expect(throws: VaultFailure.self) { try MasterKey.read(from: "\(folder.path)/missing") }
        #expect(throws: VaultFailure.keyFile(path: folder.path, problem: "it is not a plain file")) {
            try MasterKey.read(from: folder.path)
        }
        mkfifo("\(folder.path)/pipe", 0o600)
        #expect(throws: VaultFailure.self) { try MasterKey.read(from: "\(folder.path)/pipe") }
        let long = folder.write(String(repeating: "#\n", count: 40_000))
        #expect(throws: VaultFailure.self) { try MasterKey.read(from: long) }
    }

    @Test func `a new file is whole, closed, random and made once`() throws {
        let folder = Folder()
        let path = "\(folder.path)/key"
        let before = umask(0)
        defer { umask(before) }
        #expect(try MasterKey.createFile(at: path).versions == [1])
        #expect(folder.mode() == 0o600)
        #expect(folder.names == ["key"])
        let text = folder.read()
        #expect(text.hasPrefix("billing-vault-key v1 ") && text.utf8.count == 21 + 64 + 1)
        #expect(try MasterKey.createFile(at: path).versions == [1])
        #expect(folder.read() == text)
        let other = Folder()
        _ = try MasterKey.createFile(at: "\(other.path)/key")
        #expect(other.read() != text)
        #expect(throws: VaultFailure.self) { try MasterKey.createFile(at: "\(folder.path)/no/key") }
    }

    @Test func `an existing garbled file is reported and left alone`() {
        let folder = Folder()
        let path = folder.write("garbled")
        #expect(throws: VaultFailure.self) { try MasterKey.createFile(at: path) }
        #expect(folder.read() == "garbled")
    }

    @Test func `a version is added at the end and what was there stays`() throws {
        let folder = Folder()
        let path = folder.write("# kept\nbilling-vault-key v4 \(hex)")
        #expect(try MasterKey.addVersion(toFileAt: path).versions == [4, 5])
        #expect(try MasterKey.addVersion(toFileAt: path).newestVersion == 6)
        #expect(folder.read().hasPrefix("# kept\nbilling-vault-key v4 \(hex)\nbilling-vault-key v5 "))
        #expect(folder.names == ["key"] && folder.mode() == 0o600)
        let last = folder.write("billing-vault-key v65535 \(hex)")
        #expect(throws: VaultFailure.self) { try MasterKey.addVersion(toFileAt: last) }
    }

    @Test func `processes that make or add to the file at the same time agree`() throws {
        let folder = Folder()
        let path = "\(folder.path)/key"
        let children = (0..<8).map { _ in
            spawn {
                _ = try MasterKey.createFile(at: path)
                _ = try MasterKey.addVersion(toFileAt: path)
            }
        }
        for child in children { #expect(child.join()) }
        #expect(try MasterKey.read(from: path).versions == Array(1...9))
        #expect(folder.names == ["key"])
    }
}

/// A thread of its own that tells whether its work threw. Threads share nothing here but the file, and
/// `flock` binds to the open file, so they contend as processes do.
private struct Runner {
    var thread: pthread_t
    func join() -> Bool {
        var result: UnsafeMutableRawPointer?
        pthread_join(thread, &result)
        return result == nil
    }
}

private final class Work {
    let body: () throws -> Void
    init(_ body: @escaping () throws -> Void) { self.body = body }
}

private func spawn(_ body: @escaping () throws -> Void) -> Runner {
    var thread = pthread_t()
    let work = Unmanaged.passRetained(Work(body)).toOpaque()
    pthread_create(
        &thread, nil,
        { argument in
            guard let argument else { return nil }
            do {
                try Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().body()
                return nil
            } catch {
                return UnsafeMutableRawPointer(bitPattern: 1)
            }
        }, work)
    return Runner(thread: thread)
}
