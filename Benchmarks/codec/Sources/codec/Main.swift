import Domain
import Glibc
import Interchange

/// Measures what one subscription costs to write and to read in each format, by its description and by hand.
///
///     swift run -c release --package-path Benchmarks/codec codec
@main
struct Main {
    static let subscription = Subscription(
        id: Identifier(540_017), accountID: 2001, customerID: Identifier(210_017), code: "member-1001",
        createDate: LocalDateTime(date: CalendarDate("2027-01-15") ?? .earliest, secondOfDay: 34_027),
        terms: SubscriptionTerms(
            planID: Identifier(430_003), planName: "Gold, monthly", cycle: BillingCycle(.monthly),
            amount: Money(4999), taxAmount: Money(499),
            firstBillingDate: CalendarDate("2027-01-31") ?? .earliest, length: 12),
        paymentOptionID: Identifier(320_017), note: "Joined at the desk & signed \"by hand\"",
        progress: SubscriptionProgress(
            status: .current, nextCycle: 4, nextBillingDate: CalendarDate("2027-04-30"),
            lastBillingDate: CalendarDate("2027-03-31"), billedCount: 3),
        collectedCount: 3, version: 7)

    static let requests: [(Format, String)] = [
        (
            .json,
            #"{"code":"member-1001","planId":"*gold_monthly","amount":4999,"taxAmount":499,"firstBillingDate":"2027-01-31","length":12,"paymentOptionId":320017,"note":"Joined at the desk"}"#
        ),
        (
            .xml,
            #"<subscription code="member-1001" planId="*gold_monthly" amount="4999" taxAmount="499" firstBillingDate="2027-01-31" length="12" paymentOptionId="320017" note="Joined at the desk"/>"#
        ),
        (
            .xurl,
            "code=member-1001&planId=*gold_monthly&amount=4999&taxAmount=499&firstBillingDate=2027-01-31&length=12&paymentOptionId=320017&note=Joined+at+the+desk"
        ),
    ]

    static func main() throws {
        print("one subscription, microseconds of processor time: median of 15 rounds (least)")
        print("format  bytes  encode         by hand        parse alone    decode         by hand")
        for (format, text) in requests {
            var generic = ByteWriter()
            var hand = HandWriter()
            Descriptions.subscription.encode(subscription, as: format, into: &generic)
            hand.write(subscription, as: format)
            guard generic.bytes == hand.out.bytes else { fatalError("\(format): not the same bytes") }
            let bytes = Array(text.utf8)
            let one = try decoded(bytes, format)
            let other = try decodedByHand(bytes, format)
            guard "\(one)" == "\(other)" else { fatalError("\(format): not the same form") }

            let encode = measured {
                generic.removeAll()
                Descriptions.subscription.encode(subscription, as: format, into: &generic)
                return generic.count
            }
            let byHand = measured {
                hand.write(subscription, as: format)
                return hand.out.count
            }
            let parse = try measured { try Body(reading: bytes, as: format).format == format ? 1 : 0 }
            let decode = try measured { try decoded(bytes, format).length ?? 0 }
            let assigned = try measured { try decodedByHand(bytes, format).length ?? 0 }
            let columns = [encode, byHand, parse, decode, assigned].map(\.description).joined(separator: " ")
            print(padded("\(format)", 7), padded("\(hand.out.count)", 6), columns)
        }
    }

    static func decoded(_ bytes: [UInt8], _ format: Format) throws -> SubscriptionForm {
        var form = SubscriptionForm()
        try Descriptions.subscription.decode(Body(reading: bytes, as: format), into: &form, purpose: .create)
        return form
    }

    /// The same reader; its fields are taken one by one, with the checks that they need.
    static func decodedByHand(_ bytes: [UInt8], _ format: Format) throws -> SubscriptionForm {
        var form = SubscriptionForm()
        switch try Body(reading: bytes, as: format).content {
        case .value(.object(let members)):
            for member in members {
                switch member.value {
                case .text(let text): try take(member.name, text, nil, &form)
                case .integer(let number): try take(member.name, "", number, &form)
                default: throw Wrong(field: member.name)
                }
            }
        case .element(let element):
            for attribute in element.attributes { try take(attribute.name, attribute.value, nil, &form) }
        case .value: throw Wrong(field: "")
        }
        guard form.firstBillingDate != nil else { throw Wrong(field: "firstBillingDate") }
        return form
    }

    struct Wrong: Error {
        let field: String
    }

    private static func take(
        _ name: String, _ text: String, _ number: Int64?, _ form: inout SubscriptionForm
    ) throws {
        func integer(_ range: ClosedRange<Int64>) throws -> Int64 {
            guard let value = number ?? Int64(text), range.contains(value) else { throw Wrong(field: name) }
            return value
        }
        func reference() throws -> Reference {
            if let number { return .id(number) }
            guard let reference = Reference(text) else { throw Wrong(field: name) }
            return reference
        }
        func limited(_ most: Int) throws -> String {
            guard text.unicodeScalars.count <= most, !text.utf8.contains(where: { $0 < 0x20 }) else {
                throw Wrong(field: name)
            }
            return text
        }
        switch name {
        case "code": form.code = try limited(60)
        case "planId": form.plan = try reference()
        case "billingCycleType":
            guard let unit = CycleUnit(rawValue: text) else { throw Wrong(field: name) }
            form.cycleUnit = unit
        case "billingInterval": form.interval = Int(try integer(1...36))
        case "amount": form.amount = Money(try integer(0...99_999_999_999))
        case "taxAmount": form.taxAmount = Money(try integer(0...99_999_999_999))
        case "firstBillingDate":
            guard let date = CalendarDate(text) else { throw Wrong(field: name) }
            form.firstBillingDate = date
        case "length": form.length = Int(try integer(1...100_000))
        case "paymentOptionId": form.paymentOption = try reference()
        case "note": form.note = try limited(1000)
        default: throw Wrong(field: name)
        }
    }

    // MARK: Measuring

    struct Figure: CustomStringConvertible {
        let median: Double
        let least: Double

        var description: String { padded("\(short(median)) (\(short(least)))", 14) }

        private func short(_ value: Double) -> String {
            let hundredths = Int((value * 100).rounded())
            return "\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100)"
        }
    }

    /// Microseconds a call.
    static func measured(_ body: () throws -> Int) rethrows -> Figure {
        let count = 20_000
        var sum = 0
        var rounds: [Double] = []
        for _ in 0..<16 {
            let start = seconds()
            for _ in 0..<count { sum &+= try body() }
            rounds.append((seconds() - start) * 1_000_000 / Double(count))
        }
        guard sum > 0 else { fatalError("nothing was measured") }
        // The first round warms up.
        rounds = rounds.dropFirst().sorted()
        return Figure(median: rounds[rounds.count / 2], least: rounds[0])
    }

    private static func seconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}

func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.utf8.count))
}
