import ArgumentParser
import Glibc
import Logging
import Pool
import Vault

/// `billing serve`: the master with its workers (spec 6.2).
struct ServeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Runs the FastCGI workers.",
        discussion: """
            TERM, INT: stop now, requests in hand get a few seconds. QUIT: finish what is in hand. HUP: new \
            configuration and new program, worker by worker, no request lost. TTIN, TTOU: one worker more or less.
            """)

    func run() throws {
        let configuration = try Configuration.read()
        try Self.requireStart(configuration)
        let logger = JSONLog.logger(label: "billing.serve", level: configuration.logLevel)
        let master = try Master(settings: configuration.master, logger: logger) {
            let fresh = try Configuration.read()
            try Self.requireStart(fresh)
            if fresh.socket != configuration.socket || fresh.longSocket != configuration.longSocket {
                logger.warning("a changed socket takes effect after a restart only")
            }
            return fresh.master
        }
        let status = master.run()
        if status != 0 { throw ExitCode(status) }
    }

    /// Refuses what every worker would stumble over.
    private static func requireStart(_ configuration: Configuration) throws {
        _ = try MasterKey.read(from: configuration.keyFile)
        guard geteuid() == 0 else { return }
        guard let entry = getpwnam(configuration.runUser) else {
            throw CommandRefusal(
                "BILLING_RUN_USER names \(configuration.runUser), which is no user of this machine: make it, or name another"
            )
        }
        guard entry.pointee.pw_uid != 0, entry.pointee.pw_gid != 0 else {
            throw CommandRefusal(
                "BILLING_RUN_USER names \(configuration.runUser), which has root's rights: name an unprivileged user"
            )
        }
        var status = stat()
        guard stat(configuration.keyFile, &status) == 0, status.st_uid == entry.pointee.pw_uid else {
            throw CommandRefusal(
                "vault key file \(configuration.keyFile): workers run as \(configuration.runUser) and cannot read it; "
                    + "give it to that user with `chown`")
        }
    }
}

extension Configuration {
    /// The master's two pools: `main`, and `long` for requests that may take minutes.
    var master: MasterSettings {
        MasterSettings(pools: [
            PoolSettings(name: "main", address: socket, workers: workers),
            PoolSettings(name: "long", address: longSocket, workers: longWorkers),
        ])
    }
}

/// `billing jobs`: billing passes and housekeeping.
struct JobsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "jobs",
        abstract: "Runs billing passes, retries, recovery and housekeeping.",
        discussion: "Several may run, on any machine: they share the work through the database.")

    func run() throws {
        let configuration = try Configuration.read()
        try Privileges.drop(to: configuration.runUser)
        _ = try MasterKey.read(from: configuration.keyFile)
        let status = JobsProgram.run(configuration)
        if status != 0 { throw ExitCode(status) }
    }
}
