import CLinux
import Glibc

/// Signals as something to read: blocked, and delivered through a descriptor that a poll loop watches.
///
/// No handler runs in between, so no signal can be lost between a check and a wait.
public struct Signals {
    /// Readable when a signal is pending.
    let descriptor: Int32

    /// Blocks `numbers` and opens a descriptor for them.
    public init(_ numbers: [Int32]) throws(PoolFailure) {
        var set = Self.set(numbers)
        sigprocmask(SIG_BLOCK, &set, nil)
        descriptor = signalfd(-1, &set, Int32(SFD_NONBLOCK) | Int32(SFD_CLOEXEC))
        guard descriptor >= 0 else { throw .system("Signals cannot be read") }
    }

    /// The next pending signal, nil when there is none.
    public func next() -> Int32? {
        var record = signalfd_siginfo()
        let size = MemoryLayout<signalfd_siginfo>.size
        return read(descriptor, &record, size) == size ? Int32(record.ssi_signo) : nil
    }

    /// Waits until a signal is pending, at most this long.
    public func wait(milliseconds: Int32) {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        poll(&entry, 1, milliseconds)
    }

    /// A set of signals.
    static func set(_ numbers: [Int32]) -> sigset_t {
        var set = sigset_t()
        sigemptyset(&set)
        for number in numbers { sigaddset(&set, number) }
        return set
    }

    /// The set of all signals.
    static func all() -> sigset_t {
        var set = sigset_t()
        sigfillset(&set)
        return set
    }

    /// Ignores `numbers`.
    public static func ignore(_ numbers: [Int32]) {
        for number in numbers { signal(number, SIG_IGN) }
    }

    /// Name for the log: `KILL`, `SEGV`.
    static func name(_ number: Int32) -> String {
        switch number {
        case SIGABRT: "ABRT"
        case SIGALRM: "ALRM"
        case SIGBUS: "BUS"
        case SIGFPE: "FPE"
        case SIGILL: "ILL"
        case SIGINT: "INT"
        case SIGKILL: "KILL"
        case SIGQUIT: "QUIT"
        case SIGSEGV: "SEGV"
        case SIGTERM: "TERM"
        case SIGTRAP: "TRAP"
        default: String(number)
        }
    }
}
