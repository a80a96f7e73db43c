internal import CPostgres

/// Owns one result of libpq.
final class ResultHandle {
    let pointer: OpaquePointer

    init(_ pointer: OpaquePointer) { self.pointer = pointer }

    deinit { PQclear(pointer) }
}

/// What one statement gave back: its rows, in order, and how many rows it touched.
public struct Rows: RandomAccessCollection {
    let result: ResultHandle

    /// The number of rows given back.
    public let count: Int

    init(_ result: ResultHandle) {
        self.result = result
        count = Int(PQntuples(result.pointer))
    }

    /// Rows inserted, changed, deleted or selected, as the server counted them; 0 for other statements.
    public var affected: Int {
        guard let text = PQcmdTuples(result.pointer) else { return 0 }
        return Int(String(cString: text)) ?? 0
    }

    /// The first position.
    public var startIndex: Int { 0 }

    /// One past the last position.
    public var endIndex: Int { count }

    /// The row at a position below ``count``.
    public subscript(position: Int) -> Row {
        precondition(position >= 0 && position < count, "there is no such row")
        return Row(result: result, index: Int32(truncatingIfNeeded: position))
    }
}
