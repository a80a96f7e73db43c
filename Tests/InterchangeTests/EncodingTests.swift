import Domain
import Glibc
import Interchange
import Testing

private let full = Member(
    id: Identifier(12), code: "a&b",
    createDate: LocalDateTime("2024-02-29 01:02:03") ?? LocalDateTime(date: .earliest),
    name: "\"<Zoë>\\😀", note: "a\tb\r\n\u{1}", dues: Money(-5), visits: 36, isActive: false,
    birthday: CalendarDate("0001-01-01"), planId: Identifier(9_007_199_254_740_991), retryDays: [3, 5, 7],
    home: Address(), cards: [Card(id: Identifier(1), holder: "A", number: "4711", isDefault: true)],
    tags: ["x", "=&"])

@Suite("Encoding by a description")
struct EncodingTests {
    static let documents: [(Format, String)] = [
        (
            .json,
            #"{"id":12,"code":"a&b","createDate":"2024-02-29 01:02:03","name":"\"<Zoë>\\😀","note":"a\tb\r\n\u0001","level":"B","dues":-5,"visits":36,"isActive":false,"birthday":"0001-01-01","planId":9007199254740991,"retryDays":[3,5,7],"home":{},"memberCards":[{"id":1,"holder":"A","number":"**11","isDefault":true}],"tags":["x","=&"]}"#
        ),
        (
            .xml,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                + #"<member id="12" code="a&amp;b" createDate="2024-02-29 01:02:03" name="&quot;&lt;Zoë&gt;\😀" note="a&#9;b&#13;&#10;�" level="B" dues="-5" visits="36" isActive="false" birthday="0001-01-01" planId="9007199254740991" retryDays="3,5,7"><home/><member-cards><member-card id="1" holder="A" number="**11" isDefault="true"/></member-cards><tags><tag value="x"/><tag value="=&amp;"/></tags></member>"#
        ),
        (
            .xurl,
            "id=12&code=a%26b&createDate=2024-02-29+01%3A02%3A03&name=%22%3CZo%C3%AB%3E%5C%F0%9F%98%80&note=a%09b%0D%0A%01&level=B&dues=-5&visits=36&isActive=false&birthday=0001-01-01&planId=9007199254740991&retryDays=3%2C5%2C7&memberCards.0.id=1&memberCards.0.holder=A&memberCards.0.number=**11&memberCards.0.isDefault=true&tags.0=x&tags.1=%3D%26"
        ),
    ]

    @Test("One object", arguments: documents)
    func object(format: Format, expected: String) {
        #expect(written { Sample.member.encode(full, as: format, into: &$0) } == expected)
    }

    @Test(
        "A list",
        arguments: [
            (.json, 0, "[]"), (.json, 2, #"[{"street":"S"},{"city":"C"}]"#),
            (.xml, 0, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<addresses/>"),
            (
                .xml, 2,
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<addresses><address street=\"S\"/><address city=\"C\"/></addresses>"
            ),
            (.xurl, 0, ""), (.xurl, 2, "0.street=S&1.city=C"),
        ] as [(Format, Int, String)])
    func list(format: Format, count: Int, expected: String) {
        let addresses = [Address(street: "S"), Address(city: "C")].prefix(count)
        #expect(written { Sample.address.encode(list: addresses, as: format, into: &$0) } == expected)
    }

    @Test(
        "Numbers to the last digit",
        arguments: [0, 9, 10, 99, 100, -1, .max, .min, 999_999_999_999_999_999, 1_000_000_000_000_000_000]
            as [Int64])
    func numbers(number: Int64) {
        #expect(written { $0.append(number) } == number.description)
    }

    @Test("xmllint accepts what is written, noncharacters and all")
    func wellFormed() throws {
        var member = full
        member.note = String(
            String.UnicodeScalarView(
                (0...0x10FFFF).compactMap {
                    UInt32($0) % 7 == 0 || $0 < 0x10000 ? Unicode.Scalar(UInt32($0)) : nil
                }))
        let document = written { Sample.member.encode(member, as: .xml, into: &$0) }
        let pipe = try #require(popen("xmllint --huge --noout -", "w"))
        let bytes = document.bytes
        #expect(fwrite(bytes, 1, bytes.count, pipe) == bytes.count)
        #expect(pclose(pipe) == 0)
    }

    @Test("A refusal, in three formats (spec 4.4)")
    func exception() {
        let refusal = Refusal([
            Fault(.valueNotAllowed, "level must be one of B, P", field: "level"), Fault(.malformedBody, "x"),
        ])
        let document = ExceptionDocument(refusal, requestId: "r-1")
        #expect(
            written { document.encode(as: .json, into: &$0) }
                == #"{"responseType":"exception","failureCode":"V21","failureMessage":"level must be one of B, P","field":"level","errors":[{"failureCode":"V21","field":"level","failureMessage":"level must be one of B, P"},{"failureCode":"F01","failureMessage":"x"}],"requestId":"r-1"}"#
        )
        #expect(
            written { document.encode(as: .xml, into: &$0) }
                == "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                + #"<exception responseType="exception" failureCode="V21" failureMessage="level must be one of B, P" field="level" requestId="r-1"><errors><error failureCode="V21" field="level" failureMessage="level must be one of B, P"/><error failureCode="F01" failureMessage="x"/></errors></exception>"#
        )
        #expect(
            written { document.encode(as: .xurl, into: &$0) }
                == "responseType=exception&failureCode=V21&failureMessage=level+must+be+one+of+B%2C+P&field=level&errors.0.failureCode=V21&errors.0.field=level&errors.0.failureMessage=level+must+be+one+of+B%2C+P&errors.1.failureCode=F01&errors.1.failureMessage=x&requestId=r-1"
        )
    }

    @Test("A value tree is written as json and read back")
    func valueTree() throws {
        let value = Value.object([
            .init(
                "a\"",
                .list([.null, .boolean(true), .integer(.min), .real(0.5), .text("é\u{1}"), .object([])]))
        ])
        let document = written { value.writeJSON(into: &$0) }
        #expect(try Body(reading: document.bytes, as: .json).content == .value(value))
    }
}
