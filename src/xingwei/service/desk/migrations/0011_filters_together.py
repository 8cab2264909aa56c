"""What several filters of the ledger ask together is one look into one index, whichever they are: the two indexes that
were made for two such pairs go. The index of open cases holds all that their lists are narrowed by."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.functions.comparison
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0004_why_sessions_end'),
        ('desk', '0010_triples'),
        ('estate', '0003_chinese_names'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='case',
            name='case_open',
        ),
        migrations.RemoveIndex(
            model_name='case',
            name='case_system_kind',
        ),
        migrations.RemoveIndex(
            model_name='case',
            name='case_party_severity',
        ),
        migrations.AddField(
            model_name='case',
            name='known',
            field=models.GeneratedField(db_persist=True, expression=models.Func(django.db.models.functions.text.Concat(models.Value('y', models.TextField()), django.db.models.functions.comparison.Cast('system', models.TextField())), django.db.models.functions.text.Concat(models.Value('k', models.TextField()), django.db.models.functions.comparison.Cast('kind', models.TextField())), django.db.models.functions.text.Concat(models.Value('l', models.TextField()), django.db.models.functions.comparison.Cast('severity', models.TextField())), django.db.models.functions.text.Concat(models.Value('d', models.TextField()), django.db.models.functions.comparison.Cast('department', models.TextField())), django.db.models.functions.text.Concat(models.Value('a', models.TextField()), django.db.models.functions.comparison.Cast('assignee', models.TextField())), django.db.models.functions.text.Concat(models.Value('p', models.TextField()), django.db.models.functions.comparison.Cast('party', models.TextField())), django.db.models.functions.text.Concat(models.Value('g', models.TextField()), django.db.models.functions.comparison.Cast('category', models.TextField())), django.db.models.functions.text.Concat(models.Value('c', models.TextField()), django.db.models.functions.comparison.Cast('channel', models.TextField())), django.db.models.functions.text.Concat(models.Value('t', models.TextField()), django.db.models.functions.comparison.Cast('ever_late', models.TextField())), output_field=django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), size=None), template='ARRAY[%(expressions)s]'), output_field=django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), size=None), verbose_name='可筛选的'),
        ),
        migrations.AddIndex(
            model_name='case',
            index=models.Index(condition=models.Q(('category', 'closed'), _negated=True), fields=['kind', 'assignee', 'id'], include=('category', 'state', 'waiting_for', 'severity', 'system', 'department', 'party', 'channel', 'ever_late', 'reporter'), name='case_open'),
        ),
        migrations.AddIndex(
            model_name='case',
            index=django.contrib.postgres.indexes.GinIndex(fields=['known'], name='case_known', opclasses=['array_ops']),
        ),
    ]
