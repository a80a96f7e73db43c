import Testing

@testable import BillingFCGI

/// Who calls, as the header of HTTP Basic says it (spec 4.1, RFC 7617).
@Suite struct LoginTests {
    @Test(arguments: [
        ("Basic YXBpLXg6c2VjcmV0", "api-x|secret"), ("bAsIc YXBpLXg6c2VjcmV0", "api-x|secret"),
        ("  Basic   YXBpLXg6c2VjcmV0", "api-x|secret"),
        // The first colon ends the name: `api-x:a:b`, `api-x:`, `api-x:ü`.
        ("Basic YXBpLXg6YTpi", "api-x|a:b"), ("Basic YXBpLXg6", "api-x|"),
        ("Basic YXBpLXg6w7w=", "api-x|ü"),
        // Another scheme, no space, no padding, no colon, no name, no UTF-8 on either side, a NUL.
        ("Bearer YXBpLXg6c2VjcmV0", nil), ("BasicYXBpLXg6c2VjcmV0", nil), ("Basic", nil), ("Basic ", nil),
        ("", nil), ("Basic\u{0}YXBpLXg6c2VjcmV0", nil), ("Basic YXBpLXg6YQ", nil), ("Basic YXBpLXg=", nil),
        ("Basic OnNlY3JldA==", nil), ("Basic YXBpLXg6/w==", nil), ("Basic /zph", nil),
        ("Basic YXBpLXg6AA==", nil), ("Basic YXBpLXg6c2VjcmV0 x", nil),
    ])
    func credentialsOfAHeader(_ header: String, _ expected: String?) {
        let found = Login.credentials(in: header).map { "\($0.name)|\($0.password)" }
        #expect(found == expected, "\(header)")
    }
}
