import Pool
import Postgres
import Testing

@testable import BillingFCGI

@Suite struct ConfigurationTests {
    static func file(_ text: String) throws -> SettingsFile {
        try SettingsFile(path: "billing.env", bytes: Array(text.utf8))
    }

    /// environment over file over default
    @Test(arguments: [
        ([:], "", 20, SettingSource.builtIn),
        ([:], "BILLING_REQUEST_DEADLINE=30", 30, .file("billing.env")),
        (["BILLING_REQUEST_DEADLINE": "40"], "BILLING_REQUEST_DEADLINE=30", 40, .environment),
        (["BILLING_REQUEST_DEADLINE": "40"], "", 40, .environment),
    ])
    func theEnvironmentStandsOverTheFile(
        _ environment: [String: String], _ text: String, _ seconds: Int, _ source: SettingSource
    ) throws {
        let configuration = try Configuration(environment: environment, file: Self.file(text))
        #expect(configuration.requestDeadline == .seconds(seconds))
        let effective = configuration.effective.first { $0.setting.name == "BILLING_REQUEST_DEADLINE" }
        #expect(effective?.source == source)
    }

    /// text of a file | value of BILLING_PUBLIC_URL, or the refusal
    @Test(arguments: [
        ("# note\n\n; note\nBILLING_PUBLIC_URL=https://a.example\n", "https://a.example"),
        ("  BILLING_PUBLIC_URL = https://a.example/  \r\n", "https://a.example"),
        ("BILLING_PUBLIC_URL=\"https://a.example\"", "https://a.example"),
        ("BILLING_PUBLIC_URL='https://a.example'", "https://a.example"),
        ("BILLING_PORT=99\nBILLING_PUBLIC_URL=https://a.example", "https://a.example"),
        ("BILLING_PUBLIC_URL", "Line 1 of billing.env is not of the form NAME=value."),
        ("\n=x", "Line 2 of billing.env is not of the form NAME=value."),
        (
            "BILLING_PUBLIC_URL=https://a.example\nBILLING_PUBLIC_URL=https://b.example",
            "BILLING_PUBLIC_URL stands twice in billing.env."
        ),
        (
            "PATH=/bin",
            "PATH in billing.env is no setting: `billing check-config` lists those there are."
        ),
    ])
    func filesAreReadAsSystemdReadsThem(_ text: String, _ expected: String) {
        do throws(ConfigurationRefusal) {
            let file = try SettingsFile(path: "billing.env", bytes: Array(text.utf8))
            #expect(try Configuration(environment: [:], file: file).publicURL == expected)
        } catch {
            #expect(error.description == expected)
        }
    }

    /// name, value | the sentence, nil when possible
    @Test(arguments: [
        ("BILLING_WORKERS", "128", "together"), ("BILLING_WORKERS", "126", nil),
        (
            "BILLING_WORKERS", "0",
            "BILLING_WORKERS (environment) is '0': give a number of processes from 1 to 128."
        ),
        ("BILLING_WORKERS", "", "give a number of processes"), ("BILLING_WORKERS", "4x", "give a number"),
        ("BILLING_WORKERS", "-1", "give a number"),
        ("BILLING_WORKERS", "99999999999999999999", "give a number"),
        (
            "BILLING_WORKER", "4",
            "BILLING_WORKER in the environment is no setting: did you mean BILLING_WORKERS?"
        ),
        (
            "BILLING_NONSENSE", "4",
            "BILLING_NONSENSE in the environment is no setting: `billing check-config`"
        ),
        ("BILLING_TEST_USER", "x", nil), ("BILLING_PORT", "x", nil), ("HOME", "/", nil),
        ("BILLING_SOCKET", "relative.sock", "give the absolute path of a Unix socket"),
        ("BILLING_SOCKET", "/run/billing/billing-long.sock", "give each its own"),
        ("BILLING_SOCKET", "127.0.0.1:9000", nil), ("BILLING_SOCKET", "127.0.0.1:0", "or host:port"),
        ("BILLING_KEY_FILE", "vault.key", "give an absolute path"),
        ("BILLING_PUBLIC_URL", "billing.example.com", "give an address that begins with https://"),
        ("BILLING_PUBLIC_URL", "https://", "give an address"),
        ("BILLING_LOG_LEVEL", "loud", "give one of trace, debug, info"), ("BILLING_LOG_LEVEL", "debug", nil),
        ("BILLING_BODY_LIMIT", "1000", "give a number of bytes from 1024 to 67108864"),
        ("BILLING_JOBS_INTERVAL", "0.25", nil), ("BILLING_JOBS_INTERVAL", "0", "from 0.001 to 3600"),
        ("BILLING_JOBS_INTERVAL", "0.0001", "give a number of seconds"),
        ("BILLING_JOBS_INTERVAL", "1s", "give"),
        (
            "BILLING_LONG_REQUEST_DEADLINE", "10",
            "give at least BILLING_REQUEST_DEADLINE, which is 20 seconds"
        ),
        ("BILLING_DATABASE_URL", "", "BILLING_DATABASE_URL (environment) is not possible: give a value."),
    ])
    func impossibleValuesAreRefusedInOneSentence(_ name: String, _ value: String, _ sentence: String?) {
        do throws(ConfigurationRefusal) {
            _ = try Configuration(environment: [name: value], file: nil)
            #expect(sentence == nil, "\(name)=\(value) was taken")
        } catch {
            #expect(sentence.map { error.description.contains($0) } == true, "\(error)")
            #expect(error.description.hasSuffix(".") || error.description.hasSuffix("?"))
        }
    }

