"""Sample 2, a membership for twelve payments by credit card, with the client that openapi-python-client has made.

Knows the API by the generated code alone, the package `billing_client`. Prints the lines of the sample's end.
"""

import base64
import datetime
import os
import ssl
import sys

import httpx
from billing_client.api.allocations import find_allocations
from billing_client.api.clock import advance_clock
from billing_client.api.customers import create_customer, load_customer
from billing_client.api.subscriptions import load_subscription
from billing_client.api.transactions import find_transactions, process_transaction
from billing_client.client import AuthenticatedClient
from billing_client.models import (
    ClockAdvance,
    CustomerCreate,
    Exception_,
    FindTransactionsType,
    PaymentOptionCreate,
    ProcessingRequestCreate,
    SubscriptionCreate,
)


def connect():
    """A client with the credentials of the environment, named as in a run folder's demo.env."""
    credentials = f"{os.environ['BILLING_USER']}:{os.environ['BILLING_PASSWORD']}"
    return AuthenticatedClient(
        base_url=os.environ["BILLING_URL"],
        token=base64.b64encode(credentials.encode()).decode(),
        prefix="Basic",
        headers={"Accept": "application/json"},
        verify_ssl=ssl.create_default_context(cafile=os.environ["BILLING_CA"]),
        raise_on_unexpected_status=True,
        timeout=httpx.Timeout(120),
        httpx_args={"trust_env": False},
    )


def good(answer):
    """The answer, which must not be a refusal."""
    if isinstance(answer, Exception_):
        sys.exit(f"refused: {answer.failure_code} {answer.failure_message}")
    return answer


def expect(what, value, wanted):
    if value != wanted:
        sys.exit(f"{what} is {value!r}, not {wanted!r}")


def entries(client, customer, kind=None):
    """All entries of the customer's account, or those of one kind."""
    filters = {"type_": kind} if kind else {}
    return good(find_transactions.sync(customer, client=client, limit=1000, **filters))


def main():
    client = connect()
    account = int(os.environ["BILLING_ACCOUNT_ID"])
    body = CustomerCreate(
        first_name="Ann",
        last_name="Lee",
        email="ann@example.com",
        payment_options=[
            PaymentOptionCreate(
                account_number="4111111111111111", account_accessory="1233", holder_name="Ann Lee", csc="847"
            )
        ],
        subscriptions=[
            SubscriptionCreate.from_dict(
                {"billingCycleType": "M", "amount": 4999, "firstBillingDate": "2027-01-31", "length": 12}
            )
        ],
    )
    customer = good(create_customer.sync(client=client, body=body, idempotency_key="signup-2"))
    again = good(create_customer.sync(client=client, body=body, idempotency_key="signup-2"))
    expect("the repetition's customer", again.id, customer.id)
    expect("the number", customer.payment_options[0].account_number, "4***********1111")
    subscription = customer.subscriptions[0]
    expect("the status", subscription.status.value, "U")

    request = ProcessingRequestCreate(amount=4999, subscription_id=subscription.id)
    payment = good(process_transaction.sync(customer.id, client=client, body=request))
    expect("the payment's response", payment.processing_info.response_code, "A01")
    expect("its balance", payment.balance, 4999)
    expect("the customer's balance", good(load_customer.sync(customer.id, client=client)).balance, -4999)

    clock = good(advance_clock.sync(account, client=client, body=ClockAdvance(to="2028-01-31")))
    expect("invoices", clock.invoices, 12)
    expect("payments", clock.payments, 11)

    invoices = entries(client, customer.id, FindTransactionsType.RI)
    expect("the second due date", invoices[1].due_date, datetime.date(2027, 2, 28))
    allocations = good(find_allocations.sync(customer.id, payment.id, client=client))
    expect("what the payment paid", [each.target_id for each in allocations], [invoices[0].id])
    subscription = good(load_subscription.sync(customer.id, subscription.id, client=client))
    expect("the subscription", (subscription.status.value, subscription.collected_count), ("E", 12))
    customer = good(load_customer.sync(customer.id, client=client))
    print(f"balance {customer.balance}, status {customer.status.value}")
    for entry in entries(client, customer.id):
        print(entry.type_.value, entry.due_date, entry.amount, entry.balance)


main()
