/// Changes a customer's own fields (spec 1.1 ~modify).
public struct ModifyCustomer {
    let form: CustomerForm

    /// Writes this form over the customer.
    public init(_ form: CustomerForm) {
        self.form = form
    }

    /// - Parameter state: the customer as locked for this change.
    /// - Returns: the customer as ~load shows it.
    public func execute(_ state: CustomerState, in store: any Store, by actor: Actor) throws -> Customer {
        let stored = state.customer
        let status: Customer.Status =
            switch (form.isActive, stored.status) {
            case (false, _): .inactive
            case (true, .inactive): .active
            case (true, let other): other
            }
        try store.updateCustomer(stored, form.particulars, status: status)
        if stored.status == .inactive, status == .active {
            // Whose subscriptions have all ended meanwhile is not active again but expired (spec 3.7).
            try store.expire(customers: [stored.id], account: stored.accountID)
        }
        try store.note("modify", on: "customer", stored.id.rawValue, of: stored.accountID, by: actor)
        guard let customer = try store.customer(.id(stored.id.rawValue), complete: true) else {
            preconditionFailure("a locked customer is there")
        }
        return customer
    }
}
