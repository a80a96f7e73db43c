import Domain
import Postgres
import TestSupport
import Testing

@testable import Processing

struct SandboxTests {
    @Test func `an order is carried out once, and its first answer stays`() throws {
        let fixture = try SandboxFixture()
        let first = fixture.submit(order("a", .payment, 150_00))
        guard case .answered(let response) = try #require(first.first) else { return #expect(Bool(false)) }
        #expect(response.code == "A05" && response.message == "Partly approved")
        #expect(response.approvedAmount == Money(75_00))
        #expect(response.approvalCode?.utf8.count == 6)
        #expect(response.gatewayTransactionID.hasPrefix("SB"))
        #expect(response.date == order("a").now)

        // Repeated here, repeated by another process, with other particulars, looked up: always the same.
        #expect(fixture.submit(order("a", .payment, 150_00)) == first)
        #expect(fixture.submit(order("a", .payment, 70_00, on: "2026-04-01")) == first)
        #expect(fixture.another().submit([order("a")]) == first)
        #expect(fixture.another().lookUp(account: 2001, keys: ["b", "a"]) == [.notFound, .found(response)])
        #expect(try fixture.number("select count(*) from sandbox.movement") == 1)

        // The same key of another merchant account is another order.
        #expect(fixture.sandbox.lookUp(account: 2002, keys: ["a"]) == [.notFound])
        #expect(fixture.submit(order("a", .payment, 70_00, account: 2002)).map(\.code) == ["D01"])
        #expect(fixture.sandbox.submit([]).isEmpty && fixture.sandbox.lookUp(account: 2001, keys: []).isEmpty)
    }

    @Test func `what is withdrawn before it arrives is never carried out`() throws {
        let fixture = try SandboxFixture()
        let first = fixture.submit(order("a", .payment, 150_00))
        let found = fixture.sandbox.withdraw(account: 2001, keys: ["a", "b"])
        #expect(found.map(\.code) == ["A05", nil] && found[1] == .notFound)
        // It arrives late, from another process: nothing moves, nobody is answered, and it is not on record.
        #expect(fixture.another().submit([order("b")]).map(\.code) == [nil])
        #expect(fixture.sandbox.lookUp(account: 2001, keys: ["b"]) == [.notFound])
        #expect(fixture.sandbox.withdraw(account: 2001, keys: ["b"]) == [.notFound])
        #expect(try fixture.number("select count(*) from sandbox.movement where approved_amount > 0") == 1)
        // What has arrived stays.
        #expect(fixture.submit(order("a", .payment, 150_00)) == first)
        // The same key of another merchant account is another order.
        #expect(fixture.submit(order("b", .payment, 10_00, account: 2002)).map(\.code) == ["A01"])
        try fixture.sandbox.disturb(account: 2001, SandboxDisturbance(isDown: true))
        #expect(fixture.sandbox.withdraw(account: 2001, keys: ["c"]) == [.unreachable])
        try fixture.sandbox.disturb(account: 2001, .none)
        #expect(fixture.submit(order("c", .payment, 10_00)).map(\.code) == ["A01"])
    }

    @Test func `a decline is remembered with nothing moved`() throws {
        let fixture = try SandboxFixture()
        guard case .answered(let response) = fixture.submit(order("a", .payment, 80_00))[0] else {
            return #expect(Bool(false))
        }
        #expect(response.code == "D03" && response.message == "Insufficient funds")
        #expect(response.approvalCode == nil && response.approvedAmount == .zero)
        #expect(fixture.sandbox.lookUp(account: 2001, keys: ["a"]) == [.found(response)])
    }

    @Test func `cards that lose the request or the answer`() throws {
        let fixture = try SandboxFixture()
        let silent = order("silent", number: "4000000000000119")
        let lost = order("lost", number: "4000000000000127")
        let answers = fixture.submit(silent, lost, order("plain"))
        #expect(answers.map(\.code) == [nil, nil, "A01"])
        let found = fixture.sandbox.lookUp(account: 2001, keys: ["silent", "lost", "plain"])
        #expect(found.map(\.code) == ["A01", nil, "A01"])
        #expect(found[1] == .notFound)
        #expect(try fixture.number("select sum(approved_amount)::bigint from sandbox.movement") == 40_00)
        #expect(fixture.submit(silent, lost).map(\.code) == ["A01", nil])
        #expect(fixture.sandbox.lookUp(account: 2001, keys: ["lost"]) == [.notFound])
    }

