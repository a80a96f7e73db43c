/// Guesses what was meant by a misspelt name, for messages.
public enum NearMiss {
    /// The known name that was probably meant: the same but for case and dashes, or at most two letters wrong; nil when
    /// none is close.
    public static func of(_ name: String, among names: some Sequence<String>) -> String? {
        Shown.nearMiss(name, among: names)
    }
}
