import Domain
import Glibc
import Testing

@testable import Vault

struct PasswordTests {
    @Test func `a password verifies against its own hash only`() throws {
        let hash = try Password.hash("correct horse")
        #expect(hash.hasPrefix("$argon2id$v=19$m=19456,t=2,p=1$") && hash.utf8.count < 128)
        #expect(try Password.hash("correct horse") != hash)
        #expect(!Password.isOutdated(hash))
        let cases: [(String, String?, Bool)] = [
            ("correct horse", hash, true),
            ("correct hors", hash, false),
            ("correct horse\0", hash, false),
            ("", hash, false),
            ("correct horse", nil, false),
            ("correct horse", "", false),
            ("correct horse", "$argon2id$garbled", false),
        ]
        for (password, stored, expected) in cases {
            #expect(try Password.verify(password, against: stored) == expected, "\(password.utf8.count)")
        }
        let empty = try Password.hash("")
        #expect(try Password.verify("", against: empty))
    }

    @Test func `a hash at another cost is outdated`() {
        let weaker =
            "$argon2id$v=19$m=8192,t=1,p=1$WMQrP+gf5CA/s1H4/LdyYw$TADPvDe++ZcPGiD1JVQbnSH2fibVd6fH4zgUD41J2+Y"
        #expect(Password.isOutdated(weaker))
        #expect(Password.isOutdated("garbled"))
    }

    @Test func `an unknown user costs as much as a known one`() throws {
        let hash = try Password.hash("right")
        // Processor time of this thread: a busy machine does not lengthen it.
        func now() -> Int {
            var time = timespec()
            clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
            return time.tv_sec * 1_000_000_000 + time.tv_nsec
        }
        func fastest(_ stored: String?) throws -> Int {
            try (0..<3).map { _ in
                let start = now()
                _ = try Password.verify("wrong", against: stored)
                return now() - start
            }.min() ?? 0
        }
        let known = try fastest(hash)
        let unknown = try fastest(nil)
        #expect(unknown > known / 2 && unknown < known * 2, "known \(known) ns, unknown \(unknown) ns")
    }

    @Test func `a temporary password verifies against its digest only`() {
        let password = Random.temporaryPassword()
        let digest = TemporaryPassword.digest(of: password)
        #expect(digest.count == 32)
        #expect(TemporaryPassword.verify(password, against: digest))
        #expect(!TemporaryPassword.verify(Random.temporaryPassword(), against: digest))
        #expect(!TemporaryPassword.verify("", against: digest))
        #expect(!TemporaryPassword.verify(password, against: []))
        #expect(!TemporaryPassword.verify(password, against: Array(digest.dropLast())))
    }

    @Test func `credentials are remembered for a while, for one version and one password`() {
        let memory = CredentialMemory(seconds: 60, capacity: 10)
        let start = Timestamp(microsecondsSince1970: 1_000_000_000)
        memory.remember(user: "api-a", password: "one", revision: 4, now: start)
        let cases: [(String, String, Int64, Int, Bool)] = [
            ("api-a", "one", 4, 0, true),
            ("api-a", "two", 4, 0, false),
            ("api-a", "", 4, 0, false),
            ("api-b", "one", 4, 0, false),
            ("api-a", "one", 4, 59, true),
            ("api-a", "one", 4, 60, false),
        ]
        for (user, password, version, age, expected) in cases {
            let answer = memory.knows(
                user: user, password: password, revision: version, now: start.adding(seconds: age))
            #expect(answer == expected, "\(user) version \(version) age \(age)")
        }
        #expect(memory.count == 0)
        memory.remember(user: "api-a", password: "one", revision: 4, now: start)
        #expect(!memory.knows(user: "api-a", password: "one", revision: 5, now: start))
        #expect(memory.count == 0)
        memory.remember(user: "api-a", password: "one", revision: 5, now: start)
        #expect(!memory.knows(user: "api-a", password: "one", revision: 5, now: start.adding(seconds: -1)))
        memory.remember(user: "api-a", password: "one", revision: 5, now: start)
        memory.remember(user: "api-a", password: "two", revision: 6, now: start)
        #expect(memory.count == 1)
        #expect(memory.knows(user: "api-a", password: "two", revision: 6, now: start))
        memory.forget(user: "api-a")
        #expect(!memory.knows(user: "api-a", password: "two", revision: 6, now: start))
    }

    @Test func `user and password cannot run into each other`() {
        let memory = CredentialMemory()
        let start = Timestamp(microsecondsSince1970: 0)
        memory.remember(user: "api-a", password: "b", revision: 1, now: start)
        #expect(!memory.knows(user: "api-", password: "ab", revision: 1, now: start))
    }

    @Test func `the memory stays within its bound and forgets the oldest`() {
        let memory = CredentialMemory(seconds: 60, capacity: 3)
        let start = Timestamp(microsecondsSince1970: 0)
        for index in 0..<5 {
            memory.remember(
                user: "api-\(index)", password: "p", revision: 1, now: start.adding(seconds: index))
        }
        let now = start.adding(seconds: 5)
        let known = (0..<5).filter { memory.knows(user: "api-\($0)", password: "p", revision: 1, now: now) }
        #expect(known == [2, 3, 4])
        memory.remember(user: "api-9", password: "p", revision: 1, now: start.adding(seconds: 100))
        #expect(memory.count == 1)
    }
}
