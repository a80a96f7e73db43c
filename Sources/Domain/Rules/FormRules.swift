/// A form that can say what is wrong with it without asking anyone.
public protocol CheckedForm {
    /// What is wrong with the fields that are there; absent ones are the decoder's matter. In the order of the fields. A fault names
    /// in `reads` the other fields that its rule went by.
    func faults() -> [Fault]
}

extension CustomerForm: CheckedForm {
    /// The faults of the customer's own fields; what is nested in it is checked by itself.
    public func faults() -> [Fault] {
        var faults: [Fault] = []
        if let country = particulars.countryCode, !Country.isAlpha2(country) {
            faults.append(
                Fault(.valueNotAllowed, "countryCode is not an ISO 3166-1 country", field: "countryCode"))
        }
        if paymentOptions.filter(\.particulars.isDefault).count > 1 {
            faults.append(
                Fault(.valueNotAllowed, "only one payment option can be the default", field: "paymentOptions")
            )
        }
        return faults
    }
}

extension PaymentOptionForm: CheckedForm {
    /// The faults of a change of an existing option: its account data stay as they are.
    public func changeFaults() -> [Fault] { countryFaults() }

    private func countryFaults() -> [Fault] {
        guard let country = particulars.countryCode, !Country.isAlpha2(country), !Country.isAlpha3(country)
        else { return [] }
        return [Fault(.valueNotAllowed, "countryCode is not an ISO 3166-1 country", field: "countryCode")]
    }

    /// The faults of the account data by themselves (spec 2.2); expiry is checked against the business date by the action.
    public func faults() -> [Fault] {
        var faults: [Fault] = []
        if let country = particulars.countryCode, !Country.isAlpha2(country), !Country.isAlpha3(country) {
            faults.append(
                Fault(.valueNotAllowed, "countryCode is not an ISO 3166-1 country", field: "countryCode"))
        }
        if let number = accountNumber {
            if token != nil {
                faults.append(
                    Fault(
                        .valueNotAllowed, "send either accountNumber or token, not both", field: "token",
                        reads: ["accountNumber"]))
            }
            faults += AccountData.faults(type: type, "type", number: number, accessory: accountAccessory)
        } else if token == nil {
            faults.append(
                Fault(
                    .requiredFieldMissing, "accountNumber or token is required", field: "accountNumber",
                    reads: ["token"]))
        }
        return faults
    }
}

extension PlanForm: CheckedForm {
    /// The faults of price and tax.
    public func faults() -> [Fault] {
        particulars.taxAmount > particulars.amount
            ? [
                Fault(
                    .valueNotAllowed, "taxAmount is part of amount and cannot exceed it", field: "taxAmount",
                    reads: ["amount"])
            ] : []
    }
}

extension SubscriptionForm: CheckedForm {
    /// The faults of terms that stand without a plan, and of price and tax.
    public func faults() -> [Fault] {
        var faults: [Fault] = []
        if plan == nil {
            if cycleUnit == nil {
                faults.append(
                    Fault(
                        .requiredFieldMissing, "billingCycleType is required without a plan",
                        field: "billingCycleType", reads: ["planId"]))
            }
            if amount == nil {
                faults.append(
                    Fault(
                        .requiredFieldMissing, "amount is required without a plan", field: "amount",
                        reads: ["planId"]))
            }
        }
        if let amount, let taxAmount, taxAmount > amount {
            faults.append(
                Fault(
                    .valueNotAllowed, "taxAmount is part of amount and cannot exceed it", field: "taxAmount",
                    reads: ["amount"]))
        }
        return faults
    }
}

