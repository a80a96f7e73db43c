import Domain
import Interchange
import Testing

@Suite("Parameters of actions")
struct ParameterTests {
    static let list = ParameterList([
        ParameterDescription(
            "offset", .integer(0...FieldType.anyInteger.upperBound), default: "0", "First row."),
        ParameterDescription("limit", .integer(1...1000), default: "100", "Rows."),
        ParameterDescription("lastName", .text(maxLength: 5, form: nil), "Filter."),
        ParameterDescription("level", .enumeration(Sample.level), "Filter."),
        ParameterDescription("effectiveDate", .date, required: true, "When."),
        ParameterDescription("to", .dateTime, "Until."), ParameterDescription("isOpen", .boolean, "Filter."),
        ParameterDescription("planId", .reference, "Filter."),
    ])

    @Test("From a query string and from bodies in three formats")
    func accepted() throws {
        let bodies = [
            try Body(
                query:
                    "lastName=Sm*&effectiveDate=2024-01-31&to=2024-02-01&isOpen=true&planId=*g&limit=&level=P"
                    .bytes),
            try Body(
                reading:
                    #"{"lastName":"Sm*","effectiveDate":"2024-01-31","to":"2024-02-01","isOpen":true,"planId":"*g","limit":null,"level":"P"}"#
                    .bytes, as: .json),
            try Body(
                reading:
                    "<x lastName='Sm*' effectiveDate='2024-01-31' to='2024-02-01' isOpen='true' planId='*g' level='P'/>"
                    .bytes, as: .xml),
        ]
        for body in bodies {
            let parameters = try Self.list.decode(body)
            #expect(parameters.integer("offset") == 0)
            #expect(parameters.integer("limit") == 100)
            #expect(parameters.text("lastName") == "Sm*")
            #expect(parameters.text("level") == "P")
            #expect(parameters.date("effectiveDate") == CalendarDate("2024-01-31"))
            #expect(parameters.dateTime("to") == LocalDateTime("2024-02-01 00:00:00"))
            #expect(parameters.boolean("isOpen") == true)
            #expect(parameters.reference("planId") == .code("g"))
            #expect(parameters.has("to"))
        }
    }

    @Test("A parameter without a value counts as not given, whatever its type")
    func empty() throws {
        for separator in ["=", ""] {
            let query = ["offset", "limit", "lastName", "level", "to", "isOpen", "planId"]
                .map { "\($0)\(separator)" }.joined(separator: "&")
            let parameters = try Self.list.decode(
                Body(query: "\(query)&effectiveDate=2024-01-31".bytes))
            #expect(parameters.integer("offset") == 0 && parameters.integer("limit") == 100)
            for name in ["lastName", "level", "to", "isOpen", "planId"] {
                #expect(!parameters.has(name), "\(name)\(separator)")
            }
        }
    }

    @Test(
        "All faults of a query string",
        arguments: [
            ("", [(.requiredFieldMissing, "effectiveDate", "effectiveDate is required")]),
            ("effectiveDate=", [(.requiredFieldMissing, "effectiveDate", "")]),
            (
                "limit=1001&lastname=x&effectiveDate=today&offset=-1",
                [
                    (.valueNotAllowed, "limit", "from 1 to 1000"),
                    (.unknownField, "lastname", "lastname is not a known parameter: did you mean lastName?"),
                    (.wrongForm, "effectiveDate", ""),
                    (.valueNotAllowed, "offset", "offset must be at least 0"),
                ]
            ),
            (
                "lastName=abcdef&planId=x&isOpen=1&effectiveDate=2024-01-01",
                [
                    (.wrongForm, "lastName", "at most 5"), (.wrongForm, "planId", ""),
                    (.wrongForm, "isOpen", ""),
                ]
            ),
        ] as [(String, [(FailureCode, String, String)])])
    func refused(query: String, expected: [(FailureCode, String, String)]) throws {
        let refusal = try #require(
            refusing { () throws(Refusal) in _ = try Self.list.decode(Body(query: query.bytes)) })
        #expect(refusal.faults.map(\.code) == expected.map(\.0))
        #expect(refusal.faults.map(\.field) == expected.map(\.1))
        for (fault, row) in zip(refusal.faults, expected) {
            #expect(row.2.isEmpty || fault.message.contains(row.2), "\(fault.message)")
        }
    }
}
