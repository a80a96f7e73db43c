import Glibc
import Logging
import Pool

/// A server that does what its tests ask of it: the real master and workers around a handler without billing.
///
///     FCGIProbe serve --socket PATH --workers N [--long PATH] [--deadline MS] [--user NAME] [--fail FILE]
///         [--prepare MS] …
///
/// Routes: `/echo` answers with what it got, `/slow/MS` after so many milliseconds, `/big/BYTES` with so many
/// bytes, `/crash` dies, `/long/MS` asks for a longer deadline and is slow, `/slots` lists the scoreboard,
/// `/pid` tells the worker, `/aside/MS` has it stand aside and is slow, `/outside/MS?N` takes one of N places
/// outside for so long or answers 503. Every executed path becomes a line of the file of `--executed`.
@main
enum Probe {
    static func main() {
        let options = Options(CommandLine.arguments)
        let logger = JSONLog.logger(label: "probe", level: .info)
        switch options.command {
        case "serve": exit(serve(options, logger))
        case "worker": exit(work(options, logger))
        default: exit(2)
        }
    }

    private static func settings(_ options: Options) -> MasterSettings {
        var pools: [PoolSettings] = []
        for (name, option) in [("main", "--socket"), ("long", "--long")] {
            guard let text = options[option], let address = ListenAddress(text) else { continue }
            let workers = options.number(name == "main" ? "--workers" : "--long-workers") ?? 2
            pools.append(PoolSettings(name: name, address: address, workers: workers))
        }
        return MasterSettings(
            pools: pools, workerArguments: ["worker"] + options.words,
            stopGrace: .milliseconds(options.number("--stop-grace") ?? 5000),
            drainGrace: .milliseconds(options.number("--drain-grace") ?? 30_000),
            startGrace: .milliseconds(options.number("--start-grace") ?? 10_000))
    }

    private static func serve(_ options: Options, _ logger: Logger) -> Int32 {
        do {
            return try Master(settings: settings(options), logger: logger) { settings(options) }.run()
        } catch {
            logger.critical("master cannot start", metadata: ["error": .string("\(error)")])
            return 1
        }
    }

    private static func work(_ options: Options, _ logger: Logger) -> Int32 {
        let settings = WorkerSettings(
            slot: options.number("--slot") ?? -1, pool: options["--pool"] ?? "",
            bodyLimit: options.number("--body-limit") ?? 1 << 20,
            requestDeadline: .milliseconds(options.number("--deadline") ?? 20_000),
            keptConnections: options.number("--kept") ?? 256,
            peerTimeout: .milliseconds(options.number("--peer-timeout") ?? 5000),
            drainGrace: .milliseconds(options.number("--drain-grace") ?? 30_000),
            stopGrace: .milliseconds(options.number("--stop-grace") ?? 5000), runUser: options["--user"])
        return runWorker(settings, logger: logger) { slot in
            if let file = options["--fail"], access(file, F_OK) == 0 { throw Refusal() }
            usleep(UInt32(options.number("--prepare") ?? 0) * 1000)
            let executed = options["--executed"]
            return { answer($0, slot, executed: executed) }
        }
    }

    private struct Refusal: Error {}

    private static func answer(_ request: Request, _ slot: WorkerSlot, executed: String?) -> Response {
        if let executed { note(request.path, in: executed) }
        if let problem = request.bodyProblem {
            return Response(status: problem == .lengthUnreadable ? 400 : 413, route: 1)
        }
        let parts = request.path.split(separator: "/")
        let amount = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
        switch parts.first {
        case "slow": usleep(UInt32(amount) * 1000)
        case "long":
            slot.allow(.milliseconds(amount + 5000))
            usleep(UInt32(amount) * 1000)
        case "aside":
            slot.standAside()
            if let executed { note(request.path + " stood aside", in: executed) }
            usleep(UInt32(amount) * 1000)
        case "outside":
            guard slot.enterOutside(limit: Int(request.query) ?? 0) else {
                return Response(status: 503, route: 5)
            }
            if let executed { note(request.path + " is outside: \(getpid())", in: executed) }
            usleep(UInt32(amount) * 1000)
            if parts.count < 3 { slot.leaveOutside() }
        case "big":
            return Response(
                status: 200, body: (0..<amount).map { UInt8(truncatingIfNeeded: $0 &* 31) }, route: 3)
        case "crash": preconditionFailure("asked to crash")
        case "pid": return text("\(getpid()) \(getppid()) \(getuid()) \(getgid())")
        case "slots":
            let lines = slot.scoreboard.workers().map {
                "\($0.slot) \($0.pid) \($0.pool) \($0.state) \($0.requests) \($0.kept) \($0.residentKilobytes)"
            }
            let routes = slot.scoreboard.routes().map {
                "route \($0.route) \($0.byStatusClass) \($0.buckets.reduce(0, +))"
            }
            return text((lines + routes).joined(separator: "\n"))
        default: break
        }
        let head = [
            request.method, request.path, request.query, request.contentType ?? "-", request.accept ?? "-",
            request.authorization ?? "-", request.idempotencyKey ?? "-", request.ifMatch ?? "-",
            request.requestID ?? "-", request.remoteAddress ?? "-",
        ].joined(separator: "|")
        return Response(
            status: 200, headers: [("Content-Type", "text/plain")],
            body: Array(head.utf8) + [10] + request.body,
            route: 2)
    }

    private static func text(_ text: String) -> Response {
        Response(status: 200, headers: [("Content-Type", "text/plain")], body: Array(text.utf8), route: 4)
    }

    private static func note(_ line: String, in path: String) {
        let file = open(path, O_WRONLY | O_APPEND | O_CREAT, 0o666)
        let bytes = Array((line + "\n").utf8)
        _ = write(file, bytes, bytes.count)
        close(file)
    }
}

/// `command --name value …`.
private struct Options {
    let command: String
    let words: [String]

    init(_ arguments: [String]) {
        command = arguments.count > 1 ? arguments[1] : ""
        words = Array(arguments.dropFirst(2))
    }

    subscript(_ name: String) -> String? {
        words.lastIndex(of: name).flatMap { $0 + 1 < words.count ? words[$0 + 1] : nil }
    }

    func number(_ name: String) -> Int? { self[name].flatMap { Int($0) } }
}
