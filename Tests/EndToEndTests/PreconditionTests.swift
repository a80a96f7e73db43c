import TestSupport
import Testing

/// `If-Match` on everything that changes one object (spec 4.6): a stale tag is V37, status 412, and nothing has changed.
@Suite(.enabled(if: programIsKnown, "needs BILLING_BINARY"))
struct PreconditionTests {
    private func tag(_ merchant: Merchant, _ path: String, _ media: Media = .json) throws -> String {
        let answer = try merchant.call("GET", path, accept: media.rawValue)
        return try #require(answer.headers["etag"], "\(path): \(answer)")
    }

    private func call(
        _ merchant: Merchant, _ method: String, _ path: String, _ body: String? = nil, match: String
    ) throws -> Answer {
        let escaped = match.replacing("\"", with: "\\\"")
        return try merchant.call(method, path, body, headers: ["If-Match: \(escaped)"])
    }

    /// Expects the stale tag refused with nothing changed, and the present one, in any format, taken.
    private func expectGuarded(
        _ merchant: Merchant, _ item: String, _ method: String, _ path: String, _ body: String? = nil,
        stale: String, tagged: Bool = true
    ) throws {
        let before = try merchant.call("GET", item)
        let refused = try call(merchant, method, path, body, match: stale)
        #expect(refused.status == 412 && refused["failureCode"] == "V37", "\(path): \(refused)")
        #expect(try merchant.call("GET", item).body == before.body, "\(path)")
        let present = try tag(merchant, item, Media.allCases.randomElement() ?? .json)
        let done = try call(merchant, method, path, body, match: present)
        #expect(done.status == 200, "\(path): \(done)")
        guard tagged else { return }
        #expect(try done.headers["etag"] == tag(merchant, item), "\(path): \(done.headers)")
        #expect(try merchant.call("GET", item).body != before.body, "\(path)")
    }

    @Test func whatChangesAnObjectHeedsIt() throws {
        let merchant = try Merchant(clock: "2027-01-15")
        let customer = try merchant.createCustomer(amount: 4999, first: "2027-01-31")
        let item = "\(customer.path)/subscriptions/\(customer.subscription)"
        let stale = try tag(merchant, item)
        _ = try merchant.call("POST", item, #"{"note":"changed"}"#)
        try expectGuarded(merchant, item, "POST", item, #"{"note":"again"}"#, stale: stale)
        try expectGuarded(
            merchant, item, "GET", "\(item)/~freeze?effectiveDate=2027-02-28&length=1", stale: stale)
        try expectGuarded(merchant, item, "POST", "\(item)/~resume", "{}", stale: stale)
        try expectGuarded(merchant, item, "POST", "\(item)/~pause", "{}", stale: stale)
        try expectGuarded(
            merchant, item, "POST", "\(item)/~cancel", #"{"effectiveDate":"2027-01-15"}"#, stale: stale)
        // The object is looked at after the tag: a gone one is told apart from a changed one.
        let missing = try call(
            merchant, "POST", "\(customer.path)/subscriptions/99/~resume", "{}", match: stale)
        #expect(missing.status == 404 && missing["failureCode"] == "V24", "\(missing)")

        let account = "/accounts/\(merchant.account)"
        try expectGuarded(merchant, account, "POST", account, #"{"lateFeeAmount":500}"#, stale: stale)

        let option = "\(customer.path)/payment-options/\(customer.option)"
        try expectGuarded(merchant, option, "DELETE", option, stale: stale, tagged: false)
        #expect(try merchant.call("GET", option).status == 404)
        try merchant.expectSoundBooks()
    }
}
