internal import Postgres

extension SandboxBook {
    /// Counts the received orders of disturbed accounts.
    static let count = Statement(
        "sandbox.count",
        """
        update sandbox.disturbance as d
        set received = d.received + c.orders
        from unnest($1::bigint[], $2::bigint[]) as c (account, orders)
        where d.account = c.account
        returning d.account, d.delay, d.loses_request_every, d.loses_answer_every, d.answers_twice, d.is_down,
            d.received - c.orders
        """)

    static let takeNumbers = Statement(
        "sandbox.take_numbers",
        """
        select nextval('sandbox.movement_id')
        from generate_series(1, $1::bigint)
        """)

    /// The columns are those that `add` reads.
    static let find = Statement(
        "sandbox.find",
        """
        select m.account, m.key, m.id, m.code, m.message, m.approval_code, m.approved_amount, m.answered_at
        from unnest($1::bigint[], $2::text[]) as k (account, key)
        join sandbox.movement as m on m.account = k.account and m.key = k.key
        """)

    /// Corrections (N08, N09) are no returns.
    static let lockOriginals = Statement(
        "sandbox.lock_originals",
        """
        select m.account, m.key, m.id, m.kind, m.approved_amount, m.given_back,
            (
                select min(n.date)
                from sandbox.notice as n
                where n.movement_id = m.id
                and n.code not in ('N08', 'N09')
            )
        from sandbox.movement as m
        where (m.account, m.key) in (
            select k.account, k.key
            from unnest($1::bigint[], $2::text[]) as k (account, key)
        )
        order by m.id
        for update of m
        """)

    static let insert = Statement(
        "sandbox.insert",
        """
        insert into sandbox.movement (
            id, account, key, kind, amount, currency, account_type, masked_number, attempt_number,
            original_key, business_date, code, message, approval_code, approved_amount, answered_at
        )
        select *
        from unnest(
            $1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::text[],
            $8::text[], $9::bigint[], $10::text[], $11::date[], $12::text[], $13::text[], $14::text[], $15::bigint[],
            $16::timestamptz[]
        )
        on conflict on constraint movement_key do nothing
        returning account, key
        """)

    /// Takes the keys of orders that have not arrived, for good.
    static let withdraw = Statement(
        "sandbox.withdraw",
        """
        insert into sandbox.movement (
            id, account, key, kind, amount, currency, account_type, masked_number, attempt_number, business_date, code,
            message, approved_amount, answered_at
        )
        select nextval('sandbox.movement_id'), $1::bigint, k.key, 'void', 0, '', '', '', 0, current_date, $3::text, $4::text, 0,
            clock_timestamp()
        from unnest($2::text[]) as k (key)
        on conflict on constraint movement_key do nothing
        """)

    /// Joined with what was inserted just before, so that a movement left out leaves nothing behind.
    static let insertNotices = Statement(
        "sandbox.insert_notices",
        """
        insert into sandbox.notice (
            account, movement_id, code, message, amount, date, corrected_number, corrected_accessory
        )
        select m.account, m.id, n.code, n.message, n.amount, n.date, n.corrected_number, n.corrected_accessory
        from unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::date[], $6::text[], $7::text[])
            as n (movement_id, code, message, amount, date, corrected_number, corrected_accessory)
        join sandbox.movement as m on m.id = n.movement_id
        """)

    static let giveBack = Statement(
        "sandbox.give_back",
        """
        update sandbox.movement as m
        set given_back = m.given_back + g.amount
        from (
            select u.original_id, sum(r.approved_amount)::bigint as amount
            from unnest($1::bigint[], $2::bigint[]) as u (id, original_id)
            join sandbox.movement as r on r.id = u.id
            group by u.original_id
        ) as g
        where m.id = g.original_id
        """)

    /// What was voided is neither returned nor charged back later.
    static let withdrawNotices = Statement(
        "sandbox.withdraw_notices",
        """
        delete from sandbox.notice as n
        using unnest($1::bigint[], $2::bigint[]) as u (id, original_id)
        join sandbox.movement as r on r.id = u.id and r.kind = 'void'
        where n.movement_id = u.original_id
        and n.acknowledged_at is null
        """)

    static let readDisturbance = Statement(
        "sandbox.read_disturbance",
        """
        select delay, loses_request_every, loses_answer_every, answers_twice, is_down
        from sandbox.disturbance
        where account = $1::bigint
        """)

    static let writeDisturbance = Statement(
        "sandbox.write_disturbance",
        """
        insert into sandbox.disturbance (
            account, delay, loses_request_every, loses_answer_every, answers_twice, is_down
        )
        values ($1::bigint, $2::bigint, $3::bigint, $4::bigint, $5::boolean, $6::boolean)
        on conflict on constraint disturbance_pkey do update
        set delay = excluded.delay,
            loses_request_every = excluded.loses_request_every,
            loses_answer_every = excluded.loses_answer_every,
            answers_twice = excluded.answers_twice,
            is_down = excluded.is_down,
            received = 0
        """)

    static let deleteDisturbance = Statement(
        "sandbox.delete_disturbance",
        """
        delete from sandbox.disturbance
        where account = $1::bigint
        """)

    static let readNotices = Statement(
        "sandbox.read_notices",
        """
        select n.id, m.key, n.code, n.message, n.amount, n.date, n.corrected_accessory, n.corrected_number
        from sandbox.notice as n
        join sandbox.movement as m on m.id = n.movement_id
        where n.account = $1::bigint
        and n.date <= $2::date
        and n.acknowledged_at is null
        order by n.date, n.id
        limit $3::bigint
        """)

    static let closeNotices = Statement(
        "sandbox.close_notices",
        """
        update sandbox.notice
        set acknowledged_at = clock_timestamp()
        where account = $1::bigint
        and id = any ($2::bigint[])
        and acknowledged_at is null
        and not exists (
            select
            from sandbox.disturbance as d
            where d.account = $1::bigint
            and d.is_down
        )
        """)
}
