/// The program's version.
enum Version {
    /// Major, minor and patch, as CHANGELOG.md has them.
    static let current = "0.1.0"
}
