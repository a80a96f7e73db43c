import Domain
import Interchange
import Logging
import Persistence
import Pool
import Vault

/// From a request to its answer: route, format, login, privilege, action, encoding; and every failure on the way.
final class Router {
    private let services: Services
    private let login: Login
    private let health: Health
    private let place: WorkerPlace
    private var writer = ByteWriter(capacity: 16_384)

    init(_ services: Services, scoreboard: Scoreboard?, place: WorkerPlace = WorkerPlace()) {
        self.services = services
        login = Login(
            books: services.books, seconds: services.configuration.credentialSeconds,
            mostFailures: services.configuration.failedLogins, standAside: place.standAside)
        health = Health(services, scoreboard: scoreboard)
        self.place = place
    }

    /// Answers one request; never fails.
    func answer(_ request: Request) -> Response {
        let requestID = Router.requestID(of: request)
        var format = Format.json
        var row = 0
        var response: Response
        do {
            if let page = health.answer(request) { return page }
            do {
                response = try run(request, requestID: requestID, format: &format, row: &row)
            } catch  where login.hasChanged(by: error) {
                response = try run(request, requestID: requestID, format: &format, row: &row)
            }
        } catch {
            response = refuse(error, requestID: requestID, format: format, request)
        }
        response.headers.append(("X-Request-Id", requestID))
        response.headers.append(("Cache-Control", "no-store"))
        response.headers.append(("Vary", "Accept, Authorization"))
        response.route = row
        return response
    }

    private func run(_ request: Request, requestID: String, format: inout Format, row: inout Int) throws
        -> Response
    {
        let declared = request.contentType.flatMap(Format.forContentType)
        let hasBody =
            !request.body.isEmpty || request.bodyProblem != nil || Router.isEmptyForm(request, declared)
        let accepted = Format.negotiate(accept: request.accept, requestFormat: hasBody ? declared : nil)
        if let accepted { format = accepted }
        let wantsText = accepted == nil && Router.acceptsText(request)
        guard accepted != nil || wantsText else { throw Router.notAcceptable }
        let path = try RequestPath.segments(of: request.path)
        let index: Int
        let items: [String]
        switch Route.find(request.method, path) {
        case .row(let found, let named): (index, items) = (found, named)
        case .otherMethods(let allow):
            // What a resource answers to is no secret: no login, no format, no body.
            if request.method == "OPTIONS" { return Response(status: 204, headers: [("Allow", allow)]) }
            throw MethodRefused(allow: allow)
        case .nothing: throw Refusal(.noSuchAction, "there is no such resource or action")
        }
        row = index + 1
        let route = Route.table[index]
        guard route.givesText || !wantsText else { throw Router.notAcceptable }
        if let name = request.repeatedHeader {
            throw Refusal(.repeatedField, "the header \(name) is given twice")
        }
        let takesPassword = route.takesPassword && request.method == Method.post.rawValue
        var caller = takesPassword ? nil : try login.caller(of: request)
        if let user = caller?.user, let milliseconds = place.delay(of: user) {
            throw TooManyRequests(seconds: (milliseconds + 999) / 1000)
        }
        guard route.isReading || caller?.user.privilege == .full else {
            throw Refusal(.privilegeMissing, "this service user may find and load only (management-api-read)")
        }
        switch request.bodyProblem {
        case .tooLarge(let limit): throw Refusal(.bodyTooLarge, "the body is larger than \(limit) bytes")
        case .lengthUnreadable: throw Refusal(.malformedBody, "Content-Length is not a number")
        case nil: break
        }
        if hasBody, declared == nil {
            throw Refusal(
                .unsupportedMediaType,
                "send application/json, application/xml or application/x-www-form-urlencoded, in UTF-8")
        }
        if takesPassword {
            let password = try UserEndpoint.password(in: request, as: hasBody ? declared : nil, route)
            caller = Caller(
                user: try login.user(named: items[0], password: password, of: request), isTemporary: false)
        }
        guard let caller else { throw Login.wrong }
        let call = Call(
            request: request, route: route, items: items, user: caller.user, isTemporary: caller.isTemporary,
            requestID: requestID, format: format, wantsText: wantsText,
            bodyFormat: hasBody ? declared : nil, services: services, place: place)
        if route.parameters.facts.isEmpty, !request.query.isEmpty { try call.refuseQuery() }
        var response = encode(try route.run(call), as: format)
        if route.tagsItsAnswer, response.status == 200 {
            response.headers.append(("ETag", EntityTag(of: response.body).text))
        }
        return response
    }

