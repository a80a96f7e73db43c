import Glibc
public import Logging

/// One JSON line a record on standard error, each in a single write, so lines of many processes never mix.
///
/// `{"time":"2027-03-01T09:30:00.125Z","level":"info","message":"…","request_id":"…"}`: the message is constant
/// text, everything else is a field; dictionaries in the metadata become dotted names (spec 6.6).
public struct JSONLog: LogHandler {
    /// Fields that go with every record of this logger.
    public var metadata: Logger.Metadata = [:]
    /// Records below this level are dropped.
    public var logLevel: Logger.Level
    /// Source of fields that depend on the moment.
    public var metadataProvider: Logger.MetadataProvider?

    /// A log that writes from `level` upwards.
    public init(level: Logger.Level) { logLevel = level }

    /// A logger that writes this way.
    public static func logger(label: String, level: Logger.Level) -> Logger {
        Logger(label: label) { _ in JSONLog(level: level) }
    }

    /// A field that goes with every record of this logger.
    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// Writes one record.
    public func log(event: LogEvent) {
        var fields = metadata
        if let provided = metadataProvider?.get() { fields.merge(provided) { $1 } }
        if let own = event.metadata { fields.merge(own) { $1 } }
        let line = Self.line(
            time: Clock.unixMilliseconds(), level: event.level, message: event.message.description,
            fields: fields)
        _ = line.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }

    /// The line of one record, with its line feed; fields in the order of their names.
    static func line(time: Int64, level: Logger.Level, message: String, fields: Logger.Metadata) -> [UInt8] {
        var line: [UInt8] = []
        line.reserveCapacity(256)
        line += #"{"time":""#.utf8
        appendTime(time, to: &line)
        line += #"","level":""#.utf8
        line += level.rawValue.utf8
        line += #"","message":"#.utf8
        appendQuoted(message, to: &line)
        appendFields(fields, under: "", to: &line)
        line += "}\n".utf8
        return line
    }

    private static func appendFields(_ fields: Logger.Metadata, under prefix: String, to line: inout [UInt8])
    {
        for (name, value) in fields.sorted(by: { $0.key < $1.key }) {
            if case .dictionary(let inner) = value {
                appendFields(inner, under: prefix + name + ".", to: &line)
            } else {
                line.append(UInt8(ascii: ","))
                appendQuoted(prefix + name, to: &line)
                line.append(UInt8(ascii: ":"))
                appendValue(value, to: &line)
            }
        }
    }

    private static func appendValue(_ value: Logger.Metadata.Value, to line: inout [UInt8]) {
        switch value {
        case .string(let text): appendQuoted(text, to: &line)
        case .stringConvertible(let value):
            switch value {
            case let number as any BinaryInteger: line += number.description.utf8
            case let truth as Bool: line += truth.description.utf8
            default: appendQuoted(value.description, to: &line)
            }
        case .array(let values):
            line.append(UInt8(ascii: "["))
            for (index, value) in values.enumerated() {
                if index > 0 { line.append(UInt8(ascii: ",")) }
                appendValue(value, to: &line)
            }
            line.append(UInt8(ascii: "]"))
        case .dictionary(let inner):
            var object: [UInt8] = []
            appendFields(inner, under: "", to: &object)
            line.append(UInt8(ascii: "{"))
            line += object.dropFirst()
            line.append(UInt8(ascii: "}"))
        }
    }

    /// A JSON string: quotes, backslashes and control characters escaped; everything else as UTF-8.
    private static func appendQuoted(_ text: String, to line: inout [UInt8]) {
        let digits = Array("0123456789abcdef".utf8)
        line.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                line.append(UInt8(ascii: "\\"))
                line.append(byte)
            case 0x0A: line += #"\n"#.utf8
            case 0x0D: line += #"\r"#.utf8
            case 0x09: line += #"\t"#.utf8
            case 0..<0x20, 0x7F:
                line += #"\u00"#.utf8
                line.append(digits[Int(byte >> 4)])
                line.append(digits[Int(byte & 15)])
            default: line.append(byte)
            }
        }
        line.append(UInt8(ascii: "\""))
    }

    /// RFC 3339 in UTC with milliseconds, from the Unix time.
    private static func appendTime(_ milliseconds: Int64, to line: inout [UInt8]) {
        var seconds = time_t(milliseconds / 1000)
        var fields = tm()
        gmtime_r(&seconds, &fields)
        appendNumber(Int(fields.tm_year) + 1900, width: 4, to: &line)
        line.append(UInt8(ascii: "-"))
        appendNumber(Int(fields.tm_mon) + 1, width: 2, to: &line)
        line.append(UInt8(ascii: "-"))
        appendNumber(Int(fields.tm_mday), width: 2, to: &line)
        line.append(UInt8(ascii: "T"))
        appendNumber(Int(fields.tm_hour), width: 2, to: &line)
        line.append(UInt8(ascii: ":"))
        appendNumber(Int(fields.tm_min), width: 2, to: &line)
        line.append(UInt8(ascii: ":"))
        appendNumber(Int(fields.tm_sec), width: 2, to: &line)
        line.append(UInt8(ascii: "."))
        appendNumber(Int(milliseconds % 1000), width: 3, to: &line)
        line.append(UInt8(ascii: "Z"))
    }

    private static func appendNumber(_ number: Int, width: Int, to line: inout [UInt8]) {
        let digits = String(number).utf8
        for _ in digits.count..<max(width, digits.count) { line.append(UInt8(ascii: "0")) }
        line += digits
    }
}
