/// An XML element as it was read: scalars are its attributes, nested objects and lists its children (spec 2).
public struct Element: Hashable, Sendable {
    /// The element's name, with its prefix when it has one.
    public var name: String
    /// Attributes in document order; no name occurs twice.
    public var attributes: [Attribute]
    /// Child elements in document order.
    public var children: [Element]

    /// One attribute of an element.
    public struct Attribute: Hashable, Sendable {
        /// The attribute's name, with its prefix when it has one.
        public var name: String
        /// Its value, entities resolved.
        public var value: String

        /// An attribute with its value.
        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// An element without children.
    public init(_ name: String, attributes: [Attribute] = [], children: [Element] = []) {
        self.name = name
        self.attributes = attributes
        self.children = children
    }
}
