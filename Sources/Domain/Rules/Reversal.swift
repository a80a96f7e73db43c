/// What the rules of undoing need to know of a transaction (spec 5.8).
public struct ReversalSource: Sendable {
    public var id: Identifier<Transaction>
    public var facts: TransactionFacts
    public var status: TransactionStatus
    /// What was refunded of it so far.
    public var refunded = Money.zero
    /// The tax in that.
    public var refundedTax = Money.zero
    /// What was charged back of it and not given up again.
    public var chargedBack = Money.zero
    /// What a void or a return took back: all of it, or nothing.
    public var takenBack = Money.zero
    /// The refunds that name it and stand, ids ascending; of a credit its reversal.
    public var refunds: [Identifier<Transaction>] = []
    /// What of its credit was paid out by refunds that name no payment.
    public var paidOut = Money.zero
    /// Its entry in the ledger.
    public var lines: [LedgerLine] = []

    /// A transaction of which nothing was undone so far.
    public init(id: Identifier<Transaction>, facts: TransactionFacts, status: TransactionStatus) {
        self.id = id
        self.facts = facts
        self.status = status
    }

    /// What can still be refunded or reversed of it; nothing where a bank took it back after a part was refunded.
    public var left: Money {
        guard status == .final else { return .zero }
        return max(.zero, facts.amount - refunded - chargedBack - paidOut)
    }
    /// The tax in that: refunds may have named more than there was.
    public var leftTax: Money { min(max(.zero, facts.taxAmount - refundedTax), left) }
    /// Whether it is reversed because its refunds together are all of it, so that it is good again when one of them is undone.
    public var isRefunded: Bool { status == .reversed && takenBack == .zero && refunded > .zero }
    /// Whether a processor moved the money.
    public var isProcessed: Bool { facts.attemptID != nil }
}

/// What ~reverse makes of a transaction (spec 5.8).
public enum Reversal: Hashable, Sendable {
    /// A transaction of this type in our books alone: of the whole amount, or AR of what is left.
    case record(TransactionType)
    /// AV: undone at the processor before it settles.
    case void
    /// AR at the processor, of so much.
    case refund(Money)

    /// - Parameters:
    ///   - settles: when the money that a processor moved settles; nil where none did.
    ///   - now: by the account's clock.
    /// - Throws: `Refusal`: V30; V36 while the outcome is not known.
    static func of(_ source: ReversalSource, settles: LocalDateTime?, at now: LocalDateTime) throws(Refusal)
        -> Reversal
    {
        let type = source.facts.type
        switch source.status {
        case .pending:
            throw Refusal(.outcomeOpen, "the outcome of transaction \(source.id) is not known yet")
        case .reversed:
            throw Refusal(.stateForbids, "transaction \(source.id) was reversed already")
        case .declined:
            throw Refusal(
                .stateForbids, "transaction \(source.id) moved no money: there is nothing to reverse")
        case .final: break
        }
        switch type {
        case .invoice, .serviceFee, .lateFee, .accessFee, .collectionsFee, .collectionsReturnFee:
            return .record(.invoiceReversal)
        case .credit: return .record(.creditReversal)
        case .chargeback: return .record(.chargebackReversal)
        case .payment, .claim, .writeOff:
            guard source.isProcessed, let settles else {
                if source.left == source.facts.amount { return .record(.void) }
                try refuseNothing(of: source)
                return .record(.refund)
            }
            try refuseNothing(of: source)
            return now < settles && source.left == source.facts.amount ? .void : .refund(source.left)
        case .refund:
            guard !source.isProcessed else {
                throw Refusal(
                    .stateForbids, "a refund that a processor made is final: only K, H and E can be reversed")
            }
            return .record(.refundReversal)
        case .decline, .invoiceReversal, .creditReversal, .void, .refundReversal, .chargebackReversal:
            throw Refusal(.stateForbids, "a transaction of type \(type.rawValue) is not reversed")
        }
    }

    private static func refuseNothing(of source: ReversalSource) throws(Refusal) {
        guard source.left > .zero else {
            throw Refusal(.stateForbids, "nothing is left of transaction \(source.id) to be given back")
        }
    }

    /// When a payment made then settles: that day's settlement time, or the next day's where it was past.
    ///
    /// ```
    ///   paid 09:00 ─── 17:00 settled          paid 18:00 ─────── midnight ─────── 17:00 settled
    ///        │── void ───│── refund ──▶            │─────────────── void ───────────│── refund ──▶
    /// ```
    ///
    /// - Parameter time: `HH:mm`, the account's settlementTime.
    static func settlement(of paid: LocalDateTime, at time: String) -> LocalDateTime {
        let parts = time.split(separator: ":").compactMap { Int32($0) }
        guard parts.count == 2 else { preconditionFailure("settlementTime is HH:mm") }
        let second = parts[0] * 3600 + parts[1] * 60
        return LocalDateTime(
            date: paid.secondOfDay < second ? paid.date : paid.date.adding(days: 1), secondOfDay: second)
    }
}

/// Monday to Friday.
enum BankingDays {
    /// The day so many banking days later.
    static func date(_ count: Int, after date: CalendarDate) -> CalendarDate {
        var day = date
        var left = count
        while left > 0 {
            day = day.adding(days: 1)
            if day.weekday <= 5 { left -= 1 }
        }
        return day
    }
}

extension Ledger {
    /// The lines of what takes so much of a payment away again: out of where the payment was debited (spec 5.3).
    static func givingBack(_ amount: Money, of lines: [LedgerLine]) -> [LedgerLine]? {
        lines.first.map { [LedgerLine(debit: $0.credit, credit: $0.debit, amount: amount)] }
    }
}
