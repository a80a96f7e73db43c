/// An amount in the minor units ("cents") of one merchant account's currency.
///
/// The currency is the account's and never mixed within it (spec 2.11), so an amount carries only the number;
/// `Currency` knows how many minor units make a unit. Overflow is a bug and traps.
public struct Money: Hashable, Comparable, Sendable {
    /// Minor units: 500 is $5.00.
    public let minorUnits: Int64

    /// This many minor units.
    public init(_ minorUnits: Int64) {
        self.minorUnits = minorUnits
    }

    /// Nothing.
    public static let zero = Money(0)
    /// The most one transaction may carry (spec 4.2).
    public static let transactionLimit = Money(99_999_999_999)

    /// The sum; traps on overflow.
    public static func + (left: Money, right: Money) -> Money { Money(left.minorUnits + right.minorUnits) }
    /// The difference; traps on overflow.
    public static func - (left: Money, right: Money) -> Money { Money(left.minorUnits - right.minorUnits) }
    /// The same amount with the other sign.
    public static prefix func - (value: Money) -> Money { Money(-value.minorUnits) }
    /// Adds in place; traps on overflow.
    public static func += (left: inout Money, right: Money) { left = left + right }
    /// Subtracts in place; traps on overflow.
    public static func -= (left: inout Money, right: Money) { left = left - right }
    /// Smaller amounts come first.
    public static func < (left: Money, right: Money) -> Bool { left.minorUnits < right.minorUnits }
}

/// An ISO 4217 currency: its three letters and how many decimals its minor unit has.
public struct Currency: Hashable, Sendable {
    /// Three capital letters, `USD`.
    public let code: String
    /// Decimals of a unit: 2 for USD, 0 for JPY, 3 for KWD.
    public let exponent: Int

    /// The currency with this code; nil when ISO 4217 has no such currency.
    public init?(code: String) {
        if let special = Currency.unusualExponents[code] {
            exponent = special
        } else if Currency.twoDecimals.contains(code) {
            exponent = 2
        } else {
            return nil
        }
        self.code = code
    }

    /// `49.99` for 4999 minor units of a currency with two decimals; with a leading minus when negative.
    public func format(_ amount: Money) -> String {
        let magnitude = String(amount.minorUnits.magnitude)
        let sign = amount.minorUnits < 0 ? "-" : ""
        guard exponent > 0 else { return sign + magnitude }
        let padded = String(repeating: "0", count: max(0, exponent + 1 - magnitude.count)) + magnitude
        return "\(sign)\(padded.dropLast(exponent)).\(padded.suffix(exponent))"
    }

    private static let unusualExponents: [String: Int] = [
        "BIF": 0, "CLP": 0, "DJF": 0, "GNF": 0, "ISK": 0, "JPY": 0, "KMF": 0, "KRW": 0, "PYG": 0, "RWF": 0,
        "UGX": 0, "VND": 0, "VUV": 0, "XAF": 0, "XOF": 0, "XPF": 0,
        "BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3, "TND": 3,
    ]

    private static let twoDecimals = Set(
        """
        AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF \
        CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF \
        IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR \
        MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD \
        SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VES WST XCD YER ZAR \
        XCG ZMW ZWG ZWL
        """.split(separator: " ").map(String.init))
}
