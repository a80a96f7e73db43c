import TestSupport
import Testing

/// The program against its own OpenAPI document: a short run of `make conformance`, with every operation and every check.
@Suite(.enabled(if: programIsKnown, "needs BILLING_BINARY"))
struct ConformanceTests {
    @Test func theProgramDoesWhatItsDocumentSays() throws {
        let answer = shell("EXAMPLES=10 CONFORMANCE_PORT=\(try freePort()) Scripts/conformance")
        #expect(answer.status == 0, "\(answer.output.suffix(6000))")
        #expect(answer.output.contains("nothing found"))
    }
}
