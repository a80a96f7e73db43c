import Interchange
import Persistence
import Postgres
import TestSupport
import Testing
import Vault

@Suite struct UserCommandTests {
    private func stored(_ name: String, _ installation: Installation) throws -> ServiceUser? {
        let books = PostgresBooks(ConnectionSettings(installation.administration))
        defer { books.close() }
        return try books.operating { try $0.user(named: name) }
    }

    private func password(in document: Value) throws -> String {
        guard case .text(let password) = document["password"] else { throw SetupFailure("no password") }
        return password
    }

    @Test func thePasswordIsShownOnceAndKeptAsHashOnly() throws {
        let installation = try Installation()
        try installation.administer(
            "alter role billing_owner in database \(installation.database.split(separator: "=").last ?? "") set log_statement = 'all'"
        )
        _ = try installation.document("account", "create", "--id", "3001", "--name", "Blue")
        _ = try installation.document("account", "create", "--id", "3002", "--name", "Red")
        let created = try installation.document(
            "user", "create", "api-blue", "--account", "3002", "--account", "3001", "--privilege",
            "management-api-read")
        let first = try password(in: created)
        #expect(
            created
                == .object([
                    .init("userName", .text("api-blue")), .init("password", .text(first)),
                    .init("privilege", .text("management-api-read")),
                    .init("accounts", .list([.integer(3001), .integer(3002)])),
                    .init("isActive", .boolean(true)),
                ]))
        let hash = try #require(try stored("api-blue", installation)).passwordHash
        #expect(try Password.verify(first, against: hash))

        let second = try password(in: installation.document("user", "password", "api-blue"))
        #expect(second != first)
        let user = try #require(try stored("api-blue", installation))
        #expect(try Password.verify(second, against: user.passwordHash))
        #expect(try !Password.verify(first, against: user.passwordHash))

        let text = try installation.billing("user", "create", "api-red", "--account", "3002").output
        #expect(text.hasPrefix("user name  api-red\npassword   "))
        let third = String(try #require(text.split(separator: "\n")[1].split(separator: " ").last))
        #expect(try Password.verify(third, against: stored("api-red", installation)?.passwordHash))

        let revoked = try installation.document("user", "revoke", "api-blue")
        #expect(revoked["isActive"] == .boolean(false))
        let listed = try installation.billing("user", "list", "--json").output
        let server = try PrivateServer.shared
        let log = try #require(server.logFile.flatMap { readText($0) })
        #expect(log.contains("update service_users"), "the server logs statements")
        for secret in [first, second, third] {
            #expect(!listed.contains(secret) && !log.contains(secret))
        }
        #expect(!listed.contains("argon2"))
        #expect(
            try installation.billing("user", "list").output == """
                NAME      PRIVILEGE            STATE    ACCOUNTS
                api-blue  management-api-read  revoked  3001 3002
                api-red   management-api       active   3002

                """)
    }

    @Test func whatIsRefusedIsSaidInOneSentence() throws {
        let installation = try Installation()
        _ = try installation.document("account", "create", "--id", "3001", "--name", "Blue")
        _ = try installation.document("user", "create", "api-blue", "--account", "3001")
        _ = try installation.document("user", "create", "api-gone", "--account", "3001")
        _ = try installation.document("user", "revoke", "api-gone")
        // arguments | status | on standard error
        let cases: [([String], Int32, String)] = [
            (["create", "api-blue", "--account", "3001"], 1, "this service user exists already"),
            (["create", "blue", "--account", "3001"], 1, "userName must begin with api-"),
            (["create", "api-red", "--account", "77"], 1, "there is no merchant account 77"),
            (["create", "api-red"], 2, "--account"),
            (["create", "api-red", "--account", "3001", "--privilege", "boss"], 2, "'boss' is no privilege"),
            (["password", "api-red"], 1, "there is no service user api-red"),
            (["password", "api-gone"], 1, "was revoked"),
            (["revoke", "api-red"], 1, "no service user api-red"),
        ]
        for (arguments, status, sentence) in cases {
            let answer = try Installation.run(["user"] + arguments, installation.environment([:]))
            #expect(answer.status == status, "\(arguments): \(answer.errors)")
            #expect(answer.errors.contains(sentence), "\(arguments): \(answer.errors)")
            #expect(answer.output == "", "\(arguments)")
        }
    }
}
