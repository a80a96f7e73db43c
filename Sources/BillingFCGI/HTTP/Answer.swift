import Domain
import Interchange
import Pool

/// What an endpoint answers: a status, headers, and a body that is written in the format the caller accepts.
struct Answer {
    var status: Int
    var headers: [(name: String, value: String)] = []
    /// The media type where it is not that of the request's answer: a repetition's.
    var contentType: String?
    let write: (Format, inout ByteWriter) -> Void

    /// One object.
    init<Form, Object>(
        _ description: ObjectDescription<Form, Object>, _ object: Object, status: Int = 200,
        location: String? = nil
    ) {
        self.status = status
        if let location { headers.append(("Location", location)) }
        write = { format, writer in description.encode(object, as: format, into: &writer) }
    }

    /// The first of a list that is worked out and has no second page.
    init<Form, Object>(_ description: ObjectDescription<Form, Object>, first limit: Int, of all: [Object]) {
        status = 200
        let objects = Array(all.prefix(limit))
        headers = [
            ("X-Offset", "0"), ("X-Limit", String(limit)),
            ("X-Has-More", all.count > limit ? "true" : "false"),
        ]
        write = { format, writer in description.encode(list: objects, as: format, into: &writer) }
    }

    /// The answer to the first of repeated requests, again (spec 4.5).
    init(repeating first: FirstAnswer) {
        status = first.status
        contentType = first.contentType
        if let location = first.location { headers.append(("Location", location)) }
        headers.append(Answer.replay)
        write = { _, writer in writer.append(first.body) }
    }

    /// Says that the request was carried out before (spec 4.5).
    static let replay = (name: "Idempotent-Replay", value: "true")

    private init(_ answer: Answer, body: [UInt8]) {
        status = answer.status
        headers = answer.headers
        contentType = answer.contentType
        write = { _, writer in writer.append(body) }
    }

    /// The same answer, its body written.
    func encoded(as format: Format) -> Answer {
        Answer(self, body: bytes(as: format))
    }

    /// The answer for the record, in the format it goes out in.
    func asFirst(in format: Format) -> FirstAnswer {
        FirstAnswer(
            status: status, contentType: contentType ?? format.contentType,
            location: headers.first { $0.name == "Location" }?.value, body: bytes(as: format))
    }

    private func bytes(as format: Format) -> [UInt8] {
        var writer = ByteWriter()
        write(format, &writer)
        return writer.withBytes { Array($0) }
    }

    /// A text, written already.
    init(text: [UInt8], contentType: String) {
        status = 200
        self.contentType = contentType
        write = { _, writer in writer.append(text) }
    }

    /// A part of a list, with the headers that tell which and how to go on (spec 4.3).
    init<Form, Object>(
        _ description: ObjectDescription<Form, Object>, _ found: Found<Object>, of call: Call,
        _ parameters: Parameters, id: (Object) -> Int64
    ) {
        self.init(description, found, of: call, parameters) { String(id($0)) }
    }

    /// The same, continued by what names the place of an object in its list.
    init<Form, Object>(
        _ description: ObjectDescription<Form, Object>, _ found: Found<Object>, of call: Call,
        _ parameters: Parameters, place: (Object) -> String
    ) {
        status = 200
        let offset = Int(parameters.integer("offset") ?? 0)
        let limit = Int(parameters.integer("limit") ?? 100)
        headers = [
            ("X-Offset", String(offset)), ("X-Limit", String(limit)),
            ("X-Has-More", found.hasMore ? "true" : "false"),
        ]
        var links: [String] = []
        if found.hasMore, let last = found.items.last {
            links.append(
                call.link(
                    "next",
                    ["offset=\(offset + found.items.count)", "limit=\(limit)", "after=\(place(last))"]))
        }
        if offset > 0 {
            links.append(call.link("prev", ["offset=\(max(0, offset - limit))", "limit=\(limit)"]))
        }
        if !links.isEmpty { headers.append(("Link", links.joined(separator: ", "))) }
        write = { format, writer in description.encode(list: found.items, as: format, into: &writer) }
    }
}

extension Call {
    /// A link to another page of the list that was asked for: the same filters, other paging.
    fileprivate func link(_ relation: String, _ paging: [String]) -> String {
        let filters = request.query.split(separator: "&").filter { part in
            !["offset", "limit", "after"].contains(String(part.prefix { $0 != "=" }))
        }
        return
            "<\(request.path)?\((filters.map(String.init) + paging).joined(separator: "&"))>; rel=\"\(relation)\""
    }
}
