import Domain
import Glibc
import Persistence
import Pool
import Vault

/// Who calls: HTTP Basic with a service user (spec 4.1).
///
/// A password that was verified is remembered for a short time under a keyed hash, bound to the user's
/// revision in the database: the slow hash runs once, a changed or revoked password stops working at once everywhere.
/// A temporary password is random enough for a fast hash, and looked for in the database at each request.
final class Login {
    private let books: PostgresBooks
    private let memory: CredentialMemory
    /// Who they were whose passwords are remembered.
    private var seen: [String: ServiceUser] = [:]
    private let standAside: () -> Void
    private let mostFailures: Int

    init(
        books: PostgresBooks, seconds: Int, mostFailures: Int, standAside: @escaping () -> Void
    ) {
        self.books = books
        self.mostFailures = mostFailures
        self.standAside = standAside
        memory = CredentialMemory(seconds: seconds)
    }

    /// Who calls by HTTP authentication.
    ///
    /// - Throws: `Refusal`: L01 without credentials; L02 wrong ones; L05 too many failures.
    func caller(of request: Request) throws -> Caller {
        guard let header = request.authorization else {
            throw Refusal(
                .noCredentials, "send the credentials of a service user by HTTP Basic authentication")
        }
        guard let (name, password) = Login.credentials(in: header) else { throw Login.wrong }
        return try caller(name, password, address: request.remoteAddress ?? "unknown", temporary: true)
    }

    /// Who calls by the password in the body of ~authenticate; a temporary one is none.
    ///
    /// - Throws: `Refusal`: L02 wrong name or password; L05 too many failures.
    func user(named name: String, password: String, of request: Request) throws -> ServiceUser {
        let address = request.remoteAddress ?? "unknown"
        guard Login.isPossible(name: name, password: password) else {
            return try caller("-", "-", address: address, temporary: false).user
        }
        return try caller(name, password, address: address, temporary: false).user
    }

    private func caller(
        _ name: String, _ password: String, address: String, temporary: Bool
    ) throws -> Caller {
        books.go(by: nil)
        if let user = remembered(name, password) {
            books.go(by: user)
            return Caller(user: user, isTemporary: false)
        }
        let found: ServiceUser?
        let blocked: Int?
        // Only what looks like a temporary password is looked for among them: other logins pay nothing for it.
        if temporary, Random.isTemporaryPassword(password) {
            let login = try books.operating { try $0.loginByTemporaryPassword(of: name, from: address) }
            let isKnown = login.digests.reduce(false) {
                TemporaryPassword.verify(password, against: $1) || $0
            }
            if isKnown, let user = login.user, user.isActive { return Caller(user: user, isTemporary: true) }
            (found, blocked) = (login.user, login.blockedSeconds)
        } else {
            (found, blocked) = try books.operating { try $0.login(of: name, from: address) }
        }
        let now = RealClock.now()
        if let found, found.isActive,
            memory.knows(user: name, password: password, revision: found.revision, now: now)
        {
            note(found)
            return Caller(user: found, isTemporary: false)
        }
        if let blocked { throw LoginBlocked(seconds: blocked) }
        // An unknown user costs the same time as a wrong password, and nobody else's.
        standAside()
        let hash = found?.isActive == true ? found?.passwordHash : nil
        guard try Password.verify(password, against: hash), let found, found.isActive else {
            if let seconds = try books.operating({
                try $0.noteFailedLogin(of: name, from: address, most: mostFailures)
            }) {
                throw LoginBlocked(seconds: seconds)
            }
            throw Login.wrong
        }
        memory.remember(user: name, password: password, revision: found.revision, now: now)
        note(found)
        try books.operating { try $0.noteLogin(of: name, from: address) }
        return Caller(user: found, isTemporary: false)
    }

    /// The user of a login that was verified a short while ago. Whether it still is what it was is asked together with what the
    /// request does first.
    private func remembered(_ name: String, _ password: String) -> ServiceUser? {
        guard let user = seen[name] else { return nil }
        if memory.knows(user: name, password: password, revision: user.revision, now: RealClock.now()) {
            return user
        }
        seen[name] = nil
        return nil
    }

    private func note(_ user: ServiceUser) {
        if seen.count >= 1000 { seen.removeAll() }
        seen[user.name] = user
    }

    /// Whether a request that ended with this error went by a login that is not what it was: then it is to be run again.
    ///
    /// A refusal before anything was asked of the database counts only once the login is proven: a revoked user learns nothing.
    func hasChanged(by error: any Error) -> Bool {
        var error = error
        // After trouble with the database the work may be done: it is never begun anew.
        if error is DatabaseTrouble || error is OutcomeUnknown { return false }
        if !(error is LoginChanged) {
            do { try books.proveLogin() } catch let other { error = other }
        }
        guard error is LoginChanged else { return false }
        seen.removeAll()
        return true
    }

    /// One refusal for an unknown user, a foreign one and a wrong password.
    static let wrong = Refusal(.wrongCredentials, "the service user or its password is wrong")

    private static func isPossible(name: String, password: String) -> Bool {
        !name.isEmpty && name.utf8.count <= 60 && password.utf8.count <= 1024 && !name.utf8.contains(0)
            && !password.utf8.contains(0)
    }

    /// Name and password of a Basic header; nil when it is none.
    static func credentials(in header: String) -> (name: String, password: String)? {
        let scheme = "basic".utf8
        let text = header.utf8.drop { $0 == UInt8(ascii: " ") }
        let rest = text.dropFirst(scheme.count)
        guard text.prefix(scheme.count).elementsEqual(scheme, by: { $0 | 0x20 == $1 }),
            rest.first == UInt8(ascii: " "),
            let bytes = Base64.decode(Substring(rest.drop { $0 == UInt8(ascii: " ") })),
            let colon = bytes.firstIndex(of: UInt8(ascii: ":")),
            let name = String(validating: bytes[..<colon], as: UTF8.self),
            let password = String(validating: bytes[(colon + 1)...], as: UTF8.self)
        else { return nil }
        return isPossible(name: name, password: password) ? (name, password) : nil
    }
}

/// Who calls, and by what.
struct Caller {
    let user: ServiceUser
    /// Whether it was a temporary password.
    let isTemporary: Bool
}

/// Too many failed logins (L05).
struct LoginBlocked: Error {
    /// Until logins count again.
    let seconds: Int
}

/// The machine's clock: for credentials and logs, never for the rules.
enum RealClock {
    static func now() -> Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(
            microsecondsSince1970: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000)
    }
}
