/// A document as it was read, before any description is laid on it: the common form of json and xurl.
public enum Value: Hashable, Sendable {
    /// JSON `null`.
    case null
    /// JSON `true` or `false`.
    case boolean(Bool)
    /// A JSON number written as an integer.
    case integer(Int64)
    /// A JSON number written with a fraction or an exponent; no field accepts one.
    case real(Double)
    /// Text; every scalar of an xurl document.
    case text(String)
    /// Named values in the order they were sent. No name occurs twice.
    case object([Member])
    /// Values in order.
    case list([Value])

    /// One named value of an object.
    public struct Member: Hashable, Sendable {
        /// The name as sent.
        public var name: String
        /// What it was given.
        public var value: Value

        /// A value under a name.
        public init(_ name: String, _ value: Value) {
            self.name = name
            self.value = value
        }
    }
}

extension Value {
    /// The value under this name, when this is an object that has it.
    public subscript(name: String) -> Value? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.name == name }?.value
    }
}
