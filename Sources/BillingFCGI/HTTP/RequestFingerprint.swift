import Interchange
import Pool
import Vault

extension Call {
    /// What the request asks for, however it is written: method, resource, action, and what its body or query holds. The order
    /// of fields, white space, the format, whether an implicit action is named, `null` or nothing make no difference.
    func fingerprint() throws -> [UInt8] {
        var digest = Digest()
        digest.add(field: route.methods.count > 1 ? "GET or POST" : request.method)
        digest.add(field: route.resource)
        digest.add(field: route.action)
        for item in items { digest.add(field: item) }
        var content = try Body(query: Array(request.query.utf8)).canonical(of: nil)
        if let bodyFormat {
            content += try Body(reading: request.body, as: bodyFormat).canonical(of: route.consumes)
        }
        for line in content { digest.add(field: line) }
        return digest.finish()
    }
}
