public import Domain

extension Descriptions {
    /// spec 2.11. The form is the account itself: its defaults on create, the stored one on modify; what is cleared
    /// goes back to its default.
    public static let merchantAccount = ObjectDescription<MerchantAccount, MerchantAccount>(
        "MerchantAccount", plural: "MerchantAccounts",
        meaning: "The tenant: the business that bills, with its billing policy."
    ) {
        Field.integer(
            "id", in: Forms.accountNumbers, .createOnly, mark: .extended,
            meaning: "Number of the merchant account.", get: { $0.id }, set: { _, _ in }, current: { $0.id })
        Field.text(
            "name", 255, .writable, required: .always, mark: .extended, meaning: "Its name.",
            get: { $0.name }, set: { $0.name = $1 ?? "" })
        Field.enumeration(
            "mode", Enumerations.accountMode, .createOnly, default: "sandbox", mark: .extended,
            meaning: "Only a sandbox account has a movable clock.",
            get: { $0.mode }, set: { $0.mode = $1 ?? .sandbox }, current: { $0.mode })
        Field.text(
            "timeZone", 64, form: AccountForms.timeZone, .writable, default: "UTC", mark: .extended,
            meaning: "IANA name; decides the business date.",
            get: { $0.timeZone }, set: { $0.timeZone = $1 ?? "UTC" })
        Field.text(
            "currency", 3, form: AccountForms.currency, .createOnly, default: "USD", mark: .extended,
            meaning: "ISO 4217; its exponent decides what a cent is.",
            get: { $0.currency.code },
            set: { form, code in
                if let currency = Currency(code: code ?? "USD") { form.currency = currency }
            }, current: { $0.currency.code })
        Field.text(
            "processor", 30, form: AccountForms.processor, .writable, default: "sandbox", mark: .extended,
            meaning: "Which processor moves the money.",
            get: { $0.processor }, set: { $0.processor = $1 ?? "sandbox" })
        Field.enumeration(
            "balancingAlgorithm", Enumerations.balancingAlgorithm, .writable, default: "AB", mark: .extended,
            meaning: "In which order open debts are paid.",
            get: { $0.balancingAlgorithm }, set: { $0.balancingAlgorithm = $1 ?? .ageBased })
        days(
            "invoiceLeadDays", \.invoiceLeadDays, 0...60, default: 0,
            "Invoices are made this many days before their billing date.")
        days(
            "closeSalesDays", \.closeSalesDays, 0...30, default: 0,
            "Before a billing date: adjustments that would touch it are refused.")
        Field.integerList(
            "retryDays", in: 1...365, maxCount: 20, .writable, default: "3,5,7", mark: .extended,
            meaning:
                "Days between a soft decline and the next attempt; their number is that of the retries, none of an empty list.",
            get: { $0.retryDays.map { Int64($0) } },
            set: { $0.retryDays = $1.map { $0.map { Int($0) } } ?? [3, 5, 7] })
        Field.enumeration(
            "onRetriesExhausted", Enumerations.exhaustion, .writable, default: "none", mark: .extended,
            meaning: "What happens to the subscription when the last retry is declined.",
            get: { $0.onRetriesExhausted }, set: { $0.onRetriesExhausted = $1 ?? .none })
        fee("lateFeeAmount", \.lateFeeAmount, "Late fee for each invoice still open after the days of grace.")
        days(
            "lateFeeGraceDays", \.lateFeeGraceDays, 0...3650, default: 10,
            "Days after an invoice's due date until its late fee.")
        fee("softDeclineFee", \.softDeclineFee, "Fee when a charge is declined and may be tried again.")
        fee("hardDeclineFee", \.hardDeclineFee, "Fee when a charge is declined for good.")
        fee("retryFee", \.retryFee, "Fee when a retry succeeds.")
        fee("chargebackFee", \.chargebackFee, "Fee for a chargeback.")
        fee("enrollmentFee", \.enrollmentFee, "Fee when a subscription begins.")
        fee("cancellationFee", \.cancellationFee, "Fee when a subscription is cancelled.")
        fee("freezeFlatFee", \.freezeFlatFee, "Fee when a subscription is frozen.")
        fee(
            "freezeRecurringFee", \.freezeRecurringFee,
            "Billed in place of the plan's amount while frozen, when above 0.")
        days(
            "writeOffDays", \.writeOffDays, 0...36500, default: 0,
            "Invoices open for so long are written off; 0 is never.")
        days(
            "claimReturnDays", \.claimReturnDays, 0...365, default: 3,
            "Banking days after which a claim counts as final.")
        Field.text(
            "settlementTime", 5, form: AccountForms.settlementTime, .writable, default: "17:00",
            mark: .extended,
            meaning: "HH:mm: a payment before it can be voided that day, after it only refunded.",
            get: { $0.settlementTime }, set: { $0.settlementTime = $1 ?? "17:00" })
    }

