"""The statements of the hot path. Each is one round trip and one commit, and fenced by the leases."""

# ruff: noqa: S608 -- fixed texts joined to fixed texts

from __future__ import annotations

_FENCE = "fence AS MATERIALIZED (SELECT gateway_fence($1::int4[], $2::int8[]) AS held)"

SESSION = (
    # The arrays are short and every table has the index: whatever the statistics say, nothing is to be scanned.
    "enable_seqscan = off",
    "enable_hashjoin = off",
    "enable_mergejoin = off",
    "plan_cache_mode = force_generic_plan",
    "jit = off",
)

# Messages and what is to be delivered of them, in one commit.
STORE = f"""WITH {_FENCE}, stored AS (
  INSERT INTO gateway_message (id, received_at, channel_id, state, control_id, type, key, patient, reference, event_at,
    charset, peer, size, digest, raw, answer, problem, targets)
  SELECT u.* FROM fence, unnest($3::int8[], $4::timestamptz[], $5::int4[], $6::text[], $7::text[], $8::text[],
    $9::text[], $10::text[], $11::text[], $12::timestamptz[], $13::text[], $14::text[], $15::int4[], $16::bytea[],
    $17::bytea[], $18::bytea[], $19::text[], $20::int2[]) AS u
  WHERE fence.held)
INSERT INTO gateway_queued (id, message_id, message_at, channel_id, route_version_id, order_key, state, queued_at, size,
  first_sent_at, attempts, inquiry)
SELECT u.* FROM unnest($21::int8[], $22::int8[], $23::timestamptz[], $24::int4[], $25::int4[], $26::text[], $27::text[],
  $28::timestamptz[], $29::int4[], $30::timestamptz[], $31::int4[], $32::jsonb[]) AS u"""

# Which of these control ids have been here, newest first.
REPEATS = """SELECT asked.n, m.id, m.received_at, m.digest, m.answer
FROM unnest($1::int4[], $2::text[]) WITH ORDINALITY AS asked (channel_id, control_id, n)
JOIN gateway_message m ON m.control_id = asked.control_id AND m.channel_id = asked.channel_id
WHERE m.control_id <> '' AND m.received_at > now() - interval '8 days' ORDER BY m.received_at DESC"""

# The newest control ids of a channel, for the filter of a new holder.
NEWEST = """SELECT control_id FROM gateway_message
WHERE channel_id = %s AND control_id <> '' AND received_at > now() - interval '8 days'
ORDER BY received_at DESC LIMIT %s"""

IDS = "SELECT nextval('gateway_ids')"

_SETTLED = """queue_row.id, given.done_at, queue_row.message_id, queue_row.message_at, queue_row.channel_id,
  queue_row.route_version_id, queue_row.order_key, given.outcome, given.attempts, queue_row.queued_at,
  coalesce(queue_row.first_sent_at, given.first_sent_at), given.sent_at, given.latency_us, given.processed,
  given.response, given.code, given.size, given.settled_by"""

# Out of the queue, into the deliveries. A row that is in the queue no more was settled by somebody else.
SETTLE = f"""WITH {_FENCE}, settled AS (
  DELETE FROM gateway_queued AS queue_row USING fence, unnest($3::int8[], $4::timestamptz[], $5::text[], $6::int4[],
    $7::timestamptz[], $8::timestamptz[], $9::int4[], $10::bytea[], $11::bytea[], $12::text[], $13::int4[],
    $14::text[]) AS given (id, done_at, outcome, attempts, first_sent_at, sent_at, latency_us, processed, response,
    code, size, settled_by)
  WHERE fence.held AND queue_row.id = given.id
  RETURNING {_SETTLED})
INSERT INTO gateway_delivery (id, done_at, message_id, message_at, channel_id, route_version_id, order_key, outcome,
  attempts, queued_at, first_sent_at, sent_at, latency_us, processed, response, code, size, settled_by)
SELECT * FROM settled"""

