import Domain
import Interchange

/// One subscription written field by field, the same bytes as the description's: what it costs without a generic layer.
struct HandWriter: ~Copyable {
    var out = ByteWriter()

    mutating func write(_ subscription: Subscription, as format: Format) {
        out.removeAll()
        switch format {
        case .json: writeJSON(subscription)
        case .xml: writeXML(subscription)
        case .xurl: writeForm(subscription)
        }
    }

    private mutating func writeJSON(_ subscription: Subscription) {
        let terms = subscription.terms
        let progress = subscription.progress
        out.append("{\"id\":")
        out.append(subscription.id.rawValue)
        out.append(",\"code\":\"")
        if let code = subscription.code { json(code) } else { out.append(subscription.id.rawValue) }
        out.append("\",\"createDate\":\"")
        moment(subscription.createDate, " ", ":")
        out.append("\",\"accountId\":")
        out.append(subscription.accountID)
        out.append(",\"customerId\":")
        out.append(subscription.customerID.rawValue)
        if let plan = terms.planID {
            out.append(",\"planId\":")
            out.append(plan.rawValue)
        }
        if let name = terms.planName {
            out.append(",\"planName\":\"")
            json(name)
            out.append("\"")
        }
        out.append(",\"billingCycleType\":\"")
        out.append(terms.cycle.unit.letter)
        out.append("\",\"billingInterval\":")
        out.append(Int64(terms.cycle.interval))
        out.append(",\"amount\":")
        out.append(terms.amount.minorUnits)
        out.append(",\"taxAmount\":")
        out.append(terms.taxAmount.minorUnits)
        out.append(",\"firstBillingDate\":\"")
        out.append(terms.firstBillingDate)
        out.append("\"")
        if let length = terms.length {
            out.append(",\"length\":")
            out.append(Int64(length))
        }
        if let option = subscription.paymentOptionID {
            out.append(",\"paymentOptionId\":")
            out.append(option.rawValue)
        }
        if let note = subscription.note {
            out.append(",\"note\":\"")
            json(note)
            out.append("\"")
        }
        out.append(",\"status\":\"")
        out.append(progress.status.letter)
        out.append("\"")
        if let next = progress.nextBillingDate {
            out.append(",\"nextBillingDate\":\"")
            out.append(next)
            out.append("\"")
        }
        if let last = progress.lastBillingDate {
            out.append(",\"lastBillingDate\":\"")
            out.append(last)
            out.append("\"")
        }
        out.append(",\"billedCount\":")
        out.append(Int64(progress.billedCount))
        out.append(",\"collectedCount\":")
        out.append(Int64(subscription.collectedCount))
        out.append("}")
    }

    private mutating func writeXML(_ subscription: Subscription) {
        let terms = subscription.terms
        let progress = subscription.progress
        out.append("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<subscription id=\"")
        out.append(subscription.id.rawValue)
        out.append("\" code=\"")
        if let code = subscription.code { xml(code) } else { out.append(subscription.id.rawValue) }
        out.append("\" createDate=\"")
        moment(subscription.createDate, " ", ":")
        out.append("\" accountId=\"")
        out.append(subscription.accountID)
        out.append("\" customerId=\"")
        out.append(subscription.customerID.rawValue)
        if let plan = terms.planID {
            out.append("\" planId=\"")
            out.append(plan.rawValue)
        }
        if let name = terms.planName {
            out.append("\" planName=\"")
            xml(name)
        }
        out.append("\" billingCycleType=\"")
        out.append(terms.cycle.unit.letter)
        out.append("\" billingInterval=\"")
        out.append(Int64(terms.cycle.interval))
        out.append("\" amount=\"")
        out.append(terms.amount.minorUnits)
        out.append("\" taxAmount=\"")
        out.append(terms.taxAmount.minorUnits)
        out.append("\" firstBillingDate=\"")
        out.append(terms.firstBillingDate)
        if let length = terms.length {
            out.append("\" length=\"")
            out.append(Int64(length))
        }
        if let option = subscription.paymentOptionID {
            out.append("\" paymentOptionId=\"")
            out.append(option.rawValue)
        }
        if let note = subscription.note {
            out.append("\" note=\"")
            xml(note)
        }
        out.append("\" status=\"")
        out.append(progress.status.letter)
        if let next = progress.nextBillingDate {
            out.append("\" nextBillingDate=\"")
            out.append(next)
        }
        if let last = progress.lastBillingDate {
            out.append("\" lastBillingDate=\"")
            out.append(last)
        }
        out.append("\" billedCount=\"")
        out.append(Int64(progress.billedCount))
        out.append("\" collectedCount=\"")
        out.append(Int64(subscription.collectedCount))
        out.append("\"/>")
    }

