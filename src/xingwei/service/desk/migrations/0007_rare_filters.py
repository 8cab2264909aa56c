"""What few cases have is found without reading all of them: a rare channel, a tag, a kind in a system.

The statistics tell PostgreSQL which of these go together (no YB case comes by a probe), else it walks a million rows
in order, hoping for fifty.
"""

import django.contrib.postgres.indexes
from django.conf import settings
from django.db import migrations, models

TOGETHER = ("system_id, kind", "severity, party, kind", "system_id, severity, party", "system_id, channel")


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0004_why_sessions_end'),
        ('desk', '0006_facets'),
        ('estate', '0003_chinese_names'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddIndex(
            model_name='case',
            index=models.Index(condition=models.Q(('category', 'closed'), _negated=True), fields=['kind', 'assignee', 'id'], include=('category', 'state', 'waiting_for'), name='case_open'),
        ),
        migrations.AddIndex(
            model_name='case',
            index=models.Index(fields=['system', 'kind', '-id'], name='case_system_kind'),
        ),
        migrations.AddIndex(
            model_name='case',
            index=models.Index(fields=['channel', '-id'], name='case_channel'),
        ),
        migrations.AddIndex(
            model_name='case',
            index=django.contrib.postgres.indexes.GinIndex(fields=['tags'], name='case_tags', opclasses=['array_ops']),
        ),
        migrations.AddIndex(
            model_name='case',
            index=models.Index(fields=['party', 'severity', '-id'], name='case_party_severity'),
        ),
        migrations.RunSQL(
            [f"CREATE STATISTICS case_{'_'.join(c.split(', '))} (mcv) ON {c} FROM desk_case" for c in TOGETHER],
            [f"DROP STATISTICS case_{'_'.join(c.split(', '))}" for c in TOGETHER],
        ),
    ]
