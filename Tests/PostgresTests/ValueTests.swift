import Postgres
import TestSupport
import Testing

/// Values go out in binary, are checked by the server in SQL, and come back the same.
@Suite struct ValueTests {
    /// One value: its parameter, the type it has in SQL, how SQL writes it, how it reads back.
    struct Case: CustomTestStringConvertible, Sendable {
        let parameter: Parameter
        let type: String
        let literal: String
        let reads: @Sendable (Row) -> Bool
        var testDescription: String { "\(literal)::\(type)" }

        init(
            _ parameter: Parameter, _ type: String, _ literal: String,
            _ reads: @escaping @Sendable (Row) -> Bool
        ) {
            (self.parameter, self.type, self.literal, self.reads) = (parameter, type, literal, reads)
        }
    }

    static let cases: [Case] = [
        Case(.bool(true), "boolean", "true") { $0.bool(0) },
        Case(false, "boolean", "false") { !$0.bool(0) },
        Case(.bool(nil), "boolean", "null") { $0.optionalBool(0) == nil },
        Case(.int16(.max), "smallint", "32767") { $0.int16(0) == .max && $0.int(0) == 32767 },
        Case(.int16(.min), "smallint", "-32768") { $0.int16(0) == .min && $0.int32(0) == -32768 },
        Case(.int16(nil), "smallint", "null") { $0.optionalInt16(0) == nil },
        Case(.int32(.max), "integer", "2147483647") { $0.int32(0) == .max && $0.int(0) == 2_147_483_647 },
        Case(.int32(.min), "integer", "-2147483648") { $0.optionalInt32(0) == .min },
        Case(.int32(nil), "integer", "null") { $0.optionalInt32(0) == nil },
        Case(.int(.max), "bigint", "9223372036854775807") { $0.int(0) == .max },
        Case(.int(.min), "bigint", "-9223372036854775808") { $0.optionalInt(0) == .min },
        Case(0, "bigint", "0") { $0.int(0) == 0 },
        Case(.int(nil), "bigint", "null") { $0.optionalInt(0) == nil && $0.isNull(0) },
        Case("", "text", "''") { $0.text(0) == "" && !$0.isNull(0) },
        Case("Zoë 🧾 'q' \\ 漢", "text", "E'Zo\\u00eb 🧾 ''q'' \\\\ 漢'") { $0.text(0) == "Zoë 🧾 'q' \\ 漢" },
        Case(.text(nil), "text", "null") { $0.optionalText(0) == nil },
        Case(.null, "text", "null") { $0.optionalText(0) == nil },
        Case(nil, "bigint", "null") { $0.optionalInt(0) == nil },
        Case(.text("ab"), "char(3)", "'ab '") { $0.text(0) == "ab " },
        Case(.text("{\"a\": 1}"), "jsonb", "'{\"a\":1}'") { $0.text(0) == "{\"a\": 1}" },
        Case(.bytes([]), "bytea", "''") { $0.bytes(0) == [] },
        Case(.bytes([0, 255, 39, 92]), "bytea", "'\\x00ff275c'") { $0.bytes(0) == [0, 255, 39, 92] },
        Case(.bytes(nil), "bytea", "null") { $0.optionalBytes(0) == nil },
        Case(.date(0), "date", "'1970-01-01'") { $0.days(0) == 0 },
        Case(.date(-1), "date", "'1969-12-31'") { $0.days(0) == -1 },
        Case(.date(11_016), "date", "'2000-02-29'") { $0.days(0) == 11_016 },
        Case(.date(-2_440_588), "date", "'4714-11-24 BC'") { $0.days(0) == -2_440_588 },
        Case(.date(.max), "date", "'infinity'") { $0.days(0) == .max },
        Case(.date(.min), "date", "'-infinity'") { $0.days(0) == .min },
        Case(.date(nil), "date", "null") { $0.optionalDays(0) == nil },
        Case(.timestamp(0), "timestamptz", "'1970-01-01 00:00Z'") { $0.microseconds(0) == 0 },
        Case(.timestamp(-1), "timestamptz", "'1969-12-31 23:59:59.999999Z'") { $0.microseconds(0) == -1 },
        Case(.timestamp(951_868_799_123_456), "timestamptz", "'2000-03-01 01:59:59.123456+02'") {
            $0.microseconds(0) == 951_868_799_123_456
        },
        Case(.timestamp(.max), "timestamptz", "'infinity'") { $0.microseconds(0) == .max },
        Case(.timestamp(nil), "timestamptz", "null") { $0.optionalMicroseconds(0) == nil },
        Case(.ints([]), "bigint[]", "'{}'") { $0.ints(0) == [] },
        Case(.ints([1, .min, .max]), "bigint[]", "'{1,-9223372036854775808,9223372036854775807}'") {
            $0.ints(0) == [1, .min, .max]
        },
        Case(.int32s([7, -7]), "integer[]", "'{7,-7}'") { $0.int32s(0) == [7, -7] },
        Case(.int16s([7, -7]), "smallint[]", "'{7,-7}'") { !$0.isNull(0) },
        Case(.texts(["", "ä,\"}", "NULL"]), "text[]", "array['', 'ä,\"}', 'NULL']") {
            $0.texts(0) == ["", "ä,\"}", "NULL"]
        },
        Case(.texts([]), "text[]", "'{}'") { $0.texts(0) == [] },
        Case(.dates([0, 19_000]), "date[]", "'{1970-01-01,2022-01-08}'") { $0.daysArray(0) == [0, 19_000] },
        Case(.bools([true, false]), "boolean[]", "'{t,f}'") { !$0.isNull(0) },
        Case(.timestamps([0]), "timestamptz[]", "'{1970-01-01 00:00Z}'") { !$0.isNull(0) },
        Case(.optionalBools([true, nil]), "boolean[]", "'{t,null}'") { !$0.isNull(0) },
        Case(.optionalInt32s([nil, 3]), "integer[]", "'{null,3}'") { !$0.isNull(0) },
        Case(.optionalInts([nil, 3]), "bigint[]", "'{null,3}'") { !$0.isNull(0) },
        Case(.optionalInts([4, 3]), "bigint[]", "'{4,3}'") { $0.ints(0) == [4, 3] },
        Case(.optionalTexts(["", nil]), "text[]", "array['', null]") { !$0.isNull(0) },
        Case(.optionalDates([nil, 0]), "date[]", "'{null,1970-01-01}'") { !$0.isNull(0) },
        Case(.optionalTimestamps([nil]), "timestamptz[]", "'{null}'") { !$0.isNull(0) },
        Case(.bytesArray([[1], nil, []]), "bytea[]", "array['\\x01'::bytea, null, '']") { !$0.isNull(0) },
    ]

