import Domain

extension ObjectDescription {
    /// Writes one object as a document. Fields without a value are left out.
    public func encode(_ object: Object, as format: Format, into writer: inout ByteWriter) {
        switch format {
        case .json: writeJSON(object, &writer)
        case .xml:
            writer.append(xmlDeclaration)
            writeXML(object, as: elementName, &writer)
        case .xurl:
            writeForm(object, Place(format: .xurl, prefix: []), &writer)
            writer.dropAmpersand()
        }
    }

    /// Writes a list as a document: a bare array, a wrapper element, or `0.id=…&1.id=…` (spec 4.2).
    public func encode(list objects: some Sequence<Object>, as format: Format, into writer: inout ByteWriter)
    {
        switch format {
        case .json: writeJSON(list: objects, &writer)
        case .xml:
            writer.append(xmlDeclaration)
            writeXML(list: objects, as: plural, &writer)
        case .xurl:
            writeForm(list: objects, [], &writer)
            writer.dropAmpersand()
        }
    }

    /// Writes an object as a field of another.
    func writeField(_ object: Object, _ names: FieldNames, _ place: Place, _ writer: inout ByteWriter) {
        switch place.format {
        case .json:
            writer.append(names.json)
            writeJSON(object, &writer)
        case .xml: writeXML(object, as: names.element, &writer)
        case .xurl:
            writeForm(object, Place(format: .xurl, prefix: place.prefix + names.formPath), &writer)
        }
    }

    /// Writes a list as a field of an object.
    func writeField(list objects: [Object], _ names: FieldNames, _ place: Place, _ writer: inout ByteWriter) {
        switch place.format {
        case .json:
            writer.append(names.json)
            writeJSON(list: objects, &writer)
        case .xml: writeXML(list: objects, as: names.element, &writer)
        case .xurl: writeForm(list: objects, place.prefix + names.formPath, &writer)
        }
    }

    private func writeJSON(_ object: Object, _ writer: inout ByteWriter) {
        let start = writer.count
        for field in fields {
            switch field.reading {
            case nil: break
            case .scalar(let get):
                guard let scalar = get(object) else { continue }
                writer.append(field.names.json)
                writer.appendJSON(scalar)
            case .container(let write): write(object, field.names, Place(format: .json, prefix: []), &writer)
            }
        }
        // Every field begins with a comma; the first one's gives way to the brace.
        if writer.count == start {
            writer.append(UInt8(ascii: "{"))
        } else {
            writer.replace(at: start, with: UInt8(ascii: "{"))
        }
        writer.append(UInt8(ascii: "}"))
    }

    private func writeJSON(list objects: some Sequence<Object>, _ writer: inout ByteWriter) {
        let start = writer.count
        for object in objects {
            writer.append(UInt8(ascii: ","))
            writeJSON(object, &writer)
        }
        if writer.count == start {
            writer.append(UInt8(ascii: "["))
        } else {
            writer.replace(at: start, with: UInt8(ascii: "["))
        }
        writer.append(UInt8(ascii: "]"))
    }

    private func writeXML(_ object: Object, as element: [UInt8], _ writer: inout ByteWriter) {
        writer.append(UInt8(ascii: "<"))
        writer.append(element)
        for field in fields {
            guard case .scalar(let get) = field.reading, let scalar = get(object) else { continue }
            writer.append(field.names.attribute)
            writer.appendXML(scalar)
            writer.append(UInt8(ascii: "\""))
        }
        guard hasContainers else { return writer.append("/>") }
        writer.append(UInt8(ascii: ">"))
        let start = writer.count
        for field in fields {
            guard case .container(let write) = field.reading else { continue }
            write(object, field.names, Place(format: .xml, prefix: []), &writer)
        }
        writer.closeElement(element, openedAt: start)
    }

    private func writeXML(
        list objects: some Sequence<Object>, as wrapper: [UInt8], _ writer: inout ByteWriter
    ) {
        writer.append(UInt8(ascii: "<"))
        writer.append(wrapper)
        writer.append(UInt8(ascii: ">"))
        let start = writer.count
        for object in objects { writeXML(object, as: elementName, &writer) }
        writer.closeElement(wrapper, openedAt: start)
    }

