import Logging
import Pool

/// `billing worker --slot N --pool NAME`: how the master starts this program.
enum WorkerStart {
    /// Runs a worker to its end; the exit status. What keeps it from starting goes to the log.
    static func run(_ arguments: [String]) -> Int32 {
        do throws(ConfigurationRefusal) {
            let (slot, pool) = try parse(arguments)
            return WorkerProgram.run(try Configuration.read(), slot: slot, pool: pool)
        } catch {
            JSONLog.logger(label: "billing.worker", level: .info).critical(
                "worker cannot start", metadata: ["error": .string(error.description)])
            return 1
        }
    }

    static func parse(_ arguments: [String]) throws(ConfigurationRefusal) -> (slot: Int, pool: String) {
        guard arguments.count == 4, arguments[0] == "--slot", arguments[2] == "--pool",
            let slot = Setting.integer(arguments[1])
        else { throw ConfigurationRefusal("A worker is started by `billing serve`, not by hand.") }
        return (slot, arguments[3])
    }
}
