import Foundation
import TestSupport
import Testing

/// Card numbers, security codes and passwords stay out of answers, logs and tables (spec 6.6), whatever is sent and
/// however it fails. The numbers of this suite are its own, so that what is found is this suite's.
///
/// The answers of all tests are looked through as they come, and what the shared stack has written once more when all
/// tests are over.
@Suite(.enabled(if: programIsKnown, "needs BILLING_BINARY"))
struct SecretTests {
    /// A card number with a check digit, from fifteen digits.
    private static func card(_ digits: String) -> String {
        var sum = 0
        for (index, digit) in digits.reversed().enumerated() {
            let value = digit.wholeNumberValue ?? 0
            sum += index % 2 == 0 ? (value * 2 > 9 ? value * 2 - 9 : value * 2) : value
        }
        return digits + String((10 - sum % 10) % 10)
    }

    private static let number = card("453912864750183")
    private static let raw = card("491638574920184")
    private static let bank = "40720391586642137"

    /// Requests that carry secrets: good ones, and ones that fail at every step of the way.
    private static let requests: [(method: String, path: String, body: String, media: Media)] = {
        let whole =
            #""accountNumber":"\#(number)","accountAccessory":"1233","holderName":"Ann Lee","csc":"847""#
        let names = #""firstName":"Ann","lastName":"Lee""#
        let form = "firstName=Ann&lastName=Lee&paymentOptions.0.accountNumber=\(number)"
        return [
            ("PUT", "/customers", #"{\#(names),"code":"good","paymentOptions":[{\#(whole)}]}"#, .json),
            (
                "PUT", "/customers",
                "\(form)&paymentOptions.0.accountAccessory=1233&paymentOptions.0.holderName=A", .xurl
            ),
            (
                "PUT", "/customers",
                #"<customer firstName="A" lastName="B"><payment-options><payment-option accountNumber="\#(number)" csc="847" accountAccessory="1233" holderName="A"/></payment-options></customer>"#,
                .xml
            ),
            // Well-formed, and wrong.
            ("PUT", "/customers", #"{\#(names),"paymentOptions":[{\#(whole),"expiry":"1233"}]}"#, .json),
            ("PUT", "/customers", #"{\#(names),"paymentOptions":[{\#(whole),"csc":"847"}]}"#, .json),
            ("PUT", "/customers", #"{\#(names),"paymentOptions":[{"accountNumber":\#(number)}]}"#, .json),
            ("PUT", "/customers", #"{\#(names),"paymentOptions":[{\#(whole),"type":"BC"}]}"#, .json),
            ("PUT", "/customers", #"{\#(names),"code":"good","paymentOptions":[{\#(whole)}]}"#, .json),
            ("PUT", "/customers", "\(form)&paymentOptions.0.accountNumber=\(number)", .xurl),
            ("PUT", "/customers", #"{\#(names),"\#(number)":"1"}"#, .json),
            ("PUT", "/customers", #"{\#(names),"email":"\#(number)"}"#, .json),
            ("GET", "/customers?\(number)=1", "", .json),
            ("GET", "/customers/*\(number)", "", .json),
            ("GET", "/customers/\(number)/transactions/\(number)", "", .json),
            ("GET", "/customers/x-\(number)", "", .json),
            // Not well-formed.
            ("PUT", "/customers", #"{"accountNumber":"\#(number)","csc":"847""#, .json),
            ("PUT", "/customers", #"<customer accountNumber="\#(number)" csc="847">"#, .xml),
            ("PUT", "/customers", #"<customer>\#(number)</customer>"#, .xml),
            ("PUT", "/customers", #"<a>&\#(number);</a>"#, .xml),
            ("PUT", "/customers", "accountNumber=\(number)%", .xurl),
            // At the processor.
            (
                "POST", "/customers/*good/transactions/~process",
                #"{"amount":4999,"accountNumber":"\#(raw)","accountAccessory":"1233","holderName":"Ann Lee","csc":"3051"}"#,
                .json
            ),
            (
                "POST", "/customers/*good/transactions/~process",
                #"{"amount":10200,"accountNumber":"\#(raw)","accountAccessory":"1233","holderName":"Ann Lee","csc":"3051"}"#,
                .json
            ),
            (
                "POST", "/customers/*good/transactions/~process",
                #"{"amount":5100,"accountType":"BC","accountNumber":"\#(bank)","accountAccessory":"021000021","holderName":"Ann Lee","savePaymentOption":true}"#,
                .json
            ),
        ]
    }()

    @Test func secretsStayWhereTheyBelong() throws {
        let stack = try RunningStack()
        let merchant = try Merchant(in: stack)
        var statuses: [Int] = []
        for request in Self.requests {
            let body = request.body.isEmpty ? nil : request.body
            for accept in Media.allCases {
                let answer = try merchant.call(
                    request.method, request.path, body, type: request.media.rawValue, accept: accept.rawValue)
                statuses.append(answer.status)
            }
        }
        // Declined and approved, made and refused: the way was gone to all its ends.
        #expect(Set(statuses) == [201, 400, 404, 409, 422])
        for _ in 1...3 { _ = try merchant.with(password: "\(merchant.password)x").call("GET", "/customers") }
        let declined = try merchant.call("GET", "/customers/*good/transactions?type=AD")
        #expect(
            declined.tree[0]?["processingInfo"]?["responseCode"] == .text("D08"), "the security code arrived")

        // The subscription's bills go through the jobs process and its log.
        let subscribed = try merchant.call(
            "PUT", "/customers/*good/subscriptions",
            #"{"billingCycleType":"M","amount":4999,"firstBillingDate":"2027-01-31"}"#)
        #expect(subscribed.status == 201)
        try merchant.advance(to: "2027-03-31")

        // nginx writes its log every second.
        let log = "\(stack.folder)/state/log/access.log"
        #expect(waitUntil(timeout: 20) { readText(log)?.contains("/clock/~advance") == true })
        let traces = try stack.secrets.traces(in: stack)
        #expect(traces.isEmpty, "\(traces)")
        #expect(Set([Self.number, Self.raw, Self.bank, merchant.password]).isSubset(of: stack.secrets.all))
    }

    /// The search itself: a secret that was written is found.
    @Test func aTraceIsFound() throws {
        let secrets = Secrets()
        secrets.keep(ofBody: #"{"accountNumber":"\#(Self.number)","csc":"847"}"#)
        secrets.keep(ofBody: "a=1&csc=913&b=2")
        #expect(secrets.found(in: "body \(Self.number)") == [Self.number])
        #expect(secrets.found(in: #"{"csc":"847"}"#) == ["csc847"])
        #expect(secrets.found(in: "a=1&csc=913&b=2") == ["csc913"])
        #expect(secrets.found(in: "4***********0183 and 847 others").isEmpty)
    }
}
