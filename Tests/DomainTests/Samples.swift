import Domain
import Glibc
import Testing

/// The bytes of a file in `Fixtures`.
func fixtureBytes(_ name: String, besides file: String = #filePath) throws -> [UInt8] {
    let folder = file[..<(try #require(file.lastIndex(of: "/")))]
    let handle = try #require(fopen("\(folder)/Fixtures/\(name)", "r"), "Fixtures/\(name) cannot be read")
    defer { fclose(handle) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
        let count = fread(&buffer, 1, buffer.count, handle)
        if count == 0 { break }
        bytes += buffer[..<count]
    }
    return bytes
}

/// The lines of a file in `Fixtures`, split at commas; empty lines and lines that begin with `#` left out.
func fixture(_ name: String) throws -> [[String]] {
    String(decoding: try fixtureBytes(name), as: UTF8.self).split(separator: "\n")
        .filter { !$0.hasPrefix("#") }
        .map { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) }
}

private let checksumTable: [UInt32] = (0..<256).map { index in
    (0..<8).reduce(UInt32(index)) { value, _ in value & 1 == 0 ? value >> 1 : value >> 1 ^ 0xEDB8_8320 }
}

/// The CRC-32 of these bytes as zlib reckons it, eight hexadecimal digits: fixtures hold it in place of long lists.
func checksum(_ bytes: [UInt8]) -> String {
    let value = ~bytes.reduce(~UInt32(0)) { checksumTable[Int(($0 ^ UInt32($1)) & 0xFF)] ^ $0 >> 8 }
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits
}

/// SplitMix64: the same numbers for the same seed on every machine.
struct SeededNumbers: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

/// The day written as `yyyy-MM-dd`, as tests name days.
func day(_ text: String) -> CalendarDate {
    guard let date = CalendarDate(text) else { preconditionFailure("\(text) is no day") }
    return date
}

/// Noon of a day by the clock of a merchant account in UTC.
func noon(of date: String) -> Moment {
    let local = LocalDateTime(date: day(date), secondOfDay: 43_200)
    return Moment(
        now: Timestamp(
            microsecondsSince1970: (Int64(local.date.daysSince1970) * 86_400 + 43_200) * 1_000_000),
        local: local)
}

/// A merchant account in US dollars with the default policy, at noon of this day.
func accountState(on date: String) throws -> AccountState {
    let currency = try #require(Currency(code: "USD"))
    return AccountState(
        account: MerchantAccount(id: 2001, name: "Blue Gym", currency: currency), moment: noon(of: date),
        isFrozen: true)
}

/// A card or bank account on file of customer 7 unless said otherwise.
func option(
    _ id: Int64 = 31, of customer: Int64 = 7, type: AccountType = .visaCredit, isActive: Bool = true
) -> PaymentOption {
    var particulars = PaymentOptionParticulars()
    particulars.holderName = "Ada Byron"
    particulars.isActive = isActive
    return PaymentOption(
        id: Identifier(id), accountID: 2001, customerID: Identifier(customer), code: nil,
        createDate: LocalDateTime(date: day("2027-01-01")), type: type, accountMask: "4***********1111",
        accessoryShown: "1230", tokenCode: "token-of-option-\(id)", particulars: particulars,
        lastDeclineCode: nil, lastDeclineDate: nil, version: 1)
}

/// A debt or credit of customer 7 unless said otherwise, with this much left.
func item(
    _ id: Int64, _ type: TransactionType, due: String = "2027-01-01", _ left: Int64, of customer: Int64 = 7,
    subscription: Int64? = nil, first: [Int64] = [], heldFor: Int64? = nil
) -> OpenItem {
    var item = OpenItem(
        id: Identifier(id), customerID: Identifier(customer), type: type, dueDate: day(due),
        left: Money(left), subscriptionID: subscription.map { Identifier($0) })
    item.first = first.map { Identifier($0) }
    item.heldFor = heldFor.map { Identifier($0) }
    return item
}
