/// The organization behind a card; its raw value is the payment option type that a number without a sent type
/// gets (spec 2.2, 3.4).
public enum CardBrand: String, CaseIterable, Sendable {
    case visa = "VC"
    case mastercard = "MC"
    case americanExpress = "AC"
    case discover = "DC"
    case jcb = "JC"
    case diners = "NC"
}

/// What a card number says of itself (spec 2.2).
public enum CardNumber {
    /// Whether the text is 12 to 19 digits of which the last is the right check digit (Luhn).
    public static func isValid(_ number: String) -> Bool {
        guard (12...19).contains(number.utf8.count), Digits.areAll(number) else { return false }
        var sum = 0
        var isDoubled = false
        for byte in number.utf8.reversed() {
            let digit = Int(byte - 48)
            sum += isDoubled ? digit * 2 - (digit > 4 ? 9 : 0) : digit
            isDoubled.toggle()
        }
        return sum % 10 == 0
    }

    /// Whose card it is, by the first digits; nil when no brand of spec 3.4 has them, or the number is not
    /// valid.
    public static func brand(of number: String) -> CardBrand? {
        guard isValid(number) else { return nil }
        let first = number.utf8.prefix(6).reduce(0) { $0 * 10 + Int($1 - 48) }
        // The ranges of issuers, each by its first six digits.
        return switch first {
        case 400_000...499_999: .visa
        case 510_000...559_999, 222_100...272_099: .mastercard
        case 340_000...349_999, 370_000...379_999: .americanExpress
        case 601_100...601_199, 622_126...622_925, 644_000...659_999: .discover
        case 352_800...358_999: .jcb
        case 300_000...305_999, 360_000...369_999, 380_000...399_999: .diners
        default: nil
        }
    }

    /// As answers show it: the first digit, stars, the last four, as long as the number: `4***********1111`.
    ///
    /// A text too short for a card shows no more than `BankAccount.mask`.
    public static func mask(_ number: String) -> String {
        guard number.utf8.count >= 12 else { return BankAccount.mask(number) }
        return Digits.mask(number, first: 1, last: 4)
    }
}

/// What a bank account's numbers say of themselves (spec 2.2).
public enum BankAccount {
    /// Whether the text is an account number: 4 to 17 digits.
    public static func isValidNumber(_ number: String) -> Bool {
        (4...17).contains(number.utf8.count) && Digits.areAll(number)
    }

    /// Whether the text is a routing number: nine digits, not all zero, of which the last is the right check
    /// digit (ABA).
    public static func isValidRoutingNumber(_ number: String) -> Bool {
        guard number.utf8.count == 9, Digits.areAll(number), number != "000000000" else { return false }
        let sum = zip(number.utf8, [3, 7, 1, 3, 7, 1, 3, 7, 1]).reduce(0) { $0 + Int($1.0 - 48) * $1.1 }
        return sum % 10 == 0
    }

    /// As answers show an account or routing number: stars and the last four, as long as the number
    /// (`*****0021`); of four characters or fewer only the last.
    public static func mask(_ number: String) -> String {
        Digits.mask(number, first: 0, last: number.utf8.count > 4 ? 4 : 1)
    }
}

/// A card's expiry: it is good through the last day of its month.
///
///     expiry 0227      Jan 2027 ──────── Feb 28 │ Mar 1 ────
///                      good                good │ past
public struct CardExpiry: Hashable, Comparable, Sendable {
    /// Four digits, 2000 to 2099.
    public let year: Int
    /// 1 to 12.
    public let month: Int

    /// Reads `MMYY`, exactly four digits; YY means 2000 + YY. Nil for anything else.
    public init?(_ text: String) {
        guard text.utf8.count == 4, Digits.areAll(text) else { return nil }
        let digits = text.utf8.map { Int($0 - 48) }
        let month = digits[0] * 10 + digits[1]
        guard (1...12).contains(month) else { return nil }
        self.month = month
        year = 2000 + digits[2] * 10 + digits[3]
    }

    /// The last day on which the card is good.
    public var lastDay: CalendarDate {
        guard
            let day = CalendarDate(
                year: year, month: month, day: CalendarDate.daysIn(month: month, of: year))
        else { preconditionFailure("every month of these years has a last day") }
        return day
    }

    /// Whether the card is no longer good on this business date.
    public func isPast(on businessDate: CalendarDate) -> Bool {
        businessDate > lastDay
    }

    /// Earlier expiries come first.
    public static func < (left: CardExpiry, right: CardExpiry) -> Bool {
        (left.year, left.month) < (right.year, right.month)
    }
}

/// Texts of decimal digits.
private enum Digits {
    static func areAll(_ text: String) -> Bool {
        text.utf8.allSatisfy { (48...57).contains($0) }
    }

    /// The text with stars in place of all but its first and last characters; other characters than digits
    /// become stars too.
    static func mask(_ text: String, first: Int, last: Int) -> String {
        let shownFrom = text.utf8.count - last
        var masked = ""
        masked.reserveCapacity(text.utf8.count)
        for (position, byte) in text.utf8.enumerated() {
            let isShown = (position < first || position >= shownFrom) && (48...57).contains(byte)
            masked.append(isShown ? Character(Unicode.Scalar(byte)) : "*")
        }
        return masked
    }
}
