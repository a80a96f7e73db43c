import Testing

@testable import Pool

/// What libfcgi may read, and what it must never see.
@Suite struct RecordGuardTests {
    static func examine(_ bytes: [UInt8]) -> RecordGuard.Verdict {
        bytes.withUnsafeBytes { RecordGuard.examine($0) }
    }

    @Test func verdicts() {
        let head = Wire.head("POST", "/x", length: "10")
        let body = Wire.stream(5, WorkerTests.bytes(10))
        let rows: [(name: String, bytes: [UInt8], verdict: RecordGuard.Verdict)] = [
            ("nothing yet", [], .incomplete),
            ("one byte", [1], .incomplete),
            ("one wrong byte", [71], .refused("not FastCGI")),
            ("whole", head + body, .ready(whole: true, more: false)),
            ("one byte short", Array((head + body).dropLast()), .incomplete),
            ("something after it", head + body + [1], .ready(whole: true, more: true)),
            (
                "long body, not all there", head + Wire.record(5, WorkerTests.bytes(40_000)),
                .ready(whole: false, more: false)
            ),
            ("abort", head + Wire.record(2), .aborted),
            ("unknown record", head + Wire.record(77), .refused("unexpected record")),
            ("parameters again", head + Wire.record(4, [1, 0, 65]), .refused("unexpected record")),
            ("body first", Wire.begin() + Wire.record(5), .refused("unexpected record")),
            ("management", Wire.begin() + Wire.record(9, [], id: 0), .refused("another request inside")),
            (
                "management first", Wire.record(9, [UInt8](repeating: 0, count: 8), id: 0),
                .refused("not a request")
            ),
            ("version", Wire.begin() + Wire.record(4, version: 3), .refused("unknown protocol version")),
            ("filter", Wire.begin(role: 3), .refused("not a responder request")),
            ("request zero", Wire.begin(id: 0), .refused("malformed begin record")),
            ("pair cut short", Wire.begin() + Wire.stream(4, [1, 1, 65]), .refused("parameters cut short")),
            (
                "length cut short", Wire.begin() + Wire.stream(4, [1, 128, 0]),
                .refused("parameters cut short")
            ),
            (
                "two gigabytes", Wire.begin() + Wire.record(4, [255, 255, 255, 255, 255, 255, 255, 255]),
                .refused("parameter too long")
            ),
            (
                "pair over three records",
                Wire.begin() + [[3], [1, 65, 66], [67, 68]].flatMap { Wire.record(4, $0) } + Wire.record(4)
                    + Wire.record(5), .ready(whole: true, more: false)
            ),
            (
                "window full",
                Array(
                    (Wire.begin()
                        + Wire.params([
                            ("X", String(repeating: "x", count: 65_000)),
                            ("Y", String(repeating: "y", count: 2_000)),
                        ])).prefix(RecordGuard.window)), .refused("parameters too long")
            ),
        ]
        for row in rows { #expect(Self.examine(row.bytes) == row.verdict, "\(row.name)") }
    }

    /// No prefix of a request is ready, and none of a wrong one crashes the guard.
    @Test func everyPrefixAndEveryFlippedByte() {
        let whole = Wire.request("POST", "/x", body: WorkerTests.bytes(20))
        for length in 0..<whole.count { #expect(Self.examine(Array(whole[..<length])) == .incomplete) }
        for index in whole.indices {
            for bit in 0..<8 {
                var bytes = whole
                bytes[index] ^= 1 << bit
                _ = Self.examine(bytes)
            }
        }
    }
}
