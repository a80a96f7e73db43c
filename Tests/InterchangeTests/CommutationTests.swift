import Domain
import Interchange
import Testing

/// A request's document before it is written in a format.
private indirect enum Document {
    /// What stands in json, and the text that says the same elsewhere.
    case scalar(json: String, text: String)
    case object([(name: String, value: Document)])
    case list([Document], item: String)

    /// In json.
    var json: String {
        switch self {
        case .scalar(let json, _): json
        case .object(let members):
            "{" + members.map { "\"\($0.name)\":\($0.value.json)" }.joined(separator: ",") + "}"
        case .list(let items, _): "[" + items.map(\.json).joined(separator: ",") + "]"
        }
    }

    /// In XML: scalars are attributes, the rest child elements.
    func xml(as name: String) -> String {
        var attributes = ""
        var children = ""
        switch self {
        case .scalar: break
        case .object(let members):
            for member in members {
                if case .scalar(_, let text) = member.value {
                    attributes += " \(member.name)=\"\(Self.escaped(text))\""
                } else {
                    children += member.value.xml(as: Self.dashed(member.name))
                }
            }
        case .list(let items, let item): children = items.map { $0.xml(as: item) }.joined()
        }
        return "<\(name)\(attributes)>\(children)</\(name)>"
    }

    /// The pairs of xurl.
    func pairs(_ path: String = "") -> [String] {
        let prefix = path.isEmpty ? "" : "\(path)."
        switch self {
        case .scalar(_, let text):
            let bytes = text.utf8.map { byte in
                let hex = String(byte, radix: 16)
                return "%" + (hex.utf8.count == 1 ? "0" : "") + hex
            }
            return ["\(path)=\(bytes.joined())"]
        case .object(let members): return members.flatMap { $0.value.pairs(prefix + $0.name) }
        case .list(let items, _):
            return items.enumerated().flatMap { $0.element.pairs("\(prefix)\($0.offset)") }
        }
    }

    func written(as format: Format, root: String) -> [UInt8] {
        switch format {
        case .json: json.bytes
        case .xml: xml(as: root).bytes
        case .xurl: pairs().joined(separator: "&").bytes
        }
    }

    static func text(_ text: String) -> Document {
        let escaped = text.unicodeScalars.map { $0 == "\"" || $0 == "\\" ? "\\\($0)" : "\($0)" }.joined()
        return .scalar(json: "\"\(escaped)\"", text: text)
    }

    static func bare(_ text: String) -> Document { .scalar(json: text, text: text) }

    private static func dashed(_ name: String) -> String {
        name.unicodeScalars.map { $0.properties.isUppercase ? "-\($0.properties.lowercaseMapping)" : "\($0)" }
            .joined()
    }

    private static func escaped(_ text: String) -> String {
        text.unicodeScalars.map { "&<>\"".unicodeScalars.contains($0) ? "&#\($0.value);" : "\($0)" }.joined()
    }
}

/// Documents made up from a description's facts: every field, texts of any script up to their length, numbers up to their
/// limits, and now and then what is too long, too large or of the wrong form.
private struct Invention {
    var numbers: SeededNumbers

    /// What a form accepts, where random text would not be.
    private static let good = [
        "4111111111111111", "371449635392376", "1299", "021000021", "847", "ann@example.com", "+1 555 0100",
        "US", "USA", "UTC", "EUR", "sandbox", "23:59", "c-1001", "77",
    ]

    private mutating func chance(_ percent: Int) -> Bool {
        Int.random(in: 0..<100, using: &numbers) < percent
    }

    mutating func object(_ facts: ObjectFacts) -> Document {
        // A bank account is not a card: the type, the number and the routing number go together.
        let isBank = chance(30)
        let isByToken = chance(10)
        var members: [(name: String, value: Document)] = []
        for field in facts.fields {
            var isWanted = chance(field.required == .always ? 99 : field.mode == .readOnly ? 10 : 60)
            let value: Document
            switch field.name {
            case "accountNumber" where field.mode != .readOnly:
                (isWanted, value) = (!isByToken, .text(isBank ? "4099999992" : Self.good[0]))
            case "accountAccessory" where field.mode != .readOnly:
                (isWanted, value) = (!isByToken, .text(isBank ? "021000021" : "1299"))
            case "csc": (isWanted, value) = (isWanted && !isBank && !isByToken, .text("0847"))
            case "token": (isWanted, value) = (isByToken, .text("token-of-no-option"))
            case "type" where facts.name == "PaymentOption":
                (isWanted, value) = (isBank, .text(isBank ? "BS" : "VC"))
            case "accountType" where facts.name == "ProcessingRequest":
                (isWanted, value) = (isBank && !isByToken, .text("BC"))
            case "paymentOptionId" where facts.name == "ProcessingRequest":
                (isWanted, value) = (false, .bare("1"))
            case "taxAmount", "feeAmount": value = .bare(chance(95) ? "0" : "1")
            default: value = self.value(of: field.type)
            }
            // xurl has no way to write an object without content.
            if case .object(let inner) = value, inner.isEmpty { continue }
            if isWanted { members.append((field.name, value)) }
        }
        return .object(members)
    }

