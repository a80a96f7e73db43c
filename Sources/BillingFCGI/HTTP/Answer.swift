import Domain
import Interchange
import Pool

/// What an endpoint answers: a status, headers, and a body that is written in the format the caller accepts.
struct Answer {
    var status: Int
    var headers: [(name: String, value: String)] = []
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

    /// A part of a list, with the headers that tell which and how to go on (spec 4.3).
    init<Form, Object>(
        _ description: ObjectDescription<Form, Object>, _ found: Found<Object>, of call: Call,
        _ parameters: Parameters, id: (Object) -> Int64
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
                    "next", ["offset=\(offset + found.items.count)", "limit=\(limit)", "after=\(id(last))"]))
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
