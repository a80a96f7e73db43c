import Pool

/// A worker's place among its pool, as the endpoints need it: what is slow must not hold up what others ask.
struct WorkerPlace {
    /// Asks the master for the time of a long request.
    var allowLong: () -> Void = {}
    /// Hands the connections that nginx keeps to this worker over to the others, before something slow.
    var standAside: () -> Void = {}
    /// Takes one of the places at the processors, of which there are fewer than workers; false when all are taken.
    var enterOutside: () -> Bool = { true }
    /// Gives it back.
    var leaveOutside: () -> Void = {}

    /// Of a process that is no worker: nobody is held up.
    init() {}

    /// Of a worker in its slot.
    init(_ slot: WorkerSlot, _ configuration: Configuration) {
        let places = max(1, configuration.workers - 1)
        allowLong = { slot.allow(configuration.longRequestDeadline) }
        standAside = { slot.standAside() }
        enterOutside = { slot.enterOutside(limit: places) }
        leaveOutside = { slot.leaveOutside() }
    }
}

/// All places at the processors are taken (S02).
struct ProcessorsBusy: Error {}
