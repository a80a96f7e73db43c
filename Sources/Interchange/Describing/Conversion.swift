import Domain

/// What a sent piece turned out to be for a field's type.
enum Conversion {
    /// `null`, or empty text: the same as not there.
    case null
    /// A value of the right type; its range and form are not checked yet.
    case scalar(Scalar)
    /// Not of the type. The sentence follows the field's name.
    case wrong(String)
}

/// What text may hold in any field (spec 4.2).
enum TextRule {
    /// Control characters, and the two characters beside them that XML 1.0 cannot carry.
    static func isRefused(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7F..<0xA0, 0xFFFE, 0xFFFF: true
        default: false
        }
    }

    /// The number of Unicode scalars; nil when one of them is refused.
    static func length(of text: String) -> Int? {
        // Short ASCII, the usual case, needs no decoding.
        let utf8 = text.utf8
        if utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) { return utf8.count }
        var length = 0
        for scalar in text.unicodeScalars {
            if isRefused(scalar) { return nil }
            length += 1
        }
        return length
    }
}

extension FieldType {
    /// Turns a sent piece into a value of this type: strictly, json by its type, xml and xurl by their text.
    func convert(_ sent: Sent) -> Conversion {
        switch sent {
        case .typed(.null): .null
        case .typed(.list(let items)): fromList(items)
        case .typed(.text(let text)): text.isEmpty && takesText ? .null : fromText(text, typed: true)
        case .typed(.integer(let number)): fromInteger(number)
        case .typed(.boolean(let value)):
            if case .boolean = self { .scalar(.boolean(value)) } else { .wrong(expectation) }
        case .plain(.text(let text)): text.isEmpty ? .null : fromText(text, typed: false)
        case .typed, .plain, .element: .wrong(expectation)
        }
    }

    /// Whether json gives this type as a string, so that an empty one stands for null.
    private var takesText: Bool {
        switch self {
        case .text, .enumeration, .date, .dateTime, .integerList, .reference: true
        case .integer, .long, .boolean, .object, .list, .texts: false
        }
    }

    private func fromInteger(_ number: Int64) -> Conversion {
        switch self {
        case .integer, .long: return .scalar(.integer(number))
        case .reference where number > 0 && number <= Limits.largestInteger:
            return .scalar(.reference(.id(number)))
        default: return .wrong(expectation)
        }
    }

    private func fromText(_ text: String, typed: Bool) -> Conversion {
        switch self {
        case .text, .enumeration: return .scalar(.text(text))
        case .integer, .long:
            if !typed, let number = FieldType.integer(text.utf8) { return .scalar(.integer(number)) }
        case .boolean:
            if !typed, text == "true" { return .scalar(.boolean(true)) }
            if !typed, text == "false" { return .scalar(.boolean(false)) }
        case .date:
            if let date = CalendarDate(text) { return .scalar(.date(date)) }
        case .dateTime:
            if let moment = LocalDateTime(text) { return .scalar(.dateTime(moment)) }
        case .reference:
            // In json an id is a number; only a code is text.
            if let reference = Reference(text) {
                if typed, case .id = reference { return .wrong(expectation) }
                return .scalar(.reference(reference))
            }
        case .integerList:
            if text == FieldType.noIntegers { return .scalar(.integers([])) }
            var numbers: [Int64] = []
            for part in text.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
                guard let number = FieldType.integer(part) else { return .wrong(expectation) }
                numbers.append(number)
            }
            return .scalar(.integers(numbers))
        case .object, .list, .texts: break
        }
        return .wrong(expectation)
    }

    /// An empty list of integers where a list is one text: an empty text stands for null.
    private static let noIntegers = "none"

    private func fromList(_ items: [Value]) -> Conversion {
        guard case .integerList = self else { return .wrong(expectation) }
        var numbers: [Int64] = []
        for item in items {
            guard case .integer(let number) = item else { return .wrong(expectation) }
            numbers.append(number)
        }
        return .scalar(.integers(numbers))
    }

    /// An integer as json would write it: digits without a leading zero, a minus before them at most.
    private static func integer(_ text: some Collection<UInt8>) -> Int64? {
        var digits = text[...]
        let isNegative = digits.first == UInt8(ascii: "-")
        if isNegative { digits.removeFirst() }
        guard let first = digits.first, digits.count <= 19, first != 48 || digits.count == 1 else {
            return nil
        }
        var number: Int64 = 0
        for byte in digits {
            guard (48...57).contains(byte) else { return nil }
            let (shifted, tooLarge) = number.multipliedReportingOverflow(by: 10)
            let (next, stillTooLarge) = shifted.subtractingReportingOverflow(Int64(byte - 48))
            if tooLarge || stillTooLarge { return nil }
            number = next
        }
        if isNegative { return number }
        return number == .min ? nil : -number
    }

    /// What follows the field's name when the type is wrong.
    var expectation: String {
        switch self {
        case .integer, .long: "must be a whole number"
        case .text: "must be text"
        case .enumeration(let facts): FieldType.oneOf(facts)
        case .boolean: "must be true or false"
        case .date: "must be a date, yyyy-MM-dd"
        case .dateTime: "must be a date, yyyy-MM-dd, or a date and time, yyyy-MM-dd HH:mm:ss"
        case .reference: "must be an id, or * and a code"
        case .integerList: "must be a list of whole numbers, in a text separated by commas"
        case .object: "must be an object"
        case .list, .texts: "must be a list"
        }
    }

    private static func oneOf(_ facts: EnumerationFacts) -> String {
        "must be one of \(facts.codes.map(\.code).joined(separator: ", "))"
    }

    /// Checks length, characters, form, codes and range; nil when the value is allowed. The sentence
    /// follows the field's name.
    func check(_ scalar: Scalar) -> (code: FailureCode, sentence: String)? {
        switch (self, scalar) {
        case (.text(let maxLength, let form), .text(let text)):
            guard let length = TextRule.length(of: text) else {
                return (.wrongForm, "must not have control characters")
            }
            guard length <= maxLength else {
                return (.wrongForm, "must have at most \(maxLength) character\(maxLength == 1 ? "" : "s")")
            }
            if let form, !form.accepts(text) { return (form.code, form.sentence) }
        case (.enumeration(let facts), .text(let text)):
            guard facts.contains(text) else { return (.valueNotAllowed, FieldType.oneOf(facts)) }
        case (.integer(let range), .integer(let number)), (.long(let range), .integer(let number)):
            guard range.contains(number) else { return (.valueNotAllowed, FieldType.within(range)) }
        case (.integerList(let range, let maxCount), .integers(let numbers)):
            guard numbers.count <= maxCount else {
                return (.valueNotAllowed, "must have at most \(maxCount) numbers")
            }
            guard numbers.allSatisfy(range.contains) else {
                return (.valueNotAllowed, "must have numbers that are each \(FieldType.bounds(range))")
            }
        default: break
        }
        return nil
    }

    private static func within(_ range: ClosedRange<Int64>) -> String { "must be \(bounds(range))" }

    private static func bounds(_ range: ClosedRange<Int64>) -> String {
        if range.upperBound >= Limits.largestInteger, range.lowerBound > -Limits.largestInteger {
            return "at least \(range.lowerBound)"
        }
        return "from \(range.lowerBound) to \(range.upperBound)"
    }
}
