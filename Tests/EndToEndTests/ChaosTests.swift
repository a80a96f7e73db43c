import Glibc
import TestSupport
import Testing

/// The short form of `make chaos`: the real program, crashed from outside at its steps, cut off, reloaded, overloaded and starved
/// (design/reliability S2 to S8, S14). Nothing may be lost or done twice.
///
/// The seed is in what fails; BILLING_TEST_SEED repeats one. What each test injects and checks: `Tests/EndToEndTests/Chaos`.
@Suite(.serialized, .enabled(if: programIsKnown, "needs BILLING_BINARY"))
struct ChaosTests {
    @Test func nothingIsLostOrDoneTwice() throws {
        let run = try Subprocess.run(
            "/bin/bash",
            [
                "-c",
                """
                unset BILLING_RECORD BILLING_TABLE BILLING_RUN_DIR BILLING_DATABASE_URL
                cd "$1" && SEED=$2 exec Scripts/chaos --short
                """, "chaos", packageFolder, String(testSeed()),
            ])
        #expect(run.status == 0, "\(run.output)\(run.errors)")
    }
}
