import Testing

@testable import Pool

@Suite struct ResponseTests {
    /// RFC 3875 §6.2, and what `Response.head` says of control characters.
    @Test(arguments: [
        (Response(status: 204), "Status: 204\r\n\r\n"),
        (Response(status: 200), "Status: 200\r\nContent-Length: 0\r\n\r\n"),
        (
            Response(status: 404, headers: [("A", "b"), ("Empty", ""), ("Größe", "ä")], body: [1, 2]),
            "Status: 404\r\nA: b\r\nEmpty: \r\nGröße: ä\r\nContent-Length: 2\r\n\r\n"
        ),
        (
            Response(status: 200, headers: [("X\r\nY", "a\r\nSet: b\u{7F}\0\tc")]),
            "Status: 200\r\nX  Y: a  Set: b   c\r\nContent-Length: 0\r\n\r\n"
        ),
    ])
    func `a head holds its fields and no others`(response: Response, expected: String) {
        #expect(response.head() == Array(expected.utf8))
    }
}