    @Test func `answers come in the order of the orders, also when a key comes twice`() throws {
        let fixture = try SandboxFixture()
        let orders = (0..<1000).map { order("k\($0)", .payment, Int64($0) * 17 + 5_00) }
        let answers = fixture.sandbox.submit(orders + [orders[3], order("k4", .payment, 1)])
        #expect(answers.prefix(1000).map(\.code) == orders.map { SandboxRules.decide($0).code })
        #expect(answers[1000] == answers[3] && answers[1001] == answers[4])
        let ids = Set(
            answers.prefix(1000).compactMap { answer -> String? in
                guard case .answered(let response) = answer else { return nil }
                return response.gatewayTransactionID
            })
        #expect(ids.count == 1000)
        #expect(fixture.sandbox.submit(orders) == Array(answers.prefix(1000)))
        #expect(try fixture.number("select count(*) from sandbox.movement") == 1000)
    }

    @Test func `money is given back as far as it was charged`() throws {
        let fixture = try SandboxFixture()
        let answers = fixture.submit(
            order("paid", .payment, 20_00), order("declined", .payment, 70_00),
            order("half", .payment, 150_00),
            order("claim", .claim, 20_00), order("voided in the batch", .payment, 30_00),
            order("v0", .void, 30_00, of: "voided in the batch"))
        #expect(answers.map(\.code) == ["A01", "D01", "A05", "A01", "A01", "A03"])
        let steps: [(ProcessorOrder, String)] = [
            (order("r1", .refund, 5_00, of: "paid"), "A02"),
            (order("r1", .refund, 5_00, of: "paid"), "A02"),
            (order("r2", .refund, 15_01, of: "paid"), "D18"),
            (order("v1", .void, 20_00, of: "paid"), "D27"),
            (order("r3", .refund, 15_00, of: "paid"), "A02"),
            (order("r4", .refund, 1, of: "paid"), "D27"),
            (order("r5", .refund, 1, of: "declined"), "D27"),
            (order("r6", .refund, 1, of: "unknown"), "D27"),
            (order("r7", .refund, 1), "D27"),
            (order("r8", .refund, 1, account: 2002, of: "half"), "D27"),
            (order("v2", .void, 150_00, of: "half"), "D18"),
            (order("v3", .void, 75_00, of: "half"), "A03"),
            (order("v4", .void, 75_00, of: "half"), "D27"),
            (order("v3", .void, 75_00, of: "half"), "A03"),
            (order("v5", .void, 20_00, of: "claim"), "A03"),
            (order("r9", .refund, 1, of: "v5"), "D27"),
            (order("r10", .refund, 1, of: "voided in the batch"), "D27"),
        ]
        for (order, code) in steps { #expect(fixture.submit(order).map(\.code) == [code], "\(order.key)") }
        #expect(
            try fixture.number("select count(*) from sandbox.movement where given_back > approved_amount")
                == 0)
        #expect(
            try fixture.number(
                """
                select count(*) from sandbox.movement as m
                where given_back <> (
                    select coalesce(sum(r.approved_amount), 0) from sandbox.movement as r
                    where r.account = m.account and r.original_key = m.key
                )
                """) == 0)
        // Several of one payment in one batch, one too many.
        _ = fixture.submit(order("p", .payment, 20_00))
        let batch = (0..<5).map { order("p\($0)", .refund, 5_00, of: "p") }
        #expect(fixture.sandbox.submit(batch).map(\.code) == ["A02", "A02", "A02", "A02", "D27"])
        #expect(try fixture.number("select given_back from sandbox.movement where key = 'p'") == 20_00)
    }

    @Test func `processes at the same time do nothing twice`() throws {
        let fixture = try SandboxFixture()
        _ = fixture.submit(order("paid", .payment, 20_00))
        let refunds = inParallel(8) { index in
            fixture.another().submit([order("r\(index)", .refund, 5_00, of: "paid")])[0].code
        }
        #expect(
            refunds.compactMap { $0 }.sorted() == Array(repeating: "A02", count: 4)
                + Array(repeating: "D27", count: 4))
        _ = fixture.submit(order("other", .payment, 20_00))
        let equal = inParallel(8) { _ in
            fixture.another().submit([order("same", .refund, 5_00, of: "other")])[0]
        }
        #expect(Set(equal).count == 1 && equal[0].code == "A02")
        #expect(try fixture.number("select given_back from sandbox.movement where key = 'other'") == 5_00)
        let batch = (0..<200).map { order("k\($0)", .claim, 95_00) }
        let answers = inParallel(8) { index in
            fixture.another().submit(index % 2 == 0 ? batch : batch.reversed().reversed())
        }
        #expect(Set(answers).count == 1)
        #expect(try fixture.number("select count(*) from sandbox.movement where kind = 'claim'") == 200)
        #expect(try fixture.number("select count(*) from sandbox.notice") == 200)
    }

    @Test func `numbers and security codes are not stored`() throws {
        let fixture = try SandboxFixture()
        _ = fixture.submit(
            order("a", .payment, 20_00, csc: "8642"), order("b", .claim, 20_00),
            order("c", .payment, 20_00, type: "AC", number: "371449635392376"),
            order("d", .claim, 20_00, type: "BS", number: "98765"))
        let connection = try fixture.connect()
        let book = try connection.rows(
            Statement("test.book", "select m::text, masked_number from sandbox.movement as m"))
        for row in book {
            for secret in ["4111111111111111", "371449635392376", "4099999992", "98765", "8642", "021000021"]
            {
                #expect(!row.text(0).contains(secret))
            }
        }
        #expect(
            Set(book.map { $0.text(1) }) == ["4***********1111", "******9992", "3**********2376", "*8765"])
        #expect(throws: DatabaseFailure.self) {
            try connection.script("update sandbox.movement set masked_number = '4111111111111111'")
        }
        #expect(throws: DatabaseFailure.self) {
            try connection.script("update sandbox.movement set given_back = approved_amount + 1")
        }
    }

    @Test func `claims come back and payments are charged back on their days`() throws {
        let fixture = try SandboxFixture()
        _ = fixture.submit(
            order("friday", .claim, 95_00, on: "2026-03-06"), order("good", .claim, 20_00, on: "2026-03-06"),
            order("charged back", .payment, 165_00, on: "2026-03-06"),
            order("card", .payment, 20_00, number: "4000000000000259", on: "2026-03-05"),
            order("voided", .claim, 70_00, on: "2026-03-05"),
            order("foreign", .claim, 70_00, account: 2002, on: "2026-03-05"))
        #expect(
            fixture.submit(order("v", .void, 70_00, of: "voided", on: "2026-03-05")).map(\.code) == ["A03"])
        #expect(fixture.notices(through: "2026-03-05") == [])
        #expect(fixture.notices(through: "2026-03-06") == ["card Z02 2026-03-06 2000"])
        let all = [
            "card Z02 2026-03-06 2000", "charged back Z02 2026-03-07 16500", "friday N02 2026-03-09 9500",
        ]
        #expect(fixture.notices(through: "2026-03-09") == all)
        #expect(fixture.notices(through: "2030-01-01", limit: 2) == Array(all.prefix(2)))

        // What came back cannot be given back again.
        #expect(
            fixture.submit(order("r1", .refund, 20_00, of: "card", on: "2026-03-06")).map(\.code) == ["D27"])
        #expect(
            fixture.submit(order("r2", .refund, 1, of: "charged back", on: "2026-03-06")).map(\.code) == [
                "A02"
            ])

        let day = try #require(CalendarDate("2026-03-09"))
        let notices = try #require(fixture.sandbox.notices(account: 2001, through: day, limit: 10))
        #expect(notices[0].message == "Chargeback" && notices[2].message == "Returned: account is closed")
        let ids = notices.map(\.id)
        #expect(fixture.sandbox.acknowledge(account: 2002, notices: ids))
        #expect(fixture.notices(through: "2026-03-09") == all)
        #expect(fixture.sandbox.acknowledge(account: 2001, notices: [ids[0], ids[2], 999_999]))
        #expect(fixture.sandbox.acknowledge(account: 2001, notices: [ids[0]]))
        #expect(fixture.sandbox.acknowledge(account: 2001, notices: []))
        #expect(fixture.notices(through: "2026-03-09") == [all[1]])
        #expect(
            fixture.sandbox.notices(account: 2002, through: day, limit: 10)?.map(\.orderKey) == ["foreign"])
    }
}