    private static func fee(
        _ name: String, _ path: any WritableKeyPath<MerchantAccount, Money> & Sendable, _ meaning: String
    ) -> Field<MerchantAccount, MerchantAccount> {
        Field.money(
            name, in: Forms.amountOrNothing, .writable, default: "0", mark: .extended,
            meaning: "Cents. \(meaning)",
            get: { $0[keyPath: path] }, set: { $0[keyPath: path] = $1 ?? .zero })
    }

    private static func days(
        _ name: String, _ path: any WritableKeyPath<MerchantAccount, Int> & Sendable,
        _ range: ClosedRange<Int64>,
        default: Int, _ meaning: String
    ) -> Field<MerchantAccount, MerchantAccount> {
        Field.integer(
            name, in: range, .writable, default: String(`default`), mark: .extended, meaning: meaning,
            get: { $0[keyPath: path] }, set: { $0[keyPath: path] = $1 ?? `default` })
    }
}

extension Enumerations {
    /// spec 2.11 mode.
    public static let accountMode = EnumerationFacts(
        "accountMode",
        [
            EnumerationCode("sandbox", "its clock can be moved"),
            EnumerationCode("live", "follows real time"),
        ])

    /// spec 2.11 onRetriesExhausted.
    public static let exhaustion = EnumerationFacts(
        "onRetriesExhausted",
        [
            EnumerationCode("none", "nothing"), EnumerationCode("pause", "it is paused"),
            EnumerationCode("cancel", "it is cancelled"),
        ])

    /// spec 3.10.
    public static let balancingAlgorithm = EnumerationFacts(
        "balancingAlgorithm",
        [
            EnumerationCode("AB", "strictly oldest due first, invoices and fees alike"),
            EnumerationCode("IF", "the oldest open invoice, then all fees, then the other invoices"),
        ])
}

/// Forms of text that only merchant accounts have.
private enum AccountForms {
    /// The form of an IANA name; whether there is such a zone, the database knows.
    static let timeZone = TextForm(
        "must be an IANA name such as America/New_York", pattern: "^[A-Za-z][A-Za-z0-9_+/-]*$",
        code: .valueNotAllowed,
        accepts: { text in
            text.utf8.first.map { (65...90).contains($0) || (97...122).contains($0) } == true
                && text.utf8.allSatisfy { byte in
                    switch byte {
                    case 48...57, 65...90, 97...122, 43, 45, 47, 95: true
                    default: false
                    }
                }
        })

    static let currency = TextForm(
        "must be a currency code of ISO 4217, such as USD", pattern: "^[A-Z]{3}$", code: .valueNotAllowed,
        accepts: { Currency(code: $0) != nil })

    static let processor = TextForm(
        "must be made of a-z, 0-9 and -", pattern: "^[a-z0-9-]{1,30}$", code: .valueNotAllowed,
        accepts: { $0.utf8.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == 45 } })

    static let settlementTime = TextForm(
        "must be a time of day, HH:mm", pattern: "^([01][0-9]|2[0-3]):[0-5][0-9]$", code: .valueNotAllowed,
        accepts: { text in
            let bytes = Array(text.utf8)
            guard bytes.count == 5, bytes[2] == UInt8(ascii: ":") else { return false }
            func two(_ at: Int) -> Int? {
                guard (48...57).contains(bytes[at]), (48...57).contains(bytes[at + 1]) else { return nil }
                return Int(bytes[at] - 48) * 10 + Int(bytes[at + 1] - 48)
            }
            guard let hour = two(0), let minute = two(3) else { return false }
            return hour < 24 && minute < 60
        })
}
