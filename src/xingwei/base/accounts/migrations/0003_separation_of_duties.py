"""三员分立 in the database itself: whoever writes the row, no account holds two of the three administrations,
nor one of them together with a role that carries data right."""

from django.db import migrations

GUARD = """
CREATE FUNCTION accounts_separation_of_duties() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    administrations integer;
    data_roles integer;
BEGIN
    -- two grants at once to one account wait for each other here
    PERFORM 1 FROM accounts_user WHERE id = NEW.user_id FOR UPDATE;
    SELECT count(DISTINCT c.admin) FILTER (WHERE c.admin <> ''), count(*) FILTER (WHERE c.data)
      INTO administrations, data_roles
      FROM accounts_roleassignment a JOIN accounts_roleclass c ON c.role = a.role
     WHERE a.user_id = NEW.user_id;
    IF administrations > 1 THEN
        RAISE EXCEPTION '三员分立：一个账号不能同时担任两种管理员' USING ERRCODE = 'check_violation';
    END IF;
    IF administrations > 0 AND data_roles > 0 THEN
        RAISE EXCEPTION '三员分立：管理员账号不能有数据权' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER separation_of_duties
    AFTER INSERT OR UPDATE ON accounts_roleassignment
    DEFERRABLE INITIALLY IMMEDIATE
    FOR EACH ROW EXECUTE FUNCTION accounts_separation_of_duties();
"""
UNGUARD = """
DROP TRIGGER separation_of_duties ON accounts_roleassignment;
DROP FUNCTION accounts_separation_of_duties();
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_access")]
    operations = [migrations.RunSQL(GUARD, UNGUARD)]
