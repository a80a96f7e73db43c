/// What stands for a field or parameter in the documentation's requests and answers: values that the server would take.
///
/// A field without a line of its own gets one that follows from its type.
public enum Examples {
    /// The value for a field of a class as an answer shows it, or for a parameter (no class), in the type that json gives
    /// it; null where an example answer has none.
    public static func value(of facts: FieldFacts, in object: String?) -> Value {
        if let object, let value = ofClass[object]?[facts.name] { return value }
        // A name stands for the same thing in every class, where its type allows that.
        if let value = ofName[facts.name], value == .null || suits(value, facts.type) { return value }
        return plain(facts)
    }

    /// A body for ~create of this class, or for another action that takes one.
    public static func creation(of facts: ObjectFacts) -> Value {
        if let example = creations[facts.name] { return example }
        let needed = facts.fields.filter { $0.required == .always && $0.mode != .readOnly }
        return .object(needed.map { .init($0.name, value(of: $0, in: facts.name)) })
    }

    /// A body for ~modify of this class: a change or two.
    public static func change(of facts: ObjectFacts) -> Value {
        if let example = changes[facts.name] { return example }
        let field = facts.fields.last { $0.mode == .writable && !$0.type.isContainer }
        return .object(field.map { [.init($0.name, value(of: $0, in: facts.name))] } ?? [])
    }

    /// What the answer of an action shows otherwise than its class usually does; an object within it that is `true` is shown
    /// with its own example.
    public static func result(of action: String) -> Value { results[action] ?? .object([]) }

    private static func suits(_ value: Value, _ type: FieldType) -> Bool {
        guard case .scalar(let scalar) = type.convert(.typed(value)) else { return false }
        return type.check(scalar) == nil
    }

    private static func plain(_ facts: FieldFacts) -> Value {
        switch facts.type {
        case .integer(let range), .long(let range):
            .integer(
                facts.defaultText.flatMap { Int64($0) } ?? min(max(1, range.lowerBound), range.upperBound))
        case .text(let maxLength, let form): form == nil ? .text(String("Example".prefix(maxLength))) : .null
        case .enumeration(let codes): .text(codes.codes.first?.code ?? "")
        case .boolean: .boolean(facts.defaultText != "false")
        case .date: .text("2027-01-31")
        case .dateTime: .text("2027-01-31 09:30:00")
        case .reference: .integer(1)
        case .integerList: .text(facts.defaultText ?? "1")
        // The documentation puts the inner class's own example here.
        case .object, .list: .null
        case .texts: .list([.text("Example")])
        }
    }

