import Domain

/// Billing policies of the simulated merchant account.
enum Policies {
    /// Draws all that a policy says.
    static func draw(_ account: inout MerchantAccount, from draw: inout Draw) {
        func fee(_ amount: Int64, _ perMille: Int) -> Money { draw.chance(perMille) ? Money(amount) : .zero }
        account.balancingAlgorithm = draw.chance(500) ? .ageBased : .invoiceFirst
        account.retryDays = draw.one(of: [[3, 5, 7], [1], [], [2, 2], [1, 1, 1, 1]]) ?? []
        account.onRetriesExhausted = draw.one(of: [.none, .none, .pause, .cancel]) ?? .none
        account.invoiceLeadDays = draw.chance(250) ? draw.number(1...20) : 0
        account.closeSalesDays = draw.chance(150) ? draw.number(1...5) : 0
        account.lateFeeAmount = fee(500, 350)
        account.lateFeeGraceDays = draw.number(3...15)
        account.softDeclineFee = fee(150, 300)
        account.hardDeclineFee = fee(250, 300)
        account.retryFee = fee(100, 300)
        account.chargebackFee = fee(1500, 400)
        account.enrollmentFee = fee(900, 200)
        account.cancellationFee = fee(700, 250)
        account.freezeFlatFee = fee(300, 250)
        account.freezeRecurringFee = fee(77, 250)
        account.writeOffDays = draw.chance(250) ? draw.number(40...120) : 0
    }

    /// What matters of a policy, for the history.
    static func text(_ account: MerchantAccount) -> String {
        let fees = [
            account.lateFeeAmount, account.softDeclineFee, account.hardDeclineFee, account.retryFee,
            account.chargebackFee, account.enrollmentFee, account.cancellationFee, account.freezeFlatFee,
            account.freezeRecurringFee,
        ].map { "\($0.minorUnits)" }.joined(separator: "/")
        return
            "\(account.balancingAlgorithm.rawValue) lead \(account.invoiceLeadDays) close \(account.closeSalesDays) retry \(account.retryDays) \(account.onRetriesExhausted) fees \(fees) write-off \(account.writeOffDays)"
    }
}
