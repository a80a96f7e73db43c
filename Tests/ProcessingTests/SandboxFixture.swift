import Domain
import Glibc
import Postgres
import TestSupport

@testable import Processing

/// A database of one test with the sandbox's schema in it.
struct SandboxFixture {
    let database: String
    let sandbox: Sandbox

    init(timeLimit: Int = 15_000) throws {
        let server = try PrivateServer.shared
        let template = try server.template("sandbox") { database in
            let connection = try Connection(ConnectionSettings(database))
            try Sandbox.migrate(connection)
            connection.close()
        }
        database = try server.createDatabase(template: template)
        sandbox = Sandbox(ConnectionSettings(database), timeLimit: timeLimit)
    }

    /// A connection for looking from outside.
    func connect() throws -> Connection { try Connection(ConnectionSettings(database)) }

    /// The only number that a query gives.
    func number(_ sql: String) throws -> Int64 {
        try connect().rows(Statement("test.number", sql))[0].int(0)
    }

    /// Another process's sandbox over the same book.
    func another() -> Sandbox { Sandbox(ConnectionSettings(database)) }

    func submit(_ orders: ProcessorOrder...) -> [ProcessorAnswer] { sandbox.submit(orders) }

    /// The notices of account 2001 as `key code date cents`.
    func notices(through date: String, limit: Int = 100) -> [String]? {
        guard let day = CalendarDate(date) else { return nil }
        return sandbox.notices(account: 2001, through: day, limit: limit)?.map {
            "\($0.orderKey) \($0.code) \($0.date) \($0.amount.minorUnits)"
        }
    }
}

extension ProcessorAnswer {
    /// The code, or nil when the outcome is unknown.
    var code: String? {
        guard case .answered(let response) = self else { return nil }
        return response.code
    }

    var reason: String? {
        guard case .unknown(let reason) = self else { return nil }
        return reason
    }
}

extension ProcessorFinding {
    var code: String? {
        guard case .found(let response) = self else { return nil }
        return response.code
    }
}

/// Runs the body in that many threads at once and gives back their results; each thread has objects of its
/// own.
func inParallel<Result>(_ count: Int, _ body: @escaping (Int) -> Result) -> [Result] {
    let results = UnsafeMutablePointer<Result?>.allocate(capacity: count)
    results.initialize(repeating: nil, count: count)
    defer {
        results.deinitialize(count: count)
        results.deallocate()
    }
    let threads = (0..<count).map { index in
        var thread = pthread_t()
        let job = Job { results[index] = body(index) }
        pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<Job>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, Unmanaged.passRetained(job).toOpaque())
        return thread
    }
    for thread in threads { pthread_join(thread, nil) }
    return (0..<count).compactMap { results[$0] }
}

private final class Job {
    let run: () -> Void
    init(_ run: @escaping () -> Void) { self.run = run }
}
