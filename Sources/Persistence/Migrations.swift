/// One step of the schema: a file under `Migrations/`, never edited after it was applied anywhere.
struct Migration {
    /// Its place in the order, from 1, without gaps.
    let number: Int
    /// What it does, from the file's name.
    let name: String
    /// The file's text.
    let sql: String

    /// A step from an embedded file.
    init(_ number: Int, _ name: String, _ text: [UInt8]) {
        self.number = number
        self.name = name
        sql = String(decoding: text, as: UTF8.self)
    }

    /// `0001 foundation`.
    var label: String {
        "\(String(repeating: "0", count: max(0, 4 - String(number).count)))\(number) \(name)"
    }

    /// All of them, in order. A test compares the list with the folder.
    static let all = [
        Migration(1, "foundation", PackageResources._001_foundation_sql),
        Migration(2, "adjustments", PackageResources._002_adjustments_sql),
        Migration(3, "reversals", PackageResources._003_reversals_sql),
        Migration(4, "resources", PackageResources._004_resources_sql),
        Migration(5, "search", PackageResources._005_search_sql),
        Migration(6, "corrections", PackageResources._006_corrections_sql),
        Migration(7, "policies", PackageResources._007_policies_sql),
        Migration(8, "jobs", PackageResources._008_jobs_sql),
        Migration(9, "sound_books", PackageResources._009_sound_books_sql),
        Migration(10, "search_apart", PackageResources._010_search_apart_sql),
        Migration(11, "frozen_cycles", PackageResources._011_frozen_cycles_sql),
        Migration(12, "open_attempts", PackageResources._012_open_attempts_sql),
        Migration(13, "refunds_undone", PackageResources._013_refunds_undone_sql),
        Migration(14, "closed_gaps", PackageResources._014_closed_gaps_sql),
        Migration(15, "fewer_steps", PackageResources._015_fewer_steps_sql),
        Migration(16, "cheaper_reads", PackageResources._016_cheaper_reads_sql),
        Migration(17, "bills_in_bulk", PackageResources._017_bills_in_bulk_sql),
        Migration(18, "names_looked_at", PackageResources._018_names_looked_at_sql),
    ]
}
