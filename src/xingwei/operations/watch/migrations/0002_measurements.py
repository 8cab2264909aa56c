"""The tables of what was measured: samples by day (Asia/Shanghai), roll-ups by month."""

from django.db import migrations

FORWARD = """
CREATE TABLE watch_sample (
  series_id integer NOT NULL,
  at timestamptz NOT NULL,
  value double precision NOT NULL
) PARTITION BY RANGE (at);
CREATE INDEX watch_sample_series ON watch_sample (series_id, at) INCLUDE (value);
CREATE TABLE watch_sample_other PARTITION OF watch_sample DEFAULT;

CREATE TABLE watch_roll (
  series_id integer NOT NULL,
  day date NOT NULL,
  n smallint[] NOT NULL,
  lo real[] NOT NULL,
  mid real[] NOT NULL,
  hi real[] NOT NULL,
  avg real[] NOT NULL,
  PRIMARY KEY (series_id, day)
) PARTITION BY RANGE (day);
CREATE TABLE watch_roll_other PARTITION OF watch_roll DEFAULT;

-- Makes the partitions of samples for the days from first to last, and of roll-ups for their months; what lies in a
-- default partition already stays there. Returns how many were made.
CREATE FUNCTION watch_make_partitions(first date, last date) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  d date;
  name text;
  made integer := 0;
BEGIN
  PERFORM pg_advisory_xact_lock(7211, 1);
  FOR d IN SELECT generate_series(first, last, interval '1 day')::date LOOP
    name := 'watch_sample_' || to_char(d, 'YYYYMMDD');
    IF to_regclass(name) IS NULL THEN
      BEGIN
        EXECUTE format('CREATE TABLE %I PARTITION OF watch_sample FOR VALUES FROM (%L) TO (%L)', name,
          d::timestamp AT TIME ZONE 'Asia/Shanghai', (d + 1)::timestamp AT TIME ZONE 'Asia/Shanghai');
        made := made + 1;
      EXCEPTION WHEN check_violation THEN
        NULL;
      END;
    END IF;
  END LOOP;
  FOR d IN SELECT generate_series(date_trunc('month', first), date_trunc('month', last), interval '1 month')::date LOOP
    name := 'watch_roll_' || to_char(d, 'YYYYMM');
    IF to_regclass(name) IS NULL THEN
      BEGIN
        EXECUTE format('CREATE TABLE %I PARTITION OF watch_roll FOR VALUES FROM (%L) TO (%L)', name,
          d, (d + interval '1 month')::date);
        made := made + 1;
      EXCEPTION WHEN check_violation THEN
        NULL;
      END;
    END IF;
  END LOOP;
  RETURN made;
END $$;
"""
BACKWARD = """
DROP FUNCTION watch_make_partitions(date, date);
DROP TABLE watch_roll;
DROP TABLE watch_sample;
"""


class Migration(migrations.Migration):
    dependencies = [("watch", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
