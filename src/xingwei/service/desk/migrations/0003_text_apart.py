"""The words of a case leave its row, and columns that lead an index of their own lose their second one."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0004_why_sessions_end'),
        ('desk', '0002_append_only'),
        ('estate', '0002_words_and_use'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='CaseText',
            fields=[
                ('case', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='words', serialize=False, to='desk.case')),
                ('grams', django.contrib.postgres.fields.ArrayField(base_field=models.IntegerField(), default=list, size=None)),
            ],
        ),
        migrations.RunSQL(
            'INSERT INTO desk_casetext (case_id, grams) SELECT id, grams FROM desk_case', migrations.RunSQL.noop
        ),
        migrations.RemoveIndex(
            model_name='case',
            name='case_grams',
        ),
        migrations.RemoveField(
            model_name='case',
            name='grams',
        ),
        migrations.AlterField(
            model_name='case',
            name='assignee',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='assigned', to=settings.AUTH_USER_MODEL, verbose_name='办理人'),
        ),
        migrations.AlterField(
            model_name='case',
            name='department',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='cases', to='accounts.department', verbose_name='反映科室'),
        ),
        migrations.AlterField(
            model_name='case',
            name='reporter',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='reported', to=settings.AUTH_USER_MODEL, verbose_name='反映人'),
        ),
        migrations.AlterField(
            model_name='case',
            name='system',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='cases', to='estate.system', verbose_name='系统'),
        ),
        migrations.AlterField(
            model_name='caseevent',
            name='case',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='events', to='desk.case'),
        ),
        migrations.AddIndex(
            model_name='casetext',
            index=django.contrib.postgres.indexes.GinIndex(fields=['grams'], name='case_grams', opclasses=['array_ops']),
        ),
    ]
