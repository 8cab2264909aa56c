"""Where the text of messages is searched: filled afterwards, so that receiving costs nothing more."""

from django.db import migrations

FORWARD = """
CREATE TABLE gateway_text (
  received_at timestamptz NOT NULL,
  message_id bigint NOT NULL,
  channel_id integer NOT NULL,
  grams integer[] NOT NULL,
  PRIMARY KEY (received_at, message_id)
) PARTITION BY RANGE (received_at);
CREATE INDEX gateway_text_grams ON gateway_text USING gin (grams);
CREATE TABLE gateway_text_other PARTITION OF gateway_text DEFAULT;

-- Makes the partitions of the text of the days from first to last (Asia/Shanghai). Returns how many were made.
CREATE FUNCTION gateway_make_text_partitions(first date, last date) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  day date := first;
  made integer := 0;
BEGIN
  PERFORM pg_advisory_xact_lock(7203, 2);
  WHILE day <= last LOOP
    IF to_regclass('gateway_text_' || to_char(day, 'YYYYMMDD')) IS NULL THEN
      BEGIN
        EXECUTE format(
          'CREATE TABLE %I PARTITION OF gateway_text FOR VALUES FROM (%L) TO (%L)',
          'gateway_text_' || to_char(day, 'YYYYMMDD'),
          day::timestamp AT TIME ZONE 'Asia/Shanghai', (day + 1)::timestamp AT TIME ZONE 'Asia/Shanghai');
        made := made + 1;
      EXCEPTION WHEN check_violation THEN
        NULL;
      END;
    END IF;
    day := day + 1;
  END LOOP;
  RETURN made;
END $$;
"""
BACKWARD = """
DROP TABLE gateway_text;
DROP FUNCTION gateway_make_text_partitions(date, date);
"""


class Migration(migrations.Migration):
    dependencies = [("gateway", "0004_fence")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
