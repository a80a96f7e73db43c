import CLinux
import Glibc

/// A further process of this program that runs a command beside this one, and answers in lines on its standard output.
///
/// When this process ends before it, it ends too, with its next line.
public final class Helper {
    private let pid: pid_t
    private let descriptor: Int32
    private var isOpen = true
    private var rest: [UInt8] = []

    /// The last whole line that it has written.
    public private(set) var lastLine: [UInt8]?

    /// Starts it with these arguments.
    public init(arguments: [String]) throws(PoolFailure) {
        var ends: [Int32] = [0, 0]
        guard pipe2(&ends, O_CLOEXEC) == 0 else { throw .system("A pipe cannot be made") }
        descriptor = ends[0]
        do {
            pid = try Spawn(arguments: arguments).start(inherited: [(source: ends[1], target: STDOUT_FILENO)])
        } catch {
            close(ends[0])
            close(ends[1])
            throw error
        }
        close(ends[1])
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
    }

    /// Takes in what it has written so far, without waiting for more.
    public func look() {
        var bytes = [UInt8](repeating: 0, count: 4096)
        while isOpen {
            let count = read(descriptor, &bytes, bytes.count)
            if count > 0 {
                rest += bytes[..<count]
            } else if count == 0 {
                isOpen = false
                close(descriptor)
            } else if errno != EINTR {
                break
            }
        }
        let lines = rest.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        guard lines.count > 1 else { return }
        lastLine = Array(lines[lines.count - 2])
        rest = Array(lines[lines.count - 1])
    }

    /// Waits until it has ended.
    ///
    /// - Returns: whether it ended well.
    public func finish() -> Bool {
        look()
        while isOpen {
            var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            poll(&entry, 1, -1)
            look()
        }
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0 { if errno != EINTR { return false } }
        return status == 0
    }
}
