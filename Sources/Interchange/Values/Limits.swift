/// How much a document may hold, whatever its format (spec 4.2). Its size in bytes is limited before it
/// gets here.
public enum Limits {
    /// Objects and lists within one another, the outermost counted.
    public static let depth = 32
    /// Values, attributes and elements of one document.
    public static let nodes = 10_000
    /// Items of one list in an xurl document.
    public static let items = 1_000
    /// Faults that are listed in one refusal; those found later are left out.
    static let faults = 100
    /// The most exact integer that every JSON implementation carries, 2^53−1 (spec 4.2).
    public static let largestInteger: Int64 = 9_007_199_254_740_991
}
