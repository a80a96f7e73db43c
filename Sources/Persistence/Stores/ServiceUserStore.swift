internal import Domain
internal import Postgres

/// A service user: the credentials of a program (spec 4.1).
public struct ServiceUser: Hashable, Sendable {
    /// What a user may do (spec 4.1).
    public enum Privilege: String, CaseIterable, Sendable {
        /// Everything.
        case full = "management-api"
        /// Find and load.
        case readOnly = "management-api-read"
    }

    /// Begins with `api-`.
    public var name: String
    /// The hash in its own notation; never shown, never logged.
    public var passwordHash: String
    /// What it may do.
    public var privilege: Privilege
    /// False once revoked.
    public var isActive: Bool
    /// Rises with every change of password, privilege or activity: a temporary password holds for one.
    public var version: Int64
    /// Another with every change of the user or of its accounts, and never one that was before: what was seen or verified under
    /// another does not count any more.
    public var revision: Int64
    /// The merchant accounts within its reach, ascending.
    public var accounts: [Int64]
    /// Whether one of them is live: its requests are limited otherwise than those of sandboxes (spec 4.6).
    public var seesLiveAccounts: Bool
}

/// A login that a request went by is not what it was when it was seen: the request is to log in anew. Nothing of it was done.
public struct LoginChanged: Error {}

// Service users and their logins.
extension OperatorStore {
    private static let insertUser = Statement(
        "user.insert",
        "insert into service_users (user_name, password_hash, privilege) values ($1, $2, $3)")
    private static let grantAccounts = Statement(
        "user.grant_accounts",
        """
        insert into service_user_accounts (user_name, account_id)
        select distinct $1, account_id from unnest($2) as granted (account_id)
        """)
    private static let updatePassword = Statement(
        "user.password",
        """
        update service_users
           set password_hash = $2, version = version + 1
         where user_name = $1
        """)
    private static let deactivate = Statement(
        "user.revoke",
        """
        update service_users
           set is_active = false, version = version + 1
         where user_name = $1
        """)
    private static let columns = """
        u.user_name, u.password_hash, u.privilege, u.is_active, u.version,
               array(select r.account_id from service_user_accounts r
                      where r.user_name = u.user_name order by r.account_id) as accounts,
               sees_live_accounts(u.user_name), u.revision
        """
    private static let load = Statement(
        "user.load", "select \(columns) from service_users u where u.user_name = $1")
    /// Refuses, with all that comes behind it, where the user is not what it was.
    static let proof = Statement(
        "user.prove",
        """
        select case when not exists (
                      select from service_users u
                       where u.user_name = $1 and u.revision = $2 and u.is_active offset 0)
                    then login_has_changed() end
        """)
    private static let list = Statement(
        "user.list", "select \(columns) from service_users u order by u.user_name")
    private static let block = Statement(
        "login.block",
        """
        select ceil(extract(epoch from blocked_until - now()))::bigint
          from failed_logins
         where user_name = $1 and address = $2 and blocked_until > now()
        """)
    private static let countFailure = Statement(
        "login.failure",
        """
        insert into failed_logins as f (user_name, address, failures, last_failure)
        values ($1, $2, 1, now())
        on conflict (user_name, address) do update
           set failures = case when f.last_failure < now() - interval '30 minutes' or f.blocked_until <= now()
                               then 1 else f.failures + 1 end,
               blocked_until = case when f.last_failure < now() - interval '30 minutes' or f.blocked_until <= now()
                                    then null
                                    when f.failures + 1 >= $3
                                    then coalesce(f.blocked_until, now() + interval '30 minutes') end,
               last_failure = now()
        returning ceil(extract(epoch from blocked_until - now()))::bigint
        """)
    private static let forgive = Statement(
        "login.success", "delete from failed_logins where user_name = $1 and address = $2")
    private static let forget = Statement(
        "login.forget",
        "delete from failed_logins where last_failure < now() - interval '1 day'")

    /// Creates a user that sees these accounts.
    ///
    /// V29 when the name is taken, V21 when it is not allowed, V24 when there is no such account.
    public func createUser(
        _ name: String, passwordHash: String, privilege: ServiceUser.Privilege, accounts: [Int64]
    ) throws {
        _ = try connection.all([
            (Self.insertUser, [.text(name), .text(passwordHash), .text(privilege.rawValue)]),
            (Self.grantAccounts, [.text(name), .ints(accounts)]),
        ])
    }

    /// Gives the user another password. V24 when there is none such.
    public func setPassword(of name: String, hash: String) throws {
        try requireUser(name, connection.run(Self.updatePassword, [.text(name), .text(hash)]))
    }

    /// Takes the user's access away for good. V24 when there is none such.
    public func revokeUser(_ name: String) throws {
        try requireUser(name, connection.run(Self.deactivate, [.text(name)]))
    }

    /// The user with what a login needs; nil when there is none such. Revoked users are found, too.
    public func user(named name: String) throws -> ServiceUser? {
        try connection.rows(Self.load, [.text(name)]).first.map { Self.user($0) }
    }

    /// The user as above, and for how many seconds its logins from this address are refused yet (L05); nil for none.
    public func login(
        of name: String, from address: String
    ) throws -> (user: ServiceUser?, blockedSeconds: Int?) {
        Self.login(try connection.all(loginStatements(of: name, from: address)))
    }

    /// The statements that a login reads, for ``login(_:)``.
    func loginStatements(of name: String, from address: String) -> [(Statement, [Parameter])] {
        [(Self.load, [.text(name)]), (Self.block, [.text(name), .text(address)])]
    }

    /// What the statements of a login have found.
    static func login(_ found: [Rows]) -> (user: ServiceUser?, blockedSeconds: Int?) {
        (found[0].first.map { Self.user($0) }, found[1].first.map { Int($0.int(0)) })
    }

    /// All users, by name.
    public func users() throws -> [ServiceUser] {
        try connection.rows(Self.list).map { Self.user($0) }
    }

    /// Counts a failed login of this name from this address. So many within 30 minutes of each other block both together
    /// for 30 minutes.
    ///
    /// - Returns: for how many seconds logins are refused from now on; nil while they are not.
    public func noteFailedLogin(of name: String, from address: String, most: Int = 10) throws -> Int? {
        try connection.rows(Self.countFailure, [.text(name), .text(address), .int(Int64(most))]).first?
            .optionalInt(0)
            .map { Int($0) }
    }

    /// Forgets the failed logins of this name from this address: it has succeeded.
    public func noteLogin(of name: String, from address: String) throws {
        try connection.run(Self.forgive, [.text(name), .text(address)])
    }

    /// Housekeeping: forgets failed logins of more than a day ago.
    public func forgetOldFailedLogins() throws {
        try connection.run(Self.forget)
    }

    private func requireUser(_ name: String, _ changed: Int) throws {
        if changed == 0 { throw Refusal(.notFound, "there is no service user \(name)", field: "userName") }
    }

    private static func user(_ row: Row) -> ServiceUser {
        ServiceUser(
            name: row.text(0), passwordHash: row.text(1), privilege: row.code(2), isActive: row.bool(3),
            version: row.int(4), revision: row.int(7), accounts: row.ints(5), seesLiveAccounts: row.bool(6))
    }
}
