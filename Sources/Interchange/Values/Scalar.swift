import Domain

/// One checked value of a field or parameter, in the type that its description names.
enum Scalar: Sendable {
    case boolean(Bool)
    case integer(Int64)
    case text(String)
    case date(CalendarDate)
    case dateTime(LocalDateTime)
    case reference(Reference)
    case integers([Int64])

    var boolean: Bool? { if case .boolean(let value) = self { value } else { nil } }
    var integer: Int64? { if case .integer(let value) = self { value } else { nil } }
    var text: String? { if case .text(let value) = self { value } else { nil } }
    var date: CalendarDate? { if case .date(let value) = self { value } else { nil } }
    var dateTime: LocalDateTime? { if case .dateTime(let value) = self { value } else { nil } }
    var reference: Reference? { if case .reference(let value) = self { value } else { nil } }
    var integers: [Int64]? { if case .integers(let value) = self { value } else { nil } }

    /// Whether both are the same to the last byte. Text is not compared by canonical equivalence: a caller
    /// who sends another spelling of a create-only text would change it.
    static func same(_ left: Scalar?, _ right: Scalar?) -> Bool {
        switch (left, right) {
        case (nil, nil): true
        case (.boolean(let left), .boolean(let right)): left == right
        case (.integer(let left), .integer(let right)): left == right
        case (.text(let left), .text(let right)): left.utf8.elementsEqual(right.utf8)
        case (.date(let left), .date(let right)): left == right
        case (.dateTime(let left), .dateTime(let right)): left == right
        case (.reference(let left), .reference(let right)): left == right
        case (.reference(.id(let left)), .integer(let right)): left == right
        case (.integers(let left), .integers(let right)): left == right
        default: false
        }
    }
}
