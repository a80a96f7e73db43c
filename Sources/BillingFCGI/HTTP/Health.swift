import Domain
import Logging
import Persistence
import Pool

/// `/healthz`, `/readyz` and `/metrics`, outside `/api/v01` (spec 1.6, 6.6).
final class Health {
    private let services: Services
    private let scoreboard: Scoreboard?

    init(_ services: Services, scoreboard: Scoreboard?) {
        self.services = services
        self.scoreboard = scoreboard
    }

    /// The page asked for; nil when the path is none of these.
    func answer(_ request: Request) -> Response? {
        switch request.path {
        case "/healthz": page(200, "text/plain; charset=utf-8", "ok\n")
        case "/readyz": readiness()
        case "/metrics": page(200, "text/plain; version=0.0.4; charset=utf-8", metrics())
        default: nil
        }
    }

    private func page(_ status: Int, _ type: String, _ text: String) -> Response {
        Response(
            status: status, headers: [("Content-Type", type), ("Cache-Control", "no-store")],
            body: Array(text.utf8))
    }

    /// Green when the database answers, its schema is ours, a jobs process is alive and no bill is missed.
    private func readiness() -> Response {
        var problems: [(check: String, problem: String)] = []
        do {
            try services.books.operating { store in
                if try store.schemaState() != .current {
                    problems.append(
                        ("migrations", "the schema is not that of this program: run billing migrate"))
                }
                if let silence = try store.secondsSinceHeartbeat() {
                    if silence > 60 {
                        problems.append(("jobs", "no jobs process has been heard of for \(silence) seconds"))
                    }
                } else {
                    problems.append(("jobs", "no jobs process runs: start billing jobs"))
                }
                let minutes = services.configuration.missedBillMinutes
                let missed = try store.missedBills(olderThan: minutes * 60)
                if missed > 0 {
                    problems.append(("bills", "\(missed) bills are overdue by more than \(minutes) minutes"))
                }
            }
        } catch {
            problems.append(("database", "the database does not answer"))
            services.logger.error("not ready", metadata: ["error": "\(error)"])
        }
        let list = problems.map { #"{"check":"\#($0.check)","problem":"\#($0.problem)"}"# }
        return page(
            problems.isEmpty ? 200 : 503, "application/json",
            #"{"ready":\#(problems.isEmpty),"problems":[\#(list.joined(separator: ","))]}"# + "\n")
    }

    // MARK: Metrics

    private func metrics() -> String {
        var text = ""
        func family(
            _ name: String, _ type: String, _ help: String, _ samples: [(labels: String, value: String)]
        ) {
            text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
            for sample in samples { text += "\(name)\(sample.labels) \(sample.value)\n" }
        }
        if let scoreboard {
            let workers = scoreboard.workers()
            let states: [(WorkerState, String)] = [
                (.starting, "starting"), (.idle, "idle"), (.busy, "busy"), (.draining, "draining"),
            ]
            family(
                "billing_workers", "gauge", "Workers by state.",
                states.map { state, name in
                    (#"{state="\#(name)"}"#, String(workers.count { $0.state == state }))
                })
            family(
                "billing_worker_resident_bytes", "gauge", "Resident memory of each worker.",
                workers.map { (#"{slot="\#($0.slot)"}"#, String($0.residentKilobytes * 1024)) })
            requests(scoreboard.routes(), family)
        }
        do {
            let (figures, heartbeat) = try services.books.operating { store in
                (try store.figures(), try store.secondsSinceHeartbeat())
            }
            family(
                "billing_lag_seconds", "gauge", "Now less the due time of the oldest unbilled charge.",
                [("", String(figures.billingLagSeconds))])
            family(
                "billing_attempts_open", "gauge", "Attempts whose outcome is not known yet, by age.",
                [
                    (#"{older_than="0s"}"#, String(figures.attemptsOpen)),
                    (#"{older_than="1m"}"#, String(figures.attemptsUnknown)),
                    (#"{older_than="1h"}"#, String(figures.attemptsForAPerson)),
                ])
            family(
                "billing_subscriptions_set_aside", "gauge", "Subscriptions whose step failed.",
                [("", String(figures.subscriptionsSetAside))])
            if let heartbeat {
                family(
                    "billing_jobs_heartbeat_seconds", "gauge", "Time since a jobs process was heard of.",
                    [("", String(heartbeat))])
            }
            family("billing_database_up", "gauge", "Whether the database answers.", [("", "1")])
        } catch {
            family("billing_database_up", "gauge", "Whether the database answers.", [("", "0")])
        }
        return text
    }

    private func requests(
        _ counters: [RouteCounters],
        _ family: (String, String, String, [(labels: String, value: String)]) -> Void
    ) {
        func name(_ row: Int) -> String {
            guard row > 0, row <= Route.table.count else { return "none" }
            let route = Route.table[row - 1]
            return "\(route.resource)/~\(route.action)"
        }
        var counts: [(labels: String, value: String)] = []
        var durations: [(labels: String, value: String)] = []
        for counter in counters {
            let route = name(counter.route)
            for (status, count) in counter.byStatusClass.enumerated() where count > 0 {
                counts.append((#"{route="\#(route)",status="\#(status)xx"}"#, String(count)))
            }
            var sum: Int64 = 0
            for (bound, count) in zip(Scoreboard.bucketBounds, counter.buckets) {
                sum += count
                durations.append(
                    (#"_bucket{route="\#(route)",le="\#(Double(bound) / 1_000_000)"}"#, String(sum)))
            }
            sum += counter.buckets.last ?? 0
            durations.append((#"_bucket{route="\#(route)",le="+Inf"}"#, String(sum)))
            durations.append(
                (#"_sum{route="\#(route)"}"#, String(Double(counter.sumMicroseconds) / 1_000_000)))
            durations.append((#"_count{route="\#(route)"}"#, String(sum)))
        }
        family("billing_requests_total", "counter", "Requests by route and class of status.", counts)
        family("billing_request_seconds", "histogram", "Latency of requests by route.", durations)
    }
}
