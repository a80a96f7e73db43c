import Glibc
import Testing

/// `Scripts/stack` as an operator uses it (spec 6.1, 6.7): the real program, PostgreSQL and nginx.
@Suite(.serialized, .enabled(if: environmentValue("BILLING_BINARY") != nil, "needs BILLING_BINARY"))
struct StackTests {
    /// A stack with a run folder and port of its own; ended and removed with the value.
    final class Stack {
        let folder: String
        let port = findFreePort()

        init() {
            var template = Array("/tmp/billing-stack-XXXXXX".utf8CString)
            precondition(mkdtemp(&template) != nil, "mkdtemp failed")
            folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
            // The stack's unprivileged user has to pass.
            chmod(folder, 0o755)
        }

        deinit {
            _ = run("Scripts/stack stop")
            _ = shell("rm -rf '\(folder)'")
        }

        /// A script with this stack's settings in its environment; `pid NAME` prints a component's pid,
        /// `lives PID` and `ready` ask.
        func run(_ script: String) -> ShellAnswer {
            shell(
                """
                set -euo pipefail
                export BILLING_RUN_DIR='\(folder)/run' BILLING_PORT=\(port) BILLING_WORKERS=2
                pid() { cut -d' ' -f1 "$BILLING_RUN_DIR/pids/$1.pid"; }
                lives() { [[ $(ps -o stat= -p "$1") == [^Z]* ]]; }
                ready() { curl -sf -m 5 -o /dev/null --cacert "$BILLING_RUN_DIR/ca.pem" https://localhost:\(port)/readyz; }
                \(script)
                """)
        }
    }

    @Test func startStopAndStartAgain() {
        let stack = Stack()
        let first = stack.run(
            """
            Scripts/stack start
            stat -c %a "$BILLING_RUN_DIR/demo.env"
            . "$BILLING_RUN_DIR/demo.env"
            [[ $BILLING_URL == https://localhost:\(stack.port)/api/v01 && -n $BILLING_USER ]]
            [[ -n $BILLING_PASSWORD && $BILLING_ACCOUNT_ID == 2001 && -s $BILLING_CA ]]
            ready
            cp "$BILLING_RUN_DIR/demo.env" "\(stack.folder)/demo.before"
            """)
        #expect(first.status == 0, "\(first)")
        #expect(first.output.contains("\n600\n"), "\(first)")

        let second = stack.run("Scripts/stack start")
        #expect(second.status == 1 && second.output.contains("a stack runs already in"), "\(second)")
        #expect(stack.run("Scripts/stack status").status == 0)

        let stop = stack.run(
            """
            all=$(for name in supervisor postgres serve jobs nginx; do pid $name; done)
            Scripts/stack stop
            for each in $all; do ! lives $each || { echo "$each still lives"; exit 1; }; done
            left=$(find "$BILLING_RUN_DIR/" "$BILLING_RUN_DIR/state/" -type s -o -name '*.pid')
            [[ -z $left ]] || { echo "left: $left"; exit 1; }
            """)
        #expect(stop.status == 0, "\(stop)")
        #expect(stack.run("Scripts/stack status").status == 1)

        let again = stack.run(
            "Scripts/stack start; diff \"$BILLING_RUN_DIR/demo.env\" \"\(stack.folder)/demo.before\"")
        #expect(again.status == 0, "the data and the credentials are kept: \(again)")
    }

    @Test func whatDiesIsStartedAgain() {
        let stack = Stack()
        #expect(stack.run("Scripts/stack start").status == 0)
        for name in ["jobs", "serve", "nginx", "postgres"] {
            let answer = stack.run(
                """
                old=$(pid \(name))
                kill -KILL $old
                for ((i = 0; i < 200; i++)); do
                    new=$(pid \(name) 2>/dev/null || true)
                    if [[ -n $new && $new != $old ]] && lives $new && ready; then exit 0; fi
                    read -rt 0.1 <> <(:) || true
                done
                Scripts/stack status
                exit 1
                """)
            #expect(answer.status == 0, "\(name): \(answer)")
        }
    }

    @Test func aKilledSupervisorDoesNotBlockTheNextStart() {
        let stack = Stack()
        #expect(stack.run("Scripts/stack start").status == 0)
        let answer = stack.run(
            """
            old=$(pid nginx)
            kill -KILL $(pid supervisor) $old $(pid serve)
            Scripts/stack start
            ready
            ! lives $old
            """)
        #expect(answer.status == 0, "\(answer)")
    }

    @Test(arguments: [
        ("BILLING_PORT=eight", "BILLING_PORT is 'eight'"),
        ("BILLING_PORT=70000", "BILLING_PORT is '70000'"),
        ("BILLING_WORKERS=0", "BILLING_WORKERS is '0'"),
        ("BILLING_BINARY=/nowhere/billing", "there is no program at /nowhere/billing"),
        ("BILLING_RUN_DIR=/proc/nowhere", "the run folder /proc/nowhere cannot be made"),
    ])
    func whatIsWrongIsSaidInOneSentence(setting: String, sentence: String) {
        let stack = Stack()
        let answer = stack.run("\(setting) Scripts/stack start")
        #expect(answer.status == 1 && answer.output.contains(sentence), "\(answer)")
    }

    @Test func aTakenPortIsRefused() {
        let stack = Stack()
        #expect(stack.run("Scripts/stack start").status == 0)
        let answer = stack.run("BILLING_RUN_DIR='\(stack.folder)/other' Scripts/stack start")
        #expect(answer.status == 1, "\(answer)")
        #expect(answer.output.contains("port \(stack.port) is taken by another program"), "\(answer)")
    }
}
