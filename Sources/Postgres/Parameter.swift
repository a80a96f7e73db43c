/// A value for one parameter of a ``Statement``, sent in binary under its own type.
///
/// Every constructor of a single value takes an optional: nil is a null of that type. A bare ``null`` has no
/// type, so the server infers one; prefer `.int(nil)` and its like.
public struct Parameter: Sendable, Equatable, ExpressibleByIntegerLiteral, ExpressibleByStringLiteral,
    ExpressibleByBooleanLiteral, ExpressibleByNilLiteral
{
    enum Value: Sendable, Equatable {
        case null
        case bool(Bool)
        case int16(Int16)
        case int32(Int32)
        case int(Int64)
        case text(String)
        case bytes([UInt8])
        case date(Int32)
        case timestamp(Int64)
        case bools([Bool])
        case int16s([Int16])
        case int32s([Int32])
        case ints([Int64])
        case texts([String])
        case dates([Int32])
        case timestamps([Int64])
        case optionalBools([Bool?])
        case optionalInt32s([Int32?])
        case optionalInts([Int64?])
        case optionalTexts([String?])
        case optionalDates([Int32?])
        case optionalTimestamps([Int64?])
        case optionalBytes([[UInt8]?])
    }

    let value: Value
    let type: TypeID

    init(_ value: Value, _ type: TypeID) {
        self.value = value
        self.type = type
    }

    /// A `bigint`.
    public init(integerLiteral value: Int64) { self.init(.int(value), .int8) }

    /// A `text`.
    public init(stringLiteral value: String) { self.init(.text(value), .text) }

    /// A `boolean`.
    public init(booleanLiteral value: Bool) { self.init(.bool(value), .bool) }

    /// A null whose type the server infers.
    public init(nilLiteral: ()) { self = .null }

    /// A null whose type the server infers from the SQL. For a null of a known type say `.int(nil)` and the like.
    public static let null = Parameter(.null, .inferred)

    /// A `boolean`.
    public static func bool(_ value: Bool?) -> Parameter {
        Parameter(value.map { .bool($0) } ?? .null, .bool)
    }

    /// A `smallint`.
    public static func int16(_ value: Int16?) -> Parameter {
        Parameter(value.map { .int16($0) } ?? .null, .int2)
    }

    /// An `integer`.
    public static func int32(_ value: Int32?) -> Parameter {
        Parameter(value.map { .int32($0) } ?? .null, .int4)
    }

    /// A `bigint`.
    public static func int(_ value: Int64?) -> Parameter {
        Parameter(value.map { .int($0) } ?? .null, .int8)
    }

    /// A `text`. A NUL character is refused by the server (22021).
    public static func text(_ value: String?) -> Parameter {
        Parameter(value.map { .text($0) } ?? .null, .text)
    }

    /// A `bytea`.
    public static func bytes(_ value: [UInt8]?) -> Parameter {
        Parameter(value.map { .bytes($0) } ?? .null, .bytea)
    }

    /// A `date`, in days since 1970-01-01; the outermost values of `Int32` are −infinity and infinity.
    public static func date(_ daysSince1970: Int32?) -> Parameter {
        Parameter(daysSince1970.map { .date($0) } ?? .null, .date)
    }

    /// A `timestamptz`, in microseconds since 1970-01-01 00:00 UTC; the outermost values of `Int64` are
    /// −infinity and infinity.
    public static func timestamp(_ microsecondsSince1970: Int64?) -> Parameter {
        Parameter(microsecondsSince1970.map { .timestamp($0) } ?? .null, .timestamptz)
    }

    /// A `boolean[]`.
    public static func bools(_ values: [Bool]) -> Parameter { Parameter(.bools(values), .boolArray) }

    /// A `smallint[]`.
    public static func int16s(_ values: [Int16]) -> Parameter { Parameter(.int16s(values), .int2Array) }

    /// An `integer[]`.
    public static func int32s(_ values: [Int32]) -> Parameter { Parameter(.int32s(values), .int4Array) }

    /// A `bigint[]`.
    public static func ints(_ values: [Int64]) -> Parameter { Parameter(.ints(values), .int8Array) }

    /// A `text[]`.
    public static func texts(_ values: [String]) -> Parameter { Parameter(.texts(values), .textArray) }

    /// A `date[]`, as in ``date(_:)``.
    public static func dates(_ daysSince1970: [Int32]) -> Parameter {
        Parameter(.dates(daysSince1970), .dateArray)
    }

    /// A `timestamptz[]`, as in ``timestamp(_:)``.
    public static func timestamps(_ microsecondsSince1970: [Int64]) -> Parameter {
        Parameter(.timestamps(microsecondsSince1970), .timestamptzArray)
    }

    /// A `boolean[]` with nulls.
    public static func optionalBools(_ values: [Bool?]) -> Parameter {
        Parameter(.optionalBools(values), .boolArray)
    }

    /// An `integer[]` with nulls.
    public static func optionalInt32s(_ values: [Int32?]) -> Parameter {
        Parameter(.optionalInt32s(values), .int4Array)
    }

    /// A `bigint[]` with nulls.
    public static func optionalInts(_ values: [Int64?]) -> Parameter {
        Parameter(.optionalInts(values), .int8Array)
    }

    /// A `text[]` with nulls.
    public static func optionalTexts(_ values: [String?]) -> Parameter {
        Parameter(.optionalTexts(values), .textArray)
    }

    /// A `date[]` with nulls, as in ``date(_:)``.
    public static func optionalDates(_ daysSince1970: [Int32?]) -> Parameter {
        Parameter(.optionalDates(daysSince1970), .dateArray)
    }

    /// A `timestamptz[]` with nulls, as in ``timestamp(_:)``.
    public static func optionalTimestamps(_ microsecondsSince1970: [Int64?]) -> Parameter {
        Parameter(.optionalTimestamps(microsecondsSince1970), .timestamptzArray)
    }

    /// A `bytea[]`, with nulls where there are any.
    public static func bytesArray(_ values: [[UInt8]?]) -> Parameter {
        Parameter(.optionalBytes(values), .byteaArray)
    }

    /// Whether the bytes of this parameter can be bound where a statement was prepared with `declared`.
    func fits(_ declared: TypeID) -> Bool {
        if type == declared { return true }
        switch value {
        case .null: return true
        case .text: return declared.readsAsText
        default: return false
        }
    }
}