    @Test func everyTypeComesBackAsItWentOut() throws {
        let connection = try TestDatabase().connect()
        for (number, one) in Self.cases.enumerated() {
            let statement = Statement(
                "value.\(number)",
                "select $1::\(one.type), $1::\(one.type) is not distinct from (\(one.literal))::\(one.type)")
            let row = try connection.rows(statement, [one.parameter])[0]
            #expect(row.bool(1), "the server reads \(one.testDescription)")
            #expect(one.reads(row), "we read \(one.testDescription)")
        }
    }

    @Test func anEnumerationIsAText() throws {
        let connection = try TestDatabase().connect()
        try connection.script("create type state as enum ('open', 'closed'); create table t (s state)")
        try connection.run(Statement("t.insert", "insert into t values ($1::state)"), ["closed"])
        #expect(try connection.rows(Statement("t.all", "select s from t"))[0].text(0) == "closed")
    }

    @Test func aValueOutOfRangeIsRefusedAndNotQuoted() throws {
        let connection = try TestDatabase().connect()
        let cases: [(Statement, Parameter, String)] = [
            (Statement("range.small", "select $1::smallint"), 70_000, "22003"),
            (Statement("range.date", "select $1::date"), .date(.min + 1), "22008"),
            (Statement("range.day", "select $1::text::integer"), "secret4711", "22P02"),
            (Statement("range.zero", "select $1::text"), "a\0b", "22021"),
        ]
        for (statement, parameter, state) in cases {
            let failure = failure { try connection.run(statement, [parameter]) }
            #expect(failure?.sqlState == state)
            #expect(failure?.kind == .other)
            #expect(failure?.description.contains("4711") == false)
        }
    }

    @Test func aNullOnTheFirstCallDoesNotFixTheType() throws {
        let connection = try TestDatabase().connect()
        // Uncast, the server would infer `integer` here.
        let statement = Statement("null.first", "select coalesce($1, 7::integer)::bigint")
        #expect(try connection.rows(statement, [.null])[0].int(0) == 7)
        #expect(try connection.rows(statement, [.int(5_000_000_000)])[0].int(0) == 5_000_000_000)
        #expect(try connection.rows(statement, [.int32(3)])[0].int(0) == 3)
        #expect(try connection.rows(statement, [.null])[0].int(0) == 7)
    }

    @Test func whatIsPreparedAheadTakesOtherTypesToo() throws {
        let connection = try TestDatabase().connect()
        let statement = Statement("ahead", "select $1::integer + 1, $2::varchar")
        try connection.prepare([statement])
        try connection.prepare([statement])
        let row = try connection.rows(statement, [41, "x"])[0]
        #expect(row.int32(0) == 42)
        #expect(row.text(1) == "x")
        #expect(try connection.rows(statement, [.int32(1), .text(nil)])[0].optionalText(1) == nil)
    }
}
