/// Takes a card or bank account off file and erases its number for good (spec 1.2 ~delete).
///
/// What was paid with it keeps its mask and holder. Its id, code and token find nothing any more; the code is not given
/// away again. No other option becomes the default in its place: nothing is charged that nobody chose.
public struct ErasePaymentOption {
    let option: PaymentOption

    /// Erases this option.
    public init(_ option: PaymentOption) {
        self.option = option
    }

    /// - Parameter state: the option's customer, locked: neither a subscription nor an attempt can begin meanwhile.
    /// - Throws: `Refusal`: V30 a subscription that has not ended or an open attempt uses it.
    public func execute(_ state: CustomerState, in store: any Store, by actor: Actor) throws {
        switch try store.use(of: option) {
        case .subscription(let id):
            throw Refusal(
                .stateForbids,
                option.particulars.isDefault
                    ? "subscription \(id) is paid with it: name another option there, or make another one the default"
                    : "subscription \(id) is paid with it: name another option there")
        case .attempt(let id):
            throw Refusal(
                .stateForbids, "transaction \(id) is at the processor with it: its outcome comes first")
        case nil: break
        }
        try store.erasePaymentOption(option, at: state.moment)
        try store.note("delete", on: "payment-option", option.id.rawValue, of: option.accountID, by: actor)
    }
}