extension TransactionForm: CheckedForm {
    /// The faults of the combination of type and means, and of the parts of the amount (spec 1.5 ~create).
    public func faults() -> [Fault] {
        var faults: [Fault] = []
        let whole = amount ?? .transactionLimit
        if let taxAmount, taxAmount > whole {
            faults.append(
                Fault(
                    .valueNotAllowed, "taxAmount is part of amount and cannot exceed it", field: "taxAmount",
                    reads: ["amount"]))
        }
        if let feeAmount, feeAmount > whole {
            faults.append(
                Fault(
                    .valueNotAllowed, "feeAmount is part of amount and cannot exceed it", field: "feeAmount",
                    reads: ["amount"]))
        }
        if faults.isEmpty, let taxAmount, let feeAmount, taxAmount + feeAmount > whole {
            faults.append(
                Fault(
                    .valueNotAllowed,
                    "taxAmount and feeAmount are parts of amount and cannot exceed it together",
                    field: "feeAmount", reads: ["amount", "taxAmount"]))
        }
        guard let type else { return faults }
        switch type {
        case .payment:
            let means: [AccountType] = [.cash, .check, .external, .allowance, .writeOff]
            if let accountType, !means.contains(accountType) {
                faults.append(
                    Fault(
                        .valueNotAllowed,
                        "a recorded payment has accountType K, H, E, L or W; cards and bank accounts go through ~process",
                        field: "accountType", reads: ["type"]))
            } else if accountType == nil {
                faults.append(
                    Fault(
                        .requiredFieldMissing, "accountType is required for AP", field: "accountType",
                        reads: ["type"]))
            }
        case .invoice, .credit, .serviceFee, .lateFee, .accessFee, .writeOff:
            if accountType != nil {
                faults.append(
                    Fault(
                        .valueNotAllowed, "accountType belongs to payments only", field: "accountType",
                        reads: ["type"]))
            }
        case .refund:
            if let accountType, ![.cash, .check, .external].contains(accountType) {
                faults.append(
                    Fault(
                        .valueNotAllowed,
                        "a recorded refund has accountType K, H or E; cards and bank accounts go through ~process",
                        field: "accountType", reads: ["type"]))
            } else if accountType == nil {
                faults.append(
                    Fault(
                        .requiredFieldMissing, "accountType is required for AR", field: "accountType",
                        reads: ["type"]))
            }
        default:
            faults.append(
                Fault(
                    .valueNotAllowed, "type must be one of RI, RC, RF, RL, RA, AP, AR, AA to be recorded",
                    field: "type"))
        }
        if invoiceList != nil, type.isDebt {
            faults.append(
                Fault(
                    .valueNotAllowed, "invoiceList belongs to payments and credits only",
                    field: "invoiceList",
                    reads: ["type"]))
        }
        return faults
    }
}

extension ProcessingRequest: CheckedForm {
    /// The faults of the way of paying: exactly one (spec 2.7).
    public func faults() -> [Fault] {
        var faults: [Fault] = []
        switch type {
        case .payment: break
        case .refund: faults += refundFaults()
        default: faults.append(Fault(.valueNotAllowed, "type must be one of AP, AR", field: "type"))
        }
        if let amount, let taxAmount, taxAmount > amount {
            faults.append(
                Fault(
                    .valueNotAllowed, "taxAmount is part of amount and cannot exceed it", field: "taxAmount",
                    reads: ["amount"]))
        }
        let ways = [paymentOption != nil, token != nil, accountNumber != nil].filter { $0 }.count
        if ways > 1 {
            faults.append(
                Fault(
                    .valueNotAllowed, "send one way of paying: paymentOptionId, token or accountNumber",
                    field: token != nil ? "token" : "accountNumber"))
        }
        if let number = accountNumber {
            if holderName == nil {
                faults.append(
                    Fault(
                        .requiredFieldMissing, "holderName is required with accountNumber",
                        field: "holderName", reads: ["accountNumber"]))
            }
            faults += AccountData.faults(
                type: accountType, "accountType", number: number, accessory: accountAccessory)
        } else if savePaymentOption {
            faults.append(
                Fault(
                    .valueNotAllowed, "savePaymentOption needs the account data in this request",
                    field: "savePaymentOption", reads: ["accountNumber"]))
        }
        return faults
    }
}

