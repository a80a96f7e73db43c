public import Domain
internal import Postgres

// Temporary passwords of service users (spec 4.1, 2.12). Only hashes are kept; a password holds for the version of the
// credentials that it was made under.
extension OperatorStore {
    /// How many of a user hold at one time; one more ends the oldest.
    public static let temporaryPasswordLimit = 10

    private static let live = Statement(
        "login.temporary",
        """
        select p.digest
          from temporary_passwords p
          join service_users u on u.user_name = p.user_name and u.version = p.user_version and u.is_active
         where p.user_name = $1 and p.expires_at > now()
         order by p.create_date desc, p.digest
         limit $2
        """)
    private static let insertTemporary = Statement(
        "temporary_password.insert",
        """
        insert into temporary_passwords (user_name, digest, user_version, expires_at)
        select u.user_name, $2, u.version, clock_timestamp() + make_interval(secs => $4)
          from service_users u
         where u.user_name = $1 and u.version = $3 and u.is_active
        returning expires_at
        """)
    private static let endOldest = Statement(
        "temporary_password.end_oldest",
        """
        delete from temporary_passwords
         where user_name = $1
           and digest in (select p.digest from temporary_passwords p where p.user_name = $1
                           order by p.user_version desc, p.create_date desc, p.digest offset $2)
        """)
    private static let forgetTemporary = Statement(
        "temporary_password.forget",
        """
        delete from temporary_passwords p
         using service_users u
         where u.user_name = p.user_name
           and (p.expires_at <= now() or p.user_version <> u.version or not u.is_active)
        """)

    /// Keeps the hash of a new temporary password for these seconds; nil where the credentials have changed meanwhile.
    public func insertTemporaryPassword(
        of user: ServiceUser, digest: [UInt8], seconds: Int
    ) throws -> LocalDateTime? {
        let done = try connection.all([
            (
                Self.insertTemporary,
                [.text(user.name), .bytes(digest), .int(user.version), .int(Int64(seconds))]
            ),
            (Self.endOldest, [.text(user.name), .int(Int64(Self.temporaryPasswordLimit))]),
        ])
        return done[0].first?.localDateTime(0)
    }

    /// Housekeeping: forgets temporary passwords that hold no more.
    public func forgetEndedTemporaryPasswords() throws {
        try connection.run(Self.forgetTemporary)
    }

    /// What a login needs, see `login(of:from:)`, with the hashes of the user's temporary passwords that hold now.
    public func loginByTemporaryPassword(
        of name: String, from address: String
    ) throws -> (user: ServiceUser?, blockedSeconds: Int?, digests: [[UInt8]]) {
        let found = try connection.all(
            loginStatements(of: name, from: address) + [
                (Self.live, [.text(name), .int(Int64(Self.temporaryPasswordLimit))])
            ])
        let login = Self.login(found)
        return (login.user, login.blockedSeconds, found[2].map { $0.bytes(0) })
    }
}
