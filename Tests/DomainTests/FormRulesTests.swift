import Domain
import Testing

/// Oracle: the tables of spec 2.1 to 2.7 and 1.5. Each fault once: its code and its field.
struct FormRulesTests {
    private func expect(
        _ form: some CheckedForm, _ expected: [(FailureCode, String)], _ name: String,
        at location: SourceLocation = #_sourceLocation
    ) {
        let found = form.faults().map { "\($0.code.rawValue) \($0.field ?? "-")" }
        #expect(
            found == expected.map { "\($0.rawValue) \($1)" }, "\(name)", sourceLocation: location)
    }

    @Test func `a customer`() {
        func form(_ change: (inout CustomerForm) -> Void) -> CustomerForm {
            var form = CustomerForm()
            form.particulars.countryCode = "US"
            change(&form)
            return form
        }
        expect(form { _ in }, [], "nothing wrong")
        expect(form { $0.particulars.countryCode = nil }, [], "no country")
        for wrong in ["XX", "us", "USA"] {
            expect(
                form { $0.particulars.countryCode = wrong }, [(.valueNotAllowed, "countryCode")], wrong)
        }
        var chosen = PaymentOptionForm()
        chosen.particulars.isDefault = true
        expect(form { $0.paymentOptions = [chosen, PaymentOptionForm()] }, [], "one default")
        expect(
            form { $0.paymentOptions = [chosen, chosen] }, [(.valueNotAllowed, "paymentOptions")],
            "two defaults")
    }

    @Test func `a payment option`() {
        func form(_ change: (inout PaymentOptionForm) -> Void) -> PaymentOptionForm {
            var form = PaymentOptionForm()
            form.accountNumber = "4111111111111111"
            form.accountAccessory = "1230"
            change(&form)
            return form
        }
        func bank(_ number: String, _ routing: String) -> PaymentOptionForm {
            form {
                $0.type = .checking
                $0.accountNumber = number
                $0.accountAccessory = routing
            }
        }
        expect(form { _ in }, [], "a card without its type")
        expect(form { $0.type = .visaDebit }, [], "a debit card")
        expect(bank("4099999992", "021000021"), [], "a bank account")
        expect(
            form {
                $0.accountNumber = nil
                $0.accountAccessory = nil
                $0.token = "token-of-option-31"
            }, [], "a token")
        for country in ["US", "USA"] { expect(form { $0.particulars.countryCode = country }, [], country) }

        let no = FailureCode.valueNotAllowed
        expect(form { $0.particulars.countryCode = "XX" }, [(no, "countryCode")], "country")
        expect(form { $0.token = "token-of-option-31" }, [(no, "token")], "number and token")
        expect(form { $0.accountNumber = "4111111111111112" }, [(no, "accountNumber")], "check digit")
        expect(form { $0.type = .masterCardCredit }, [(no, "type")], "another brand's type")
        expect(form { $0.type = .cash }, [(no, "type")], "no type of payment options")
        expect(form { $0.accountNumber = "6759649826438453" }, [(no, "type")], "unknown brand, no type")
        expect(
            form {
                $0.accountNumber = "6759649826438453"
                $0.type = .cash
            }, [(no, "type")], "unknown brand, cash")
        expect(
            form {
                $0.accountNumber = "6759649826438453"
                $0.type = .masterCardDebit
            }, [], "unknown brand, its type sent")
        expect(form { $0.accountAccessory = "1330" }, [(no, "accountAccessory")], "expiry")
        expect(
            form { $0.accountAccessory = nil }, [(.requiredFieldMissing, "accountAccessory")], "no expiry")
        expect(bank("409", "021000021"), [(no, "accountNumber")], "bank number")
        expect(bank("4099999992", "021000022"), [(no, "accountAccessory")], "routing number")
        expect(
            bank("409", "021000022"), [(no, "accountNumber"), (no, "accountAccessory")], "both at once")
        expect(
            form { $0.accountNumber = "4099999992" }, [(no, "accountNumber")], "a bank account must say so")

        var change = PaymentOptionForm(option())
        #expect(change.changeFaults().isEmpty)
        change.particulars.countryCode = "XX"
        #expect(change.changeFaults().map(\.field) == ["countryCode"])
    }

    @Test func `every card type fits its own brand's numbers and no other`() {
        let numbers: [(String, Set<AccountType>)] = [
            ("4111111111111111", [.visaCredit, .visaDebit]),
            ("5499740000000057", [.masterCardCredit, .masterCardDebit]),
            ("371449635392376", [.americanExpress]),
            ("6011000991001201", [.discoverCredit, .discoverDebit]), ("3530111333300000", [.jcb]),
            ("30569309025904", [.diners]),
        ]
        for (number, types) in numbers {
            for type in AccountType.allCases where !type.isBank {
                var form = PaymentOptionForm()
                form.accountNumber = number
                form.accountAccessory = "1230"
                form.type = type
                #expect(form.faults().isEmpty == types.contains(type), "\(type)")
            }
        }
    }

    @Test func `a plan`() {
        var form = PlanForm()
        form.particulars.amount = Money(1000)
        form.particulars.taxAmount = Money(1000)
        expect(form, [], "all of it tax")
        form.particulars.taxAmount = Money(1001)
        expect(form, [(.valueNotAllowed, "taxAmount")], "more tax than amount")
    }

    @Test func `a subscription`() {
        func form(_ change: (inout SubscriptionForm) -> Void) -> SubscriptionForm {
            var form = SubscriptionForm()
            form.cycleUnit = .monthly
            form.amount = Money(4999)
            form.taxAmount = Money(399)
            change(&form)
            return form
        }
        expect(form { _ in }, [], "terms of its own")
        expect(
            form {
                $0.plan = .code("gold")
                $0.cycleUnit = nil
                $0.amount = nil
            }, [], "a plan's terms")
        expect(form { $0.cycleUnit = nil }, [(.requiredFieldMissing, "billingCycleType")], "no cycle")
        expect(form { $0.amount = nil }, [(.requiredFieldMissing, "amount")], "no amount")
        expect(form { $0.taxAmount = Money(5000) }, [(.valueNotAllowed, "taxAmount")], "tax")
    }

    @Test func `a recorded transaction`() {
        func form(
            _ type: TransactionType?, by means: AccountType? = nil,
            _ change: (inout TransactionForm) -> Void = { _ in }
        ) -> TransactionForm {
            var form = TransactionForm()
            form.type = type
            form.accountType = means
            form.amount = Money(1000)
            change(&form)
            return form
        }
        let no = FailureCode.valueNotAllowed
        let plain: [TransactionType] = [.invoice, .credit, .serviceFee, .lateFee, .accessFee, .writeOff]
        for type in plain {
            expect(form(type), [], type.rawValue)
            expect(form(type, by: .cash), [(no, "accountType")], type.rawValue)
        }
        let means: Set<AccountType> = [.cash, .check, .external, .allowance, .writeOff]
        for type in AccountType.allCases {
            expect(form(.payment, by: type), means.contains(type) ? [] : [(no, "accountType")], type.rawValue)
        }
        expect(form(.payment), [(.requiredFieldMissing, "accountType")], "AP without a means")
        let made: [TransactionType] = [
            .invoiceReversal, .collectionsFee, .collectionsReturnFee, .creditReversal, .claim, .void,
            .decline,
            .chargeback, .chargebackReversal, .refundReversal,
        ]
        for type in made { expect(form(type), [(no, "type")], type.rawValue) }
        expect(form(nil), [], "a type that is absent is the decoder's matter")
        expect(form(.invoice) { $0.taxAmount = Money(1001) }, [(no, "taxAmount")], "tax")
        expect(form(.invoice) { $0.feeAmount = Money(1001) }, [(no, "feeAmount")], "fee")
        expect(form(.invoice) { $0.invoiceList = "1" }, [(no, "invoiceList")], "a debt pays nothing")
        expect(form(.credit) { $0.invoiceList = "1,*two" }, [], "a credit pays")
        expect(form(.payment, by: .check) { $0.invoiceList = "1" }, [], "a payment pays")
    }

    @Test func `a payment to be processed`() {
        func form(_ change: (inout ProcessingRequest) -> Void) -> ProcessingRequest {
            var request = ProcessingRequest()
            request.amount = Money(1000)
            change(&request)
            return request
        }
        func raw(_ change: (inout ProcessingRequest) -> Void = { _ in }) -> ProcessingRequest {
            form {
                $0.accountNumber = "4111111111111111"
                $0.accountAccessory = "1230"
                $0.holderName = "Ada Byron"
                change(&$0)
            }
        }
        let no = FailureCode.valueNotAllowed
        expect(form { _ in }, [], "the default option")
        expect(form { $0.paymentOption = .id(31) }, [], "an option")
        expect(form { $0.token = "token-of-option-31" }, [], "a token")
        expect(raw(), [], "raw data")
        expect(raw { $0.savePaymentOption = true }, [], "raw data to be saved")
        expect(form { $0.type = .claim }, [(no, "type")], "type")
        func refund(_ change: (inout ProcessingRequest) -> Void = { _ in }) -> ProcessingRequest {
            form {
                $0.type = .refund
                $0.source = .id(71)
                change(&$0)
            }
        }
        expect(refund(), [], "a refund of a payment")
        expect(refund { $0.source = nil }, [(.requiredFieldMissing, "sourceId")], "a refund of nothing")
        expect(
            refund {
                $0.token = "token-of-option-31"
                $0.invoiceList = "1"
                $0.subscription = .id(51)
            }, [(no, "token"), (no, "invoiceList"), (no, "subscriptionId")], "a refund and what pays")
        expect(form { $0.taxAmount = Money(1001) }, [(no, "taxAmount")], "tax")
        expect(
            form {
                $0.paymentOption = .id(31)
                $0.token = "token-of-option-31"
            }, [(no, "token")], "option and token")
        expect(raw { $0.paymentOption = .id(31) }, [(no, "accountNumber")], "option and raw data")
        expect(raw { $0.token = "token-of-option-31" }, [(no, "token")], "token and raw data")
        expect(raw { $0.holderName = nil }, [(.requiredFieldMissing, "holderName")], "no holder")
        expect(raw { $0.accountNumber = "4111" }, [(no, "accountNumber")], "number")
        expect(
            raw { $0.accountAccessory = nil }, [(.requiredFieldMissing, "accountAccessory")], "no expiry")
        expect(form { $0.savePaymentOption = true }, [(no, "savePaymentOption")], "nothing to save")
    }

    @Test func `faults of a nested object carry its path`() {
        let refusal = Refusal([
            Fault(.valueNotAllowed, "no", field: "accountNumber"), Fault(.notFound, "none"),
        ])
        #expect(
            refusal.inside("paymentOptions.0").faults.map(\.field)
                == ["paymentOptions.0.accountNumber", "paymentOptions.0"])
        #expect(refusal.inside("paymentOptions.0").faults.map(\.code) == [.valueNotAllowed, .notFound])
    }
}
