import Glibc

/// What a command of the shell answered.
struct ShellAnswer: CustomStringConvertible {
    var status: Int32
    /// Standard output and standard error together.
    var output: String

    var description: String { "exit status \(status)\n\(output)" }
}

/// Runs a bash script in the package's folder and waits for its end.
///
/// The output goes through a file, not a pipe: background processes of the script may keep it open.
func shell(_ script: String) -> ShellAnswer {
    var template = Array("/tmp/billing-shell-XXXXXX".utf8CString)
    let log = mkstemp(&template)
    precondition(log >= 0, "mkstemp failed")
    defer {
        close(log)
        unlink(template)
    }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, log, 1)
    posix_spawn_file_actions_adddup2(&actions, log, 2)

    var arguments: [UnsafeMutablePointer<CChar>?] = []
    for argument in ["bash", "-c", "cd '\(packageFolder)' || exit\n\(script)"] {
        arguments.append(strdup(argument))
    }
    arguments.append(nil)
    defer { for argument in arguments { free(argument) } }
    var pid = pid_t()
    precondition(posix_spawn(&pid, "/bin/bash", &actions, nil, arguments, environ) == 0, "no bash")
    var status: Int32 = 0
    while waitpid(pid, &status, 0) < 0 { precondition(errno == EINTR, "waitpid failed") }

    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    lseek(log, 0, SEEK_SET)
    while case let count = read(log, &buffer, buffer.count), count > 0 { bytes += buffer[..<count] }
    let code = status & 0x7f == 0 ? (status >> 8) & 0xff : 128 + (status & 0x7f)
    return ShellAnswer(status: code, output: String(decoding: bytes, as: UTF8.self))
}

/// A value of the environment, where it is set and not empty.
func environmentValue(_ name: String) -> String? {
    guard let value = getenv(name), value.pointee != 0 else { return nil }
    return String(cString: value)
}

/// The folder of Package.swift.
let packageFolder: String = {
    let parts = #filePath.split(separator: "/").dropLast(3)
    return "/" + parts.joined(separator: "/")
}()

/// A TCP port of the loopback address that was free a moment ago.
func findFreePort() -> UInt16 {
    let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(socket) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
            precondition(bind(socket, generic, length) == 0, "no free port")
            getsockname(socket, generic, &length)
        }
    }
    return UInt16(bigEndian: address.sin_port)
}