    private static let ofName: [String: Value] = [
        "id": .integer(210_001), "accountId": .integer(2001), "customerId": .integer(210_001),
        "planId": .integer(430_001), "subscriptionId": .integer(540_001),
        "paymentOptionId": .integer(320_001), "transactionId": .integer(650_012),
        "sourceId": .integer(650_013), "targetId": .integer(650_012),
        "createDate": .text("2027-01-15 09:30:00"),
        "firstName": .text("Ann"), "lastName": .text("Lee"), "organizationName": .text("Lee Gardens"),
        "email": .text("ann@example.com"), "phone": .text("+1 555 0100"), "street": .text("1 Main Street"),
        "street1": .text("1 Main Street"), "street2": .text("Floor 2"), "city": .text("Springfield"),
        "state": .text("IL"), "zipCode": .text("62701"), "countryCode": .text("US"),
        "address": .text("1 Main Street, Floor 2, Springfield, IL, 62701, US"),
        "holderName": .text("Ann Lee"),
        "accountNumber": .text("4***********1111"), "accountAccessory": .text("1230"), "csc": .text("847"),
        "accountType": .text("VC"), "note": .text("Called on Monday."), "amount": .integer(4999),
        "amountFrom": .integer(1000), "amountTo": .integer(9999), "balance": .integer(4999),
        "balanceFrom": .integer(1), "balanceTo": .integer(9999), "taxAmount": .integer(0),
        "feeAmount": .integer(0), "billingCycleType": .text("M"), "billingInterval": .integer(1),
        "length": .integer(12), "firstBillingDate": .text("2027-01-31"), "cycleNumber": .integer(1),
        "billingDate": .text("2027-01-31"), "effectiveDate": .text("2027-02-28"), "endDate": .null,
        "dueDate": .text("2027-01-31"), "timeZone": .text("America/New_York"), "currency": .text("USD"),
        "processor": .text("sandbox"), "settlementTime": .text("17:00"), "creatorCode": .text("api-demo"),
        "userName": .text("api-demo"), "user-name": .text("api-demo"), "tokenCode": .text(token),
        "token": .text(token), "responseCode": .text("A01"), "responseMessage": .text("Approved"),
        "approvalCode": .text("7KQ2M4"), "gatewayTransactionId": .text("SB000000000042"),
        "requestId": .text("order-4711"), "to": .text("2027-02-28"), "limit": .integer(100),
        "offset": .integer(0), "after": .integer(210_100), "count": .integer(12),
        "failureCode": .text("V21"), "businessDate": .text("2027-01-31"),
        "now": .text("2027-01-31 09:30:00"), "isActive": .boolean(true), "isDefault": .boolean(true),
        "declineType": .null, "nextAttemptDate": .null, "lastDeclineCode": .null, "lastDeclineDate": .null,
        "invoiceList": .null, "adjustmentId": .null, "pendingAdjustmentType": .null,
        "password": .text("your password"), "firstInvoicingDate": .null, "nextInvoicingDate": .null,
        "customer-id": .integer(210_001), "payment-option-id": .integer(320_001),
        "plan-id": .integer(430_001), "subscription-id": .integer(540_001),
        "transaction-id": .integer(650_012), "account-id": .integer(2001),
    ]

    private static let token = "tok_7Qm2Vw9xTz4KcP1aBnY8"

    private static let ofClass: [String: [String: Value]] = [
        "Customer": ["code": .text("c-1001"), "balance": .integer(0), "status": .text("A")],
        "PaymentOption": ["id": .integer(320_001), "code": .text("card-1"), "type": .text("VC")],
        "Plan": [
            "id": .integer(430_001), "code": .text("gold-monthly"), "name": .text("Gold, by the month"),
        ],
        "Subscription": [
            "id": .integer(540_001), "code": .text("gym-1001"), "status": .text("U"),
            "planName": .text("Gold, by the month"), "nextBillingDate": .text("2027-01-31"),
            "lastBillingDate": .null, "billedCount": .integer(0), "collectedCount": .integer(0),
        ],
        "Transaction": [
            "id": .integer(650_012), "code": .text("t-2027-01"), "type": .text("RI"),
            "status": .text("final"),
            "accountType": .null, "accountNumber": .null, "processingInfo": .null, "sourceId": .null,
            "note": .text("January"),
        ],
        "ProcessingInfo": ["id": .integer(650_013)],
        "Allocation": [
            "id": .integer(760_001), "sourceTransactionType": .text("AP"),
            "targetTransactionType": .text("RI"),
        ],
        "MerchantAccount": ["id": .integer(2001), "name": .text("Lee Gardens")],
        "Clock": [
            "isFrozen": .boolean(true), "daysRun": .integer(28), "invoices": .integer(1),
            "payments": .integer(1), "declines": .integer(0), "fees": .integer(0),
            "amountCollected": .integer(4999),
        ],
        "SubscriptionAdjustment": [
            "id": .integer(870_001), "type": .text("F"), "endDate": .text("2027-05-30"),
            "length": .integer(3),
            "note": .text("Abroad until June."),
        ],
        "Charge": [
            "type": .text("F"), "status": .text("planned"), "transactionId": .null,
            "expectedCollection": .integer(4999),
        ],
        "Explanation": [
            "transactionId": .integer(650_012),
            "causedBy": .text("the billing run"),
            "steps": .list([
                .text("Cycle 1 lies on the anchor date: it is billed on 2027-01-31."),
                .text("The subscription's amount is 49.99 USD."),
            ]),
        ],
        "ExplanationInput": ["name": .text("anchorDate"), "value": .text("2027-01-31")],
        "LedgerEntry": [
            "id": .text("650012-1"), "date": .text("2027-01-31"), "transactionId": .integer(650_012),
            "transactionType": .text("RI"), "transactionCode": .text("t-2027-01"), "sourceId": .null,
            "debitAccount": .text("receivable"), "creditAccount": .text("revenue:recurring"),
        ],
        "User": [
            "privileges": .list([.text("management-api")]), "accountIds": .text("2001,2002"),
            "temporaryPassword": .text("qT5n8mWzYc3KxV0b7RdLhG2sJ9fPu4aE"),
            "temporaryPasswordExpires": .text("2027-01-15 10:30:00"),
        ],
        "ServiceResponse": ["responseType": .text("success"), "message": .text("The number is erased.")],
        "Exception": [
            "responseType": .text("exception"), "field": .text("billingCycleType"),
            "failureMessage": .text("billingCycleType must be one of W, M, Q, S, A"),
        ],
        "Error": [
            "field": .text("billingCycleType"),
            "failureMessage": .text("billingCycleType must be one of W, M, Q, S, A"),
        ],
    ]

