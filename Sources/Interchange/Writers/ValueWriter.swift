extension Value {
    /// Writes this value as a json document, without white space. For documents that no description covers
    /// (OpenAPI); objects of the interface are written by their descriptions.
    public func writeJSON(into writer: inout ByteWriter) {
        switch self {
        case .null: writer.append("null")
        case .boolean(let value): writer.append(value ? "true" : "false")
        case .integer(let value): writer.append(value)
        case .real(let value):
            if value.isFinite { writer.append(Array(value.description.utf8)) } else { writer.append("null") }
        case .text(let value): writer.appendJSONString(value)
        case .object(let members):
            writer.append(UInt8(ascii: "{"))
            for (index, member) in members.enumerated() {
                if index > 0 { writer.append(UInt8(ascii: ",")) }
                writer.appendJSONString(member.name)
                writer.append(UInt8(ascii: ":"))
                member.value.writeJSON(into: &writer)
            }
            writer.append(UInt8(ascii: "}"))
        case .list(let items):
            writer.append(UInt8(ascii: "["))
            for (index, item) in items.enumerated() {
                if index > 0 { writer.append(UInt8(ascii: ",")) }
                item.writeJSON(into: &writer)
            }
            writer.append(UInt8(ascii: "]"))
        }
    }
}

extension ByteWriter {
    /// Appends text as a JSON string, with its quotes.
    mutating func appendJSONString(_ text: String) {
        append(UInt8(ascii: "\""))
        appendJSON(text)
        append(UInt8(ascii: "\""))
    }
}
