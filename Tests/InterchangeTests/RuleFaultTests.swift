import Domain
import Interchange
import Testing

/// Rules between fields beside fields that are wrong by themselves (spec 4.4): what can be judged is listed, nothing is guessed.
@Suite("Rules between fields")
struct RuleFaultTests {
    /// The faults of a document as `V21 taxAmount`, in their order.
    private func faults<Form, Object>(
        _ description: ObjectDescription<Form, Object>, _ form: Form, _ document: String
    ) throws -> [String] {
        var form = form
        let body = try Body(reading: document.bytes, as: .json)
        let refusal = refusing { () throws(Refusal) in
            try description.decode(body, into: &form, purpose: .create)
        }
        return (refusal?.faults ?? []).map { "\($0.code.rawValue) \($0.field ?? "-")" }
    }

    @Test func transactions() throws {
        let rows: [(document: String, faults: [String])] = [
            (
                #"{"type":"AP","amount":100,"taxAmount":200,"dueDate":"today"}"#,
                ["F05 dueDate", "V21 taxAmount", "V01 accountType"]
            ),
            (#"{"type":"AP","amount":"100","taxAmount":200}"#, ["F05 amount", "V01 accountType"]),
            (#"{"type":"XX","amount":100,"taxAmount":200}"#, ["V21 type", "V21 taxAmount"]),
            (#"{"type":"AP","taxAmount":200}"#, ["V01 accountType", "V01 amount"]),
            (#"{"type":"AP","amount":100,"accountType":"ZZ"}"#, ["V21 accountType"]),
            (
                #"{"type":"RI","amount":100,"taxAmount":60,"feeAmount":60,"invoiceList":"1","nte":"x"}"#,
                ["F04 nte", "V21 feeAmount", "V21 invoiceList"]
            ),
            (#"{"type":"RI","amount":100,"taxAmount":-1,"feeAmount":60}"#, ["V21 taxAmount"]),
        ]
        for (document, expected) in rows {
            #expect(
                try faults(Descriptions.transaction, TransactionForm(), document) == expected, "\(document)")
        }
    }

    @Test func subscriptionsAndPlans() throws {
        let rows: [(document: String, faults: [String])] = [
            (
                #"{"firstBillingDate":"soon","length":0}"#,
                ["F05 firstBillingDate", "V21 length", "V01 billingCycleType", "V01 amount"]
            ),
            // Whether a plan was meant is not known.
            (#"{"planId":"gold","firstBillingDate":"2027-01-31"}"#, ["F05 planId"]),
            (
                #"{"billingCycleType":"X","amount":1,"taxAmount":2,"firstBillingDate":"2027-01-31"}"#,
                ["V21 billingCycleType", "V21 taxAmount"]
            ),
        ]
        for (document, expected) in rows {
            #expect(
                try faults(Descriptions.subscription, SubscriptionForm(), document) == expected,
                "\(document)")
        }
        #expect(
            try faults(Descriptions.plan, PlanForm(), #"{"name":"Gold","taxAmount":5}"#) == ["V01 amount"])
        #expect(
            try faults(Descriptions.plan, PlanForm(), #"{"amount":1,"taxAmount":5,"billingInterval":0}"#)
                == ["V21 billingInterval", "V21 taxAmount", "V01 name"])
    }

    @Test func accountData() throws {
        let rows: [(document: String, faults: [String])] = [
            (
                #"{"accountNumber":"4111111111111112","countryCode":"XX","holderName":7}"#,
                ["F05 holderName", "V21 countryCode", "V21 accountNumber", "V01 accountAccessory"]
            ),
            // A bank account or a card: the digits are not judged.
            (
                #"{"type":"XX","accountNumber":"4111111111111112","accountAccessory":"1233","holderName":"A"}"#,
                ["V21 type"]
            ),
            (#"{"holderName":"A","csc":"x"}"#, ["F05 csc", "V01 accountNumber"]),
            (#"{"holderName":"A","token":7}"#, ["F05 token"]),
        ]
        for (document, expected) in rows {
            #expect(
                try faults(Descriptions.paymentOption, PaymentOptionForm(), document) == expected,
                "\(document)")
        }
        let requests: [(document: String, faults: [String])] = [
            (
                #"{"amount":0,"accountNumber":"4111111111111111","accountType":"MC","accountAccessory":"1233"}"#,
                ["V21 amount", "V01 holderName", "V21 accountType"]
            ),
            (#"{"amount":100,"accountNumber":7,"savePaymentOption":true}"#, ["F05 accountNumber"]),
            (#"{"type":"AR","amount":"1","token":"t"}"#, ["F05 amount", "V01 sourceId", "V21 token"]),
            (#"{"type":"AX","amount":1,"taxAmount":2}"#, ["V21 type", "V21 taxAmount"]),
        ]
        for (document, expected) in requests {
            #expect(
                try faults(Descriptions.processingRequest, ProcessingRequest(), document) == expected,
                "\(document)")
        }
    }
}
