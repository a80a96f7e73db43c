extension Body {
    /// What the document says, without how it is written: `path=value` lines in the order of the paths. The order of fields, white
    /// space and the format make no difference, nor does a field that is null or empty rather than left out.
    ///
    /// - Parameter facts: the class of the object, which tells in XML what is a list; nil for parameters.
    public func canonical(of facts: ObjectFacts?) -> [String] {
        var lines: [(path: String, value: String)] = []
        switch content {
        case .value(let value): Self.gather(value, "", &lines)
        case .element(let element): Self.gather(element, facts, "", &lines)
        }
        return lines.sorted { ($0.path, $0.value) < ($1.path, $1.value) }.map { "\($0.path)=\($0.value)" }
    }

    private static func gather(
        _ value: Value, _ path: String, _ lines: inout [(path: String, value: String)]
    ) {
        switch value {
        case .null: break
        case .text(let text): if !text.isEmpty { lines.append((path, text)) }
        case .integer(let number): lines.append((path, String(number)))
        case .real(let number): lines.append((path, String(number)))
        case .boolean(let isTrue): lines.append((path, isTrue ? "true" : "false"))
        case .object(let members):
            for member in members { gather(member.value, below(path, member.name), &lines) }
        case .list(let items):
            // Numbers alone are one text elsewhere: `3,5,7`.
            let numbers = items.compactMap { item in
                if case .integer(let number) = item { number } else { nil }
            }
            if !items.isEmpty, numbers.count == items.count {
                lines.append((path, numbers.map(String.init).joined(separator: ",")))
            } else {
                for (index, item) in items.enumerated() { gather(item, below(path, String(index)), &lines) }
            }
        }
    }

    private static func gather(
        _ element: Element, _ facts: ObjectFacts?, _ path: String,
        _ lines: inout [(path: String, value: String)]
    ) {
        for attribute in element.attributes where !attribute.value.isEmpty {
            lines.append((below(path, attribute.name), attribute.value))
        }
        for child in element.children {
            let field = facts?.fields.first { $0.type.isContainer && $0.elementName == child.name }
            let inside = below(path, field?.name ?? child.name)
            switch field?.type {
            case .object(let nested): gather(child, nested, inside, &lines)
            case .list(let item):
                for (index, one) in child.children.enumerated() {
                    gather(one, item, below(inside, String(index)), &lines)
                }
            default: gather(child, nil, inside, &lines)
            }
        }
    }

    private static func below(_ path: String, _ name: String) -> String {
        path.isEmpty ? name : "\(path).\(name)"
    }
}
