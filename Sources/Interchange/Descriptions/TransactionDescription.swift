public import Domain

extension Descriptions {
    /// spec 2.6.
    public static let transaction = ObjectDescription<TransactionForm, Transaction>(
        "Transaction", plural: "Transactions", meaning: "An entry in a customer's account.",
        check: { form, _ in form.faults() }
    ) {
        Field.identifier("id", meaning: "Number of the transaction.", get: { $0.id })
        Field.text(
            "code", 60, form: .code, .createOnly, meaning: "Your own identifier; the id when not given.",
            get: { $0.facts.code ?? $0.id.description }, set: { $0.code = $1 })
        Field.dateTime("createDate", meaning: "When it was recorded.", get: { $0.createDate })
        Field.integer("accountId", meaning: "Merchant account.", get: { $0.accountID })
        Field.identifier("customerId", meaning: "The customer.", get: { $0.customerID })
        Field.enumeration(
            "type", Enumerations.transactionType, .createOnly, required: .always,
            meaning: "What kind of entry.",
            get: { $0.facts.type }, set: { $0.type = $1 })
        Field.enumeration(
            "accountType", Enumerations.accountType, .createOnly, required: .when("type is AP or AR"),
            meaning: "Means of payment.", get: { $0.facts.accountType }, set: { $0.accountType = $1 })
        Field.text(
            "accountNumber", 20, meaning: "The account charged, masked.", get: { $0.facts.accountMask })
        Field.money(
            "amount", in: Forms.amount, .createOnly, required: .always, meaning: "Cents; never changes.",
            get: { $0.facts.amount }, set: { $0.amount = $1 })
        Field.money("balance", meaning: "What is left of it to allocate.", get: { $0.balance })
        Field.money(
            "taxAmount", in: Forms.amountOrNothing, .createOnly,
            meaning: "The part of the amount that is tax.",
            get: { $0.facts.taxAmount }, set: { $0.taxAmount = $1 })
        Field.money(
            "feeAmount", in: Forms.amountOrNothing, .createOnly,
            meaning: "The part of the amount that is a fee.",
            get: { $0.facts.feeAmount }, set: { $0.feeAmount = $1 })
        Field.date(
            "dueDate", .createOnly, default: "the business date", meaning: "When it takes effect.",
            get: { $0.facts.dueDate }, set: { $0.dueDate = $1 })
        Field.reference(
            "subscriptionId", .createOnly, meaning: "The subscription it belongs to.",
            get: { $0.facts.subscriptionID }, set: { $0.subscription = $1 })
        Field.integer(
            "adjustmentId", meaning: "The adjustment it belongs to.", get: { $0.facts.adjustmentID })
        Field.text(
            "invoiceList", 250, form: Forms.invoiceList, .createOnly,
            meaning: "Ids or *codes of the invoices it is to cover first, joined by commas.",
            get: { $0.facts.invoiceList }, set: { $0.invoiceList = $1 })
        Field.text(
            "creatorCode", 60, .createOnly, default: "the service user", meaning: "Your tag for who made it.",
            get: { $0.facts.creatorCode }, set: { $0.creatorCode = $1 })
        Field.text(
            "note", 1000, .createOnly, meaning: "A note of your own.", get: { $0.facts.note },
            set: { $0.note = $1 })
        Field.object(
            "processingInfo", of: processingInfo, meaning: "What the processor said, where one was involved.",
            get: { $0.processing })
        Field.reference(
            "sourceId", .createOnly, mark: .extended,
            meaning:
                "The transaction that it reverses, refunds, declines or charges back, or that a fee was charged for. Taken for a refund (AR): the payment; without one the customer's credit is paid out.",
            get: { $0.facts.sourceID }, set: { $0.source = $1 })
        Field.integer(
            "cycleNumber", mark: .extended, meaning: "Which charge of the subscription, from 1.",
            get: { $0.facts.cycleNumber })
        Field.enumeration(
            "status", Enumerations.transactionStatus, mark: .extended, meaning: "Whether it counts.",
            get: { $0.status })
    }

