/// Rows by their number, in its order: nothing depends on how a hash table is laid out.
struct Table<Row> {
    private(set) var ids: [Int64] = []
    private(set) var rows: [Row] = []

    /// The row of this number; setting one that is not there inserts it.
    subscript(id: Int64) -> Row? {
        get {
            let place = place(of: id)
            return place < ids.count && ids[place] == id ? rows[place] : nil
        }
        set {
            let place = place(of: id)
            let isThere = place < ids.count && ids[place] == id
            switch (newValue, isThere) {
            case (let row?, true): rows[place] = row
            case (let row?, false):
                ids.insert(id, at: place)
                rows.insert(row, at: place)
            case (nil, true):
                ids.remove(at: place)
                rows.remove(at: place)
            case (nil, false): break
            }
        }
    }

    /// Changes a row where it is; nothing where there is none.
    mutating func change(_ id: Int64, _ body: (inout Row) throws -> Void) rethrows {
        let place = place(of: id)
        guard place < ids.count, ids[place] == id else { return }
        try body(&rows[place])
    }

    /// Changes every row.
    mutating func changeAll(_ body: (inout Row) -> Void) {
        for place in rows.indices { body(&rows[place]) }
    }

    private func place(of id: Int64) -> Int {
        if let last = ids.last, id > last { return ids.count }
        var (low, high) = (0, ids.count)
        while low < high {
            let middle = (low + high) / 2
            if ids[middle] < id { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
