extension Format {
    /// The format of the answer (spec 4.2): the range of `Accept` with the highest q, the first of equals.
    ///
    /// A wildcard stands for the request's own format, else json. Ranges with `q=0` exclude a format; a
    /// range whose q is not a number from 0 to 1 does not count.
    /// - Returns: nil when nothing that we write is acceptable (refused with F03).
    public static func negotiate(accept: String?, requestFormat: Format?) -> Format? {
        let preferred = requestFormat ?? .json
        guard let accept, accept.utf8.contains(where: { $0 != 32 && $0 != 9 }) else { return preferred }
        // Most callers name one type, as it is written in the specification.
        if let format = forMediaType(accept) { return format }

        var ranges: [(type: String, quality: Int)] = []
        var excluded: Set<Format> = []
        for part in accept.utf8.split(separator: UInt8(ascii: ",")) {
            let pieces = part.split(separator: UInt8(ascii: ";")).map(Token.lowercased)
            guard let type = pieces.first, let quality = quality(of: pieces.dropFirst()) else { continue }
            if quality == 0 {
                if let format = forMediaType(type) { excluded.insert(format) }
            } else {
                ranges.append((type, quality))
            }
        }

        var best: (format: Format, quality: Int)?
        for (type, quality) in ranges where quality > (best?.quality ?? 0) {
            let choices: [Format]
            switch type {
            case "*/*": choices = [preferred] + allCases
            case "application/*": choices = [preferred] + allCases
            case "text/*": choices = [.xml]
            default: choices = forMediaType(type).map { [$0] } ?? []
            }
            if let format = choices.first(where: { !excluded.contains($0) }) { best = (format, quality) }
        }
        return best?.format
    }

    /// The weight among a range's parameters in thousandths; 1000 when there is none, nil when it is not a
    /// weight.
    private static func quality(of parameters: ArraySlice<String>) -> Int? {
        guard let written = parameters.first(where: { $0.hasPrefix("q=") })?.utf8.dropFirst(2) else {
            return 1000
        }
        let digits = Array(written)
        guard let whole = digits.first, whole == 48 || whole == 49, digits.count <= 5, digits.count != 2,
            digits.count == 1 || digits[1] == UInt8(ascii: ".")
        else { return digits == [48, 46] ? 0 : digits == [49, 46] ? 1000 : nil }
        var thousandths = Int(whole - 48) * 1000
        var weight = 100
        for digit in digits.dropFirst(2) {
            guard (48...57).contains(digit) else { return nil }
            thousandths += Int(digit - 48) * weight
            weight /= 10
        }
        return thousandths <= 1000 ? thousandths : nil
    }
}
