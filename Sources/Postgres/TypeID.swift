/// The object identifier of one of PostgreSQL's types (`select oid, typname from pg_type`).
struct TypeID: Equatable, Sendable {
    let rawValue: UInt32

    init(_ rawValue: UInt32) { self.rawValue = rawValue }

    static let inferred = TypeID(0)
    static let bool = TypeID(16)
    static let bytea = TypeID(17)
    static let name = TypeID(19)
    static let int8 = TypeID(20)
    static let int2 = TypeID(21)
    static let int4 = TypeID(23)
    static let text = TypeID(25)
    static let json = TypeID(114)
    static let unknown = TypeID(705)
    static let bpchar = TypeID(1042)
    static let varchar = TypeID(1043)
    static let date = TypeID(1082)
    static let timestamptz = TypeID(1184)
    static let uuid = TypeID(2950)
    static let jsonb = TypeID(3802)
    static let boolArray = TypeID(1000)
    static let byteaArray = TypeID(1001)
    static let int2Array = TypeID(1005)
    static let int4Array = TypeID(1007)
    static let textArray = TypeID(1009)
    static let varcharArray = TypeID(1015)
    static let int8Array = TypeID(1016)
    static let dateArray = TypeID(1182)
    static let timestamptzArray = TypeID(1185)

    /// The first identifier that `initdb` does not give out: enumerations and other types of the schema.
    private static let firstOfSchema: UInt32 = 16_384

    /// Whether the binary form is the bare text, in both directions. Of the schema's own types only enumerations
    /// are in use, and theirs is.
    var readsAsText: Bool {
        switch self {
        case .text, .varchar, .bpchar, .name, .json, .unknown: true
        default: rawValue >= TypeID.firstOfSchema
        }
    }
}