    private mutating func value(of type: FieldType) -> Document {
        if !type.isContainer, chance(1) { return .text("\u{1F980} wrong") }
        switch type {
        case .integer(let range), .long(let range):
            let limits = [range.lowerBound, range.upperBound, Int64.random(in: range, using: &numbers)]
            let number = limits.randomElement(using: &numbers) ?? 0
            return .bare("\(chance(1) && number < Int64.max ? number + 1 : number)")
        case .text(let most, let form):
            if let form {
                let fitting = Self.good.filter { $0.utf8.count <= most && form.accepts($0) }
                return .text(fitting.randomElement(using: &numbers) ?? "")
            }
            let length =
                chance(20) ? most + (chance(3) ? 1 : 0) : Int.random(in: 0...min(30, most), using: &numbers)
            return .text(Member.text(&numbers, length...length))
        case .enumeration(let facts): return .text(facts.codes.randomElement(using: &numbers)?.code ?? "")
        case .boolean: return .bare(chance(50) ? "true" : "false")
        case .date, .dateTime:
            let days = CalendarDate.earliest.daysSince1970...CalendarDate.latest.daysSince1970
            let date = CalendarDate(daysSince1970: Int32.random(in: days, using: &numbers))
            guard case .dateTime = type, chance(50) else { return .text("\(date)") }
            return .text("\(date) 23:59:07")
        case .reference:
            return chance(50) ? .text("*c-\(numbers.next())") : .bare("\(numbers.next() >> 12 + 1)")
        case .integerList(let range, let most):
            let count = Int.random(in: 1...most, using: &numbers)
            let values = (0..<count).map { _ in "\(Int64.random(in: range, using: &numbers))" }
            return .text(values.joined(separator: ","))
        case .object(let facts): return object(facts)
        case .list(let facts):
            // As little as an object can xurl write an item without content.
            let items = (0..<Int.random(in: 1...3, using: &numbers)).map { _ in object(facts) }
                .filter { if case .object(let members) = $0 { !members.isEmpty } else { true } }
            return items.isEmpty ? .object([]) : .list(items, item: facts.elementName)
        case .texts: return .list([], item: "text")
        }
    }
}

@Suite("Any object says the same in every format")
struct CommutationTests {
    /// A body read as one format: what the form came to hold, byte by byte, or the faults by code and field.
    private static func outcome<Form, Object>(
        of document: Document, as format: Format, _ description: ObjectDescription<Form, Object>,
        _ start: Form
    ) -> (form: [UInt8], faults: Set<String>) {
        var form = start
        let refusal = refusing { () throws(Refusal) in
            let bytes = document.written(as: format, root: description.facts.elementName)
            try description.decode(Body(reading: bytes, as: format), into: &form, purpose: .create)
        }
        var text = ""
        dump(form, to: &text)
        return (text.bytes, Set((refusal?.faults ?? []).map { "\($0.code.rawValue) \($0.field ?? "")" }))
    }

    private static func check<Form, Object>(
        _ description: ObjectDescription<Form, Object>, _ start: Form, count: Int = 100
    ) throws {
        var invention = Invention(numbers: SeededNumbers(state: PropertyTests.seed))
        var accepted = 0
        var taken: Set<String> = []
        for number in 0..<count {
            let document = invention.object(description.facts)
            let json = outcome(of: document, as: .json, description, start)
            for format in [Format.xml, .xurl] {
                let other = outcome(of: document, as: format, description, start)
                let isSame = other == json
                try #require(
                    isSame,
                    "seed \(PropertyTests.seed) \(description.facts.name) \(number) \(format): \(document.json)\n\(other.faults) \(json.faults)"
                )
            }
            guard json.faults.isEmpty, case .object(let members) = document else { continue }
            accepted += 1
            taken.formUnion(members.map(\.name))
        }
        // Some are good, some are not, and every field was in a good one.
        let name = description.facts.name
        #expect(accepted > count / 20 && accepted < count, "\(name): \(accepted) of \(count) accepted")
        let writable = description.facts.fields.filter { $0.mode != .readOnly }.map(\.name)
        #expect(
            Set(writable).subtracting(taken).subtracting(["paymentOptionId"]).isEmpty, "\(name): \(taken)")
    }

    @Test func `every object that a caller may send`() throws {
        print("seed \(PropertyTests.seed)")
        try Self.check(Sample.member, MemberForm())
        try Self.check(Descriptions.customer, CustomerForm())
        try Self.check(Descriptions.paymentOption, PaymentOptionForm())
        try Self.check(Descriptions.plan, PlanForm())
        try Self.check(Descriptions.subscription, SubscriptionForm())
        try Self.check(Descriptions.transaction, TransactionForm(), count: 400)
        try Self.check(Descriptions.processingRequest, ProcessingRequest())
    }
}