    @Test func everyDefaultIsPossible() throws {
        #expect(Set(Setting.table.map(\.name)).count == Setting.table.count)
        for setting in Setting.table where !setting.defaultValue.isEmpty {
            #expect(setting.complaint(about: setting.defaultValue) == nil, "\(setting.name)")
            #expect(setting.name.hasPrefix("BILLING_") && setting.meaning.hasSuffix("."), "\(setting.name)")
        }
        let configuration = try Configuration(environment: [:], file: nil)
        #expect(configuration.jobsInterval == .seconds(1))
        #expect(configuration.longRequestDeadline == .seconds(900))
        #expect(configuration.bodyLimit == 1 << 20)
        #expect(configuration.socket == .unix(path: "/run/billing/billing.sock"))
        #expect("\(configuration.logLevel)" == "info")
        #expect(configuration.missedBillMinutes == 5)
        #expect(configuration.credentialSeconds == 60)
    }

    @Test(arguments: [
        (DatabaseRole.owner, "billing_owner", 60), (.api, "billing_api", 5), (.jobs, "billing_jobs", 60),
        (.readonly, "billing_readonly", 20), (.sandbox, "billing_sandbox", 5),
    ])
    func eachRoleConnectsAsItself(_ role: DatabaseRole, _ user: String, _ seconds: Int) throws {
        let configuration = try Configuration(
            environment: ["BILLING_DATABASE_URL": "host=/run dbname=b"], file: nil)
        let connection = configuration.connection(as: role, for: "worker 3")
        #expect(connection.defaultUser == user)
        #expect(connection.connectionString == "host=/run dbname=b")
        #expect(connection.applicationName == "billing worker 3")
        #expect(connection.statementTimeout == seconds * 1_000)
        // The server gives up first, so that its answer still arrives (design/reliability).
        #expect(connection.networkTimeout > connection.statementTimeout)
        #expect(connection.lockTimeout < connection.statementTimeout)
    }

    @Test func theSandboxMayLiveElsewhere() throws {
        var environment = ["BILLING_DATABASE_URL": "dbname=b"]
        var configuration = try Configuration(environment: environment, file: nil)
        #expect(configuration.sandboxConnection.connectionString == "dbname=b")
        environment["BILLING_SANDBOX_DATABASE_URL"] = "dbname=s"
        configuration = try Configuration(environment: environment, file: nil)
        #expect(configuration.sandboxConnection.connectionString == "dbname=s")
        #expect(configuration.connection(as: .api).connectionString == "dbname=b")
    }

    @Test(arguments: [
        (["--slot", "3", "--pool", "long"], 3), (["--slot", "-3", "--pool", "long"], nil),
        (["--pool", "long", "--slot", "3"], nil), ([], nil), (["--slot", "3"], nil),
    ])
    func workersAreStartedByTheMasterOnly(_ arguments: [String], _ slot: Int?) {
        do throws(ConfigurationRefusal) {
            let parsed = try WorkerStart.parse(arguments)
            #expect(parsed.slot == slot && parsed.pool == "long")
        } catch {
            #expect(slot == nil)
        }
    }
}
