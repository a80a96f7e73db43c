import Foundation
import Synchronization
import TestSupport
import Testing

/// What each failure code looks like from outside (spec 3.11, 4.4): code, status, field, in all three answer formats.
@Suite(.enabled(if: programIsKnown, "needs BILLING_BINARY"))
struct FailureTests {
    /// One refused request. `{customer}` and the like stand for what the fixture has made.
    struct Row: Sendable, CustomTestStringConvertible {
        var code: String
        var status: Int
        var request: String
        var body: String?
        var media = Media.json
        var field: String?
        /// A part of the message.
        var message = ""
        /// A header with its value, in small letters.
        var header: String?

        init(
            _ code: String, _ status: Int, _ request: String, _ body: String? = nil, _ media: Media = .json,
            field: String? = nil, message: String = "", header: String? = nil
        ) {
            (self.code, self.status, self.request, self.body, self.media) = (
                code, status, request, body, media
            )
            (self.field, self.message, self.header) = (field, message, header)
        }

        var testDescription: String { "\(code) \(request) \(body?.prefix(80) ?? "")" }
    }

    static let names = #""firstName":"Ann","lastName":"Lee""#
    static let card = #""accountNumber":"4111111111111111","accountAccessory":"1233","holderName":"Ann Lee""#
    static let monthly = #""billingCycleType":"M","firstBillingDate":"2027-01-31""#

