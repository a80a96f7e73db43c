/// An attempt that has been committed, with the order that the processor is to be given for it.
struct OpenedOrder {
    let transactionID: Identifier<Transaction>
    let order: ProcessorOrder
}

extension ProcessorOrder {
    /// The order of an attempt: the same one, with the same key, however often it is sent.
    init(
        _ attempt: NewAttempt, account: MerchantAccount, numbers: AccountNumbers, securityCode: String? = nil,
        moment: Moment
    ) {
        self.init(
            account: account.id, key: attempt.orderKey, kind: attempt.kind == .claim ? .claim : .payment,
            amount: attempt.amount, currency: account.currency.code,
            accountType: attempt.accountType.rawValue,
            accountNumber: numbers.number, accountAccessory: numbers.accessory,
            holderName: attempt.holderName,
            securityCode: securityCode, attemptNumber: attempt.number, now: moment.now,
            businessDate: moment.businessDate)
    }
}

extension ProcessorOrder {
    /// The order of a refund or void: it names the payment by that one's key. The processor knows the account from there, so that
    /// the number is not opened for it: the mask stands in its place.
    init(givingBack attempt: NewAttempt, account: MerchantAccount, moment: Moment) {
        guard let source = attempt.sourceID else { preconditionFailure("a refund or void has its payment") }
        self.init(
            account: account.id, key: attempt.orderKey, kind: attempt.kind == .void ? .void : .refund,
            amount: attempt.amount, currency: account.currency.code,
            accountType: attempt.accountType.rawValue, accountNumber: attempt.accountMask,
            accountAccessory: attempt.accessoryShown, holderName: attempt.holderName,
            originalKey: NewAttempt.orderKey(of: source), now: moment.now, businessDate: moment.businessDate)
    }
}
