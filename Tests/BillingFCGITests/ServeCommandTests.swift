import Glibc
import Interchange
import TestSupport
import Testing

@Suite struct ServeCommandTests {
    @Test func whatKeepsItFromStartingIsOneSentence() throws {
        let installation = try Installation().withKey()
        let folder = installation.folder.path
        try installation.folder.write("taken", to: "taken")
        var cases = [
            (["BILLING_KEY_FILE": "\(folder)/none"], "there is no such file"),
            (["BILLING_SOCKET": "\(folder)/none/main.sock"], "\(folder)/none/main.sock cannot be opened"),
            (["BILLING_SOCKET": "\(folder)/taken"], "exists and is not a socket"),
        ]
        if geteuid() == 0 {
            cases += [
                (["BILLING_RUN_USER": "no-such-user"], "no-such-user, which is no user of this machine"),
                (["BILLING_RUN_USER": "root"], "root, which has root's rights"),
                (["BILLING_RUN_USER": "nobody"], "workers run as nobody and cannot read it"),
            ]
        }
        for (changes, sentence) in cases {
            let answer = try installation.billing("serve", changing: changes)
            #expect(answer.status == 1, "\(changes): \(answer.errors)")
            #expect(answer.errors.contains(sentence), "\(answer.errors)")
            #expect(answer.errors.split(separator: "\n").count == 1, "\(answer.errors)")
        }
    }

    @Test func aBadConfigurationOnReloadKeepsTheOldOne() throws {
        let installation = try Installation().withKey()
        let log = "\(installation.folder.path)/log"
        try installation.folder.write("", to: "billing.env")
        func logged(_ text: String) -> Bool { waitUntil { readText(log)?.contains(text) == true } }
        let serve = try Subprocess(
            Installation.program, ["serve"],
            environment: installation.environment(["BILLING_RUN_DIR": installation.folder.path]),
            errors: .file(log), ownGroup: true)
        #expect(logged("\"master started\""))
        try installation.folder.write("BILLING_BODY_LIMIT=1", to: "billing.env")
        serve.signal(SIGHUP)
        #expect(logged("reload refused: the old configuration stays"))
        #expect(logged("BILLING_BODY_LIMIT"))
        try installation.folder.write("BILLING_BODY_LIMIT=4096", to: "billing.env")
        serve.signal(SIGHUP)
        #expect(logged("\"reload finished\""), "\(readText(log) ?? "")")
        #expect(serve.stop(SIGTERM) == 0)
        #expect(readText(log)?.contains("cannot start") == false, "\(readText(log) ?? "")")
        #expect(access("\(installation.folder.path)/main.sock", F_OK) != 0)
    }

    @Test func theJobsProcessGivesSignsOfLife() throws {
        let installation = try Installation().withKey()
        let log = "\(installation.folder.path)/log"
        let jobs = try Subprocess(
            Installation.program, ["jobs"], environment: installation.environment([:]), errors: .file(log),
            ownGroup: true)
        let alive = try waitUntil {
            try installation.document("status")["secondsSinceHeartbeat"] != .null
        }
        #expect(alive, "\(readText(log) ?? "")")
        #expect(jobs.stop(SIGTERM) == 0)
    }
}