    private mutating func writeForm(_ subscription: Subscription) {
        let terms = subscription.terms
        let progress = subscription.progress
        out.append("id=")
        out.append(subscription.id.rawValue)
        out.append("&code=")
        if let code = subscription.code { form(code) } else { out.append(subscription.id.rawValue) }
        out.append("&createDate=")
        moment(subscription.createDate, "+", "%3A")
        out.append("&accountId=")
        out.append(subscription.accountID)
        out.append("&customerId=")
        out.append(subscription.customerID.rawValue)
        if let plan = terms.planID {
            out.append("&planId=")
            out.append(plan.rawValue)
        }
        if let name = terms.planName {
            out.append("&planName=")
            form(name)
        }
        out.append("&billingCycleType=")
        out.append(terms.cycle.unit.letter)
        out.append("&billingInterval=")
        out.append(Int64(terms.cycle.interval))
        out.append("&amount=")
        out.append(terms.amount.minorUnits)
        out.append("&taxAmount=")
        out.append(terms.taxAmount.minorUnits)
        out.append("&firstBillingDate=")
        out.append(terms.firstBillingDate)
        if let length = terms.length {
            out.append("&length=")
            out.append(Int64(length))
        }
        if let option = subscription.paymentOptionID {
            out.append("&paymentOptionId=")
            out.append(option.rawValue)
        }
        if let note = subscription.note {
            out.append("&note=")
            form(note)
        }
        out.append("&status=")
        out.append(progress.status.letter)
        if let next = progress.nextBillingDate {
            out.append("&nextBillingDate=")
            out.append(next)
        }
        if let last = progress.lastBillingDate {
            out.append("&lastBillingDate=")
            out.append(last)
        }
        out.append("&billedCount=")
        out.append(Int64(progress.billedCount))
        out.append("&collectedCount=")
        out.append(Int64(subscription.collectedCount))
    }

    private mutating func json(_ text: String) {
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""): out.append("\\\"")
            case UInt8(ascii: "\\"): out.append("\\\\")
            default: out.append(byte)
            }
        }
    }

    private mutating func xml(_ text: String) {
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "&"): out.append("&amp;")
            case UInt8(ascii: "<"): out.append("&lt;")
            case UInt8(ascii: ">"): out.append("&gt;")
            case UInt8(ascii: "\""): out.append("&quot;")
            default: out.append(byte)
            }
        }
    }

    private mutating func form(_ text: String) {
        for byte in text.utf8 {
            switch byte {
            case 48...57, 65...90, 97...122, 42, 45, 46, 95: out.append(byte)
            case 32: out.append("+")
            default:
                out.append("%")
                out.append(hex(byte >> 4))
                out.append(hex(byte & 15))
            }
        }
    }

    private func hex(_ digit: UInt8) -> UInt8 { digit < 10 ? 48 + digit : 55 + digit }

    private mutating func moment(_ moment: LocalDateTime, _ space: StaticString, _ colon: StaticString) {
        out.append(moment.date)
        out.append(space)
        let second = Int(moment.secondOfDay)
        two(second / 3600)
        out.append(colon)
        two(second / 60 % 60)
        out.append(colon)
        two(second % 60)
    }

    private mutating func two(_ number: Int) {
        out.append(UInt8(48 + number / 10))
        out.append(UInt8(48 + number % 10))
    }
}

extension CycleUnit {
    fileprivate var letter: UInt8 {
        switch self {
        case .weekly: UInt8(ascii: "W")
        case .monthly: UInt8(ascii: "M")
        case .quarterly: UInt8(ascii: "Q")
        case .semiannually: UInt8(ascii: "S")
        case .annually: UInt8(ascii: "A")
        }
    }
}

extension Subscription.Status {
    fileprivate var letter: UInt8 { rawValue.utf8.first ?? 0 }
}