    static let rows: [Row] = [
        // The form of the body.
        Row("F01", 400, "PUT /customers", #"{"firstName":"Ann","#, message: "line 1, column"),
        Row("F01", 400, "PUT /customers", "{\n\"firstName\" \"Ann\"}", message: "line 2, column"),
        Row("F01", 400, "PUT /customers", "{\(names)} trailing", message: "line 1, column"),
        Row("F01", 400, "PUT /customers", "<customer firstName=\"Ann\"\n", .xml, message: "line 2, column"),
        Row(
            "F01", 400, "PUT /customers", "<customer\n firstName=\"Ann\"></client>", .xml,
            message: "line 2, column"),
        Row("F01", 400, "PUT /customers", "firstName=%zz&lastName=Lee", .xurl, message: "line 1, column"),
        // Fields nobody knows, and the ones probably meant.
        Row(
            "F04", 400, "PUT /customers", #"{"fristName":"Ann","lastName":"Lee"}"#, field: "fristName",
            message: "did you mean firstName?"),
        Row(
            "F04", 400, "PUT /customers", #"<customer firstName="Ann" last-name="Lee"/>"#, .xml,
            field: "last-name",
            message: "did you mean lastName?"),
        Row(
            "F04", 400, "PUT /customers",
            "firstName=Ann&lastName=Lee&paymentOptions.0.holder=Ann&paymentOptions.0.holderNam=Ann", .xurl,
            field: "paymentOptions.0.holder"),
        Row("F04", 400, "GET /customers?lastNmae=Lee", field: "lastNmae", message: "did you mean lastName?"),
        Row("F04", 400, "GET /customers/{customer}?verbose=true", field: "verbose"),
        // Wrong types and forms.
        Row(
            "F05", 400, "PUT /plans", #"{"name":"Gold","amount":49.99}"#, field: "amount",
            message: "whole number"),
        Row(
            "F05", 400, "PUT /plans", #"{"name":"Gold","amount":"4999"}"#, field: "amount",
            message: "whole number"),
        Row(
            "F05", 400, "PUT /plans", "name=Gold&amount=49.99", .xurl, field: "amount",
            message: "whole number"),
        Row("F05", 400, "PUT /plans", #"<plan name="Gold" amount="4,999"/>"#, .xml, field: "amount"),
        Row("F05", 400, "PUT /plans", #"{"name":7,"amount":4999}"#, field: "name", message: "must be text"),
        Row("F05", 400, "PUT /plans", #"{"name":"Gold","amount":4999,"isActive":"yes"}"#, field: "isActive"),
        Row(
            "F05", 400, "PUT /customers/{customer}/subscriptions",
            #"{"billingCycleType":"M","amount":4999,"firstBillingDate":"2027-02-30"}"#,
            field: "firstBillingDate",
            message: "yyyy-MM-dd"),
        Row(
            "F05", 400, "PUT /customers",
            #"{"firstName":"\#(String(repeating: "a", count: 126))","lastName":"Lee"}"#,
            field: "firstName", message: "at most 125 characters"),
        Row("F05", 400, "PUT /customers", #"{"firstName":"A\u0007nn","lastName":"Lee"}"#, field: "firstName"),
        Row("F05", 400, "PUT /customers", "firstName=A%07nn&lastName=Lee", .xurl, field: "firstName"),
        Row("F05", 400, "PUT /customers", #"{\#(names),"email":"ann at home"}"#, field: "email"),
        Row("F05", 400, "PUT /customers", #"{\#(names),"code":"a b"}"#, field: "code"),
        Row("F05", 400, "PUT /customers", "[]"),
        Row(
            "F05", 400, "PUT /customers", #"<client firstName="Ann" lastName="Lee"/>"#, .xml,
            message: "<customer>"),
        Row("F05", 400, "GET /customers?limit=ten", field: "limit"),
        // A field twice.
        Row(
            "F06", 400, "PUT /customers", #"{"firstName":"Ann","firstName":"Bob","lastName":"Lee"}"#,
            field: "firstName"),
        Row(
            "F06", 400, "PUT /customers", #"<customer firstName="Ann" firstName="Bob" lastName="Lee"/>"#,
            .xml,
            field: "firstName"),
        Row(
            "F06", 400, "PUT /customers", "firstName=Ann&lastName=Lee&firstName=Bob", .xurl,
            field: "firstName"),
        // What is missing.
        Row("V01", 422, "PUT /customers", #"{"firstName":"Ann"}"#, field: "lastName", message: "required"),
        Row("V01", 422, "PUT /customers", #"{"firstName":"Ann","lastName":null}"#, field: "lastName"),
        Row("V01", 422, "PUT /customers", #"<customer firstName="Ann"/>"#, .xml, field: "lastName"),
        Row(
            "V01", 422, "PUT /customers", #"{\#(names),"paymentOptions":[{"holderName":"Ann Lee"}]}"#,
            field: "paymentOptions.0.accountNumber"),
        Row("V01", 422, "POST /customers/{customer}/transactions/~process", "{}", field: "amount"),
        Row("V01", 422, "PUT /customers"),
        Row("V01", 422, "POST /accounts/{account}/clock/~advance", "{}", field: "to"),
        // Values that are not allowed.
        Row(
            "V21", 422, "PUT /plans", #"{"name":"Gold","amount":4999,"billingCycleType":"X"}"#,
            field: "billingCycleType", message: "billingCycleType must be one of W, M, Q, S, A"),
        Row(
            "V21", 422, "PUT /customers",
            #"{\#(names),"paymentOptions":[{"accountNumber":"4111111111111112","accountAccessory":"1233","holderName":"A"}]}"#,
            field: "paymentOptions.0.accountNumber"),
        Row(
            "V21", 422, "PUT /customers/{customer}/payment-options",
            #"{"accountNumber":"4111111111111111","accountAccessory":"1226","holderName":"A"}"#,
            field: "accountAccessory", message: "expired"),
        Row(
            "V21", 422, "PUT /customers/{customer}/subscriptions",
            #"{"billingCycleType":"M","amount":4999,"firstBillingDate":"2026-12-31"}"#,
            field: "firstBillingDate"),
        Row("V21", 422, "PUT /customers", #"{\#(names),"countryCode":"XX"}"#, field: "countryCode"),
        Row("V21", 422, "GET /customers?limit=1001", field: "limit"),
        Row("V21", 422, "POST /accounts/{account}/clock/~advance", #"{"to":"2026-12-31"}"#, field: "to"),
        Row(
            "V21", 422, "PUT /customers/{customer}/transactions",
            #"{"type":"AP","accountType":"VC","amount":100}"#,
            field: "accountType"),
        // What is not there.
        Row("V24", 404, "GET /customers/999999999"),
        Row("V24", 404, "GET /customers/*nobody"),
        Row("V24", 404, "GET /customers/ann"),
        Row("V24", 404, "GET /customers/{customer}/transactions/999999999"),
        Row(
            "V24", 404, "PUT /customers/{customer}/subscriptions",
            #"{"planId":"*none","firstBillingDate":"2027-01-31"}"#,
            field: "planId"),
        Row(
            "V24", 404, "POST /customers/{customer}/transactions/~process",
            #"{"amount":500,"token":"nothing"}"#,
            field: "token"),
        // What exists already, with its id.
        Row(
            "V29", 409, "PUT /customers", #"{\#(names),"code":"taken"}"#, field: "code", message: "{customer}"
        ),
        Row(
            "V29", 409, "PUT /plans", #"{"name":"Gold","amount":1,"code":"gold"}"#, field: "code",
            message: "{plan}"),
        Row(
            "V29", 409, "PUT /customers/{customer}/transactions",
            #"{"type":"RI","amount":100,"code":"first"}"#,
            field: "code", message: "{transaction}"),
        // What the state forbids.
        Row("V30", 409, "POST /customers/{idle}/transactions/~process", #"{"amount":500}"#),
        Row("V31", 422, "POST /customers/{customer}", #"{"code":"another"}"#, field: "code"),
        Row("V31", 422, "POST /customers/{customer}", #"{"accountId":1}"#, field: "accountId"),
        Row("V31", 422, "POST /customers/{customer}", "accountId=1&note=x", .xurl, field: "accountId"),
        Row(
            "V33", 422, "PUT /customers/{customer}/subscriptions",
            #"{"planId":"*old","firstBillingDate":"2027-01-31"}"#,
            field: "planId"),
        Row(
            "V33", 422, "POST /customers/{customer}/transactions/~process",
            #"{"amount":500,"paymentOptionId":{inactiveOption}}"#, field: "paymentOptionId"),
        Row(
            "V36", 409, "POST /customers/{waiting}/transactions/~process",
            #"{"amount":4000,"invoiceList":"{waitingInvoice}","paymentOptionId":{waitingOption}}"#),
        // What there is not.
        Row("U01", 404, "GET /nonsense"),
        Row("U01", 404, "GET /customers/{customer}/~dance"),
        Row("U01", 404, "GET /customers/{customer}/addresses"),
        Row("U02", 405, "DELETE /customers/{customer}", header: "allow: GET, POST, HEAD, OPTIONS"),
        Row("U02", 405, "POST /customers", "{\(names)}", header: "allow: GET, PUT, HEAD, OPTIONS"),
        Row("U02", 405, "GET /customers/{customer}/transactions/~process", header: "allow: POST, OPTIONS"),
        Row(
            "U02", 405, "PATCH /customers/{customer}", "{\(names)}", header: "allow: GET, POST, HEAD, OPTIONS"
        ),
        // XML that reaches beyond itself.
        Row(
            "Q01", 400, "PUT /customers", #"<!DOCTYPE customer><customer firstName="Ann" lastName="Lee"/>"#,
            .xml),
        Row(
            "Q01", 400, "PUT /customers",
            #"<!DOCTYPE c [<!ENTITY f SYSTEM "file:///etc/hostname">]><customer firstName="&f;" lastName="Lee"/>"#,
            .xml),
        Row(
            "Q01", 400, "PUT /customers",
            #"<customer firstName="Ann" lastName="Lee"><x:include xmlns:x="http://www.w3.org/2001/XInclude" href="/etc/hostname"/></customer>"#,
            .xml),
    ]

    /// What the rows speak of, made once.
    struct Fixture: Sendable {
        let merchant: Merchant
        let names: [String: Int]
    }

    private static let kept = Mutex<Fixture?>(nil)

    private static func fixture() throws -> Fixture {
        try kept.withLock { known in
            if let known { return known }
            let made = try makeFixture()
            known = made
            return made
        }
    }

    private static func makeFixture() throws -> Fixture {
        let merchant = try Merchant()
        func make(_ path: String, _ body: String) throws -> Answer {
            let answer = try merchant.call("PUT", path, body)
            try #require(answer.status == 201, "\(answer)")
            return answer
        }
        let customer = try make("/customers", #"{\#(names),"code":"taken"}"#).id
        let plan = try make("/plans", #"{"name":"Gold","amount":4999,"code":"gold"}"#).id
        _ = try make("/plans", #"{"name":"Old","amount":4999,"code":"old","isActive":false}"#)
        let option = try make("/customers/\(customer)/payment-options", #"{\#(card),"isActive":false}"#).id
        let credit = try make(
            "/customers/\(customer)/transactions", #"{"type":"RC","amount":100,"code":"first"}"#
        ).id
        let idle = try make("/customers", #"{\#(names),"isActive":false,"paymentOptions":[{\#(card)}]}"#).id

        let waiting = try merchant.createCustomer(card: Card.losesRequest)
        let invoice = try make(waiting.transactions, #"{"type":"RI","amount":4000}"#).id
        let pending = try merchant.process(4000, of: waiting, #","invoiceList":"\#(invoice)""#)
        try #require(pending.status == 202 && pending["status"] == "pending", "\(pending)")
        // It stays unknown while these tests run.
        try merchant.stack.sql(
            """
            update billing.attempts set next_look_up = clock_timestamp() + interval '10 minutes'
             where account_id = \(merchant.account)
            """)
        let another = try make("\(waiting.path)/payment-options", "{\(card)}").id
        return Fixture(
            merchant: merchant,
            names: [
                "account": merchant.account, "customer": customer, "plan": plan, "inactiveOption": option,
                "transaction": credit, "idle": idle, "waiting": waiting.id, "waitingInvoice": invoice,
                "waitingOption": another,
            ])
    }

    private static func filled(_ text: String, _ fixture: Fixture) -> String {
        fixture.names.reduce(text) { $0.replacingOccurrences(of: "{\($1.key)}", with: String($1.value)) }
    }

    @Test(arguments: rows)
    func refusal(row: Row) throws {
        let fixture = try Self.fixture()
        let words = Self.filled(row.request, fixture).split(separator: " ").map(String.init)
        for media in Media.allCases {
            let answer = try fixture.merchant.call(
                words[0], words[1], row.body.map { Self.filled($0, fixture) }, type: row.media.rawValue,
                accept: media.rawValue)
            Self.expect(
                answer, row.code, row.status, field: row.field, message: Self.filled(row.message, fixture),
                media)
            if let header = row.header {
                let parts = header.components(separatedBy: ": ")
                #expect(answer.headers[parts[0]] == parts[1], "\(answer.headers)")
            }
        }
    }

    /// Expects the one shape that all refusals have (spec 4.4).
    static func expect(
        _ answer: Answer, _ code: String, _ status: Int, field: String? = nil, message: String = "",
        _ media: Media = .json, _ location: SourceLocation = #_sourceLocation
    ) {
        #expect(
            answer.status == status && answer["failureCode"] == code, "\(answer)", sourceLocation: location)
        #expect(answer["responseType"] == "exception", "\(answer)", sourceLocation: location)
        #expect(answer["requestId"] == answer.headers["x-request-id"], "\(answer)", sourceLocation: location)
        if let field { #expect(answer["field"] == field, "\(answer)", sourceLocation: location) }
        let said = answer["failureMessage"] ?? ""
        #expect(
            !said.isEmpty && (message.isEmpty || said.contains(message)), "\(answer)",
            sourceLocation: location)
        let first: Tree?
        switch media {
        case .json: first = answer.tree["errors"]?[0]
        case .xml:
            #expect(answer.tree["<name>"] == .text("exception"), "\(answer)", sourceLocation: location)
            first = answer.tree["<children>"]?[0]?["<children>"]?[0]
        case .xurl: first = .object(["failureCode": answer.tree["errors.0.failureCode"] ?? .null])
        }
        #expect(first?["failureCode"]?.scalar == code, "\(answer)", sourceLocation: location)
    }

    @Test func allFaultsAreListed() throws {
        let merchant = try Self.fixture().merchant
        let answer = try merchant.call(
            "PUT", "/customers",
            #"{"fristName":"Ann","email":"x","countryCode":7,"paymentOptions":[{"csc":"12345"}]}"#)
        Self.expect(answer, "F04", 400, field: "fristName")
        let faults = (answer.tree["errors"]?.items ?? []).map {
            "\($0["failureCode"]?.scalar ?? "") \($0["field"]?.scalar ?? "")"
        }
        #expect(
            faults == [
                "F04 fristName", "F05 email", "F05 countryCode", "F05 paymentOptions.0.csc",
                "V01 paymentOptions.0.accountNumber", "V01 paymentOptions.0.holderName", "V01 firstName",
                "V01 lastName",
            ])
    }

    /// Spec 4.4: nothing is changed by a request that answers 4xx.
    @Test func aRefusedRequestChangesNothing() throws {
        let merchant = try Merchant()
        let customer = try merchant.createCustomer()
        let before = try merchant.call("GET", customer.path).body
        for body in [
            #"{"note":"new","countryCode":"XX"}"#, #"{"note":"new","code":"other"}"#,
            #"{"note":"new","amount":1}"#,
        ] {
            #expect(try merchant.call("POST", customer.path, body).status >= 400)
        }
        let nested =
            #"{\#(Self.names),"paymentOptions":[{\#(Self.card)}],"subscriptions":[{\#(Self.monthly),"planId":"*none"}]}"#
        Self.expect(
            try merchant.call("PUT", "/customers", nested), "V24", 404, field: "subscriptions.0.planId")
        #expect(try merchant.call("GET", customer.path).body == before)
        #expect(try merchant.call("GET", "/customers").tree.items.count == 1)
    }

    @Test func mediaTypes() throws {
        let merchant = try Self.fixture().merchant
        let body = "{\(Self.names)}"
        for type in ["text/plain", "application/json; charset=iso-8859-1", "multipart/form-data"] {
            Self.expect(try merchant.call("PUT", "/customers", body, type: type), "F02", 415)
        }
        for accept in ["text/html", "image/png, text/html;q=0.5", "application/json;q=0"] {
            Self.expect(try merchant.call("GET", "/customers", accept: accept), "F03", 406)
        }
    }

    /// Refused by nginx, before a worker has seen it; so the answer is json, whatever the caller accepts.
    @Test func tooLarge() throws {
        let merchant = try Self.fixture().merchant
        let note = String(repeating: "n", count: 1_048_576)
        Self.expect(
            try merchant.call("PUT", "/customers", #"{\#(Self.names),"note":"\#(note)"}"#), "F09", 413)
        // Just below the limit it is the worker's: the note is too long.
        let shorter = String(repeating: "n", count: 1_040_000)
        let answer = try merchant.call("PUT", "/customers", #"{\#(Self.names),"note":"\#(shorter)"}"#)
        Self.expect(answer, "F05", 400, field: "note")
    }

    @Test func aProcessorThatIsNotThere() throws {
        let merchant = try Merchant()
        // As by a program that had another one.
        try merchant.stack.sql(
            "update billing.merchant_accounts set processor = 'elsewhere' where account_id = \(merchant.account)"
        )
        let customer = try merchant.createCustomer()
        Self.expect(try merchant.process(500, of: customer), "O01", 409)
        #expect(try merchant.entries(of: customer).isEmpty)
    }
}
