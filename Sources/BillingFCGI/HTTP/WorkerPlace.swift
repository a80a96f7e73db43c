import Persistence
import Pool

/// A worker's place among its pool, as the endpoints need it: what is slow must not hold up what others ask.
struct WorkerPlace {
    /// Asks the master for the time of a long request.
    var allowLong: () -> Void = {}
    /// Hands the connections that nginx keeps to this worker over to the others, before something slow.
    var standAside: () -> Void = {}
    /// Takes one of the places at the processors, of which there are fewer than workers; false when all are taken.
    var enterOutside: () -> Bool = { true }
    /// Takes such a place to wait for what another worker is doing there; false when that would leave none for a payment.
    var enterWaiting: () -> Bool = { true }
    /// When this worker last waited for a place in vain.
    let patience = Patience()
    /// How many requests the workers have answered in all: whether those at the processors get on.
    var answered: () -> Int64 = { 0 }
    /// Gives it back.
    var leaveOutside: () -> Void = {}
    /// Counts a request of a caller that may send so many a second; how many milliseconds it comes too early, 0 when not.
    var admit: (_ caller: String, _ perSecond: Int) -> Int = { _, _ in 0 }
    /// How many requests a second one service user may send: of live accounts, of sandboxes. 0 is without end.
    private var liveRequests = 0
    private var sandboxRequests = 0

    /// Of a process that is no worker: nobody is held up.
    init() {}

    /// Of a worker in its slot.
    init(_ slot: WorkerSlot, _ configuration: Configuration) {
        let places = max(1, configuration.workers - 1)
        allowLong = { slot.allow(configuration.longRequestDeadline) }
        standAside = { slot.standAside() }
        enterOutside = { slot.enterOutside(limit: places) }
        enterWaiting = { slot.enterOutside(limit: places - 1) }
        answered = { slot.scoreboard.answered }
        leaveOutside = { slot.leaveOutside() }
        admit = { slot.scoreboard.admit($0, perSecond: $1) }
        liveRequests = configuration.liveRequests
        sandboxRequests = configuration.sandboxRequests
    }

    /// How long a service user has to wait that has sent more than it may, in milliseconds; nil when it has not.
    func delay(of user: ServiceUser) -> Int? {
        let limit = user.seesLiveAccounts ? liveRequests : sandboxRequests
        guard limit > 0 else { return nil }
        let wait = admit(user.name, limit)
        return wait > 0 ? wait : nil
    }
}

/// How long a worker has no patience left to wait for a place at the processors: the others' requests come first.
final class Patience {
    /// Microseconds of the machine's clock.
    var endedUntil: Int64 = 0
}

/// All places at the processors are taken (S02).
struct ProcessorsBusy: Error {}
