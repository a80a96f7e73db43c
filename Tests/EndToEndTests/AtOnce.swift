import Glibc
import TestSupport
import Testing

/// A request that is sent together with others.
struct SharedRequest {
    var method = "POST"
    /// Below the base of the API.
    var path: String
    /// JSON.
    var body: String?
    var key: String?
}

/// What came to a request that was sent together with others.
struct SharedAnswer: CustomStringConvertible {
    let status: Int
    let isReplay: Bool
    let body: Tree

    /// `201`, or `409 V36` for a refusal.
    var description: String {
        body["failureCode"]?.scalar.map { "\(status) \($0)" } ?? "\(status)"
    }
}

extension Merchant {
    /// Runs `Concurrency/clients.py` with this user's credentials; what it prints.
    ///
    /// - Parameter task: a JSON object; where to send is added.
    func clients(_ mode: String, _ task: String) throws -> String {
        let access =
            #"{"url":"https://localhost:\#(stack.port)/api/v01","user":"\#(user)","password":"\#(password)","ca":"\#(stack.folder)/ca.pem","#
        let answer = try Subprocess.run(
            "/usr/bin/python3", ["\(packageFolder)/Tests/EndToEndTests/Concurrency/clients.py", mode],
            input: access + task.dropFirst())
        guard answer.status == 0 else { throw SetupFailure("clients.py: \(answer.errors)") }
        return answer.output
    }

    /// Sends requests at the same moment, each over a connection of its own that stands already; the answers in their order.
    func atOnce(_ requests: [SharedRequest]) throws -> [SharedAnswer] {
        let list = requests.map { request in
            let headers = request.key.map { #""Idempotency-Key":"\#($0)""# } ?? ""
            return
                #"{"method":"\#(request.method)","path":"\#(request.path)","body":\#(request.body ?? "null"),"headers":{\#(headers)}}"#
        }
        let output = try clients("fire", #"{"requests":[\#(list.joined(separator: ","))]}"#)
        let answers = try #require(Tree(json: output), "\(output)")
        return answers.items.map { one in
            SharedAnswer(
                status: one["status"]?.integer ?? 0, isReplay: one["replay"] == .boolean(true),
                body: one["body"] ?? .null)
        }
    }

    /// A number that a query gives.
    func count(_ query: String) throws -> Int { Int(try stack.sql(query)) ?? -1 }
}

extension RunningStack {
    /// Starts a further jobs process, or a pass of `billing run`.
    func start(_ arguments: [String], _ settings: [String] = ["BILLING_JOBS_INTERVAL=0.05"]) throws
        -> Subprocess
    {
        let program = environmentValue("BILLING_BINARY") ?? "\(packageFolder)/.build/release/billing"
        return try Subprocess(
            "/usr/bin/env", ["BILLING_RUN_DIR=\(folder)"] + settings + [program] + arguments,
            output: .null, errors: .file("\(folder)/further.log"))
    }

    /// A page outside of the API: `/readyz`, `/metrics`.
    func page(_ path: String) throws -> (status: Int, body: String) {
        let answer = try Subprocess.run(
            "/usr/bin/curl",
            [
                "-sS", "-m", "20", "--noproxy", "*", "--cacert", "\(folder)/ca.pem", "-w", "\n%{http_code}",
                "https://localhost:\(port)\(path)",
            ])
        let lines = answer.output.split(separator: "\n", omittingEmptySubsequences: false)
        return (Int(lines.last ?? "") ?? 0, lines.dropLast().joined(separator: "\n"))
    }

    /// Runs a body while the stack's own jobs process stands still.
    func withoutJobs<Result>(_ body: () throws -> Result) throws -> Result {
        guard let jobs = pid(of: "jobs") else { throw SetupFailure("no jobs process runs") }
        kill(jobs, SIGSTOP)
        defer { kill(jobs, SIGCONT) }
        return try body()
    }
}

/// The seed of a random test: from the environment variable BILLING_TEST_SEED, or by chance. Print it.
func testSeed() -> UInt64 {
    environmentValue("BILLING_TEST_SEED").flatMap { UInt64($0) } ?? UInt64.random(in: 1...999_999_999)
}

/// A generator that gives the same numbers for the same seed everywhere (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
