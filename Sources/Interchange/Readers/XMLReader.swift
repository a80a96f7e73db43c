import CXML
import Domain

/// Reads XML by libxml2's stream interface. Nothing but elements and attributes gets through: a document
/// type in any encoding, and XInclude, are refused with Q01 before anything in them is looked at.
enum XMLReader {
    /// Reads one document; see `Body.init(reading:as:)` for the refusals.
    static func read(_ bytes: [UInt8]) throws(Refusal) -> Element {
        let isUTF8 = !bytes.contains(0) && (try? UTF8Span(validating: bytes.span)) != nil
        let gathering = Gathering(isUTF8: isUTF8)
        guard !bytes.isEmpty, bytes.count <= Int(Int32.max), let root = parse(bytes, gathering) else {
            throw gathering.refusal
                ?? Refusal(.malformedBody, "the body is not well-formed XML, at line 1, column 0")
        }
        return root
    }

    /// The root element; nil when the document is refused, with the reason in `gathering`.
    private static func parse(_ bytes: [UInt8], _ gathering: Gathering) -> Element? {
        bytes.withUnsafeBytes { buffer -> Element? in
            let start = buffer.baseAddress?.assumingMemoryBound(to: CChar.self)
            guard let context = xmlCreateMemoryParserCtxt(start, Int32(buffer.count)) else { return nil }
            defer { xmlFreeParserCtxt(context) }
            context.pointee.sax.pointee = handler()
            context.pointee.userData = Unmanaged.passUnretained(gathering).toOpaque()
            // With entities kept, libxml2 hands `&amp;` on as `&#38;`. There is nothing else to replace: no
            // document type means no entity but the five.
            let options = XML_PARSE_NOENT.rawValue | XML_PARSE_NONET.rawValue | XML_PARSE_NOCDATA.rawValue
            xmlCtxtUseOptions(context, Int32(options))
            gathering.context = context
            // Faults found outside a document's context (character conversion) are otherwise printed, with
            // bytes of the body.
            xmlSetStructuredErrorFunc(nil) { _, _ in }
            let outcome = xmlParseDocument(context)
            gathering.context = nil
            guard gathering.refusal == nil, outcome == 0, context.pointee.wellFormed == 1 else { return nil }
            return gathering.root
        }
    }

    private static func handler() -> xmlSAXHandler {
        var handler = xmlSAXHandler()
        handler.initialized = UInt32(XML_SAX2_MAGIC)
        handler.startDocument = { Gathering.from($0)?.startDocument() }
        handler.internalSubset = { context, _, _, _ in
            Gathering.from(context)?.refuse(
                Refusal(.forbiddenXML, "XML with a document type declaration is not accepted"))
        }
        handler.startElementNs = { context, name, prefix, uri, _, _, count, _, attributes in
            Gathering.from(context)?.startElement(
                name, prefix: prefix, uri: uri, attributes: attributes, count: Int(count))
        }
        handler.endElementNs = { context, _, _, _ in Gathering.from(context)?.endElement() }
        handler.characters = { context, text, count in
            Gathering.from(context)?.characters(UnsafeBufferPointer(start: text, count: Int(count)))
        }
        handler.serror = { context, error in Gathering.from(context)?.report(error) }
        return handler
    }
}

/// What has been read so far of one XML document.
private final class Gathering {
    let isUTF8: Bool
    var context: xmlParserCtxtPtr?
    var refusal: Refusal?
    var root: Element?
    private var open: [Element] = []
    private var nodes = 0
    private var encodingIsForeign = false

    init(isUTF8: Bool) {
        self.isUTF8 = isUTF8
        encodingIsForeign = !isUTF8
    }

    /// The gathering that libxml2 hands back to a callback.
    static func from(_ context: UnsafeMutableRawPointer?) -> Gathering? {
        context.map { Unmanaged<Gathering>.fromOpaque($0).takeUnretainedValue() }
    }

    /// Keeps the first reason and ends the parsing.
    func refuse(_ reason: Refusal) {
        if refusal == nil { refusal = reason }
        if let context { xmlStopParser(context) }
    }

