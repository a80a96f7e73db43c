import Glibc
import Interchange
import TestSupport
import Testing

@testable import BillingFCGI

@Suite struct OperationCommandTests {
    /// arguments | status | on standard output | on standard error
    @Test(arguments: [
        (["--help"], 0, "USAGE: billing", ""), (["help", "account", "set"], 0, "<field=value>", ""),
        (["version"], 0, Version.current, ""), (["--version"], 0, Version.current, ""),
        (["version", "--json"], 0, "{\"version\":\"\(Version.current)\"}\n", ""),
        (["routes"], 0, "METHODS", ""), (["nonsense"], 2, "", "nonsense"),
        (["status", "--chek"], 2, "", "--chek"), (["worker"], 1, "", "not by hand"),
    ])
    func theExitStatusTellsUsageFromRefusal(
        _ arguments: [String], _ status: Int32, _ output: String, _ errors: String
    ) throws {
        let answer = try Installation.run(arguments, [])
        #expect(answer.status == status, "\(answer.errors)")
        #expect(answer.output.contains(output), "\(answer.output)")
        #expect(errors.isEmpty ? answer.errors.isEmpty : answer.errors.contains(errors), "\(answer.errors)")
    }

    @Test func migrationsMayRunTwiceAndManyAtOnce() throws {
        let installation = try Installation(migrated: false)
        let before = try installation.billing("status")
        #expect(before.status == 1 && before.errors.contains("run `billing migrate`"))
        #expect(try installation.billing("account", "list").errors.contains("run `billing migrate`"))

        let outputs = (0..<4).map { "\(installation.folder.path)/migrate.\($0)" }
        let processes = try outputs.map { output in
            try Subprocess(
                Installation.program, ["migrate", "--json"], environment: installation.environment([:]),
                output: .file(output), errors: .inherited)
        }
        for process in processes { #expect(process.wait() == 0) }
        let documents = try outputs.map { try Installation.read(readText($0) ?? "") }
        // Each migration was applied by one of them, and one made the key; the others waited.
        var applied: [Value] = []
        for document in documents {
            if case .list(let names) = document["applied"] { applied += names }
        }
        #expect(!applied.isEmpty && Set(applied).count == applied.count)
        let key = "\(installation.folder.path)/vault.key"
        let text = readText(key)
        #expect(text?.hasPrefix("billing-vault-key v1 ") == true)

        let again = try installation.document("migrate")
        #expect(again["applied"] == .list([]) && again["keyFileMade"] == .boolean(false))
        #expect(readText(key) == text)
        let standing = try installation.document("status", "--check")
        #expect(standing["schema"]?["state"] == .text("current"))
        #expect(standing["brokenInvariants"] == .list([]))
        #expect(standing["secondsSinceHeartbeat"] == .null)
    }

    @Test func aLostVaultKeyIsNotReplaced() throws {
        let installation = try Installation()
        _ = try installation.document("account", "create", "--id", "3001", "--name", "Blue")
        try installation.administer("insert into vault_keys (account_id, wrapped) values (3001, 'x')")
        let refused = try installation.billing("migrate")
        #expect(refused.status == 1 && refused.errors.contains("restore the file from its copy"))
        #expect(access("\(installation.folder.path)/vault.key", F_OK) != 0)
        try installation.folder.write("anything", to: "vault.key")
        #expect(try installation.billing("migrate").status == 0)
    }

    @Test func brokenBooksAreNamed() throws {
        let installation = try Installation()
        _ = try installation.document("account", "create", "--id", "3001", "--name", "Blue")
        #expect(try installation.billing("status", "--check").status == 0)
        try installation.administer(
            """
            set session_replication_role = replica;
            insert into customers (account_id, first_name, last_name, balance, create_date)
            values (3001, 'Ann', 'Smith', 5, now());
            """)
        #expect(try installation.billing("status").status == 0)
        let checked = try installation.billing("status", "--check")
        #expect(checked.status == 1)
        #expect(checked.errors.contains("customer_balance"))
        #expect(checked.output.contains("has a balance of 5, its ledger of 0"))
    }

    @Test func anUnreachableDatabaseIsOneSentenceWithoutThePassword() throws {
        let installation = try Installation()
        for url in [
            "host=\(installation.folder.path) password=hunter22 dbname=billing",
            "postgresql://ann:hunter22@localhost:1/billing",
            "postgresql://ann:hunter22@localhost:port/billing",
            "host=x password='hunter22",
        ] {
            for arguments in [["status"], ["migrate"], ["account", "list"], ["user", "list"]] {
                let answer = try Installation.run(
                    arguments, installation.environment(["BILLING_DATABASE_URL": url]))
                #expect(answer.status == 1)
                #expect(answer.errors.contains("the database cannot be reached"), "\(answer.errors)")
                #expect(answer.errors.split(separator: "\n").count == 1, "\(answer.errors)")
                #expect(!(answer.errors + answer.output).contains("hunter22"))
            }
        }
    }

    @Test func theConfigurationIsShownWithoutItsSecrets() throws {
        let installation = try Installation()
        let file = try installation.folder.write(
            "BILLING_CREDENTIAL_SECONDS=30\nBILLING_PORT=8443\n", to: "billing.env")
        let url = [
            "BILLING_DATABASE_URL": "host=/run password=hunter22",
            "BILLING_RUN_DIR": installation.folder.path,
        ]
        let answer = try installation.billing("check-config", "--json", changing: url)
        #expect(answer.status == 0 && !answer.output.contains("hunter22"))
        guard case .list(let settings) = try Installation.read(answer.output) else {
            throw SetupFailure(answer.output)
        }
        #expect(settings.compactMap { $0["name"] } == Setting.table.map { .text($0.name) })
        let seconds = settings.first { $0["name"] == .text("BILLING_CREDENTIAL_SECONDS") }
        #expect(seconds?["value"] == .text("30") && seconds?["source"] == .text(file))
        #expect(try !installation.billing("check-config", changing: url).output.contains("hunter22"))

        try installation.folder.write("BILLING_WORKRES=4", to: "billing.env")
        let refused = try installation.billing("check-config", changing: url)
        #expect(
            refused.status == 1
                && refused.errors
                    == "billing: BILLING_WORKRES in \(file) is no setting: did you mean BILLING_WORKERS?\n"
        )
        let missing = try installation.billing("status", changing: ["BILLING_RUN_DIR": "/nowhere"])
        #expect(missing.status == 1)
        #expect(missing.errors.contains("/nowhere/billing.env, which BILLING_RUN_DIR names, cannot be read"))
    }
}
