"""The clocks of a case leave its row: what moves with every event, and with the calendar in all open cases at once,
no longer writes the case's twenty indexes anew. Closed cases sort behind those that have no deadline."""

import datetime
import django.db.models.deletion
from django.db import migrations, models

COLUMNS = "clocks, next_remind_at, next_due_clock, clock_state, policy_version, calendar_version"


class Migration(migrations.Migration):

    dependencies = [
        ('desk', '0008_fewer_indexes'),
    ]

    operations = [
        migrations.CreateModel(
            name='CaseClocks',
            fields=[
                ('case', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='timing', serialize=False, to='desk.case')),
                ('clocks', models.JSONField(blank=True, default=list)),
                ('next_due_at', models.DateTimeField(default=datetime.datetime(9999, 1, 1, 0, 0, tzinfo=datetime.timezone.utc), help_text='NEVER where no clock runs, ENDED once it is closed')),
                ('next_remind_at', models.DateTimeField(default=datetime.datetime(9999, 1, 1, 0, 0, tzinfo=datetime.timezone.utc), help_text='when the next warning or lateness is told')),
                ('next_due_clock', models.CharField(blank=True, max_length=16)),
                ('clock_state', models.CharField(blank=True, help_text='running, paused, or empty', max_length=8)),
                ('policy_version', models.CharField(blank=True, max_length=40)),
                ('calendar_version', models.CharField(blank=True, max_length=40)),
            ],
        ),
        migrations.RunSQL(
            f"INSERT INTO desk_caseclocks (case_id, {COLUMNS}, next_due_at)"
            f" SELECT id, {COLUMNS}, CASE WHEN category = 'closed' THEN timestamptz '9999-12-31 00:00+00' ELSE next_due_at END"
            " FROM desk_case ORDER BY id",
            migrations.RunSQL.noop,
        ),
        migrations.RemoveIndex(
            model_name='case',
            name='case_remind',
        ),
        migrations.RemoveIndex(
            model_name='case',
            name='case_open_due',
        ),
        migrations.RemoveIndex(
            model_name='case',
            name='case_due',
        ),
        migrations.RemoveField(
            model_name='case',
            name='calendar_version',
        ),
        migrations.RemoveField(
            model_name='case',
            name='clock_state',
        ),
        migrations.RemoveField(
            model_name='case',
            name='clocks',
        ),
        migrations.RemoveField(
            model_name='case',
            name='next_due_at',
        ),
        migrations.RemoveField(
            model_name='case',
            name='next_due_clock',
        ),
        migrations.RemoveField(
            model_name='case',
            name='next_remind_at',
        ),
        migrations.RemoveField(
            model_name='case',
            name='policy_version',
        ),
        migrations.AddIndex(
            model_name='caseclocks',
            index=models.Index(fields=['next_due_at', 'case'], name='clocks_due'),
        ),
        migrations.AddIndex(
            model_name='caseclocks',
            index=models.Index(condition=models.Q(('next_remind_at__lt', datetime.datetime(9999, 1, 1, 0, 0, tzinfo=datetime.timezone.utc))), fields=['next_remind_at'], name='clocks_remind'),
        ),
        # without the columns that left, half as many pages hold the same cases
        migrations.RunSQL("CLUSTER desk_case USING desk_case_pkey", migrations.RunSQL.noop),
    ]
