import TestSupport
import Testing

/// The program against its own OpenAPI document: a short run of `make conformance`, with every operation and every check.
@Suite(.enabled(if: programIsKnown, "needs BILLING_BINARY"))
struct ConformanceTests {
    @Test func theProgramDoesWhatItsDocumentSays() throws {
        let answer = shell("CONFORMANCE_PORT=\(try freePort()) Scripts/conformance 60")
        #expect(answer.status == 0, "\(answer.output.suffix(6000))")
        #expect(answer.output.contains("nothing found"))
    }
}
