import Domain
import Interchange
import Testing

@Suite("Readers: what is well-formed, and what is refused before any description is asked")
struct ReaderTests {
    static let deepJSON = String(repeating: "[", count: 33) + String(repeating: "]", count: 33)
    static let deepXML = String(repeating: "<a>", count: 33) + String(repeating: "</a>", count: 33)
    static let wideXML = "<a>" + String(repeating: "<b/>", count: 10_000) + "</a>"

    @Test(
        "json and xurl become values",
        arguments: [
            (.json, "{}", .object([])),
            (
                .json, " [1, -2, null, true, false] ",
                .list([.integer(1), .integer(-2), .null, .boolean(true), .boolean(false)])
            ),
            (
                .json, #"{"b":"x","a":{"c":[]}}"#,
                .object([.init("b", .text("x")), .init("a", .object([.init("c", .list([]))]))])
            ),
            (.json, "[49.99,1e2,1.0]", .list([.real(49.99), .real(100), .real(1)])),
            (.json, #"["😀","\u0000","e\u0301"]"#, .list([.text("😀"), .text("\0"), .text("e\u{301}")])),
            (.json, "9223372036854775807", .integer(.max)), (.json, "-9223372036854775808", .integer(.min)),
            (.xurl, "", .object([])),
            (
                .xurl, "a=1&&b=&c&",
                .object([.init("a", .text("1")), .init("b", .text("")), .init("c", .text(""))])
            ),
            (.xurl, "a=x+y%2b%F0%9F%98%80==", .object([.init("a", .text("x y+😀=="))])),
            (
                .xurl, "l.1.a=2&l.0.a=1&o.p.q=3",
                .object([
                    .init(
                        "l", .list([.object([.init("a", .text("1"))]), .object([.init("a", .text("2"))])])),
                    .init("o", .object([.init("p", .object([.init("q", .text("3"))]))])),
                ])
            ),
            (.xurl, "0=a&1=b", .list([.text("a"), .text("b")])),
        ] as [(Format, String, Value)])
    func values(format: Format, document: String, expected: Value) throws {
        #expect(try Body(reading: document.bytes, as: format).content == .value(expected))
    }

    @Test("XML becomes elements: entities and character data resolved, comments and instructions left out")
    func elements() throws {
        let document = """
            <?xml version="1.0" encoding="utf-8"?>
            <!-- c --><?p i?>
            <a-b x="&lt;&amp;&quot;&apos;&gt;&#65;&#x1F600;" y="é" xmlns="urn:x" xmlns:p="urn:p">
              <c/><p:d p:e="1"/><!-- c -->
            </a-b>
            """
        let expected = Element(
            "a-b", attributes: [.init("x", "<&\"'>A😀"), .init("y", "é")],
            children: [Element("c"), Element("p:d", attributes: [.init("p:e", "1")])])
        #expect(try Body(reading: document.bytes, as: .xml).content == .element(expected))
    }

    @Test(
        "What is refused",
        arguments: [
            (.json, "", .malformedBody, nil, "line 1"),
            (.json, "{\"a\":\n 1,}", .malformedBody, nil, "at line 2, column 4"),
            (.json, "{} x", .malformedBody, nil, "follows its end"),
            (.json, "{\"a\":", .malformedBody, nil, "ends too early"),
            (.json, "\u{FEFF}{}", .malformedBody, nil, ""),
            (.json, "{\"a\":'4111111111111111'}", .malformedBody, nil, ""),
            (.json, "[\"\u{1}\"]", .malformedBody, nil, ""), (.json, "[01]", .malformedBody, nil, ""),
            (
                .json, #"{"x":{"firstName":1,"firstName":1}}"#, .repeatedField, "firstName",
                "given twice, at line 1"
            ),
            (
                .json, #"{"a name longer than twenty letters":1,"a name longer than twenty letters":1}"#,
                .repeatedField, "a name longer than twenty letters", ""
            ),
            (.json, #"{"a\"":1,"a\"":1}"#, .repeatedField, #"a\""#, ""),
            (.json, #"{"":1,"":1}"#, .repeatedField, "", ""),
            (.json, #"{"\u0000":1}"#, .malformedBody, nil, ""),
            (.json, #"["\ud800"]"#, .malformedBody, nil, ""),
            (.json, "[9223372036854775808]", .wrongForm, nil, "out of range"),
            (.json, "[1e999]", .wrongForm, nil, "out of range"),
            (.json, deepJSON, .malformedBody, nil, "deeper than 32"),
            (.json, String(repeating: "[", count: 100_000), .malformedBody, nil, "deeper than 32"),
            (.json, "[" + String(repeating: "0,", count: 10_000) + "0]", .bodyTooLarge, nil, "10000"),
            (.xml, "", .malformedBody, nil, "line 1"),
            (.xml, "<a>\n<b></a>", .malformedBody, nil, "at line 2"),
            (.xml, "<a/><b/>", .malformedBody, nil, ""),
            (.xml, "<a b='1' b='2'/>", .repeatedField, "b", "given twice"),
            (.xml, "<a>text</a>", .wrongForm, "a", "inside <a>"),
            (.xml, "<a><![CDATA[x]]></a>", .wrongForm, "a", ""),
            (.xml, "<a b='&c;'/>", .malformedBody, nil, ""), (.xml, "<a b='&#1;'/>", .malformedBody, nil, ""),
            (.xml, "<a>&c;</a>", .malformedBody, nil, ""), (.xml, "<p:a/>", .malformedBody, nil, ""),
            (.xml, "<!DOCTYPE a><a/>", .forbiddenXML, nil, "document type"),
            (.xml, "<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>", .forbiddenXML, nil, ""),
            (.xml, "<!DOCTYPE a [<!ENTITY b 'c'><!ENTITY d '&b;&b;'>]><a e='&d;'/>", .forbiddenXML, nil, ""),
            (
                .xml, "<?xml version='1.0' encoding='UTF-7'?>+ADwAIQ-DOCTYPE a+AD4-<a/>", .forbiddenXML, nil,
                ""
            ),
            (.xml, "<?xml version='1.0' encoding='ISO-8859-1'?><!DOCTYPE a><a/>", .forbiddenXML, nil, ""),
            (.xml, "<?xml version='1.0' encoding='ISO-8859-1'?><a/>", .malformedBody, nil, "UTF-8"),
            (.xml, "<?xml version='1.0' encoding='klingon'?><a/>", .malformedBody, nil, "UTF-8"),
            (
                .xml, "<a xmlns:x='http://www.w3.org/2001/XInclude'><x:include href='/etc/passwd'/></a>",
                .forbiddenXML, nil, "XInclude"
            ),
            (.xml, deepXML, .malformedBody, nil, "deeper than 32"),
            (.xml, wideXML, .bodyTooLarge, nil, "10000"),
            (.xurl, "a=%4", .malformedBody, nil, "column 3"), (.xurl, "a=%zz", .malformedBody, nil, ""),
            (.xurl, "a=%", .malformedBody, nil, ""),
            (.xurl, "a=%ff", .malformedBody, nil, "UTF-8"), (.xurl, "=a", .malformedBody, nil, "empty"),
            (.xurl, "a=1&a=2", .repeatedField, "a", ""), (.xurl, "a=1&%61=2", .repeatedField, "a", ""),
            (.xurl, "a=1&a.b=2", .repeatedField, "a.b", ""), (.xurl, "a.b=1&a=2", .repeatedField, "a", ""),
            (.xurl, "a..b=1", .wrongForm, "a..b", ""), (.xurl, ".=1", .wrongForm, ".", ""),
            (.xurl, "a.0=1&a.2=1", .wrongForm, "a", "without gaps"),
            (.xurl, "b.a.00=1", .wrongForm, "b.a", "without gaps"),
            (.xurl, "a.0=1&a.b=1", .wrongForm, "a", "numbered and named"),
            (.xurl, (0...1000).map { "a.\($0)=1" }.joined(separator: "&"), .wrongForm, "a", "1000"),
            (.xurl, (0...9_999).map { "a\($0)=1" }.joined(separator: "&"), .bodyTooLarge, nil, "10000"),
            (.xurl, String(repeating: "a.", count: 32) + "a=1", .malformedBody, nil, "deeper than 32"),
        ] as [(Format, String, FailureCode, String?, String)])
    func refused(format: Format, document: String, code: FailureCode, field: String?, sentence: String)
        throws
    {
        let refusal = try #require(
            refusing { () throws(Refusal) in _ = try Body(reading: document.bytes, as: format) })
        #expect(refusal.faults[0].code == code, "\(refusal)")
        #expect(refusal.faults[0].field == field, "\(refusal)")
        #expect(sentence.isEmpty || refusal.faults[0].message.contains(sentence), "\(refusal)")
        #expect(!refusal.faults[0].message.contains("4111"))
    }

    @Test("Broken UTF-8 is refused in every format", arguments: Format.allCases)
    func brokenUTF8(format: Format) {
        for broken: [UInt8] in [
            [0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xE2, 0x82],
        ] {
            let document: [UInt8]
            switch format {
            case .json: document = "{\"a\":\"".bytes + broken + "\"}".bytes
            case .xml: document = "<a b=\"".bytes + broken + "\"/>".bytes
            case .xurl: document = "a=".bytes + broken
            }
            let refusal = refusing { () throws(Refusal) in _ = try Body(reading: document, as: format) }
            #expect(refusal?.faults[0].code == .malformedBody, "\(broken)")
        }
    }

    @Test("A document type is seen in UTF-16 and UTF-32 too; without one they are refused as not UTF-8")
    func wideEncodings() {
        let documents: [(String, FailureCode)] = [
            ("<!DOCTYPE a><a/>", .forbiddenXML),
            ("<?xml version='1.0' encoding='UTF-16'?><!DOCTYPE a><a/>", .forbiddenXML),
            ("<a/>", .malformedBody),
        ]
        for (document, code) in documents {
            for isBig in [true, false] {
                for hasMark in [true, false] {
                    let units = (hasMark ? [0xFEFF] : []) + Array(document.utf16)
                    // Without a mark, libxml2 tells UTF-16 only by its declaration.
                    if !hasMark, !document.hasPrefix("<?xml") { continue }
                    let bytes = units.flatMap { unit -> [UInt8] in
                        let high = UInt8(unit >> 8)
                        let low = UInt8(unit & 255)
                        return isBig ? [high, low] : [low, high]
                    }
                    let refusal = refusing { () throws(Refusal) in _ = try Body(reading: bytes, as: .xml) }
                    #expect(refusal?.faults[0].code == code, "\(document) big \(isBig) mark \(hasMark)")
                }
            }
        }
    }

    @Test("As deep as allowed is read", arguments: Format.allCases)
    func depthAllowed(format: Format) throws {
        let document: String
        switch format {
        case .json: document = String(repeating: "[", count: 32) + String(repeating: "]", count: 32)
        case .xml: document = String(repeating: "<a>", count: 32) + String(repeating: "</a>", count: 32)
        case .xurl: document = String(repeating: "a.", count: 31) + "a=1"
        }
        _ = try Body(reading: document.bytes, as: format)
    }
}
