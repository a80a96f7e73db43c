import Domain
import Interchange
import Testing

/// A request and the faults it must give, in order: code, field, and a part of the message.
private struct Refused: CustomTestStringConvertible {
    var format: Format
    var purpose: Purpose
    var document: String
    var faults: [(FailureCode, String?, String)]
    var testDescription: String { "\(format) \(document.prefix(60))" }

    init(
        _ format: Format, _ purpose: Purpose, _ document: String, _ faults: (FailureCode, String?, String)...
    ) {
        self.format = format
        self.purpose = purpose
        self.document = document
        self.faults = faults
    }
}

private let long = String(repeating: "é", count: 11)

private let refused: [Refused] = [
    // Types, in json by type and in xml and xurl by text.
    Refused(.json, .modify, #"{"visits":"3"}"#, (.wrongForm, "visits", "must be a whole number")),
    Refused(
        .json, .modify, #"{"visits":3.0,"email":5}"#, (.wrongForm, "visits", ""),
        (.wrongForm, "email", "must be text")),
    Refused(
        .json, .modify, #"{"isActive":"true","visits":true}"#, (.wrongForm, "isActive", ""),
        (.wrongForm, "visits", "")),
    Refused(
        .json, .modify, #"{"email":{},"home":[],"memberCards":{}}"#, (.wrongForm, "email", ""),
        (.wrongForm, "home", "must be an object"), (.wrongForm, "memberCards", "must be a list")),
    Refused(.json, .modify, #"{"visits":""}"#, (.wrongForm, "visits", "")),
    Refused(.xurl, .modify, "visits=%2B5&visits.x=1", (.repeatedField, "visits.x", "")),
    Refused(
        .xurl, .modify, "visits=%2B5&birthday=2024-2-1&isActive=TRUE&level=b", (.wrongForm, "visits", ""),
        (.wrongForm, "birthday", "yyyy-MM-dd"), (.wrongForm, "isActive", "true or false"),
        (.valueNotAllowed, "level", "level must be one of B, P")),
    Refused(
        .xml, .modify, "<member visits=' 5' lastSeen='2024-01-01 24:00:00' retryDays='3,,5'/>",
        (.wrongForm, "visits", ""), (.wrongForm, "lastSeen", ""),
        (.wrongForm, "retryDays", "separated by commas")),
    Refused(.xml, .modify, "<member visits='0x5'/>", (.wrongForm, "visits", "")),
    Refused(.xml, .modify, "<member visits='5.0'/>", (.wrongForm, "visits", "")),
    Refused(.xml, .modify, "<member visits='99999999999999999999'/>", (.wrongForm, "visits", "")),
    Refused(.xml, .modify, "<member visits='٣'/>", (.wrongForm, "visits", "")),
    Refused(
        .json, .create, #"{"name":"x","dues":1,"planId":"7"}"#,
        (.wrongForm, "planId", "an id, or * and a code")),
    Refused(.json, .create, #"{"name":"x","dues":1,"planId":0}"#, (.wrongForm, "planId", "")),
    Refused(.json, .create, #"{"name":"x","dues":1,"planId":"*a b"}"#, (.wrongForm, "planId", "")),
    Refused(.json, .modify, #"{"birthday":"2023-02-29"}"#, (.wrongForm, "birthday", "")),
    // Lengths, characters, forms, ranges, codes.
    Refused(.json, .modify, "{\"name\":\"\(long)\"}", (.wrongForm, "name", "at most 10 characters")),
    Refused(.json, .modify, #"{"name":"a\u0000"}"#, (.wrongForm, "name", "control characters")),
    Refused(.json, .modify, #"{"name":"a\n"}"#, (.wrongForm, "name", "control characters")),
    Refused(
        .json, .modify, #"{"name":"\u0085","note":"\uffff"}"#, (.wrongForm, "name", ""),
        (.wrongForm, "note", "")),
    Refused(.xurl, .modify, "name=%7f", (.wrongForm, "name", "control characters")),
    Refused(.xml, .modify, "<member name='&#9;'/>", (.wrongForm, "name", "control characters")),
    Refused(.json, .modify, #"{"email":"a.b"}"#, (.wrongForm, "email", "email must be an email address")),
    Refused(
        .json, .modify, #"{"visits":37,"retryDays":"3,31"}"#,
        (.valueNotAllowed, "visits", "must be from 1 to 36"),
        (.valueNotAllowed, "retryDays", "each from 1 to 30")),
    Refused(.json, .modify, #"{"retryDays":"1,2,3,4,5,6"}"#, (.valueNotAllowed, "retryDays", "at most 5")),
    Refused(.json, .modify, #"{"retryDays":[1,2,3,4,5,6]}"#, (.valueNotAllowed, "retryDays", "at most 5")),
    Refused(.json, .modify, #"{"retryDays":[1,"2"]}"#, (.wrongForm, "retryDays", "list of whole numbers")),
    Refused(.json, .modify, #"{"visits":[1]}"#, (.wrongForm, "visits", "must be a whole number")),
    Refused(.json, .modify, #"{"level":"X"}"#, (.valueNotAllowed, "level", "level must be one of B, P")),
    Refused(.json, .modify, #"{"level":1}"#, (.wrongForm, "level", "must be one of")),
    // Unknown names, with the one that was meant.
    Refused(.json, .modify, #"{"Name":1}"#, (.unknownField, "Name", "did you mean name?")),
    Refused(
        .json, .modify, #"{"birhtday":1,"brthdy":1}"#, (.unknownField, "birhtday", "did you mean birthday?"),
        (.unknownField, "brthdy", "did you mean birthday?")),
    Refused(.json, .modify, #"{"retry_days":"3"}"#, (.unknownField, "retry_days", "did you mean retryDays?")),
    Refused(.json, .modify, #"{"xyz":1}"#, (.unknownField, "xyz", "xyz is not a known field of Member")),
    Refused(.json, .modify, "{\"\u{212A}\":1}", (.unknownField, "\u{212A}", "")),
    Refused(.json, .modify, #"{"4111111111111111":1}"#, (.unknownField, "****************", "")),
    Refused(.xml, .modify, "<member><birthday/></member>", (.wrongForm, "birthday", "must be an attribute")),
    Refused(.xml, .modify, "<member><name>x</name></member>", (.wrongForm, "name", "attributes")),
    Refused(
        .xml, .modify, "<member memberCards='1'><memberCards/></member>",
        (.wrongForm, "memberCards", "must be a list"), (.wrongForm, "memberCards", "<member-cards>")),
    Refused(
        .xml, .modify, "<member><member-card/></member>",
        (.unknownField, "member-card", "did you mean member-cards?")),
    Refused(.xml, .modify, "<member><home/><home/></member>", (.repeatedField, "home", "given twice")),
    Refused(.xml, .modify, "<Member/>", (.wrongForm, nil, "must be <member>")),
    Refused(.json, .modify, "[]", (.wrongForm, nil, "one object")),
    Refused(.xurl, .modify, "0=1", (.wrongForm, nil, "one object")),
    // Required and null.
    Refused(
        .json, .create, "{}", (.requiredFieldMissing, "name", "name is required"),
        (.requiredFieldMissing, "dues", "")),
    Refused(
        .json, .create, #"{"dues":null,"name":""}"#, (.requiredFieldMissing, "dues", ""),
        (.requiredFieldMissing, "name", "")),
    Refused(.json, .modify, #"{"name":null}"#, (.requiredFieldMissing, "name", "")),
    Refused(.xurl, .modify, "name=", (.requiredFieldMissing, "name", "")),
    // Create-only.
    Refused(
        .json, .modify, #"{"dues":2,"code":"c-1","planId":7}"#, (.createOnly, "dues", "cannot be changed")),
    Refused(
        .json, .modify, #"{"dues":null,"code":"C-1","planId":"*gold"}"#, (.createOnly, "dues", ""),
        (.createOnly, "code", ""), (.createOnly, "planId", "")),
    Refused(.json, .modify, #"{"memberCards":[]}"#, (.createOnly, "memberCards", "")),
    Refused(
        .json, .modify, #"{"memberCards":[{"id":9,"holder":"Bo","number":"**12","csc":"123","hold":1}]}"#,
        (.createOnly, "memberCards.0.number", ""), (.createOnly, "memberCards.0.csc", ""),
        (.unknownField, "memberCards.0.hold", "")),
    // Nested, all faults at once, paths, rules between fields.
    Refused(
        .json, .create,
        #"{"name":"x","dues":1,"memberCards":[{"holder":"A","number":"1"},{"number":"x","expiry":12}]}"#,
        (.wrongForm, "memberCards.1.number", "memberCards.1.number must be digits"),
        (.wrongForm, "memberCards.1.expiry", ""), (.requiredFieldMissing, "memberCards.1.holder", "")),
    Refused(
        .xml, .create,
        "<member dues='1' name='x'><member-cards><member-card number='1' holder='A' csc='1'/><card/></member-cards></member>",
        (.unknownField, "memberCards.card", ""),
        (.requiredFieldMissing, "memberCards.0.expiry", "expiry is required with csc")),
    Refused(
        .xurl, .create, "memberCards.0.number=1&memberCards.0.numbre=2&home.street=x&home.x=1&name=x&dues=1",
        (.unknownField, "memberCards.0.numbre", "did you mean number?"),
        (.requiredFieldMissing, "memberCards.0.holder", ""), (.unknownField, "home.x", "")),
    // A rule between fields is judged beside other faults, unless what it goes by is wrong itself.
    Refused(
        .json, .create, #"{"name":"x","dues":1,"memberCards":[{"holder":"A","number":"x","csc":"1"}]}"#,
        (.wrongForm, "memberCards.0.number", ""),
        (.requiredFieldMissing, "memberCards.0.expiry", "expiry is required with csc")),
    Refused(
        .json, .create, #"{"name":"x","dues":1,"memberCards":[{"number":"1","csc":"1","expiry":12}]}"#,
        (.wrongForm, "memberCards.0.expiry", ""), (.requiredFieldMissing, "memberCards.0.holder", "")),
    Refused(
        .json, .create, #"{"name":"x","dues":1,"memberCards":[1,null]}"#,
        (.wrongForm, "memberCards.0", "must be an object"), (.wrongForm, "memberCards.1", "")),
]

private let stored = Member(
    id: Identifier(9), code: "c-1", name: "Ann", email: "a@b", note: "n", level: .premium, dues: Money(1),
    visits: 3, planId: Identifier(7),
    cards: [Card(id: Identifier(4), holder: "Bo", number: "4711", expiry: "0130")])

@Suite("Decoding by a description")
struct DecodingTests {
    @Test("All faults of a request, in order", arguments: refused)
    fileprivate func faults(row: Refused) throws {
        var form = row.purpose == .create ? MemberForm() : MemberForm(stored)
        let before = form
        let refusal = try #require(
            refusing { () throws(Refusal) in
                try Sample.member.decode(
                    Body(reading: row.document.bytes, as: row.format), into: &form, purpose: row.purpose)
            })
        #expect(refusal.faults.map(\.code) == row.faults.map(\.0), "\(refusal)")
        #expect(refusal.faults.map(\.field) == row.faults.map(\.1))
        for (fault, expected) in zip(refusal.faults, row.faults) {
            #expect(expected.2.isEmpty || fault.message.contains(expected.2), "\(fault.message)")
        }
        #expect(form == before)
    }

    @Test("No more than a hundred faults are listed")
    func manyFaults() throws {
        let document = "{" + (0..<5000).map { "\"f\($0)\":1" }.joined(separator: ",") + "}"
        var form = MemberForm()
        let refusal = try #require(
            refusing { () throws(Refusal) in
                try Sample.member.decode(
                    Body(reading: document.bytes, as: .json), into: &form, purpose: .create)
            })
        #expect(refusal.faults.count == 100)
    }

    @Test(
        "The same object in three formats",
        arguments: [
            (
                .json,
                #"{"id":"ignored","name":"Zoë 😀","dues":4999,"level":"P","visits":36,"isActive":false,"birthday":"2024-02-29","lastSeen":"2024-01-02 03:04:05","planId":"*gold","retryDays":"3,5,7","home":{"city":"Ulm"},"memberCards":[{"holder":"A","number":"12"},{"holder":"B","number":"34","isDefault":true}],"email":null,"note":""}"#
            ),
            (
                .xml,
                "<member id='x' name='Zoë 😀' dues='4999' level='P' visits='36' isActive='false' birthday='2024-02-29' lastSeen='2024-01-02 03:04:05' planId='*gold' retryDays='3,5,7' email='' note=''><home city='Ulm'/><member-cards><member-card holder='A' number='12'/><member-card holder='B' number='34' isDefault='true'/></member-cards></member>"
            ),
            (
                .xurl,
                "id=x&name=Zo%C3%AB+%f0%9f%98%80&dues=4999&level=P&visits=36&isActive=false&birthday=2024-02-29&lastSeen=2024-01-02+03%3A04%3A05&planId=*gold&retryDays=3,5,7&home.city=Ulm&memberCards.0.holder=A&memberCards.0.number=12&memberCards.1.holder=B&memberCards.1.number=34&memberCards.1.isDefault=true&email=&note="
            ),
        ] as [(Format, String)])
    func accepted(format: Format, document: String) throws {
        var form = MemberForm()
        form.email = "cleared@by.null"
        form.note = "cleared by empty text"
        try Sample.member.decode(Body(reading: document.bytes, as: format), into: &form, purpose: .create)
        var expected = MemberForm()
        expected.name = "Zoë 😀"
        expected.dues = Money(4999)
        expected.level = .premium
        expected.visits = 36
        expected.isActive = false
        expected.birthday = CalendarDate("2024-02-29")
        expected.lastSeen = LocalDateTime("2024-01-02 03:04:05")
        expected.plan = .code("gold")
        expected.retryDays = [3, 5, 7]
        expected.home = Address(city: "Ulm")
        expected.cards = [
            CardForm(holder: "A", number: "12"), CardForm(holder: "B", number: "34", isDefault: true),
        ]
        #expect(form == expected)
    }

    @Test("What was loaded can be sent back by ~modify", arguments: Format.allCases)
    func sentBack(format: Format) throws {
        var member = stored
        member.tags = ["a", "b"]
        var writer = ByteWriter()
        Sample.member.encode(member, as: format, into: &writer)
        var form = MemberForm(stored)
        let before = form
        try Sample.member.decode(Body(reading: writer.bytes, as: format), into: &form, purpose: .modify)
        #expect(form == before)
    }

    @Test("Only what is sent changes on ~modify; null clears")
    func modified() throws {
        var form = MemberForm(stored)
        let body = try Body(
            reading: #"{"visits":null,"level":null,"home":{"street":"S"},"email":"x@y"}"#.bytes, as: .json)
        try Sample.member.decode(body, into: &form, purpose: .modify)
        var expected = MemberForm(stored)
        expected.visits = nil
        expected.level = .basic
        expected.home = Address(street: "S")
        expected.email = "x@y"
        #expect(form == expected)
    }

    @Test("Text is compared and kept to the byte")
    func exactText() throws {
        var form = MemberForm(stored)
        form.code = "e\u{301}"
        let refusal = refusing { () throws(Refusal) in
            try Sample.member.decode(
                Body(reading: "{\"code\":\"\u{E9}\"}".bytes, as: .json), into: &form, purpose: .modify)
        }
        #expect(refusal?.faults[0].code == .createOnly)
        try Sample.member.decode(
            Body(reading: "{\"name\":\"e\u{301} \u{202E}x \"}".bytes, as: .json), into: &form,
            purpose: .modify)
        #expect(form.name?.bytes == "e\u{301} \u{202E}x ".bytes)
    }
}
