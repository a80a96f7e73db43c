/// The means of payment (spec 3.4).
public enum AccountType: String, CaseIterable, Sendable {
    case visaCredit = "VC"
    case visaDebit = "VD"
    case masterCardCredit = "MC"
    case masterCardDebit = "MD"
    case americanExpress = "AC"
    case discoverCredit = "DC"
    case discoverDebit = "DD"
    case jcb = "JC"
    case diners = "NC"
    case checking = "BC"
    case savings = "BS"
    case cash = "K"
    case check = "H"
    case external = "E"
    case allowance = "L"
    case paymentPlan = "P"
    case settlement = "T"
    case writeOff = "W"

    /// Whether it is a bank account: paid by claim, not in real time.
    public var isBank: Bool { self == .checking || self == .savings }
    /// Whether a processor moves its money: cards and bank accounts.
    public var isProcessed: Bool { rawValue.utf8.count == 2 }
    /// Whether money comes with a payment by it: not with an allowance, a plan, a settlement or a write-off.
    public var bringsMoney: Bool {
        switch self {
        case .allowance, .paymentPlan, .settlement, .writeOff: false
        default: true
        }
    }
}

/// A card or bank account on file of a customer (spec 2.2). The number itself is in the vault, never here.
public struct PaymentOption: Sendable {
    public var id: Identifier<PaymentOption>
    public var accountID: Int64
    public var customerID: Identifier<Customer>
    public var code: String?
    public var createDate: LocalDateTime
    public var type: AccountType
    /// `4***********1111`.
    public var accountMask: String
    /// The expiry `MMYY` of a card, `*****0021` of a routing number.
    public var accessoryShown: String
    /// Stands for this option's account data elsewhere; unguessable.
    public var tokenCode: String
    public var particulars: PaymentOptionParticulars
    public var lastDeclineCode: String?
    public var lastDeclineDate: LocalDateTime?
    public var version: Int

    /// An option as stored.
    public init(
        id: Identifier<PaymentOption>, accountID: Int64, customerID: Identifier<Customer>, code: String?,
        createDate: LocalDateTime, type: AccountType, accountMask: String, accessoryShown: String,
        tokenCode: String, particulars: PaymentOptionParticulars, lastDeclineCode: String?,
        lastDeclineDate: LocalDateTime?, version: Int
    ) {
        self.id = id
        self.accountID = accountID
        self.customerID = customerID
        self.code = code
        self.createDate = createDate
        self.type = type
        self.accountMask = accountMask
        self.accessoryShown = accessoryShown
        self.tokenCode = tokenCode
        self.particulars = particulars
        self.lastDeclineCode = lastDeclineCode
        self.lastDeclineDate = lastDeclineDate
        self.version = version
    }

    /// The postal address on one line: its parts joined by commas, empty ones left out (spec 2.2).
    public var address: String? {
        let parts = [
            particulars.street1, particulars.street2, particulars.city, particulars.state,
            particulars.zipCode, particulars.countryCode,
        ].compactMap { $0 }
        return parts.isEmpty ? nil : parts.joined(separator: ", ")
    }
}

/// The fields of a payment option that a caller may write and that are not secret (spec 2.2, mode W).
public struct PaymentOptionParticulars: Hashable, Sendable {
    public var holderName = ""
    public var isActive = true
    public var isDefault = false
    public var street1: String?
    public var street2: String?
    public var city: String?
    public var state: String?
    public var zipCode: String?
    public var countryCode: String?

    /// Nothing written yet.
    public init() {}
}

/// What a caller sends about a payment option. The account data are in memory only.
public struct PaymentOptionForm: Sendable {
    public var code: String?
    public var type: AccountType?
    /// The full card or bank account number.
    public var accountNumber: String?
    /// `MMYY` or the routing number; on ~modify what answers show, unless the caller changes it.
    public var accountAccessory: String?
    /// On ~modify a number that is not the mask: taken when it is the one in the vault.
    public var claimedNumber: String?
    public var csc: String?
    /// Account data vaulted earlier by this merchant account, in place of a number.
    public var token: String?
    public var particulars = PaymentOptionParticulars()

    /// An empty form for ~create.
    public init() {}

    /// The form as ~modify finds it: what is stored, masked as answers show it.
    public init(_ option: PaymentOption) {
        code = option.code ?? option.id.description
        type = option.type
        accountNumber = option.accountMask
        accountAccessory = option.accessoryShown
        particulars = option.particulars
    }
}

/// What ~find of payment options filters by (spec 1.2).
public struct PaymentOptionFilter: Sendable {
    public var isActive: Bool?
    public var type: AccountType?

    /// No filter.
    public init() {}
}