    private static let results: [String: Value] = [
        "process": .object([
            .init("id", .integer(650_013)), .init("code", .text("650013")), .init("type", .text("AP")),
            .init("accountType", .text("VC")), .init("accountNumber", .text("4***********1111")),
            .init("cycleNumber", .null), .init("note", .text("Due at signing")),
            .init("processingInfo", .boolean(true)),
        ]),
        "reverse": .object([
            .init("id", .integer(650_014)), .init("code", .text("650014")), .init("type", .text("RR")),
            .init("sourceId", .integer(650_012)), .init("cycleNumber", .null),
        ]),
    ]

    private static let card = Value.object([
        .init("accountNumber", .text("4111111111111111")), .init("accountAccessory", .text("1230")),
        .init("holderName", .text("Ann Lee")),
    ])

    private static let agreement = Value.object([
        .init("billingCycleType", .text("M")), .init("amount", .integer(4999)),
        .init("firstBillingDate", .text("2027-01-31")), .init("length", .integer(12)),
    ])

    private static let creations: [String: Value] = [
        "Customer": .object([
            .init("firstName", .text("Ann")), .init("lastName", .text("Lee")),
            .init("email", .text("ann@example.com")), .init("paymentOptions", .list([card])),
            .init("subscriptions", .list([agreement])),
        ]),
        "PaymentOption": card,
        "Plan": .object([
            .init("name", .text("Gold, by the month")), .init("billingCycleType", .text("M")),
            .init("amount", .integer(4999)),
        ]),
        "Subscription": agreement,
        "Transaction": .object([
            .init("type", .text("RI")), .init("amount", .integer(4999)), .init("note", .text("January")),
        ]),
        "ProcessingRequest": .object([
            .init("amount", .integer(4999)), .init("note", .text("Due at signing")),
        ]),
    ]

    private static let changes: [String: Value] = [
        "Customer": .object([
            .init("email", .text("ann.lee@example.com")), .init("phone", .text("+1 555 0100")),
        ]),
        "PaymentOption": .object([
            .init("accountAccessory", .text("0632")), .init("isDefault", .boolean(true)),
        ]),
        "Plan": .object([.init("amount", .integer(5499))]),
        "Subscription": .object([.init("note", .text("Asked to pay by another card."))]),
        "MerchantAccount": .object([
            .init("retryDays", .text("3,5,7")), .init("lateFeeAmount", .integer(500)),
        ]),
    ]
}
