"""What keeps a process that lost a channel from writing for it, and how a channel is taken."""

from django.db import migrations

FORWARD = """
-- Raises XW001 with the channels that the caller holds no more. The shared lock is kept to the end of the caller's
-- transaction, and whoever takes a channel over asks for it alone: so nothing is written under an older epoch after
-- the takeover. Volatile, so that the epochs are read after the locks were granted.
CREATE FUNCTION gateway_fence(channels integer[], epochs bigint[]) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  lost integer[];
BEGIN
  PERFORM pg_advisory_xact_lock_shared(7204, c) FROM unnest(channels) AS c;
  SELECT array_agg(held.c) INTO lost
    FROM unnest(channels, epochs) AS held(c, e)
    WHERE NOT EXISTS (SELECT FROM gateway_lease WHERE channel_id = held.c AND epoch = held.e);
  IF lost IS NOT NULL THEN
    RAISE EXCEPTION 'lease lost' USING ERRCODE = 'XW001', DETAIL = array_to_string(lost, ',');
  END IF;
  RETURN true;
END $$;

-- Takes a channel that nobody holds, whose lease ran out, or that the process already holds (a new life of the same
-- name): returns the new epoch, or null where another process holds it.
CREATE FUNCTION gateway_take(channel integer, holder bigint, seconds double precision)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  taken bigint;
BEGIN
  PERFORM pg_advisory_xact_lock(7204, channel);
  INSERT INTO gateway_lease (channel_id, epoch, problem) VALUES (channel, 0, '') ON CONFLICT DO NOTHING;
  UPDATE gateway_lease
    SET process_id = holder, epoch = epoch + 1, problem = '',
        expires_at = clock_timestamp() + make_interval(secs => seconds)
    WHERE channel_id = channel
      AND (process_id IS NULL OR process_id = holder OR expires_at IS NULL OR expires_at < clock_timestamp())
    RETURNING epoch INTO taken;
  RETURN taken;
END $$;
"""
BACKWARD = """
DROP FUNCTION gateway_take(integer, bigint, double precision);
DROP FUNCTION gateway_fence(integer[], bigint[]);
"""


class Migration(migrations.Migration):
    dependencies = [("gateway", "0003_desk")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