# A try that did not succeed: the row's next state, and the attempt.
CHANGE = f"""WITH {_FENCE}, changed AS (
  UPDATE gateway_queued AS queue_row SET state = given.state, attempts = given.attempts, next_at = given.next_at,
    code = given.code, reason = given.reason, first_sent_at = coalesce(queue_row.first_sent_at, given.first_sent_at),
    inquiry = coalesce(given.inquiry, queue_row.inquiry)
  FROM fence, unnest($3::int8[], $4::text[], $5::int4[], $6::timestamptz[], $7::text[], $8::text[],
    $9::timestamptz[], $10::jsonb[], $11::text[], $12::timestamptz[], $13::int4[], $14::bytea[], $15::int4[])
    AS given (id, state, attempts, next_at, code, reason, first_sent_at, inquiry, outcome, at, latency_us, response,
    wait_ms)
  WHERE fence.held AND queue_row.id = given.id AND queue_row.state IN ('waiting', 'sending', 'uncertain')
  RETURNING queue_row.id, queue_row.message_id, queue_row.channel_id, given.outcome, given.at, given.attempts,
    given.code, given.reason, given.latency_us, given.response, given.wait_ms), tried AS (
  INSERT INTO gateway_attempt (at, queued_id, message_id, channel_id, number, outcome, code, reason, latency_us,
    response, wait_ms)
  SELECT at, id, message_id, channel_id, attempts, outcome, code, reason, latency_us, response, wait_ms
  FROM changed WHERE outcome <> '')
SELECT id FROM changed"""

# Before the first byte leaves for a receiver that cannot tell repeats. What a person took away is not returned.
MARK = f"""WITH {_FENCE}
UPDATE gateway_queued AS queue_row SET state = 'sending', attempts = given.attempts,
  first_sent_at = coalesce(queue_row.first_sent_at, given.at)
FROM fence, unnest($3::int8[], $4::int4[], $5::timestamptz[]) AS given (id, attempts, at)
WHERE fence.held AND queue_row.id = given.id AND queue_row.state IN ('waiting', 'sending')
RETURNING queue_row.id"""

_ROW = """q.id, q.message_id, q.message_at, q.route_version_id, q.order_key, q.state, q.attempts, q.next_at, q.queued_at,
  q.first_sent_at, q.inquiry, coalesce(q.payload, m.raw), q.payload IS NOT NULL, m.channel_id, m.control_id, m.type,
  m.key, m.patient, m.reference, m.charset, m.peer"""
_FROM = """FROM gateway_queued q JOIN gateway_message m ON m.received_at = q.message_at AND m.id = q.message_id"""

# The queue of a way out, in portions (psycopg's parameters).
PORTION = f"""SELECT {_ROW} {_FROM} WHERE q.channel_id = %s AND q.id > %s AND q.state = ANY(%s)
ORDER BY q.id LIMIT %s"""
# What came back into the queue among those that had been passed: replayed, released, settled by a person.
LATE = f"""SELECT {_ROW} {_FROM} WHERE q.channel_id = %s AND q.id <= %s AND q.state = ANY(%s) AND NOT q.id = ANY(%s)
ORDER BY q.id LIMIT %s"""
# At the start of a holder: what was on the wire when the last one ended.
INTERRUPTED = """UPDATE gateway_queued SET state = 'uncertain', reason = '进程中断时正在投递'
WHERE channel_id = %s AND state = 'sending' AND gateway_fence(ARRAY[%s]::int4[], ARRAY[%s]::int8[])"""
STATES = "SELECT id, state FROM gateway_queued WHERE id = ANY(%s)"
COUNT = """SELECT count(*) FILTER (WHERE state IN ('waiting', 'sending')), count(*) FILTER (WHERE state = 'uncertain'),
  count(*) FILTER (WHERE state = 'dead'), min(queued_at) FILTER (WHERE state IN ('waiting', 'sending')),
  coalesce(max(id), 0) FROM gateway_queued WHERE channel_id = %s"""
