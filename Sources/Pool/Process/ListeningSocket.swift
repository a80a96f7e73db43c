import CLinux
import Glibc

/// A socket that nginx connects to. The master opens it, workers inherit it.
final class ListeningSocket {
    let descriptor: Int32
    private let path: String?
    private var identity: (device: dev_t, inode: ino_t)?

    /// Opens it. A Unix socket that a killed master left behind is replaced; a living one is not.
    init(_ settings: PoolSettings) throws(PoolFailure) {
        switch settings.address {
        case .unix(let path):
            self.path = path
            descriptor = try Self.openUnix(path, settings)
            var status = stat()
            if lstat(path, &status) == 0 { identity = (status.st_dev, status.st_ino) }
        case .tcp(let host, let port):
            path = nil
            descriptor = try Self.openTCP(host, port, settings)
        }
    }

    /// Closes it here and takes its name away, unless another master has taken the name.
    func shut() {
        close(descriptor)
        var status = stat()
        if let path, let identity, lstat(path, &status) == 0, status.st_dev == identity.device,
            status.st_ino == identity.inode
        {
            unlink(path)
        }
    }

    // MARK: Unix

    private static func openUnix(_ path: String, _ settings: PoolSettings) throws(PoolFailure) -> Int32 {
        let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "/"
        let lock = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard lock >= 0 else { throw .system("The folder of socket \(path) cannot be opened") }
        defer { close(lock) }
        // Two masters started at one time must not both find the other's socket stale.
        flock(lock, LOCK_EX)
        try clear(path)

        let descriptor = try makeSocket(AF_UNIX)
        let mask = umask(0o777)
        let bound = withUnixAddress(path) { bind(descriptor, $0, $1) }
        let code = errno
        umask(mask)
        guard bound == 0 else {
            close(descriptor)
            throw .system("Socket \(path) cannot be made", code)
        }
        if let group = settings.group {
            guard let entry = getgrnam(group) else {
                throw PoolFailure(
                    "Socket \(path) is to belong to group \(group), which this machine has not.")
            }
            guard chown(path, uid_t.max, entry.pointee.gr_gid) == 0 else {
                throw .system("Socket \(path) cannot be given to group \(group)")
            }
        }
        guard chmod(path, mode_t(settings.mode)) == 0, listen(descriptor, settings.backlog) == 0 else {
            throw .system("Socket \(path) cannot be listened on")
        }
        return descriptor
    }

    /// Removes a socket that nobody listens on.
    ///
    /// Workers of a killed master close it within moments, so a living socket gets a second.
    private static func clear(_ path: String) throws(PoolFailure) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        guard status.st_mode & Glibc.S_IFMT == Glibc.S_IFSOCK else {
            throw PoolFailure("\(path) exists and is not a socket: remove it or choose another path.")
        }
        let end = Clock.monotonicMilliseconds() + 1000
        while isAlive(path) {
            guard Clock.monotonicMilliseconds() < end else {
                throw PoolFailure("Another master serves \(path): stop it first or choose another path.")
            }
            poll(nil, 0, 20)
        }
        guard unlink(path) == 0 || errno == ENOENT else {
            throw .system("The stale socket \(path) cannot be removed")
        }
    }

    private static func isAlive(_ path: String) -> Bool {
        let probe = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
        guard probe >= 0 else { return false }
        defer { close(probe) }
        return withUnixAddress(path) { connect(probe, $0, $1) } == 0 || errno == EAGAIN
    }

    private static func withUnixAddress<Result>(
        _ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) -> Result {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }

    // MARK: TCP

    private static func openTCP(_ host: String, _ port: UInt16, _ settings: PoolSettings) throws(PoolFailure)
        -> Int32
    {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV
        var found: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, String(port), &hints, &found) == 0, let found else {
            throw PoolFailure("\(host) is no address of this machine to listen on.")
        }
        defer { freeaddrinfo(found) }
        let descriptor = try makeSocket(found.pointee.ai_family)
        var yes: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        guard bind(descriptor, found.pointee.ai_addr, found.pointee.ai_addrlen) == 0,
            listen(descriptor, settings.backlog) == 0
        else {
            let code = errno
            close(descriptor)
            if code == EADDRINUSE {
                throw PoolFailure(
                    "Port \(port) on \(host) is taken: stop the program that listens there or choose another."
                )
            }
            throw .system("Port \(port) on \(host) cannot be listened on", code)
        }
        return descriptor
    }

    private static func makeSocket(_ family: Int32) throws(PoolFailure) -> Int32 {
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let descriptor = socket(family, type, 0)
        guard descriptor >= 0 else { throw .system("No socket can be made") }
        return descriptor
    }
}
