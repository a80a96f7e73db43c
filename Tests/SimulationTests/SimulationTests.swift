import Glibc
import Testing

/// A short run of the simulator, as a program of its own (reliability S1).
@Suite struct SimulationTests {
    @Test func threeHundredHistoriesHoldEverything() {
        #expect(Self.simulate(["--seed", "1", "--seeds", "300", "--steps", "30"]) == 0)
    }

    /// Runs the program beside this one; its exit status. What it prints goes with the test's own output.
    private static func simulate(_ arguments: [String]) -> Int32 {
        var path = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &path, path.count - 1)
        let full = String(decoding: path[..<max(0, count)].map(UInt8.init(bitPattern:)), as: UTF8.self)
        let program = String(full[...(full.lastIndex(of: "/") ?? full.startIndex)]) + "simulate"
        var words: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) }
        words.append(nil)
        defer { words.forEach { free($0) } }
        var pid = pid_t()
        guard posix_spawn(&pid, program, nil, nil, words, environ) == 0 else { return -1 }
        var status: Int32 = 0
        while waitpid(pid, &status, 0) == -1, errno == EINTR {}
        return status == 0 ? 0 : 1
    }
}
