import Domain
import Glibc

/// A processor at which fewer workers wait than there are: however slow it is, somebody answers the rest.
struct PlacedProcessor: Processor {
    private let processor: any Processor
    private let place: WorkerPlace

    init(_ processor: any Processor, _ place: WorkerPlace) {
        self.processor = processor
        self.place = place
    }

    var name: String { processor.name }

    /// Takes one of the places. Where nobody gets on in a third of a second, or in a second none becomes free for this one, S02;
    /// and for a second after that at once: the worker that waits may be the only one that is left for everybody else.
    func enter() throws {
        place.standAside()
        func now() -> Int64 { RealClock.now().microsecondsSince1970 }
        if place.enterOutside() { return }
        guard now() >= place.patience.endedUntil || now() < place.patience.endedUntil - 1_000_000 else {
            throw ProcessorsBusy()
        }
        let last = now() + 1_000_000
        var (deadline, answered) = (now() + 333_000, place.answered())
        while !place.enterOutside() {
            if answered != place.answered() {
                (deadline, answered) = (min(now() + 333_000, last), place.answered())
            }
            guard now() < deadline else {
                place.patience.endedUntil = now() + 1_000_000
                throw ProcessorsBusy()
            }
            poll(nil, 0, 1)
        }
    }

    func leave() { place.leaveOutside() }

    func submit(_ orders: [ProcessorOrder]) -> [ProcessorAnswer] { processor.submit(orders) }

    func lookUp(account: Int64, keys: [String]) -> [ProcessorFinding] {
        processor.lookUp(account: account, keys: keys)
    }

    func withdraw(account: Int64, keys: [String]) -> [ProcessorFinding] {
        processor.withdraw(account: account, keys: keys)
    }

    func notices(account: Int64, through: CalendarDate, limit: Int) -> [ProcessorNotice]? {
        processor.notices(account: account, through: through, limit: limit)
    }

    func acknowledge(account: Int64, notices: [Int64]) -> Bool {
        processor.acknowledge(account: account, notices: notices)
    }
}