    /// spec 2.8.
    public static let processingInfo = ObjectDescription<Void, ProcessingOutcome>(
        "ProcessingInfo", plural: "ProcessingInfos", meaning: "What a processor said to a transaction."
    ) {
        Field.integer("id", meaning: "Number of the attempt.", get: { $0.id })
        Field.dateTime("createDate", meaning: "When the attempt was begun.", get: { $0.createDate })
        Field.text("holderName", 150, meaning: "Name of the holder.", get: { $0.holderName })
        Field.text("accountNumber", 20, meaning: "The account charged, masked.", get: { $0.accountMask })
        Field.text(
            "accountAccessory", 9, meaning: "Expiry, or masked routing number.", get: { $0.accessoryShown })
        Field.text("token", 64, meaning: "Token of the account data.", get: { $0.token })
        Field.text("street", 128, meaning: "Street address of the holder.", get: { $0.street })
        Field.text("city", 50, meaning: "City.", get: { $0.city })
        Field.text("state", 3, meaning: "State or province.", get: { $0.state })
        Field.text("zipCode", 10, meaning: "ZIP or postal code.", get: { $0.zipCode })
        Field.text("address", 400, meaning: "The address on one line.", get: { $0.address })
        Field.text("phone", 15, meaning: "Phone number.", get: { $0.phone })
        Field.text("email", 100, meaning: "Email address.", get: { $0.email })
        Field.text("responseCode", 3, meaning: "The processor's code.", get: { $0.responseCode ?? "E02" })
        Field.text("responseMessage", 255, meaning: "The processor's words.", get: { $0.responseMessage })
        Field.dateTime("responseDate", meaning: "When it answered.", get: { $0.responseDate })
        Field.text("approvalCode", 30, meaning: "Code of the authorization.", get: { $0.approvalCode })
        Field.text(
            "gatewayTransactionId", 60, meaning: "The processor's own number.",
            get: { $0.gatewayTransactionID })
        Field.text(
            "declineType", 1, mark: .extended, meaning: "S soft, H hard.",
            get: { $0.responseCode.flatMap { ResponseKind.declineType(of: $0) } })
        Field.integer(
            "attemptNumber", mark: .extended, meaning: "Which try at the invoice.", get: { $0.attemptNumber })
        Field.date(
            "nextAttemptDate", mark: .extended, meaning: "When the run tries again.",
            get: { $0.nextAttemptDate })
    }

    /// spec 2.7.
    public static let processingRequest = ObjectDescription<ProcessingRequest, Never>(
        "ProcessingRequest", plural: "ProcessingRequests",
        meaning: "What is to be run at the processor.", check: { form, _ in form.faults() }
    ) {
        Field.enumeration(
            "type", Enumerations.transactionType.only(["AP", "AR"]), .createOnly, default: "AP",
            meaning: "AP payment, AR refund of a payment.", set: { $0.type = $1 ?? .payment })
        Field.money(
            "amount", in: Forms.amount, .createOnly, required: .always, meaning: "Cents.",
            set: { $0.amount = $1 })
        Field.money(
            "taxAmount", in: Forms.amountOrNothing, .createOnly,
            meaning: "The part of the amount that is tax.",
            set: { $0.taxAmount = $1 })
        Field.reference(
            "paymentOptionId", .createOnly,
            meaning: "The option to charge; the customer's default one when no way of paying is sent.",
            get: neverSent,
            set: { $0.paymentOption = $1 })
        Field.text(
            "token", 64, .createOnly, meaning: "Account data vaulted earlier.", set: { $0.token = $1 })
        Field.enumeration(
            "accountType", Enumerations.paymentOptionType, .createOnly,
            meaning: "Kind of card or bank account.", set: { $0.accountType = $1 })
        Field.text(
            "accountNumber", 20, .createOnly, meaning: "Card or bank account number.",
            set: { $0.accountNumber = $1 })
        Field.text(
            "accountAccessory", 9, .createOnly, meaning: "Expiry MMYY or routing number.",
            set: { $0.accountAccessory = $1 })
        Field.text(
            "csc", 4, form: Forms.securityCode, .createOnly, meaning: "Security code; never stored.",
            set: { $0.csc = $1 })
        Field.text(
            "holderName", 150, .createOnly, meaning: "Name of the holder.", set: { $0.holderName = $1 })
        Field.text(
            "street", 128, .createOnly, meaning: "Street address of the holder.", set: { $0.street = $1 })
        Field.text("city", 50, .createOnly, meaning: "City.", set: { $0.city = $1 })
        Field.text("state", 3, .createOnly, meaning: "State or province.", set: { $0.state = $1 })
        Field.text("zipCode", 10, .createOnly, meaning: "ZIP or postal code.", set: { $0.zipCode = $1 })
        Field.text(
            "phone", 15, form: Forms.phone, .createOnly, meaning: "Phone number.", set: { $0.phone = $1 })
        Field.text(
            "email", 100, form: Forms.email, .createOnly, meaning: "Email address.", set: { $0.email = $1 })
        Field.text(
            "code", 60, form: .code, .createOnly, meaning: "Your own identifier of the transaction.",
            set: { $0.code = $1 })
        Field.date(
            "dueDate", .createOnly, default: "the business date", meaning: "When it takes effect.",
            set: { $0.dueDate = $1 })
        Field.text("note", 1000, .createOnly, meaning: "A note of your own.", set: { $0.note = $1 })
        Field.text(
            "creatorCode", 60, .createOnly, default: "the service user", meaning: "Your tag for who made it.",
            set: { $0.creatorCode = $1 })
        Field.text(
            "invoiceList", 250, form: Forms.invoiceList, .createOnly,
            meaning: "Ids or *codes of the invoices it is to cover first, joined by commas.",
            set: { $0.invoiceList = $1 })
        Field.reference(
            "sourceId", .createOnly, required: .when("type is AR"), mark: .extended,
            meaning: "The payment to refund.",
            get: neverSent, set: { $0.source = $1 })
        Field.reference(
            "subscriptionId", .createOnly, mark: .extended,
            meaning: "The subscription it is for, such as due at signing.", get: neverSent,
            set: { $0.subscription = $1 })
        Field.boolean(
            "savePaymentOption", .createOnly, default: "false", mark: .extended,
            meaning: "Put the account data of this request on file.",
            set: { $0.savePaymentOption = $1 ?? false })
    }

