import Domain

/// An order with what most tests do not care about filled in. 2026-03-05 is a Thursday.
func order(
    _ key: String, _ kind: ProcessorOrder.Kind = .payment, _ cents: Int64 = 20_00, account: Int64 = 2001,
    type: String? = nil, number: String? = nil, csc: String? = nil, attempt: Int = 1,
    of original: String? = nil,
    on date: String = "2026-03-05", currency: String = "USD"
) -> ProcessorOrder {
    let type = type ?? (kind == .claim ? "BC" : "VC")
    let isBank = type == "BC" || type == "BS"
    guard let businessDate = CalendarDate(date) else { preconditionFailure("no such day") }
    return ProcessorOrder(
        account: account, key: key, kind: kind, amount: Money(cents), currency: currency, accountType: type,
        accountNumber: number ?? (isBank ? "4099999992" : "4111111111111111"),
        accountAccessory: isBank ? "021000021" : "1230", holderName: "Ada Member", securityCode: csc,
        attemptNumber: attempt, originalKey: original,
        now: Timestamp(microsecondsSince1970: Int64(businessDate.daysSince1970) * 86_400_000_000 + 123_456),
        businessDate: businessDate)
}
