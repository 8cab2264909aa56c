"""What the database itself holds: nothing is updated or emptied, and only what a signed head declares purged,
and what is older than the law's six months (184 days), can be deleted. New entries queue for the sealer."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION journal_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '审计日志只能追加，不能修改或清空（%）', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE FUNCTION journal_purged() RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT coalesce((SELECT purged FROM journal_signedhead ORDER BY id DESC LIMIT 1), 0)
$$;

CREATE FUNCTION journal_refuse_early() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    place bigint;
    allowed boolean;
BEGIN
    IF TG_TABLE_NAME = 'journal_entry' THEN
        SELECT seq INTO place FROM journal_seal WHERE entry_id = OLD.id;
        allowed := place <= journal_purged() AND OLD.at < now() - interval '184 days';
    ELSIF TG_TABLE_NAME = 'journal_seal' THEN
        allowed := OLD.seq <= journal_purged() AND NOT EXISTS (SELECT 1 FROM journal_entry WHERE id = OLD.entry_id);
    ELSE
        allowed := OLD.seq < journal_purged();
    END IF;
    IF allowed IS NOT TRUE THEN
        RAISE EXCEPTION '审计日志在留存期内，不能删除（%）', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN OLD;
END $$;

CREATE FUNCTION journal_purge() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    upto bigint := journal_purged();
    removed bigint;
BEGIN
    DELETE FROM journal_entry e USING journal_seal s WHERE s.entry_id = e.id AND s.seq <= upto;
    GET DIAGNOSTICS removed = ROW_COUNT;
    DELETE FROM journal_seal WHERE seq <= upto;
    DELETE FROM journal_signedhead WHERE seq < upto;
    RETURN removed;
END $$;

CREATE FUNCTION journal_enqueue() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO journal_pending (entry_id) SELECT id FROM fresh;
    RETURN NULL;
END $$;

CREATE TRIGGER journal_enqueue AFTER INSERT ON journal_entry
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION journal_enqueue();
INSERT INTO journal_pending (entry_id) SELECT id FROM journal_entry;
"""

GUARD = """
CREATE TRIGGER journal_no_update BEFORE UPDATE OR TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION journal_refuse();
CREATE TRIGGER journal_no_delete BEFORE DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION journal_refuse_early();
"""

BACK = """
DROP TRIGGER journal_enqueue ON journal_entry;
DROP FUNCTION journal_enqueue();
DROP FUNCTION journal_purge();
DROP FUNCTION journal_refuse() CASCADE;
DROP FUNCTION journal_refuse_early() CASCADE;
DROP FUNCTION journal_purged();
"""

TABLES = ("journal_entry", "journal_seal", "journal_signedhead")


class Migration(migrations.Migration):
    dependencies = [("journal", "0002_seal")]

    operations = [
        migrations.RunSQL(FORWARD + "".join(GUARD.format(table=t) for t in TABLES), BACK),
    ]