    private func writeForm(_ object: Object, _ place: Place, _ writer: inout ByteWriter) {
        for field in fields {
            switch field.reading {
            case nil: break
            case .scalar(let get):
                guard let scalar = get(object) else { continue }
                writer.append(place.prefix)
                writer.append(field.names.form)
                writer.appendForm(scalar)
                writer.append(UInt8(ascii: "&"))
            case .container(let write): write(object, field.names, place, &writer)
            }
        }
    }

    private func writeForm(list objects: some Sequence<Object>, _ prefix: [UInt8], _ writer: inout ByteWriter)
    {
        for (index, object) in objects.enumerated() {
            writeForm(object, Place(format: .xurl, prefix: prefix + Array("\(index).".utf8)), &writer)
        }
    }
}

private let xmlDeclaration: StaticString = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"

extension ByteWriter {
    /// Takes back the `&` that every xurl pair ends with.
    fileprivate mutating func dropAmpersand() {
        if count > 0 { removeLast() }
    }

    /// Closes an element whose content begins at `start`: without content it becomes `<…/>`.
    fileprivate mutating func closeElement(_ element: [UInt8], openedAt start: Int) {
        if count == start {
            removeLast()
            append("/>")
        } else {
            append("</")
            append(element)
            append(UInt8(ascii: ">"))
        }
    }

    /// Writes a list of texts as a field of an object.
    mutating func appendField(texts: [String], item: [UInt8], _ names: FieldNames, _ place: Place) {
        switch place.format {
        case .json:
            append(names.json)
            append(UInt8(ascii: "["))
            for (index, text) in texts.enumerated() {
                if index > 0 { append(UInt8(ascii: ",")) }
                appendJSONString(text)
            }
            append(UInt8(ascii: "]"))
        case .xml:
            append(UInt8(ascii: "<"))
            append(names.element)
            append(UInt8(ascii: ">"))
            let start = count
            for text in texts {
                append(UInt8(ascii: "<"))
                append(item)
                append(" value=\"")
                appendXML(text)
                append("\"/>")
            }
            closeElement(names.element, openedAt: start)
        case .xurl:
            for (index, text) in texts.enumerated() {
                append(place.prefix)
                append(names.formPath)
                append(Int64(index))
                append(UInt8(ascii: "="))
                appendForm(text)
                append(UInt8(ascii: "&"))
            }
        }
    }

    fileprivate mutating func appendJSON(_ scalar: Scalar) {
        switch scalar {
        case .boolean(let value): append(value ? "true" : "false")
        case .integer(let number): append(number)
        case .reference(.id(let number)): append(number)
        case .integers(let numbers):
            append(UInt8(ascii: "["))
            append(numbers, separator: ",")
            append(UInt8(ascii: "]"))
        case .text, .date, .dateTime, .reference:
            append(UInt8(ascii: "\""))
            if case .text(let text) = scalar {
                appendJSON(text)
            } else {
                appendPlain(scalar)
            }
            append(UInt8(ascii: "\""))
        }
    }

    fileprivate mutating func appendXML(_ scalar: Scalar) {
        if case .text(let text) = scalar { appendXML(text) } else { appendPlain(scalar) }
    }

    fileprivate mutating func appendForm(_ scalar: Scalar) {
        switch scalar {
        case .text(let text): appendForm(text)
        case .dateTime(let moment): append(moment, separator: UInt8(ascii: "+"), colon: "%3A")
        case .reference(let reference): appendForm(reference.description)
        case .integers(let numbers):
            if numbers.isEmpty { append("none") } else { append(numbers, separator: "%2C") }
        case .boolean, .integer, .date: appendPlain(scalar)
        }
    }

    /// Writes what needs no escaping in json and XML.
    private mutating func appendPlain(_ scalar: Scalar) {
        switch scalar {
        case .boolean(let value): append(value ? "true" : "false")
        case .integer(let number): append(number)
        case .date(let date): append(date)
        case .dateTime(let moment): append(moment, separator: 32, colon: ":")
        case .integers(let numbers):
            if numbers.isEmpty { append("none") } else { append(numbers, separator: ",") }
        case .reference(let reference): append(Array(reference.description.utf8))
        case .text(let text): append(Array(text.utf8))
        }
    }

    private mutating func append(_ numbers: [Int64], separator: StaticString) {
        for (index, number) in numbers.enumerated() {
            if index > 0 { append(separator) }
            append(number)
        }
    }
}
