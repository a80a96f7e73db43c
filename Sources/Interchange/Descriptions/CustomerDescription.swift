public import Domain

/// The objects of spec 2, each described once.
public enum Descriptions {
    /// spec 2.1.
    public static let customer = ObjectDescription<CustomerForm, Customer>(
        "Customer", plural: "Customers",
        meaning: "The person or organization that pays; carries the balance.",
        check: { form, _ in form.faults() }
    ) {
        Field.identifier("id", meaning: "Number of the customer.", get: { $0.id })
        Field.text(
            "code", 60, form: .code, .createOnly, meaning: "Your own identifier; the id when not given.",
            get: { $0.code ?? $0.id.description }, set: { $0.code = $1 }, current: { $0.code })
        Field.dateTime("createDate", meaning: "When it was created.", get: { $0.createDate })
        Field.integer(
            "accountId", in: Forms.accountNumbers, .createOnly,
            required: .when("the credentials see several merchant accounts"),
            meaning: "Merchant account.", get: { $0.accountID }, set: { $0.accountID = $1 },
            current: { $0.accountID })
        Field.text(
            "firstName", 125, .writable, required: .always,
            meaning: "First name; for an organization that of its contact person.",
            get: { $0.particulars.firstName }, set: { $0.particulars.firstName = $1 ?? "" })
        Field.text(
            "lastName", 125, .writable, required: .always, meaning: "Last name.",
            get: { $0.particulars.lastName }, set: { $0.particulars.lastName = $1 ?? "" })
        Field.text(
            "organizationName", 255, .writable, meaning: "Name of the organization.",
            get: { $0.particulars.organizationName }, set: { $0.particulars.organizationName = $1 })
        Field.text(
            "email", 100, form: Forms.email, .writable, meaning: "One email address.",
            get: { $0.particulars.email }, set: { $0.particulars.email = $1 })
        Field.text(
            "phone", 15, form: Forms.phone, .writable,
            meaning: "Phone number, kept as sent, searched by its digits.",
            get: { $0.particulars.phone }, set: { $0.particulars.phone = $1 })
        Field.text(
            "street", 128, .writable, meaning: "Street address.", get: { $0.particulars.street },
            set: { $0.particulars.street = $1 })
        Field.text(
            "street2", 128, .writable, mark: .extended, meaning: "Second line of the street address.",
            get: { $0.particulars.street2 }, set: { $0.particulars.street2 = $1 })
        Field.text(
            "city", 50, .writable, meaning: "City.", get: { $0.particulars.city },
            set: { $0.particulars.city = $1 })
        Field.text(
            "state", 3, .writable, meaning: "State or province.", get: { $0.particulars.state },
            set: { $0.particulars.state = $1 })
        Field.text(
            "zipCode", 10, .writable, meaning: "ZIP or postal code.", get: { $0.particulars.zipCode },
            set: { $0.particulars.zipCode = $1 })
        Field.text(
            "countryCode", 2, form: Forms.capitals, .writable, meaning: "Country, ISO 3166-1 alpha-2.",
            get: { $0.particulars.countryCode }, set: { $0.particulars.countryCode = $1 })
        Field.text(
            "note", 1000, .writable, mark: .extended, meaning: "A note of your own.",
            get: { $0.particulars.note }, set: { $0.particulars.note = $1 })
        Field.money("balance", meaning: "Cents; positive owes, negative has credit.", get: { $0.balance })
        Field.enumeration(
            "status", Enumerations.customerStatus, meaning: "Where the customer stands.", get: { $0.status })
        Field.boolean(
            "isActive", .writable, default: "true", meaning: "False: nothing is billed or collected.",
            get: { $0.status != .inactive }, set: { $0.isActive = $1 ?? true })
        Field.list(
            "paymentOptions", of: paymentOption, .createOnly,
            meaning: "On ~create: created with the customer; on ~load: all of them; not in ~find.",
            get: { $0.paymentOptions }, start: { PaymentOptionForm() }, set: { $0.paymentOptions = $1 },
            current: { $0.stored?.paymentOptions ?? [] })
        Field.list(
            "subscriptions", of: subscription, .createOnly,
            meaning: "On ~create: created with the customer; on ~load: all of them; not in ~find.",
            get: { $0.subscriptions }, start: { SubscriptionForm() }, set: { $0.subscriptions = $1 },
            current: { $0.stored?.subscriptions ?? [] })
    }

