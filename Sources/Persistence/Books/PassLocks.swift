import Domain
import Postgres

// Billing passes and the moving of a clock keep out of each other's way by advisory locks of the session: they end with the
// connection, however the process ends.
extension PostgresBooks {
    /// The first key of the locks; the second is the merchant account.
    private static let lockClass: Int32 = 20_101
    /// How long the moving of a clock waits for running passes, in milliseconds.
    private static let longestWait = 30_000

    private static let tryShared = Statement(
        "pass.try_shared", "select pg_try_advisory_lock_shared($1::integer, $2::integer)")
    private static let unlockShared = Statement(
        "pass.unlock_shared", "select pg_advisory_unlock_shared($1::integer, $2::integer)")
    private static let tryExclusive = Statement(
        "pass.try_exclusive", "select pg_try_advisory_lock($1::integer, $2::integer)")
    private static let unlockExclusive = Statement(
        "pass.unlock_exclusive", "select pg_advisory_unlock($1::integer, $2::integer)")

    /// Runs the body while no billing pass of this merchant account runs anywhere and none can begin.
    ///
    /// V30 when passes do not end within 30 seconds, or somebody else moves the clock.
    public func withoutPasses<Result>(of account: Int64, _ body: () throws -> Result) throws -> Result {
        guard let result = try asOnlyPass(of: account, waiting: true, body) else {
            throw Refusal(
                .stateForbids, "the account is busy: its clock is being moved, or a billing pass is long")
        }
        return result
    }

    /// Runs the body as a billing pass, beside others; nil, without running it, while the account's clock is being moved or
    /// somebody is its only pass. Waiting, it is tried for half a minute.
    public func asPass<Result>(
        of account: Int64, waiting: Bool, _ body: () throws -> Result
    ) throws -> Result? {
        guard try take(Self.tryShared, account, waiting: waiting) else { return nil }
        defer { _ = try? ask(Self.unlockShared, account) }
        return try body()
    }

    /// Runs the body while no other pass of this account runs anywhere and none can begin; nil, without running it, where one
    /// does. Waiting, it is tried for half a minute. Not inside ``asPass(of:waiting:_:)``: two that wait there would wait for
    /// each other.
    public func asOnlyPass<Result>(
        of account: Int64, waiting: Bool, _ body: () throws -> Result
    ) throws -> Result? {
        guard try take(Self.tryExclusive, account, waiting: waiting) else { return nil }
        defer { _ = try? ask(Self.unlockExclusive, account) }
        return try body()
    }

    /// Waits 20 ms.
    public func waitForOthers() -> Bool {
        Pause.sleep(milliseconds: 20)
        return true
    }

    private func take(_ statement: Statement, _ account: Int64, waiting: Bool) throws -> Bool {
        let deadline = Pause.now() + (waiting ? Self.longestWait : 0)
        while !(try ask(statement, account)) {
            guard Pause.now() < deadline else { return false }
            Pause.sleep(milliseconds: 5)
        }
        return true
    }

    private func ask(_ statement: Statement, _ account: Int64) throws -> Bool {
        guard let key = Int32(exactly: account) else { return false }
        return try attempt { try $0.rows(statement, [.int32(Self.lockClass), .int32(key)])[0].bool(0) }
    }
}