    /// spec 2.9.
    public static let allocation = ObjectDescription<Void, Allocation>(
        "Allocation", plural: "Allocations",
        meaning: "A part of one transaction's balance used against another's."
    ) {
        Field.integer("id", meaning: "Number of the allocation.", get: { $0.id })
        Field.dateTime("createDate", meaning: "When it was made.", get: { $0.createDate })
        Field.identifier("sourceId", meaning: "Whose balance was used.", get: { $0.sourceID })
        Field.enumeration(
            "sourceTransactionType", Enumerations.transactionType, meaning: "Its type.",
            get: { $0.sourceType })
        Field.identifier("targetId", meaning: "What it was used on.", get: { $0.targetID })
        Field.enumeration(
            "targetTransactionType", Enumerations.transactionType, meaning: "Its type.",
            get: { $0.targetType })
        Field.money("amount", meaning: "Cents.", get: { $0.amount })
        Field.dateTime("endDate", mark: .extended, meaning: "When a reversal ended it.", get: { $0.endDate })
    }

    /// spec 2.12.
    public static let clock = ObjectDescription<Void, AccountClock>(
        "Clock", plural: "Clocks", meaning: "What a merchant account's clock shows."
    ) {
        Field.integer("accountId", mark: .extended, meaning: "Merchant account.", get: { $0.accountID })
        Field.dateTime("now", mark: .extended, meaning: "The wall clock.", get: { $0.moment.local })
        Field.date(
            "businessDate", mark: .extended, meaning: "The business date.", get: { $0.moment.businessDate })
        Field.text("timeZone", 64, mark: .extended, meaning: "IANA time zone.", get: { $0.timeZone })
        Field.boolean(
            "isFrozen", mark: .extended, meaning: "True once it was moved: it stands still between moves.",
            get: { $0.isFrozen })
        Field.integer(
            "daysRun", mark: .extended, meaning: "Days that ~advance ran.", get: { $0.advance?.daysRun })
        Field.integer(
            "invoices", mark: .extended, meaning: "Invoices made.", get: { $0.advance?.invoices })
        Field.integer(
            "payments", mark: .extended, meaning: "Payments and claims approved.",
            get: { $0.advance?.payments })
        Field.integer(
            "declines", mark: .extended, meaning: "Attempts declined.", get: { $0.advance?.declines })
        Field.integer("fees", mark: .extended, meaning: "Fees made.", get: { $0.advance?.fees })
        Field.money(
            "amountCollected", mark: .extended, meaning: "Cents collected.",
            get: { $0.advance?.amountCollected })
    }
}

/// A request is taken, never sent back.
private let neverSent: (@Sendable (Never) -> Identifier<Transaction>?)? = nil