    private static let notAcceptable = Refusal(
        .notAcceptable, "answers are application/json, application/xml or application/x-www-form-urlencoded")

    /// Whether a request that may have a body has that of a form without fields: none at all, declared as xurl.
    private static func isEmptyForm(_ request: Request, _ declared: Format?) -> Bool {
        declared == .xurl && (request.method == Method.put.rawValue || request.method == Method.post.rawValue)
    }

    /// Whether plain text is among what the caller accepts.
    private static func acceptsText(_ request: Request) -> Bool {
        request.accept?.split(separator: ",").contains { part in
            let parts = part.split(separator: ";").map { $0.filter { $0 != " " }.lowercased() }
            return ["text/plain", "text/*"].contains(parts.first ?? "") && !parts.contains("q=0")
        } == true
    }

    private func encode(_ answer: Answer, as format: Format) -> Response {
        writer.removeAll()
        answer.write(format, &writer)
        var headers = answer.headers
        // Those that every answer gets, and the tag.
        headers.reserveCapacity(headers.count + 5)
        headers.append(("Content-Type", answer.contentType ?? format.contentType))
        return Response(
            status: answer.status, headers: headers, body: writer.withBytes { Array($0) })
    }

    // MARK: Failures

    private func refuse(_ error: any Error, requestID: String, format: Format, _ request: Request) -> Response
    {
        var headers: [(name: String, value: String)] = []
        let refusal: Refusal
        switch error {
        case let known as Refusal:
            refusal = known
            if known.faults[0].code == .noCredentials || known.faults[0].code == .wrongCredentials {
                headers.append(("WWW-Authenticate", "Basic realm=\"billing\", charset=\"UTF-8\""))
            }
        case let method as MethodRefused:
            headers.append(("Allow", method.allow))
            refusal = Refusal(.methodNotSupported, "this resource does not answer to that method")
        case let blocked as LoginBlocked:
            headers.append(("Retry-After", String(blocked.seconds)))
            refusal = Refusal(.tooManyRequests, "too many failed logins: try again later")
        case let often as TooManyRequests:
            headers.append(("Retry-After", String(often.seconds)))
            refusal = Refusal(.tooManyRequests, "too many requests of this service user: try again later")
        case is FirstStillRunning:
            headers.append(("Retry-After", "1"))
            refusal = Refusal(
                .stateForbids,
                "the first request under this Idempotency-Key is still running: try again for its answer")
        case is FirstOutcomeOpen:
            headers.append(("Retry-After", "1"))
            refusal = Refusal(
                .outcomeOpen,
                "the first request under this Idempotency-Key is open: its outcome is not known yet")
        case is ProcessorsBusy:
            headers.append(("Retry-After", "1"))
            refusal = Refusal(
                .databaseUnavailable,
                "as many payments as may are at the processor now; nothing was charged: try again")
        default:
            (refusal, headers) = trouble(error, requestID: requestID, request)
        }
        writer.removeAll()
        ExceptionDocument(refusal, requestId: requestID).encode(as: format, into: &writer)
        headers.append(("Content-Type", format.contentType))
        return Response(
            status: refusal.faults[0].code.status, headers: headers, body: writer.withBytes { Array($0) })
    }

    /// What is no fault of the request: logged with its cause, answered without it.
    private func trouble(_ error: any Error, requestID: String, _ request: Request) -> (
        Refusal, [(name: String, value: String)]
    ) {
        let isDatabase = Services.isTrouble(error)
        services.logger.error(
            isDatabase ? "database unavailable" : "request failed",
            metadata: [
                "request_id": "\(requestID)", "http.method": "\(request.method)",
                "http.path": "\(RequestPath.shown(request.path))",
                "error": "\(error)",
            ])
        if error is OutcomeUnknown {
            return (
                Refusal(
                    .databaseUnavailable,
                    "the connection to the database was lost at the last moment: look whether the request was carried out"
                ), [("Retry-After", "1")]
            )
        }
        guard isDatabase else {
            return (
                Refusal(.internalError, "an internal error; it has been logged under this request's id"), []
            )
        }
        return (
            Refusal(.databaseUnavailable, "the database cannot be reached or is busy: try again"),
            [("Retry-After", "1")]
        )
    }

