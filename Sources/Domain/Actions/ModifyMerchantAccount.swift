/// Changes the billing policy of a merchant account (spec 1.6 ~modify), for a caller and for an operator alike.
public struct ModifyMerchantAccount {
    let stored: MerchantAccount
    let changed: MerchantAccount

    /// Writes these fields over the account; its number, mode and currency stay.
    public init(_ stored: MerchantAccount, _ changed: MerchantAccount) {
        self.stored = stored
        self.changed = changed
    }

    /// - Parameters:
    ///   - processors: the names of the processors that this server has.
    ///   - nearest: the one of many names that was probably meant; for the message.
    /// - Throws: `Refusal`: V21 processor, time zone; V31 number, mode, currency.
    public func execute(
        in store: any Store, processors: [String], nearest: (String, [String]) -> String?, by actor: Actor
    ) throws -> MerchantAccount {
        var faults: [Fault] = []
        for (field, isSame) in [
            ("id", changed.id == stored.id), ("mode", changed.mode == stored.mode),
            ("currency", changed.currency == stored.currency),
        ] where !isSame {
            faults.append(Fault(.createOnly, "\(field) cannot be changed", field: field))
        }
        if changed.processor != stored.processor, !processors.contains(changed.processor) {
            faults.append(Self.noProcessor(among: processors))
        }
        if changed.timeZone != stored.timeZone {
            let zones = try store.timeZones()
            if !zones.contains(changed.timeZone) {
                faults.append(Self.noZone(changed.timeZone, nearest(changed.timeZone, zones)))
            }
        }
        guard faults.isEmpty else { throw Refusal(faults) }
        try store.updateAccount(changed)
        try store.note("modify", on: "merchant-account", stored.id, of: stored.id, by: actor)
        guard let state = try store.account(stored.id) else {
            preconditionFailure("a locked account is there")
        }
        return state.account
    }

    /// V21 for a processor that this server has not.
    public static func noProcessor(among processors: [String]) -> Fault {
        Fault(
            .valueNotAllowed,
            "processor must be one that this server has: \(processors.joined(separator: ", "))",
            field: "processor")
    }

    /// V21 for a name that is no time zone's, with the one that was probably meant.
    public static func noZone(_ zone: String, _ nearest: String?) -> Fault {
        let meant = nearest.map { "did you mean \($0)?" } ?? "give an IANA name such as America/New_York"
        return Fault(
            .valueNotAllowed, "timeZone: there is no time zone \(zone): \(meant)", field: "timeZone")
    }
}
