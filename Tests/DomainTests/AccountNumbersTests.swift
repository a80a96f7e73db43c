import Domain
import Testing

struct AccountNumbersTests {
    /// Test numbers as the card organizations and processors publish them; spec 5.10 has the first ten.
    private static let published: [(String, CardBrand?)] = [
        ("4111111111111111", .visa), ("5499740000000057", .mastercard), ("6011000991001201", .discover),
        ("371449635392376", .americanExpress), ("4217651111111119", .visa), ("5149612222222229", .mastercard),
        ("4000000000000002", .visa), ("4000000000009995", .visa), ("4000000000000069", .visa),
        ("4000000000000119", .visa), ("4222222222222", .visa), ("5555555555554444", .mastercard),
        ("5105105105105100", .mastercard), ("2223003122003222", .mastercard),
        ("378282246310005", .americanExpress),
        ("6011111111111117", .discover), ("3530111333300000", .jcb), ("30569309025904", .diners),
        ("38520000023237", .diners), ("36700102000000", .diners), ("6759649826438453", nil),
    ]

    /// Both sides of every edge of the ranges; check digits by another implementation.
    private static let edges: [(String, CardBrand?)] = [
        ("2220999000000003", nil), ("2221000000000009", .mastercard),
        ("2720999000000008", .mastercard), ("2721000000000004", nil),
        ("5099999000000004", nil),
        ("5100000000000008", .mastercard), ("5599999000000009", .mastercard),
        ("5600000000000003", nil), ("339999900000006", nil),
        ("340000000000009", .americanExpress), ("349999900000004", .americanExpress),
        ("350000000000006", nil), ("37000000000007", .americanExpress),
        ("6010999000000008", nil), ("6011000000000004", .discover),
        ("6011999000000007", .discover), ("6012000000000003", nil),
        ("6439999000000001", nil), ("6440000000000005", .discover),
        ("6599999000000000008", .discover), ("6600000000000001", nil),
        ("6221250000000001", nil), ("6221260000000000", .discover),
        ("6229250000000003", .discover), ("6229260000000002", nil),
        ("3527990000000000", nil), ("3528000000000007", .jcb),
        ("3589990000000005", .jcb), ("3590000000000000", nil),
        ("29999900000001", nil), ("30000000000004", .diners),
        ("30599900000006", .diners), ("30600000000001", nil),
        ("35999900000003", nil), ("36000000000008", .diners),
        ("36999900000002", .diners), ("379999000000006", .americanExpress),
        ("38000000000006", .diners), ("39999900000009", .diners),
        ("3999990000000000002", .diners), ("400000000002", .visa),
        ("4999990000000000001", .visa), ("5000000000000009", nil),
        ("6700000000000000", nil),
    ]

    @Test(arguments: published + edges)
    func `the first digits of a valid number tell the brand`(number: String, brand: CardBrand?) {
        #expect(CardNumber.isValid(number))
        #expect(CardNumber.brand(of: number) == brand)
    }

    @Test(arguments: [
        ("4111111111111111", true), ("4111111111111112", false), ("1111111111111111", false),
        ("79927398713", false),  // right check digit, but eleven digits
        ("799273987103", false), ("400000000002", true), ("40000000006", false),
        ("4000000000000000006", true), ("40000000000000000002", false), ("000000000000", true),
        ("-11111111111111", false), ("", false), ("4111 1111 1111 1111", false), ("411111111111111a", false),
        ("٤١١١١١١١١١١١١١١١", false),
    ])
    func `a card number has 12 to 19 digits and the right check digit`(number: String, isValid: Bool) {
        #expect(CardNumber.isValid(number) == isValid)
    }

    /// Luhn finds every single wrong digit and every exchange of neighbours but 09 and 90.
    @Test func `every single slip in a card number is found`() {
        for number in ["4111111111111111", "371449635392376", "30569309025904", "4222222222222"] {
            let digits = Array(number.utf8)
            for position in digits.indices {
                for wrong in UInt8(48)...57 where wrong != digits[position] {
                    var slip = digits
                    slip[position] = wrong
                    #expect(
                        !CardNumber.isValid(String(decoding: slip, as: UTF8.self)), "\(number) \(position)")
                }
            }
            for position in digits.indices.dropLast() {
                var slip = digits
                slip.swapAt(position, position + 1)
                let pair = Set(slip[position...position + 1])
                let isSilent = pair.count == 1 || pair == [48, 57]
                #expect(
                    CardNumber.isValid(String(decoding: slip, as: UTF8.self)) == isSilent,
                    "\(number) \(position)")
            }
        }
    }

    /// Routing numbers that banks publish, and slips in them.
    @Test(arguments: [
        ("021000021", true), ("011401533", true), ("122105155", true), ("091000019", true),
        ("021000022", false), ("201000021", false), ("02100002", false), ("0210000210", false),
        ("000000000", false), ("02100002a", false), ("", false),
    ])
    func `a routing number has nine digits and the right check digit`(number: String, isValid: Bool) {
        #expect(BankAccount.isValidRoutingNumber(number) == isValid)
    }

    @Test(arguments: [
        ("4099999992", true), ("1234", true), ("123", false), ("12345678901234567", true),
        ("123456789012345678", false), ("12-34", false), ("", false),
    ])
    func `a bank account number has 4 to 17 digits`(number: String, isValid: Bool) {
        #expect(BankAccount.isValidNumber(number) == isValid)
    }

    @Test(arguments: [
        ("4111111111111111", "4***********1111"), ("371449635392376", "3**********2376"),
        ("4222222222222", "4********2222"), ("400000000006", "4*******0006"),
        ("40000000006", "*******0006"), ("4111-1111-11111111", "4*************1111"), ("", ""),
    ])
    func `a card number shows its first digit and the last four`(number: String, masked: String) {
        #expect(CardNumber.mask(number) == masked)
    }

    @Test(arguments: [
        ("4099999992", "******9992"), ("021000021", "*****0021"), ("12345", "*2345"), ("1234", "***4"),
        ("123", "**3"), ("1", "1"), ("", ""), ("12345678901234567", "*************4567"), ("12-4", "***4"),
    ])
    func `a bank number shows at most its last four`(number: String, masked: String) {
        #expect(BankAccount.mask(number) == masked)
    }

    @Test(
        arguments: [
            ("0127", "2027-01-31"), ("0227", "2027-02-28"), ("0228", "2028-02-29"), ("1299", "2099-12-31"),
            ("0100", "2000-01-31"), ("0430", "2030-04-30"), ("0027", nil), ("1327", nil), ("127", nil),
            ("01/27", nil), ("01 7", nil), ("012027", nil), ("", nil), ("+127", nil),
        ] as [(String, String?)])
    func `an expiry is good through the last day of its month`(text: String, lastDay: String?) throws {
        #expect(CardExpiry(text)?.lastDay.description == lastDay)
        guard let expiry = CardExpiry(text) else { return }
        #expect(!expiry.isPast(on: expiry.lastDay))
        #expect(expiry.isPast(on: expiry.lastDay.adding(days: 1)))
        #expect(!expiry.isPast(on: expiry.lastDay.adding(days: -400)))
    }
}
