"""What happened to a case is never rewritten: the timeline refuses UPDATE and DELETE, whoever asks."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION desk_refuse_rewriting() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER desk_caseevent_append_only BEFORE UPDATE OR DELETE ON desk_caseevent
  FOR EACH ROW EXECUTE FUNCTION desk_refuse_rewriting();
"""
BACKWARD = """
DROP TRIGGER desk_caseevent_append_only ON desk_caseevent;
DROP FUNCTION desk_refuse_rewriting();
"""


class Migration(migrations.Migration):
    dependencies = [("desk", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