extension ProcessingRequest {
    /// A refund goes back where its payment came from: it names that, and no way of paying.
    private func refundFaults() -> [Fault] {
        var faults: [Fault] = []
        if source == nil {
            faults.append(
                Fault(
                    .requiredFieldMissing, "sourceId is required for AR", field: "sourceId", reads: ["type"]))
        }
        let sent = [
            ("paymentOptionId", paymentOption != nil), ("token", token != nil),
            ("accountNumber", accountNumber != nil), ("csc", csc != nil), ("invoiceList", invoiceList != nil),
            ("subscriptionId", subscription != nil),
        ]
        faults += sent.filter(\.1).map { name, _ in
            Fault(
                .valueNotAllowed, "\(name) belongs to payments: a refund goes back the way its payment came",
                field: name, reads: ["type"])
        }
        return faults
    }
}

/// Raw account data, as a caller sends them (spec 2.2).
enum AccountData {
    /// What is wrong with a number, its accessory and the type that was sent with them.
    ///
    /// - Parameter typeField: the name of the field that the type was sent in.
    static func faults(
        type: AccountType?, _ typeField: String, number: String, accessory: String?
    ) -> [Fault] {
        var faults: [Fault] = []
        if type?.isBank == true {
            if !BankAccount.isValidNumber(number) {
                faults.append(
                    Fault(
                        .valueNotAllowed, "a bank account number has 4 to 17 digits", field: "accountNumber",
                        reads: [typeField]))
            }
            if let accessory, !BankAccount.isValidRoutingNumber(accessory) {
                faults.append(
                    Fault(
                        .valueNotAllowed,
                        "the routing number has 9 digits of which the last is a check digit",
                        field: "accountAccessory", reads: [typeField]))
            }
        } else {
            if !CardNumber.isValid(number) {
                faults.append(
                    Fault(
                        .valueNotAllowed, "the card number is not valid: check its digits",
                        field: "accountNumber", reads: [typeField]))
            } else if let brand = CardNumber.brand(of: number) {
                if let type, !accepts(type, brand) {
                    faults.append(
                        Fault(
                            .valueNotAllowed, "\(typeField) \(type.rawValue) does not fit this card number",
                            field: typeField, reads: ["accountNumber"]))
                }
            } else if type == nil || type?.isProcessed == false {
                faults.append(
                    Fault(
                        .valueNotAllowed, "the card is of no brand this server knows: send its \(typeField)",
                        field: typeField, reads: ["accountNumber"]))
            }
            if let accessory, CardExpiry(accessory) == nil {
                faults.append(
                    Fault(
                        .valueNotAllowed, "a card's expiry is written MMYY", field: "accountAccessory",
                        reads: [typeField]))
            }
        }
        if accessory == nil {
            faults.append(
                Fault(
                    .requiredFieldMissing, "accountAccessory is required with accountNumber",
                    field: "accountAccessory", reads: ["accountNumber"]))
        }
        return faults
    }

    private static func accepts(_ type: AccountType, _ brand: CardBrand) -> Bool {
        switch type {
        case .visaDebit: brand == .visa
        case .masterCardDebit: brand == .mastercard
        case .discoverDebit: brand == .discover
        default: type.rawValue == brand.rawValue
        }
    }

    /// The type of an option with valid account data: the one sent, else the card's brand.
    static func type(sent: AccountType?, number: String) -> AccountType? {
        sent ?? CardNumber.brand(of: number).flatMap { AccountType(rawValue: $0.rawValue) }
    }
}

extension Fault {
    /// The same fault of a field inside a nested object: its path begins with the object's.
    public func inside(_ path: String) -> Fault {
        Fault(code, message, field: field.map { "\(path).\($0)" } ?? path, reads: reads)
    }
}

extension Refusal {
    /// The same refusal of a nested object: each path begins with the object's.
    public func inside(_ path: String) -> Refusal {
        Refusal(faults.map { $0.inside(path) })
    }
}
