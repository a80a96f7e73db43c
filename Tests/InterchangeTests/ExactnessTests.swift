import Domain
import Testing

@testable import Interchange

/// What becomes of a text on its way in, and what is refused: one table a format, over the field `note` of a customer (spec 4.2).
@Suite struct ExactnessTests {
    enum Outcome: Equatable {
        case note(String?)
        case refused(FailureCode)
    }

    static let json: [(String, Outcome)] = [
        (#"{"note":"e\u0301 \ud83d\ude00"}"#, .note("e\u{301} 😀")), (#"{"note":"\u00e9"}"#, .note("\u{E9}")),
        (#"{"note":" a  b "}"#, .note(" a  b ")), (#"{"note":"\u200f\u202e"}"#, .note("\u{200F}\u{202E}")),
        (#"{"note":"\u00a0\u2028"}"#, .note("\u{A0}\u{2028}")), (#"{"note":""}"#, .note(nil)),
        (#"{"note":null}"#, .note(nil)), (#"{"n\u006fte":"x"}"#, .note("x")), (#"{"note":"\/"}"#, .note("/")),
        (#"{"note":"\ud800"}"#, .refused(.malformedBody)),
        (#"{"note":"\udc00\ud800"}"#, .refused(.malformedBody)),
        (#"{"note":"\u0000"}"#, .refused(.wrongForm)), (#"{"note":"\u0007"}"#, .refused(.wrongForm)),
        (#"{"note":"\u0085"}"#, .refused(.wrongForm)), (#"{"note":"\ufffe"}"#, .refused(.wrongForm)),
        (#"{"note":"\uffff"}"#, .refused(.wrongForm)), (#"{"note":1}"#, .refused(.wrongForm)),
        (#"{"note":true}"#, .refused(.wrongForm)), (#"{"note":{}}"#, .refused(.wrongForm)),
        (#"{"note":"a","note":"a"}"#, .refused(.repeatedField)),
        (#"{"note":"a","n\u006fte":"a"}"#, .refused(.repeatedField)),
        (#"{"Note":"a"}"#, .refused(.unknownField)), (#"{"note ":"a"}"#, .refused(.unknownField)),
        (#"{"note":"a"} {}"#, .refused(.malformedBody)), ("\u{FEFF}{}", .refused(.malformedBody)),
        ("{'note':'a'}", .refused(.malformedBody)), ("{/**/}", .refused(.malformedBody)),
        (#"{"note":"a",}"#, .refused(.malformedBody)), ("{\"note\":\"a\tb\"}", .refused(.malformedBody)),
        ("[]", .refused(.wrongForm)), ("NaN", .refused(.malformedBody)),
        (#"{"note":"\#(String(repeating: "😀", count: 1000))"}"#, .note(String(repeating: "😀", count: 1000))),
        (#"{"note":"\#(String(repeating: "e\u{301}", count: 501))"}"#, .refused(.wrongForm)),
    ]
    static let xml: [(String, Outcome)] = [
        ("<customer note='e\u{301} &#x1F600;'/>", .note("e\u{301} 😀")),
        ("<customer note='&lt;&amp;&apos;'/>", .note("<&'")),
        ("\u{FEFF}<customer note='x'/>", .note("x")),
        ("<?xml version='1.0'?><customer note='x'/>", .note("x")),
        ("<customer note=' a  b '/>", .note(" a  b ")), ("<customer note=''/>", .note(nil)),
        // XML itself turns white space in an attribute into blanks; written as a character it is one, and refused.
        ("<customer note='a\n\tb'/>", .note("a  b")), ("<customer note='a&#10;b'/>", .refused(.wrongForm)),
        ("<customer note='&#x85;'/>", .refused(.wrongForm)),
        ("<customer note='&#0;'/>", .refused(.malformedBody)),
        ("<customer note='&#xFFFE;'/>", .refused(.malformedBody)),
        ("<customer note='&#xD800;'/>", .refused(.malformedBody)),
        // Instructions and comments say nothing; a name space by default changes nothing; a prefix makes another name.
        ("<?p note='y'?><customer note='x'><?p?><!-- c --></customer>", .note("x")),
        ("<customer xmlns='urn:x' note='x'/>", .note("x")),
        ("<customer xmlns:p='urn:x' p:note='x'/>", .refused(.unknownField)),
        ("<p:customer xmlns:p='urn:x' note='x'/>", .refused(.wrongForm)),
        ("<customer p:note='x'/>", .refused(.malformedBody)),
        ("<customer xmlns:p='urn:x' note='x' p:note='y'/>", .refused(.unknownField)),
        ("<customer note='x' note='x'/>", .refused(.repeatedField)),
        ("<customer><note>x</note></customer>", .refused(.wrongForm)),
        ("<customer><![CDATA[x]]></customer>", .refused(.wrongForm)),
        ("<customer>x</customer>", .refused(.wrongForm)),
        ("<!DOCTYPE customer><customer/>", .refused(.forbiddenXML)),
        (
            "<!DOCTYPE c [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><customer note='&e;'/>",
            .refused(.forbiddenXML)
        ),
        (
            "<customer xmlns:i='http://www.w3.org/2001/XInclude'><i:include href='x'/></customer>",
            .refused(.forbiddenXML)
        ),
        ("<customer note='&e;'/>", .refused(.malformedBody)),
        ("<customer note='x'/><customer/>", .refused(.malformedBody)),
        ("<Customer note='x'/>", .refused(.wrongForm)), ("<customer note=x/>", .refused(.malformedBody)),
        ("<?xml version='1.0' encoding='ISO-8859-1'?><customer/>", .refused(.malformedBody)),
    ]
    static let xurl: [(String, Outcome)] = [
        ("note=a+b%2Bc", .note("a b+c")), ("note=e%CC%81%F0%9F%98%80", .note("e\u{301}😀")),
        ("note=é", .note("é")),
        ("note=a=b", .note("a=b")), ("note", .note(nil)), ("note=", .note(nil)), ("&&note=x&", .note("x")),
        ("n%6Fte=x", .note("x")), ("note=%3c", .note("<")), ("note=a;b", .note("a;b")),
        ("note=%00", .refused(.wrongForm)), ("note=%0A", .refused(.wrongForm)),
        ("note=%EF%BF%BE", .refused(.wrongForm)),
        ("note=%", .refused(.malformedBody)), ("note=%4", .refused(.malformedBody)),
        ("note=%zz", .refused(.malformedBody)),
        ("note=%C0%80", .refused(.malformedBody)), ("note=%ED%A0%80", .refused(.malformedBody)),
        ("=x", .refused(.malformedBody)), ("\u{FEFF}note=x", .refused(.unknownField)),
        ("note=1&note=1", .refused(.repeatedField)), ("note=1&n%6Fte=1", .refused(.repeatedField)),
        ("note=1&note.b=2", .refused(.repeatedField)), ("note.b=2&note=1", .refused(.repeatedField)),
        ("note.b=2", .refused(.wrongForm)), ("note.=2", .refused(.wrongForm)),
        (".note=2", .refused(.wrongForm)),
        ("paymentOptions.1.holderName=x", .refused(.wrongForm)),
        ("paymentOptions.0.holderName=x&paymentOptions.2.holderName=x", .refused(.wrongForm)),
        ("paymentOptions.00.holderName=x", .refused(.wrongForm)),
        ("paymentOptions.0.holderName=x&paymentOptions.a=x", .refused(.wrongForm)),
    ]

    @Test(arguments: Format.allCases) func textsAreExact(format: Format) {
        let rows = [Format.json: Self.json, .xml: Self.xml, .xurl: Self.xurl][format] ?? []
        for (document, expected) in rows {
            var outcome: Outcome
            do {
                var form = CustomerForm()
                try Descriptions.customer.decode(
                    Body(reading: Array(document.utf8), as: format), into: &form, purpose: .modify)
                outcome = .note(form.particulars.note)
            } catch {
                outcome = .refused(error.faults[0].code)
            }
            if case (.note(let found?), .note(let wanted?)) = (outcome, expected) {
                // Strings are equal that only look the same: the characters decide.
                #expect(Array(found.unicodeScalars) == Array(wanted.unicodeScalars), "\(document)")
            } else {
                #expect(outcome == expected, "\(document.prefix(80))")
            }
        }
    }

    /// However it is written, it is the same request; another one is another.
    @Test func canonicalFormsTellRequestsApart() throws {
        func canonical(_ document: String, _ format: Format) throws -> [String] {
            try Body(reading: Array(document.utf8), as: format).canonical(of: Descriptions.customer.facts)
        }
        let same: [(String, Format)] = [
            (
                #"{"firstName":"A","paymentOptions":[{"holderName":"x","isActive":true},{"holderName":"y"}],"accountId":7}"#,
                .json
            ),
            (
                #"{ "accountId" : 7, "note": null, "paymentOptions" : [ {"isActive":true,"holderName":"x"}, {"holderName":"\u0079"}],"firstName":"A"}"#,
                .json
            ),
            (
                "<customer accountId='7' firstName='A'><payment-options><payment-option isActive='true' holderName='x'/>"
                    + "<payment-option holderName='y'/></payment-options></customer>", .xml
            ),
            (
                "paymentOptions.1.holderName=y&paymentOptions.0.isActive=true&paymentOptions.0.holderName=x&firstName=A&accountId=7&note=",
                .xurl
            ),
        ]
        let first = try canonical(same[0].0, .json)
        for (document, format) in same { #expect(try canonical(document, format) == first, "\(document)") }
        let others = [
            #"{"firstName":"A"}"#,
            #"{"firstName":"A","paymentOptions":[{"holderName":"y"},{"holderName":"x"}]}"#,
            #"{"firstName":"A","paymentOptions":[{"holderName":"x"},{"holderName":"y"}]}"#,
            #"{"firstName":"B"}"#,
        ]
        #expect(Set(try others.map { try canonical($0, .json) }).count == others.count)
        #expect(try canonical(#"{"r":[3,5,7]}"#, .json) == canonical("r=3,5,7", .xurl))
    }
}
