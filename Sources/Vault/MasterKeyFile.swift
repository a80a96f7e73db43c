import CSodium
import Glibc

extension MasterKey {
    /// Reads the key from its file, which must be a plain file closed to group and world (mode 0600 or 0400).
    public static func read(from path: String) throws(VaultFailure) -> MasterKey {
        let file = try KeyFile.open(path)
        let text = try file.read()
        return try MasterKey(parsing: text.bytes, path: path)
    }

    /// Makes the file with a fresh random version 1, mode 0600, and returns the key; when the file is there
    /// already, it is read and left as it is.
    ///
    /// The file appears whole or not at all, also when the machine stops in between; of several processes
    /// that make it at the same time one wins and all return the same key.
    public static func createFile(at path: String) throws(VaultFailure) -> MasterKey {
        if access(path, F_OK) != 0 {
            var text: [UInt8] = []
            text.reserveCapacity(256)
            defer { text.wipe() }
            appendLine(version: 1, to: &text)
            let draft = try KeyFile.writeDraft(text, for: path)
            defer { unlink(draft) }
            if link(draft, path) != 0, errno != EEXIST {
                throw .keyFile(path: path, problem: "cannot be made: \(reason(errno))")
            }
            KeyFile.syncFolder(of: path)
        }
        return try read(from: path)
    }

    /// Adds a fresh random version to the file, which wraps from now on, and returns the whole key.
    ///
    /// The file is replaced in one step; processes that read it before go on with the older versions until
    /// they read it again. Two at the same time add two versions.
    public static func addVersion(toFileAt path: String) throws(VaultFailure) -> MasterKey {
        while true {
            let file = try KeyFile.open(path)
            guard try file.lockIfCurrent() else { continue }
            let old = try file.read()
            let newest = try MasterKey(parsing: old.bytes, path: path).newestVersion
            guard newest < UInt16.max else {
                throw .keyFile(path: path, problem: "its versions are used up")
            }
            var text: [UInt8] = []
            text.reserveCapacity(old.bytes.count + 256)
            defer { text.wipe() }
            text += old.bytes
            if text.last != UInt8(ascii: "\n") { text.append(UInt8(ascii: "\n")) }
            appendLine(version: newest + 1, to: &text)
            let draft = try KeyFile.writeDraft(text, for: path)
            guard rename(draft, path) == 0 else {
                let problem = reason(errno)
                unlink(draft)
                throw .keyFile(path: path, problem: "cannot be replaced: \(problem)")
            }
            KeyFile.syncFolder(of: path)
            return try read(from: path)
        }
    }
}

/// An open key file.
private final class KeyFile {
    private let descriptor: Int32
    private let path: String

    /// Far more than any number of versions needs.
    private static let sizeLimit = 65_536

    private init(descriptor: Int32, path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    /// Opens the file and checks that it is plain and closed to others.
    static func open(_ path: String) throws(VaultFailure) -> KeyFile {
        let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
        guard descriptor >= 0 else {
            let problem =
                errno == ENOENT
                ? "there is no such file; restore it, or have a new one made for an empty database"
                : "cannot be opened: \(reason(errno))"
            throw .keyFile(path: path, problem: problem)
        }
        let file = KeyFile(descriptor: descriptor, path: path)
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw .keyFile(path: path, problem: "it is not a plain file")
        }
        guard status.st_mode & 0o077 == 0 else {
            throw .keyFile(
                path: path, problem: "it is open to other users; close it with `chmod 600`")
        }
        return file
    }

    deinit {
        close(descriptor)
    }

    /// The whole content, in memory that is wiped.
    func read() throws(VaultFailure) -> FileText {
        let memory = SecretBytes(writableCount: KeyFile.sizeLimit)
        var length = 0
        while length < memory.count {
            let got = Glibc.read(descriptor, memory.pointer + length, memory.count - length)
            if got == 0 { return FileText(memory: memory, length: length) }
            if got > 0 { length += got } else if errno != EINTR { break }
        }
        throw .keyFile(path: path, problem: "cannot be read, or is too large to be a key file")
    }

    /// Waits for this file's lock; false when the path meanwhile leads to another file.
    func lockIfCurrent() throws(VaultFailure) -> Bool {
        while flock(descriptor, LOCK_EX) != 0 {
            guard errno == EINTR else {
                throw .keyFile(path: path, problem: "cannot be locked: \(reason(errno))")
            }
        }
        var opened = stat()
        var named = stat()
        return fstat(descriptor, &opened) == 0 && stat(path, &named) == 0
            && opened.st_ino == named.st_ino && opened.st_dev == named.st_dev
    }

    /// Writes a complete file beside `path`, on disk when this returns, and gives its name.
    static func writeDraft(_ text: [UInt8], for path: String) throws(VaultFailure) -> String {
        let draft = "\(path).\(Random.requestID())"
        let descriptor = Glibc.open(draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw .keyFile(path: path, problem: "cannot be made: \(reason(errno))")
        }
        defer { close(descriptor) }
        var written = 0
        while written < text.count {
            let put = text.withUnsafeBytes { bytes in
                write(descriptor, bytes.baseAddress.map { $0 + written }, bytes.count - written)
            }
            if put > 0 { written += put } else if put == 0 || errno != EINTR { break }
        }
        guard written == text.count, fchmod(descriptor, 0o600) == 0, fsync(descriptor) == 0 else {
            let problem = reason(errno)
            unlink(draft)
            throw .keyFile(path: path, problem: "cannot be written: \(problem)")
        }
        return draft
    }

    /// Brings the folder's entry for the file onto the disk.
    static func syncFolder(of path: String) {
        let folder = path.lastIndex(of: "/").map { path[..<$0] } ?? "."
        let descriptor = Glibc.open(folder.isEmpty ? "/" : String(folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }
}

/// A key file's content.
private struct FileText {
    let memory: SecretBytes
    let length: Int
    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: memory.pointer, count: length) }
}

private func reason(_ number: Int32) -> String {
    String(cString: strerror(number))
}
