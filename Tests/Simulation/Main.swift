import Glibc

/// `simulate --seed N --seeds K --steps S --minutes M`: histories of the billing rules with faults, one a seed.
@main
enum Simulate {
    private struct Wanted {
        var seed: UInt64 = 1
        var seeds = 1
        var steps = 60
        var minutes = 0
        var isVerbose = false
    }

    static func main() {
        guard let wanted = read(CommandLine.arguments.dropFirst()) else {
            print("usage: simulate [--seed N] [--seeds K] [--steps S] [--minutes M] [--verbose]")
            exit(2)
        }
        let began = now()
        var counts = [Int](repeating: 0, count: World.Fault.allCases.count)
        var (days, steps, seeds, broken) = (0, 0, 0, 0)
        while seeds < wanted.seeds || wanted.minutes > 0 {
            if wanted.minutes > 0, now() - began >= Double(wanted.minutes) * 60 { break }
            let seed = wanted.seed + UInt64(seeds)
            let history = Simulation(seed: seed, keepsTrace: wanted.isVerbose)
            history.run(steps: wanted.steps)
            seeds += 1
            days += history.days
            steps += history.steps
            for index in counts.indices { counts[index] += history.world.counts[index] }
            if wanted.isVerbose { history.world.trace.forEach { print($0) } }
            guard !history.world.broken.isEmpty else { continue }
            broken += 1
            if broken <= 3 {
                show(seed, history, wanted)
            } else {
                print("seed \(seed) is broken: \(history.world.broken[0])")
            }
        }
        report(seeds, steps, days, counts, broken, seconds: now() - began)
        exit(broken == 0 ? 0 : 1)
    }

    /// The failing history, as short as it comes by taking fewer steps.
    private static func show(_ seed: UInt64, _ failed: Simulation, _ wanted: Wanted) {
        var (shortest, least) = (failed.steps, failed.world.broken)
        for fewer in stride(from: 3, to: failed.steps, by: 1) {
            let history = Simulation(seed: seed, keepsTrace: false)
            history.run(steps: fewer)
            guard !history.world.broken.isEmpty else { continue }
            (shortest, least) = (fewer, history.world.broken)
            break
        }
        let history = Simulation(seed: seed, keepsTrace: true)
        history.run(steps: shortest)
        print("seed \(seed) is broken: simulate --seed \(seed) --steps \(shortest)")
        history.world.trace.suffix(60).forEach { print("    \($0)") }
        for one in least.prefix(8) { print("  \(one)") }
    }

    private static func report(
        _ seeds: Int, _ steps: Int, _ days: Int, _ counts: [Int], _ broken: Int, seconds: Double
    ) {
        let faults = World.Fault.allCases.map { "\($0) \(counts[$0.rawValue])" }.joined(separator: ", ")
        let crashes = counts[0...4].reduce(0, +)
        print(
            "seeds \(seeds), steps \(steps), simulated years \(days / 365), crashes \(crashes) (\(faults)), broken \(broken), seconds \(Int(seconds.rounded()))"
        )
    }

    private static func read(_ arguments: ArraySlice<String>) -> Wanted? {
        var wanted = Wanted()
        var rest = arguments
        while let name = rest.popFirst() {
            if name == "--verbose" {
                wanted.isVerbose = true
                continue
            }
            guard let text = rest.popFirst(), let number = Int(text), number >= 0 else { return nil }
            switch name {
            case "--seed": wanted.seed = UInt64(number)
            case "--seeds": wanted.seeds = number
            case "--steps": wanted.steps = number
            case "--minutes": wanted.minutes = number
            default: return nil
            }
        }
        return wanted
    }

    private static func now() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
