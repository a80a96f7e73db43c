import Domain
import Testing

struct ValueTests {
    @Test(
        arguments: [
            ("USD", 4999, "49.99"), ("USD", 0, "0.00"), ("USD", 5, "0.05"), ("USD", 50, "0.50"),
            ("USD", -5, "-0.05"), ("USD", -123_456, "-1234.56"), ("USD", 99_999_999_999, "999999999.99"),
            ("USD", Int64.min, "-92233720368547758.08"), ("JPY", 4999, "4999"), ("JPY", 0, "0"),
            ("JPY", -7, "-7"), ("KWD", 4999, "4.999"), ("KWD", 7, "0.007"), ("KWD", -70, "-0.070"),
        ] as [(String, Int64, String)])
    func `an amount is printed with its currency's decimals`(code: String, amount: Int64, text: String) throws
    {
        #expect(try #require(Currency(code: code)).format(Money(amount)) == text)
    }

    /// Oracle: ISO 4217, the currencies without a minor unit and those with three decimals.
    @Test func `a currency has the decimals of ISO 4217`() {
        let none = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
        let three = "BHD IQD JOD KWD LYD OMR TND"
        let two = "AUD BRL CAD CHF CNY CZK EUR GBP INR MXN NZD PLN SEK USD XCG ZAR ZWG"
        for (codes, decimals) in [(none, 0), (three, 3), (two, 2)] {
            for code in codes.split(separator: " ") {
                #expect(Currency(code: String(code))?.exponent == decimals, "\(code)")
            }
        }
        for code in ["", "usd", "US", "USDX", "XTS", "DEM", "U$D"] {
            #expect(Currency(code: code) == nil, "\(code)")
        }
    }

    @Test func `amounts are added, subtracted and compared`() {
        var amount = Money(500)
        amount += Money(1)
        amount -= Money(2)
        #expect(amount == Money(499))
        #expect(-amount + Money(499) == .zero)
        #expect(Money(-1) < .zero)
        #expect(Money.transactionLimit.minorUnits == 99_999_999_999)
    }

    /// Oracle: spec 1 (`*` and the caller's code) and 4.2 (integers up to 2^53−1).
    @Test(
        arguments: [
            ("1", .id(1)), ("9007199254740991", .id(9_007_199_254_740_991)), ("007", .id(7)),
            ("*c-1001", .code("c-1001")), ("*1", .code("1")), ("*a.b_c:d@e-F", .code("a.b_c:d@e-F")),
            ("", nil), ("0", nil), ("-1", nil), ("+1", nil), ("1.0", nil), ("9007199254740992", nil),
            ("99999999999999999999", nil), ("*", nil), ("**", nil), ("*a b", nil), ("* a", nil), ("*ä", nil),
            ("c-1001", nil), ("1*", nil), (" 1", nil), ("١", nil), ("*a/b", nil), ("*a\u{0}", nil),
        ] as [(String, Reference?)])
    func `a reference is a number or a star and a code`(text: String, reference: Reference?) {
        #expect(Reference(text) == reference)
        guard let reference, text != "007" else { return }
        let mayBeCard = text.utf8.count { (48...57).contains($0) } >= 12
        #expect(reference.description == (mayBeCard ? String(repeating: "*", count: text.count) : text))
    }

    @Test func `a code has 1 to 60 of its characters`() {
        #expect(Code.isValid(String(repeating: "a", count: 60)))
        #expect(!Code.isValid(String(repeating: "a", count: 61)))
        #expect(!Code.isValid(""))
        let good = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:@-".unicodeScalars)
        for byte in UInt8(0)...127 {
            let scalar = Unicode.Scalar(byte)
            #expect(Code.isValid(String(Character(scalar))) == good.contains(scalar), "\(byte)")
        }
    }

    /// Oracle: ISO 3166-1 has 249 countries, each with a code of two letters and one of three.
    @Test func `countries are those of ISO 3166-1`() {
        let letters = (UInt8(65)...90).map { String(Character(Unicode.Scalar($0))) }
        let pairs = letters.flatMap { first in letters.map { first + $0 } }
        #expect(pairs.filter(Country.isAlpha2).count == 249)
        #expect(pairs.flatMap { pair in letters.map { pair + $0 } }.filter(Country.isAlpha3).count == 249)
        for (two, three) in [("US", "USA"), ("DE", "DEU"), ("GB", "GBR"), ("XK", ""), ("SS", "SSD")] {
            #expect(Country.isAlpha2(two) == !three.isEmpty)
            #expect(Country.isAlpha3(three) == !three.isEmpty)
        }
        for other in ["us", "UK", "EU", "USA", "", "U"] { #expect(!Country.isAlpha2(other), "\(other)") }
    }

    @Test func `ids are ordered by age and printed as numbers`() {
        let ids = [3, 1, 2].map { Identifier<Customer>($0) }
        #expect(ids.sorted().map(\.description) == ["1", "2", "3"])
    }
}
