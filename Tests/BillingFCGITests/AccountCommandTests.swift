import Interchange
import TestSupport
import Testing

@Suite struct AccountCommandTests {
    @Test func anAccountIsCreatedShownChangedAndListed() throws {
        let installation = try Installation()
        let created = try installation.document(
            "account", "create", "--id", "3001", "--name", "Blue & Söhne", "--mode", "live", "--time-zone",
            "America/New_York", "--currency", "JPY", "--set", "retryDays=1,2", "--set", "settlementTime=08:30"
        )
        let expected: [(String, Value)] = [
            ("id", .integer(3001)), ("name", .text("Blue & Söhne")), ("mode", .text("live")),
            ("timeZone", .text("America/New_York")), ("currency", .text("JPY")),
            ("processor", .text("sandbox")), ("balancingAlgorithm", .text("AB")),
            ("invoiceLeadDays", .integer(0)), ("closeSalesDays", .integer(0)),
            ("retryDays", .list([.integer(1), .integer(2)])),
            ("onRetriesExhausted", .text("none")), ("lateFeeAmount", .integer(0)),
            ("lateFeeGraceDays", .integer(10)), ("softDeclineFee", .integer(0)),
            ("hardDeclineFee", .integer(0)), ("retryFee", .integer(0)), ("chargebackFee", .integer(0)),
            ("enrollmentFee", .integer(0)), ("cancellationFee", .integer(0)), ("freezeFlatFee", .integer(0)),
            ("freezeRecurringFee", .integer(0)), ("writeOffDays", .integer(0)),
            ("claimReturnDays", .integer(3)), ("settlementTime", .text("08:30")),
        ]
        #expect(created == .object(expected.map { .init($0.0, $0.1) }))
        #expect(try installation.document("account", "show", "3001") == created)

        let changed = try installation.document(
            "account", "set", "3001", "lateFeeAmount=500", "lateFeeGraceDays=", "retryDays=")
        #expect(changed["lateFeeAmount"] == .integer(500))
        #expect(changed["lateFeeGraceDays"] == .integer(10))
        #expect(changed["retryDays"] == .list([.integer(3), .integer(5), .integer(7)]))
        #expect(changed["settlementTime"] == .text("08:30"))
        #expect(try installation.document("account", "list") == .list([changed]))

        let text = try installation.billing("account", "list").output
        #expect(
            text
                == "ID    MODE  TIME ZONE         CURRENCY  NAME\n3001  live  America/New_York  JPY       Blue & Söhne\n"
        )
    }

    @Test func whatIsRefusedIsSaidInOneSentence() throws {
        let installation = try Installation().withKey()
        _ = try installation.document("account", "create", "--id", "3001", "--name", "Blue")
        let create = ["account", "create", "--id", "3002", "--name", "Red"]
        let set = ["account", "set", "3001"]
        // arguments | status | on standard error
        let cases: [([String], Int32, String)] = [
            (
                ["account", "create", "--id", "3001", "--name", "Again"], 1,
                "this merchant account exists already"
            ),
            (["account", "create", "--id", "0", "--name", "None"], 1, "id must be from 1 to 2147483647"),
            (create + ["--time-zone", "America/New_Yrok"], 1, "did you mean America/New_York?"),
            (create + ["--time-zone", "Mars/Base"], 1, "give an IANA name"),
            // PostgreSQL alone would take this as a rule of POSIX.
            (create + ["--time-zone", "Foo5"], 1, "there is no time zone Foo5"),
            (create + ["--currency", "ABC"], 1, "currency must be a currency code of ISO 4217"),
            (create + ["--mode", "test"], 1, "mode must be one of sandbox, live"),
            (create + ["--set", "name=Two"], 1, "name is given twice"),
            (create + ["--set", "lateFeeAmount"], 2, "'lateFeeAmount' is not of the form field=value"),
            (create + ["--set", "=5"], 2, "not of the form field=value"),
            (set + ["lateFeAmount=5"], 1, "did you mean lateFeeAmount?"),
            (set + ["lateFeeAmount=-1"], 1, "lateFeeAmount must be from 0 to 99999999999"),
            (set + ["lateFeeAmount=1.5"], 1, "lateFeeAmount must be a whole number"),
            (set + ["invoiceLeadDays=61"], 1, "invoiceLeadDays must be from 0 to 60"),
            (set + ["retryDays=3,0"], 1, "retryDays must have numbers that are each from 1 to 365"),
            (set + ["settlementTime=24:00"], 1, "settlementTime must be a time of day, HH:mm"),
            (set + ["name="], 1, "name is required"), (set + ["id=7"], 1, "id cannot be set"),
            (set + ["processor=other"], 1, "processor must be one that this server has: sandbox"),
            (set + ["timeZone=America/New_Yrok"], 1, "did you mean America/New_York?"),
            (
                create + ["--set", "processor=other"], 1,
                "processor must be one that this server has: sandbox"
            ),
            (set + ["onRetriesExhausted=stop"], 1, "must be one of none, pause, cancel"),
            (
                set + ["currency=EUR", "mode=live"], 1,
                "currency cannot be changed; mode cannot be changed"
            ),
            (["account", "set", "77", "name=x"], 1, "there is no merchant account 77"),
            (["account", "show", "77"], 1, "there is no merchant account 77"),
            (["account", "show", "abc"], 2, "'abc'"), (["account", "set", "3001"], 2, "field=value"),
            (["account", "create", "--name", "x"], 2, "--id"), (["account", "crate"], 2, "crate"),
            (["run", "--account", "77"], 1, "there is no merchant account 77"),
            (["run", "--account", "3001", "--date", "2026-02-30"], 2, "'2026-02-30' is no date"),
            (
                ["run", "--account", "3001", "--date", "1999-01-01"], 1,
                "a pass runs on the business date only"
            ),
        ]
        for (arguments, status, sentence) in cases {
            let answer = try Installation.run(arguments, installation.environment([:]))
            #expect(answer.status == status, "\(arguments): \(answer.errors)")
            #expect(answer.errors.contains(sentence), "\(arguments): \(answer.errors)")
            #expect(answer.output == "", "\(arguments)")
            if status == 1 {
                #expect(answer.errors.hasPrefix("billing: "), "\(answer.errors)")
                #expect(answer.errors.split(separator: "\n").count == 1, "\(answer.errors)")
            }
        }
        let account = try installation.document("account", "show", "3001")
        #expect(account["name"] == .text("Blue") && account["lateFeeAmount"] == .integer(0))
    }

    @Test func aPassIsRunByHand() throws {
        let installation = try Installation().withKey()
        _ = try installation.document("account", "create", "--id", "3001", "--name", "Blue")
        let report = try installation.document("run", "--account", "3001")
        #expect(report["invoices"] == .integer(0) && report["setAside"] == .list([]))
    }
}
