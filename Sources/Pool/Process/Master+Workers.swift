import CLinux
import Glibc
import Logging

/// Starting, watching and ending workers.
extension Master {
    /// A worker that dies younger than this counts towards the back-off.
    private static let youngMilliseconds: Int64 = 1000
    private static let longestPause: Int64 = 10_000

    /// Brings every pool to its number of workers.
    func refill() {
        guard !isStopping else { return }
        for index in pools.indices {
            var staying = members.values.filter {
                $0.pool == index && $0.leavesBy == nil && $0.pid != incoming
            }
            while staying.count > pools[index].settings.workers {
                let surplus = staying.max { $0.startedAt < $1.startedAt }
                guard let surplus else { break }
                outdated.removeAll { $0 == surplus.pid }
                retire(surplus.pid, with: SIGQUIT, within: settings.drainGrace)
                staying.removeAll { $0.pid == surplus.pid }
            }
            let now = Clock.monotonicMilliseconds()
            if let pause = pools[index].restartAt, now < pause { continue }
            pools[index].restartAt = nil
            for _ in staying.count..<max(staying.count, pools[index].settings.workers) {
                guard start(in: index) != nil else { break }
            }
        }
    }

    /// Starts one worker; nil when it could not be, which is logged and tried again later.
    func start(in pool: Int) -> pid_t? {
        let taken = Set(members.values.map(\.slot))
        guard let slot = (0..<Scoreboard.slotCount).first(where: { !taken.contains($0) }) else { return nil }
        do {
            let now = Clock.monotonicMilliseconds()
            scoreboard.store(WorkerState.starting.rawValue, .state, slot: slot)
            scoreboard.store(now, .started, slot: slot)
            scoreboard.store(Int64(pool), .pool, slot: slot)
            scoreboard.store(0, .outside, slot: slot)
            let pid = try spawn(
                slot: slot, pool: pools[pool].settings.name,
                inherited: [
                    (pools[pool].socket.descriptor, InheritedDescriptor.listener),
                    (scoreboard.descriptor, InheritedDescriptor.scoreboard),
                    (lifeline.reader, InheritedDescriptor.lifeline),
                    (pools[pool].handOver.sender, InheritedDescriptor.handOverSender),
                    (pools[pool].handOver.receiver, InheritedDescriptor.handOverReceiver),
                ])
            scoreboard.store(Int64(pid), .pid, slot: slot)
            members[pid] = Member(pid: pid, slot: slot, pool: pool, startedAt: now)
            return pid
        } catch {
            scoreboard.store(WorkerState.none.rawValue, .state, slot: slot)
            logger.error("worker not started", metadata: ["error": .string("\(error)")])
            pause(pool)
            return nil
        }
    }

    /// Tells a worker to leave, and when it will be made to.
    func retire(_ pid: pid_t, with signal: Int32, within grace: Duration) {
        guard var member = members[pid] else { return }
        member.leavesBy = min(member.leavesBy ?? .max, Clock.monotonicMilliseconds() + grace.milliseconds)
        members[pid] = member
        kill(pid, signal)
    }

    /// Takes note of the dead.
    func reap() {
        var status: Int32 = 0
        while true {
            let pid = waitpid(-1, &status, WNOHANG)
            guard pid > 0 else { return }
            if let member = members.removeValue(forKey: pid) { bury(member, status) }
        }
    }

    private func bury(_ member: Member, _ status: Int32) {
        let age = Clock.monotonicMilliseconds() - member.startedAt
        let wasReady = state(of: member) != .starting
        report(member, status, age)
        for field in [SlotField.pid, .state, .requestStarted, .deadline, .kept, .resident, .outside] {
            scoreboard.store(0, field, slot: member.slot)
        }
        if member.pid == incoming {
            incoming = nil
            outdated = []
            logger.error("reload given up: the new worker did not get ready; the old ones stay")
        } else if member.pid == outdated.first, incoming != nil {
            incoming = nil
        }
        outdated.removeAll { $0 == member.pid }
        guard member.leavesBy == nil else { return }
        if age < Self.youngMilliseconds || !wasReady {
            pause(member.pool)
        } else {
            pools[member.pool].failures = 0
        }
    }

