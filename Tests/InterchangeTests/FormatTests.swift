import Interchange
import Testing

@Suite("Formats and their negotiation (spec 4.2)")
struct FormatTests {
    @Test(
        "Content-Type",
        arguments: [
            ("application/json", Format.json), ("Application/JSON; charset=UTF-8", .json),
            ("application/json;charset=\"utf-8\"", .json), ("application/xml", .xml),
            ("text/xml ; charset=utf-8", .xml),
            ("application/x-www-form-urlencoded", .xurl), ("text/xml; charset=utf-16", nil),
            ("text/plain", nil),
            ("application/json; charset=latin1", nil), ("", nil), ("application/jsonp", nil),
        ] as [(String, Format?)])
    func contentType(header: String, expected: Format?) {
        #expect(Format.forContentType(header) == expected)
    }

    @Test(
        "Accept",
        arguments: [
            (nil, nil, Format.json), (nil, .xml, .xml), ("", .xurl, .xurl), ("*/*", .xml, .xml),
            ("*/*", nil, .json),
            ("application/xml", .json, .xml), ("text/xml", nil, .xml),
            ("application/json, text/xml", .xml, .json),
            ("application/xml, application/json", nil, .xml),
            ("application/xml;q=0.5, application/json", nil, .json),
            ("application/xml;q=0.5, application/json;q=0.501", nil, .json),
            ("application/json;q=0, */*", .json, .xml), ("application/*", .xurl, .xurl),
            ("text/*", .json, .xml),
            ("text/html, */*;q=0.1", nil, .json), ("text/html", .json, nil),
            ("application/json;q=0", nil, nil),
            ("application/json;q=2", nil, nil), ("application/json;q=x, application/xml;q=0.1", nil, .xml),
            ("APPLICATION/JSON; indent=2 ; Q=1.000", nil, .json), ("*/*;q=0", nil, nil),
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", nil, .xml), (",,;", nil, nil),
        ] as [(String?, Format?, Format?)])
    func accept(header: String?, request: Format?, expected: Format?) {
        #expect(Format.negotiate(accept: header, requestFormat: request) == expected)
    }
}
