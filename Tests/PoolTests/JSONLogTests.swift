import Logging
import Testing

@testable import Pool

@Suite struct JSONLogTests {
    @Test func lines() {
        let head = #"{"time":"2027-03-01T09:30:00.125Z","level":"info","message":"#
        let rows: [(String, Logger.Metadata, String)] = [
            ("plain", [:], #""plain"}"#),
            ("a\"b\\c\nd\u{1}\u{7F}é", [:], #""a\"b\\c\nd\u0001\u007fé"}"#),
            (
                "f", ["b": .stringConvertible(7), "a": "x", "c": ["k": ["n": .stringConvertible(true)]]],
                #""f","a":"x","b":7,"c.k.n":true}"#
            ),
            ("l", ["v": ["x", .stringConvertible(2), ["k": "w"]]], #""l","v":["x",2,{"k":"w"}]}"#),
        ]
        for (message, fields, rest) in rows {
            let line = JSONLog.line(time: 1_803_893_400_125, level: .info, message: message, fields: fields)
            #expect(String(decoding: line, as: UTF8.self) == head + rest + "\n")
        }
    }
}