    /// spec 2.2.
    public static let paymentOption = ObjectDescription<PaymentOptionForm, PaymentOption>(
        "PaymentOption", plural: "PaymentOptions", meaning: "A card or bank account on file of a customer.",
        check: { form, purpose in purpose == .create ? form.faults() : form.changeFaults() }
    ) {
        Field.identifier("id", meaning: "Number of the payment option.", get: { $0.id })
        Field.text(
            "code", 60, form: .code, .createOnly, meaning: "Your own identifier; the id when not given.",
            get: { $0.code ?? $0.id.description }, set: { $0.code = $1 }, current: { $0.code })
        Field.dateTime("createDate", meaning: "When it was created.", get: { $0.createDate })
        Field.enumeration(
            "type", Enumerations.paymentOptionType, .createOnly, required: .when("it is a bank account"),
            meaning: "Kind of card or bank account; told from the number of a card when not sent.",
            get: { $0.type }, set: { $0.type = $1 }, current: { $0.type })
        Field.text(
            "accountNumber", 20, .createOnly, required: .when("no token is given"),
            meaning: "Card number or bank account number. Never returned: answers show it masked.",
            get: { $0.accountMask }, set: { $0.accountNumber = $1 }, current: { $0.accountNumber },
            claimed: { $0.claimedNumber = $1 })
        Field.text(
            "accountAccessory", 9, .writable, required: .when("no token is given"),
            meaning:
                "A card's expiry MMYY, a bank account's routing number; answers mask the routing number.",
            get: { $0.accessoryShown }, set: { $0.accountAccessory = $1 })
        Field.text(
            "holderName", 150, .writable, required: .always, meaning: "Name of the holder.",
            get: { $0.particulars.holderName }, set: { $0.particulars.holderName = $1 ?? "" })
        Field.text(
            "csc", 4, form: Forms.securityCode, .createOnly,
            meaning: "Security code; never stored, so it serves a ~process of its own request only.",
            set: { $0.csc = $1 })
        Field.text(
            "token", 64, .createOnly,
            meaning: "Stands for account data vaulted earlier by this merchant account.",
            set: { $0.token = $1 })
        Field.text("tokenCode", 64, meaning: "This option's own token.", get: { $0.tokenCode })
        Field.boolean(
            "isActive", .writable, default: "true", meaning: "A hard decline sets it false.",
            get: { $0.particulars.isActive }, set: { $0.particulars.isActive = $1 ?? true })
        Field.text(
            "street1", 128, .writable, meaning: "Street address of the holder.",
            get: { $0.particulars.street1 }, set: { $0.particulars.street1 = $1 })
        Field.text(
            "street2", 128, .writable, meaning: "Second line of the street address.",
            get: { $0.particulars.street2 }, set: { $0.particulars.street2 = $1 })
        Field.text(
            "city", 50, .writable, meaning: "City.", get: { $0.particulars.city },
            set: { $0.particulars.city = $1 })
        Field.text(
            "state", 3, .writable, meaning: "State or province.", get: { $0.particulars.state },
            set: { $0.particulars.state = $1 })
        Field.text(
            "zipCode", 10, .writable, meaning: "ZIP or postal code.", get: { $0.particulars.zipCode },
            set: { $0.particulars.zipCode = $1 })
        Field.text(
            "countryCode", 3, form: Forms.capitals, .writable,
            meaning: "Country, ISO 3166-1 alpha-2 or alpha-3.",
            get: { $0.particulars.countryCode }, set: { $0.particulars.countryCode = $1 })
        Field.text("address", 400, meaning: "The address on one line.", get: { $0.address })
        Field.boolean(
            "isDefault", .writable, mark: .extended, meaning: "Used where none is named; the first one is.",
            get: { $0.particulars.isDefault }, set: { $0.particulars.isDefault = $1 ?? false })
        Field.text(
            "lastDeclineCode", 3, mark: .extended, meaning: "Code of the last decline.",
            get: { $0.lastDeclineCode })
        Field.dateTime(
            "lastDeclineDate", mark: .extended, meaning: "When it was last declined.",
            get: { $0.lastDeclineDate })
    }
}
