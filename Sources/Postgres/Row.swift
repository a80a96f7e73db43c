internal import CPostgres

/// One row; its columns are read by position, from 0.
///
/// Reading a column as another type than it has, or a null with a reader that is not `optional…`, is a fault of
/// the program and ends it: SQL and mapping stand side by side.
public struct Row {
    let result: ResultHandle
    let index: Int32

    /// Whether the column is null.
    public func isNull(_ column: Int) -> Bool { PQgetisnull(result.pointer, index, Int32(column)) == 1 }

    /// A `bigint`, `integer` or `smallint`.
    public func int(_ column: Int) -> Int64 {
        let field = value(column)
        switch type(column) {
        case .int8: return field.read(Int64.self)
        case .int4: return Int64(field.read(Int32.self))
        case .int2: return Int64(field.read(Int16.self))
        default: mismatch(column, "an integer")
        }
    }

    /// A `bigint`, `integer` or `smallint`, or null.
    public func optionalInt(_ column: Int) -> Int64? { isNull(column) ? nil : int(column) }

    /// An `integer` or `smallint`.
    public func int32(_ column: Int) -> Int32 {
        let field = value(column)
        switch type(column) {
        case .int4: return field.read(Int32.self)
        case .int2: return Int32(field.read(Int16.self))
        default: mismatch(column, "an integer of at most 4 bytes")
        }
    }

    /// An `integer` or `smallint`, or null.
    public func optionalInt32(_ column: Int) -> Int32? { isNull(column) ? nil : int32(column) }

    /// A `smallint`.
    public func int16(_ column: Int) -> Int16 {
        require(column, .int2)
        return value(column).read(Int16.self)
    }

    /// A `smallint`, or null.
    public func optionalInt16(_ column: Int) -> Int16? { isNull(column) ? nil : int16(column) }

    /// A `boolean`.
    public func bool(_ column: Int) -> Bool {
        require(column, .bool)
        return value(column).read(UInt8.self) != 0
    }

    /// A `boolean`, or null.
    public func optionalBool(_ column: Int) -> Bool? { isNull(column) ? nil : bool(column) }

    /// A `text`, `varchar`, `char(n)` (with its padding), `json`, `jsonb` or enumeration.
    public func text(_ column: Int) -> String {
        let bytes = value(column).bytes
        let type = type(column)
        // jsonb goes ahead with the number of its format, 1.
        if type == .jsonb { return String(decoding: bytes.dropFirst(), as: UTF8.self) }
        guard type.readsAsText else { mismatch(column, "a text") }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// As ``text(_:)``, or null.
    public func optionalText(_ column: Int) -> String? { isNull(column) ? nil : text(column) }

    /// A `bytea`, or the 16 bytes of a `uuid`.
    public func bytes(_ column: Int) -> [UInt8] {
        let type = type(column)
        guard type == .bytea || type == .uuid else { mismatch(column, "bytes") }
        return Array(value(column).bytes)
    }

    /// As ``bytes(_:)``, or null.
    public func optionalBytes(_ column: Int) -> [UInt8]? { isNull(column) ? nil : bytes(column) }

    /// A `date`, in days since 1970-01-01; −infinity and infinity are the outermost values of `Int32`.
    public func days(_ column: Int) -> Int32 {
        require(column, .date)
        return Epoch.days(fromServer: value(column).read(Int32.self))
    }

    /// As ``days(_:)``, or null.
    public func optionalDays(_ column: Int) -> Int32? { isNull(column) ? nil : days(column) }

    /// A `timestamptz`, in microseconds since 1970-01-01 00:00 UTC; −infinity and infinity are the outermost
    /// values of `Int64`.
    public func microseconds(_ column: Int) -> Int64 {
        require(column, .timestamptz)
        return Epoch.microseconds(fromServer: value(column).read(Int64.self))
    }

    /// As ``microseconds(_:)``, or null.
    public func optionalMicroseconds(_ column: Int) -> Int64? {
        isNull(column) ? nil : microseconds(column)
    }

    /// A `bigint[]` without nulls.
    public func ints(_ column: Int) -> [Int64] {
        require(column, .int8Array)
        return elements(column) { $0.read(Int64.self) }
    }

    /// An `integer[]` without nulls.
    public func int32s(_ column: Int) -> [Int32] {
        require(column, .int4Array)
        return elements(column) { $0.read(Int32.self) }
    }

    /// A `text[]` or `varchar[]` without nulls.
    public func texts(_ column: Int) -> [String] {
        let type = type(column)
        guard type == .textArray || type == .varcharArray else { mismatch(column, "an array of texts") }
        return elements(column) { String(decoding: $0.bytes, as: UTF8.self) }
    }

    /// A `date[]` without nulls, as in ``days(_:)``.
    public func daysArray(_ column: Int) -> [Int32] {
        require(column, .dateArray)
        return elements(column) { Epoch.days(fromServer: $0.read(Int32.self)) }
    }

    private func type(_ column: Int) -> TypeID { TypeID(PQftype(result.pointer, Int32(column))) }

    private func require(_ column: Int, _ expected: TypeID) {
        guard type(column) == expected else { mismatch(column, "type \(expected.rawValue)") }
    }

    private func mismatch(_ column: Int, _ expected: String) -> Never {
        fatalError(
            "column \(column) of \(PQnfields(result.pointer)) has type \(type(column).rawValue), "
                + "read as \(expected)")
    }

    /// The bytes of a column that is not null.
    private func value(_ column: Int) -> Field {
        precondition(!isNull(column), "the column is null, or there is no such column")
        let start = PQgetvalue(result.pointer, index, Int32(column))
        let length = PQgetlength(result.pointer, index, Int32(column))
        return Field(bytes: UnsafeRawBufferPointer(start: start, count: Int(length)))
    }

    /// Reads a one-dimensional array: header of five words, then each element behind its length.
    private func elements<Element>(_ column: Int, _ read: (Field) -> Element) -> [Element] {
        let array = value(column)
        guard array.read(Int32.self) != 0 else { return [] }
        let count = Int(array.from(12).read(Int32.self))
        var found: [Element] = []
        found.reserveCapacity(count)
        var position = 20
        for _ in 0..<count {
            let length = Int(array.from(position).read(Int32.self))
            precondition(length >= 0, "the array has a null")
            let end = position + 4 + length
            found.append(read(array.from(position + 4, to: end)))
            position = end
        }
        return found
    }
}

/// The bytes of one value, in network order.
private struct Field {
    let bytes: UnsafeRawBufferPointer

    @inline(__always)
    func read<Number: FixedWidthInteger>(_ type: Number.Type) -> Number {
        precondition(bytes.count >= MemoryLayout<Number>.size, "the value is shorter than its type")
        return Number(bigEndian: bytes.loadUnaligned(as: type))
    }

    func from(_ start: Int, to end: Int? = nil) -> Field {
        Field(bytes: UnsafeRawBufferPointer(rebasing: bytes[start..<(end ?? bytes.count)]))
    }
}
