import Domain

/// The codes of spec 3 with their meanings, each once.
public enum Enumerations {
    /// spec 3.1.
    public static let billingCycleType = EnumerationFacts(
        "billingCycleType",
        [
            EnumerationCode("W", "weekly"), EnumerationCode("M", "monthly"),
            EnumerationCode("Q", "quarterly"),
            EnumerationCode("S", "semi-annually"), EnumerationCode("A", "annually"),
        ])

    /// spec 3.2.
    public static let transactionType = EnumerationFacts(
        "transactionType",
        [
            EnumerationCode("RI", "invoice"), EnumerationCode("RC", "credit, the opposite of an invoice"),
            EnumerationCode("RR", "reversal of an invoice or fee, full"),
            EnumerationCode("RF", "service fee"),
            EnumerationCode("RL", "late fee"), EnumerationCode("RA", "access fee"),
            EnumerationCode("RO", "fee on handing over to outside collections"),
            EnumerationCode("RN", "fee on taking back from outside collections"),
            EnumerationCode("RX", "reversal of a credit"), EnumerationCode("AP", "payment, real time"),
            EnumerationCode("AC", "claim: batch payment, may decline later"),
            EnumerationCode("AV", "void of a payment or claim before settlement"),
            EnumerationCode("AR", "refund, partial or full"), EnumerationCode("AD", "decline"),
            EnumerationCode("AG", "chargeback"), EnumerationCode("AS", "reversal of a chargeback"),
            EnumerationCode("AX", "reversal of a refund"),
            EnumerationCode("AA", "adjustment: write-off of old debt"),
        ])

    /// spec 3.3, all letters: D and S are taken as filters and never sent.
    public static let subscriptionStatusFilter = EnumerationFacts(
        "subscriptionStatus",
        [
            EnumerationCode("U", "unbilled, no billing yet"), EnumerationCode("C", "current"),
            EnumerationCode("D", "deferred, the next billing makes no invoice"),
            EnumerationCode("F", "frozen"),
            EnumerationCode("P", "paused"), EnumerationCode("N", "cancelled"),
            EnumerationCode("E", "expired, all payments of a fixed one made"),
            EnumerationCode("S", "suspended, deprecated"),
        ])

    /// spec 3.3, the letters that this server sets.
    public static let subscriptionStatus = subscriptionStatusFilter.only(["U", "C", "F", "P", "N", "E"])

    /// spec 3.4.
    public static let accountType = EnumerationFacts(
        "accountType",
        [
            EnumerationCode("VC", "Visa credit"), EnumerationCode("VD", "Visa debit"),
            EnumerationCode("MC", "MasterCard credit"), EnumerationCode("MD", "MasterCard debit"),
            EnumerationCode("AC", "American Express"), EnumerationCode("DC", "Discover credit"),
            EnumerationCode("DD", "Discover debit"), EnumerationCode("JC", "JCB"),
            EnumerationCode("NC", "Diners Club"), EnumerationCode("BC", "bank account, checking"),
            EnumerationCode("BS", "bank account, savings"), EnumerationCode("K", "cash"),
            EnumerationCode("H", "check"), EnumerationCode("E", "external, such as PayPal"),
            EnumerationCode("L", "allowance, complimentary"), EnumerationCode("P", "payment plan"),
            EnumerationCode("T", "settlement"), EnumerationCode("W", "write-off"),
        ])

    /// spec 3.4, the kinds that can be on file.
    public static let paymentOptionType = accountType.only([
        "VC", "VD", "MC", "MD", "AC", "DC", "DD", "JC", "NC", "BC", "BS",
    ])

    /// spec 3.5.
    public static let adjustmentType = EnumerationFacts(
        "adjustmentType",
        [EnumerationCode("F", "freeze"), EnumerationCode("C", "cancel"), EnumerationCode("P", "pause")])