    private func pause(_ pool: Int) {
        let pause = min(Self.longestPause, 100 << Int64(min(pools[pool].failures, 7)))
        pools[pool].failures += 1
        pools[pool].restartAt = Clock.monotonicMilliseconds() + pause
    }

    private func report(_ member: Member, _ status: Int32, _ age: Int64) {
        let signal = status & 0x7F
        var fields: Logger.Metadata = [
            "worker.pid": .stringConvertible(member.pid), "worker.slot": .stringConvertible(member.slot),
            "worker.pool": .string(pools[member.pool].settings.name),
            "worker.age_ms": .stringConvertible(age),
        ]
        if signal == 0 {
            fields["worker.exit_status"] = .stringConvertible((status >> 8) & 0xFF)
        } else {
            fields["worker.signal"] = .string(Signals.name(signal))
        }
        if let reason = member.endedFor { fields["worker.ended_for"] = .string(reason) }
        let since = scoreboard.load(.requestStarted, slot: member.slot)
        if since > 0 {
            fields["worker.request_ms"] = .stringConvertible(Clock.monotonicMilliseconds() - since)
        }
        let isProper = member.leavesBy != nil && status == 0
        logger.log(level: isProper ? .info : .error, "worker ended", metadata: fields)
    }

    /// Ends by force what has exceeded a deadline: of a request, of its start, of its leaving.
    func endOverdue() {
        let now = Clock.monotonicMilliseconds()
        for member in members.values where member.leavesBy == nil && state(of: member) == .draining {
            // Somebody else told it to leave: its place is free.
            members[member.pid]?.leavesBy = now + settings.drainGrace.milliseconds
            outdated.removeAll { $0 == member.pid }
        }
        for member in members.values where member.endedFor == nil {
            let deadline = scoreboard.load(.deadline, slot: member.slot)
            if deadline > 0, now > deadline {
                end(member, "request deadline")
            } else if let leavesBy = member.leavesBy, now > leavesBy + 500 {
                end(member, "leaving deadline")
            } else if state(of: member) == .starting,
                now > member.startedAt + settings.startGrace.milliseconds
            {
                end(member, "start deadline")
            }
        }
    }

    private func end(_ member: Member, _ reason: String) {
        members[member.pid]?.endedFor = reason
        kill(member.pid, SIGKILL)
    }

    private func state(of member: Member) -> WorkerState {
        WorkerState(rawValue: scoreboard.load(.state, slot: member.slot)) ?? .none
    }

    // MARK: Reload

    /// Reads the settings again and marks every worker as outdated.
    func startReload() {
        guard !isStopping else { return }
        do {
            let new = try reload()
            for index in pools.indices {
                let name = pools[index].settings.name
                guard let fresh = new.pools.first(where: { $0.name == name }) else { continue }
                pools[index].settings.workers = max(1, min(fresh.workers, Self.mostWorkers))
                pools[index].restartAt = nil
            }
            settings = new
            spawn = Spawn(replacing: spawn, arguments: new.workerArguments)
        } catch {
            logger.error(
                "reload refused: the old configuration stays", metadata: ["error": .string("\(error)")])
            return
        }
        incoming = nil
        outdated = members.values.filter { $0.leavesBy == nil }.sorted { $0.startedAt < $1.startedAt }.map(
            \.pid)
        logger.notice("reload started", metadata: ["workers": .stringConvertible(outdated.count)])
    }

    /// Replaces one worker after the other: the new one must be ready before the old one is told to leave.
    func advanceReload() {
        guard !isStopping else { return }
        if let pid = incoming {
            guard let member = members[pid], let old = outdated.first else { return }
            guard state(of: member) != .starting else { return }
            retire(old, with: SIGQUIT, within: settings.drainGrace)
            outdated.removeFirst()
            incoming = nil
            if outdated.isEmpty { logger.notice("reload finished") }
        }
        guard let old = outdated.first, let pool = members[old]?.pool else { return }
        incoming = start(in: pool)
        if incoming == nil {
            outdated = []
            logger.error("reload given up: no new worker can be started; the old ones stay")
        }
    }
}
