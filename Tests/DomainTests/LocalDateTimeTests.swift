import Domain
import Testing

/// Oracle: spec 4.2, the forms of a Datetime.
struct LocalDateTimeTests {
    @Test(
        arguments: [
            ("2027-01-31", 0, "2027-01-31 00:00:00"), ("2027-01-31 00:00:00", 0, "2027-01-31 00:00:00"),
            ("2027-01-31 23:59:59", 86_399, "2027-01-31 23:59:59"),
            ("2027-01-31 09:05:07", 32_707, "2027-01-31 09:05:07"),
            ("2027-01-31 12:30:00", 45_000, "2027-01-31 12:30:00"),
        ] as [(String, Int32, String)])
    func `a datetime is a date, or a date and a time`(text: String, second: Int32, printed: String) throws {
        let read = try #require(LocalDateTime(text))
        #expect(read.date == day("2027-01-31"))
        #expect(read.secondOfDay == second)
        #expect(read.description == printed)
        #expect(LocalDateTime(printed) == read)
    }

    @Test(arguments: [
        "", "2027-01-31 ", "2027-01-31 9:05:07", "2027-01-31T09:05:07", "2027-01-31 24:00:00",
        "2027-01-31 23:60:00", "2027-01-31 23:59:60", "2027-01-31 23:59", "2027-01-31 23.59.59",
        "2027-02-29 10:00:00", "2027-01-31 10:00:00Z", "2027-01-31 -1:00:00", "2027-01-31 1a:00:00",
        "2027-01-31  9:05:07", "2027-01-31 10:00:00 ",
    ])
    func `no other text is a datetime`(text: String) {
        #expect(LocalDateTime(text) == nil)
    }

    @Test func `readings of a clock are ordered by day, then by second`() {
        let evening = LocalDateTime(date: day("2027-01-31"), secondOfDay: 86_399)
        let morning = LocalDateTime(date: day("2027-02-01"), secondOfDay: 0)
        #expect(evening < morning)
        #expect(LocalDateTime(date: day("2027-01-31"), secondOfDay: 5) < evening)
        #expect(noon(of: "2027-01-31").businessDate == day("2027-01-31"))
        let begin = Timestamp(microsecondsSince1970: 0)
        #expect(begin.adding(seconds: -2) < begin)
        #expect(begin.adding(seconds: 3).microsecondsSince1970 == 3_000_000)
    }
}