    /// spec 3.6.
    public static let chargeType = EnumerationFacts(
        "chargeType",
        [
            EnumerationCode("F", "fixed: one of a number of payments"), EnumerationCode("P", "perpetual"),
            EnumerationCode("D", "deferred, no invoice"),
            EnumerationCode("C", "complimentary: invoiced and at once waived by an allowance"),
            EnumerationCode("R", "freeze, no invoice"),
            EnumerationCode("Z", "paid freeze: an invoice of the freeze fee"),
            EnumerationCode("S", "skipped"),
        ])

    /// spec 2.10 status.
    public static let chargeStatus = EnumerationFacts(
        "chargeStatus",
        [
            EnumerationCode("planned", "to be billed on its date"),
            EnumerationCode("billed", "the invoice is made already"),
            EnumerationCode("skipped", "frozen or paused: no invoice"),
        ])

    /// spec 3.7.
    public static let customerStatus = EnumerationFacts(
        "customerStatus",
        [
            EnumerationCode("A", "active"), EnumerationCode("I", "inactive"),
            EnumerationCode("C", "cancelled"),
            EnumerationCode("E", "expired, all its subscriptions have ended"),
        ])

    /// spec 3.9.
    public static let transactionStatus = EnumerationFacts(
        "transactionStatus",
        [
            EnumerationCode("final", "it counts"),
            EnumerationCode("pending", "sent to the processor, outcome not known yet"),
            EnumerationCode("declined", "refused by the processor, no money moved"),
            EnumerationCode("reversed", "undone by another transaction"),
        ])
}

/// Forms of text that several objects share.
enum Forms {
    static let email = TextForm(
        "must be one email address",
        pattern: "^[^@,;\(unprinted)]{1,64}@[^@,;.\(unprinted)]+(\\.[^@,;.\(unprinted)]+)+$",
        accepts: { text in
            let parts = text.split(separator: "@", omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[0].isEmpty, parts[0].utf8.count <= 64 else { return false }
            let labels = parts[1].split(separator: ".", omittingEmptySubsequences: false)
            return labels.count >= 2 && labels.allSatisfy { !$0.isEmpty }
                && !text.unicodeScalars.contains { $0.properties.isWhitespace || $0 == "," || $0 == ";" }
        })

    /// Space and control characters, inside a character class of a pattern.
    private static let unprinted = "\\s\\x00-\\x1f\\x7f-\\x9f\\ufffe\\uffff"

    static let phone = TextForm(
        "must be made of digits, +, -, ( ) and spaces, with a digit",
        pattern: "^[0-9+ ()-]*[0-9][0-9+ ()-]*$",
        accepts: { text in
            text.utf8.contains { (48...57).contains($0) }
                && text.utf8.allSatisfy { (48...57).contains($0) || "+ -()".utf8.contains($0) }
        })

    /// The invoices that a payment is to cover first (spec 2.6).
    static let invoiceList = TextForm(
        "must be ids or *codes joined by commas",
        pattern: "^\(listed)(,\(listed))*$",
        accepts: { text in
            text.split(separator: ",", omittingEmptySubsequences: false).allSatisfy { part in
                Reference(String(part.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())) != nil
            }
        })

    /// One of a list, inside a pattern.
    private static let listed = " *(\\*[A-Za-z0-9._:@-]{1,60}|0*[1-9][0-9]{0,14}) *"

    static let digits = TextForm(
        "must be made of digits", pattern: "^[0-9]+$",
        accepts: { $0.utf8.allSatisfy { (48...57).contains($0) } })

    static let securityCode = TextForm(
        "must be 3 or 4 digits", pattern: "^[0-9]{3,4}$",
        accepts: { (3...4).contains($0.utf8.count) && $0.utf8.allSatisfy { (48...57).contains($0) } })

    static let capitals = TextForm(
        "must be made of capital letters A-Z", pattern: "^[A-Z]{2,3}$",
        accepts: { $0.utf8.count >= 2 && $0.utf8.allSatisfy { (65...90).contains($0) } })

    /// Cents of one transaction (spec 4.2).
    static let amount: ClosedRange<Int64> = 1...99_999_999_999
    static let amountOrNothing: ClosedRange<Int64> = 0...99_999_999_999
    static let accountNumbers: ClosedRange<Int64> = 1...2_147_483_647
}
