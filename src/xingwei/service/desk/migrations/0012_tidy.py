"""Tables that were written anew: what the planner knows of them, and which of their pages it need not look into."""

from django.db import migrations


class Migration(migrations.Migration):
    atomic = False  # VACUUM runs in no transaction

    dependencies = [
        ("desk", "0011_filters_together"),
    ]

    operations = [
        migrations.RunSQL(f"VACUUM (ANALYZE) {table}", migrations.RunSQL.noop)
        for table in ("desk_case", "desk_caseclocks", "desk_casetext")
    ]