    /// The declaration has been read. A foreign encoding is refused at the first element only, so that a
    /// document type before it is seen whatever it is written in.
    func startDocument() {
        guard let context else { return }
        for declared in [context.pointee.encoding, context.pointee.input?.pointee.encoding] {
            if let declared, !isUTF8Name(declared) { encodingIsForeign = true }
        }
    }

    private func isUTF8Name(_ name: UnsafePointer<xmlChar>) -> Bool {
        xmlStrcasecmp(name, "UTF-8") == 0
    }

    func startElement(
        _ name: UnsafePointer<xmlChar>?, prefix: UnsafePointer<xmlChar>?, uri: UnsafePointer<xmlChar>?,
        attributes: UnsafeMutablePointer<UnsafePointer<xmlChar>?>?, count: Int
    ) {
        guard refusal == nil else { return }
        if encodingIsForeign { return refuse(Refusal(.malformedBody, "the body is not UTF-8")) }
        if let uri, xmlStrncmp(uri, "http://www.w3.org/2001/XInclude", 31) == 0 {
            return refuse(Refusal(.forbiddenXML, "XML with XInclude is not accepted"))
        }
        nodes += 1 + count
        guard nodes <= Limits.nodes else { return refuse(Excess.nodes("the body")) }
        guard open.count < Limits.depth else { return refuse(Excess.depth("the body")) }
        var element = Element(qualified(name, prefix))
        if let attributes, count > 0 {
            element.attributes.reserveCapacity(count)
            // libxml2 gives five pointers each: name, prefix, namespace, start and end of the value.
            for index in stride(from: 0, to: count * 5, by: 5) {
                guard let start = attributes[index + 3], let end = attributes[index + 4] else { continue }
                let value = String(
                    decoding: UnsafeBufferPointer(start: start, count: end - start), as: UTF8.self)
                let name = qualified(attributes[index], attributes[index + 1])
                element.attributes.append(Element.Attribute(name, value))
            }
        }
        open.append(element)
    }

    func endElement() {
        guard refusal == nil, let done = open.popLast() else { return }
        if open.isEmpty { root = done } else { open[open.count - 1].children.append(done) }
    }

    func characters(_ text: UnsafeBufferPointer<xmlChar>) {
        guard refusal == nil, let element = open.last,
            !text.allSatisfy({ $0 == 32 || $0 == 9 || $0 == 10 || $0 == 13 })
        else { return }
        let name = Shown.name(element.name)
        refuse(
            Refusal(.wrongForm, "there is text inside <\(name)>: values are given as attributes", field: name)
        )
    }

    /// Only the kind and the place are taken from libxml2: its own sentence quotes the body.
    func report(_ error: UnsafeMutablePointer<xmlError>?) {
        guard refusal == nil, let error = error?.pointee, error.level.rawValue >= XML_ERR_ERROR.rawValue
        else {
            return
        }
        let place = "at line \(max(1, error.line)), column \(max(0, error.int2))"
        let code = UInt32(bitPattern: error.code)
        if code == XML_ERR_ATTRIBUTE_REDEFINED.rawValue || code == XML_NS_ERR_ATTRIBUTE_REDEFINED.rawValue {
            let name = Shown.name(error.str1.map { String(cString: $0) } ?? "")
            return refuse(Refusal(.repeatedField, "\(name) is given twice, \(place)", field: name))
        }
        if encodingIsForeign || code == XML_ERR_INVALID_ENCODING.rawValue
            || code == XML_ERR_UNSUPPORTED_ENCODING.rawValue || code == XML_ERR_UNKNOWN_ENCODING.rawValue
        {
            return refuse(Refusal(.malformedBody, "the body is not UTF-8, \(place)"))
        }
        refuse(Refusal(.malformedBody, "the body is not well-formed XML, \(place)"))
    }

    private func qualified(_ name: UnsafePointer<xmlChar>?, _ prefix: UnsafePointer<xmlChar>?) -> String {
        guard let name else { return "" }
        guard let prefix else { return String(cString: name) }
        return String(cString: prefix) + ":" + String(cString: name)
    }
}