    /// The caller's request id if it sent a sane one, else ours (spec 4.5).
    private static func requestID(of request: Request) -> String {
        if let sent = request.requestID, (1...128).contains(sent.utf8.count),
            sent.utf8.allSatisfy({ (33...126).contains($0) && $0 != 34 && $0 != 92 })
        {
            return sent
        }
        return Random.requestID()
    }
}

/// A resource that exists was called by a method that it does not answer to (U02).
private struct MethodRefused: Error {
    /// What it answers to, as in the header `Allow`.
    let allow: String
}

/// A service user sends more requests than it may (L05).
private struct TooManyRequests: Error {
    /// Until the next one is taken.
    let seconds: Int
}

extension FailureCode {
    /// The HTTP status of spec 3.11.
    var status: Int {
        switch self {
        case .processorSilent: 202
        case .noCredentials, .wrongCredentials: 401
        case .privilegeMissing, .tokensOnly: 403
        case .tooManyRequests: 429
        case .malformedBody, .unknownField, .wrongForm, .repeatedField, .forbiddenXML: 400
        case .unsupportedMediaType: 415
        case .notAcceptable: 406
        case .bodyTooLarge: 413
        case .preconditionFailed: 412
        case .requiredFieldMissing, .valueNotAllowed, .createOnly, .amountTooLarge, .inactive: 422
        case .notFound, .noSuchAction: 404
        case .duplicate, .stateForbids, .salesClosed, .idempotencyKeyReused, .outcomeOpen,
            .configurationLacks:
            409
        case .methodNotSupported: 405
        case .internalError: 500
        case .databaseUnavailable: 503
        }
    }
}

/// The path of a request below `/api/v01`.
enum RequestPath {
    /// The decoded segments; U01 when the path is not below the base, F05 when its escapes are malformed.
    static func segments(of path: String) throws -> [String] {
        let slash = UInt8(ascii: "/")
        guard path.utf8.count <= 2048, path.utf8.starts(with: base) else { throw belowNothing }
        var rest = path.utf8.dropFirst(base.count)
        guard rest.isEmpty || rest.first == slash else { throw belowNothing }
        var segments: [String] = []
        while rest.popFirst() != nil {
            let end = rest.firstIndex(of: slash) ?? rest.endIndex
            // A slash at the end opens no segment.
            if end == rest.startIndex, end == rest.endIndex { break }
            guard let decoded = decode(rest[..<end]) else {
                throw Refusal(.wrongForm, "the path holds a malformed escape")
            }
            segments.append(decoded)
            rest = rest[end...]
        }
        return segments
    }

    private static let base = "/api/v01".utf8

    private static var belowNothing: Refusal {
        Refusal(.noSuchAction, "the base of all resources is /api/v01")
    }

    /// A path for the log: with as many digits as a card number has, without any.
    static func shown(_ path: String) -> String {
        guard path.utf8.count(where: { (48...57).contains($0) }) >= 12 else { return path }
        return String(decoding: path.utf8.map { (48...57).contains($0) ? 42 : $0 }, as: UTF8.self)
    }

    /// A segment with its `%xx` escapes resolved; nil when one is malformed or the text is not UTF-8.
    private static func decode(_ segment: Substring.UTF8View) -> String? {
        guard segment.contains(UInt8(ascii: "%")) else { return String(Substring(segment)) }
        var bytes: [UInt8] = []
        var rest = segment[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(hex), let low = rest.popFirst().flatMap(hex) else {
                return nil
            }
            bytes.append(high * 16 + low)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func hex(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 48...57: byte - 48
        case 65...70: byte - 55
        case 97...102: byte - 87
        default: nil
        }
    }
}
