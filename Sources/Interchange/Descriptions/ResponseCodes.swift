import Domain

extension Enumerations {
    /// spec 3.8. Processors may send others; those count as soft declines.
    public static let responseCode = EnumerationFacts(
        "responseCode",
        [
            EnumerationCode("A01", "approved"), EnumerationCode("A02", "credit posted"),
            EnumerationCode("A03", "voided"), EnumerationCode("A05", "partly approved"),
            EnumerationCode("D01", "denied by the bank"), EnumerationCode("D02", "bad expiry"),
            EnumerationCode("D03", "insufficient funds"), EnumerationCode("D04", "pick up card"),
            EnumerationCode("D05", "invalid number"), EnumerationCode("D06", "no account"),
            EnumerationCode("D07", "PIN is wrong"), EnumerationCode("D08", "security code is wrong"),
            EnumerationCode("D09", "duplicate"), EnumerationCode("D10", "lost or stolen card"),
            EnumerationCode("D12", "not allowed"), EnumerationCode("D14", "holder and account do not match"),
            EnumerationCode("D15", "above the maximum"), EnumerationCode("D16", "expired card"),
            EnumerationCode("D17", "try again"), EnumerationCode("D18", "bad amount"),
            EnumerationCode("D21", "too many PIN tries"), EnumerationCode("D26", "state of the batch"),
            EnumerationCode("D27", "transaction error"), EnumerationCode("D29", "restricted card"),
            EnumerationCode("D30", "call the issuer"),
            EnumerationCode("D33", "merchant not known to the processor"),
            EnumerationCode("D34", "user not known to the processor"),
            EnumerationCode("N01", "returned: insufficient funds"),
            EnumerationCode("N02", "returned: account closed"),
            EnumerationCode("N03", "returned: routing number is wrong"),
            EnumerationCode("N04", "returned: account number is wrong"),
            EnumerationCode("N05", "returned: account blocked"),
            EnumerationCode("N06", "returned: wrong kind of account"),
            EnumerationCode("N07", "returned: stopped by the payer"),
            EnumerationCode("N08", "notice: the branch moved, the option on file is corrected"),
            EnumerationCode("N09", "notice: the account was amended, the option on file is corrected"),
            EnumerationCode("Z02", "notice: chargeback"),
            EnumerationCode("E02", "no answer yet, the outcome is unknown"),
        ].map(judged))

    /// A decline's code says whether a later try may work.
    private static func judged(_ code: EnumerationCode) -> EnumerationCode {
        guard code.code.hasPrefix("D") || code.meaning.hasPrefix("returned"),
            let type = ResponseKind(code: code.code).declineType
        else { return code }
        return EnumerationCode(code.code, "\(code.meaning) (\(type == "H" ? "hard" : "soft"))")
    }
}
