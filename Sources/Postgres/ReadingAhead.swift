/// Readings that go out before somebody asks for them, in the round trip of another statement.
///
/// Each is asked behind that statement, so it sees what that one locked. Whoever asks for just the same gets the rows without a
/// round trip of its own, once, and only while nothing was changed in between, unless no change can touch it.
public struct ReadingAhead {
    /// A statement that will be asked for.
    public struct Reading {
        let statement: Statement
        let parameters: [Parameter]
        let lasts: Bool

        /// - Parameters:
        ///   - statement: a `select`; anything else is left out.
        ///   - lasts: whether what it gives stays right whatever else the transaction changes: numbers of a sequence.
        public init(_ statement: Statement, _ parameters: [Parameter], lasts: Bool = false) {
            self.statement = statement
            self.parameters = parameters
            self.lasts = lasts
        }
    }

    /// To go out with the next statement that needs an answer.
    private(set) var wanted: [Reading] = []
    private var found: [(reading: Reading, rows: Rows)] = []

    mutating func want(_ readings: [Reading]) {
        wanted = readings.filter(\.statement.isRead)
    }

    /// The rows of these readings went out; nothing is wanted any more.
    mutating func keep(_ rows: some Sequence<Rows>) {
        found = zip(wanted, rows).map { ($0, $1) }
        wanted = []
    }

    /// The rows of just this reading, if they are there.
    mutating func take(_ statement: Statement, _ parameters: [Parameter]) -> Rows? {
        guard !found.isEmpty,
            let place = found.firstIndex(where: {
                $0.reading.statement.name == statement.name && $0.reading.parameters == parameters
            })
        else { return nil }
        return found.remove(at: place).rows
    }

    /// Something is being changed: what was read before counts no more, unless it lasts.
    mutating func change() {
        if !wanted.isEmpty { wanted.removeAll { !$0.lasts } }
        if !found.isEmpty { found.removeAll { !$0.reading.lasts } }
    }

    /// A transaction begins or ends: nothing that was read before counts.
    mutating func forget() {
        if !wanted.isEmpty { wanted = [] }
        if !found.isEmpty { found = [] }
    }
}
