import Domain
import Glibc
import Persistence
import Pool
import Vault

/// Who calls: HTTP Basic with a service user (spec 4.1).
///
/// A password that was verified is remembered for a short time under a keyed hash, bound to the version of the
/// credential in the database: the slow hash runs once, a changed or revoked password stops working at once everywhere.
final class Login {
    private let books: PostgresBooks
    private let memory: CredentialMemory
    private let standAside: () -> Void

    init(books: PostgresBooks, seconds: Int, standAside: @escaping () -> Void) {
        self.books = books
        self.standAside = standAside
        memory = CredentialMemory(seconds: seconds)
    }

    /// - Throws: `Refusal`: L01 without credentials; L02 wrong ones; L05 too many failures.
    func user(of request: Request) throws -> ServiceUser {
        guard let header = request.authorization else {
            throw Refusal(
                .noCredentials, "send the credentials of a service user by HTTP Basic authentication")
        }
        guard let (name, password) = Login.credentials(in: header) else {
            throw Refusal(.wrongCredentials, Login.wrong)
        }
        let address = request.remoteAddress ?? "unknown"
        let (found, blocked) = try books.operating { try $0.login(of: name, from: address) }
        let now = RealClock.now()
        if let found, found.isActive,
            memory.knows(user: name, password: password, version: found.version, now: now)
        {
            return found
        }
        if let blocked { throw LoginBlocked(seconds: blocked) }
        // An unknown user costs the same time as a wrong password, and nobody else's.
        standAside()
        let hash = found?.isActive == true ? found?.passwordHash : nil
        guard try Password.verify(password, against: hash), let found, found.isActive else {
            if let seconds = try books.operating({ try $0.noteFailedLogin(of: name, from: address) }) {
                throw LoginBlocked(seconds: seconds)
            }
            throw Refusal(.wrongCredentials, Login.wrong)
        }
        memory.remember(user: name, password: password, version: found.version, now: now)
        try books.operating { try $0.noteLogin(of: name, from: address) }
        return found
    }

    private static let wrong = "the service user or its password is wrong"

    /// Name and password of a Basic header; nil when it is none.
    static func credentials(in header: String) -> (name: String, password: String)? {
        let parts = header.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "basic",
            let bytes = Base64.decode(parts[1].drop { $0 == " " }),
            let text = String(validating: bytes, as: UTF8.self),
            let colon = text.utf8.firstIndex(of: UInt8(ascii: ":"))
        else { return nil }
        let name = String(text[..<colon])
        let password = String(text[text.utf8.index(after: colon)...])
        guard !name.isEmpty, name.utf8.count <= 60, password.utf8.count <= 1024,
            !name.utf8.contains(0), !password.utf8.contains(0)
        else { return nil }
        return (name, password)
    }
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
