"""A case that moves writes an entry into each index: keep those that somebody asks. The two of text patterns serve
no question (numbers and keys are looked for whole)."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0004_why_sessions_end'),
        ('desk', '0007_rare_filters'),
        ('estate', '0003_chinese_names'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name='case',
            name='merged_into',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='merged', to='desk.case'),
        ),
        migrations.AlterField(
            model_name='case',
            name='party_organisation',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organisation', verbose_name='归属单位'),
        ),
        migrations.AlterField(
            model_name='case',
            name='registered_by',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='registered', to=settings.AUTH_USER_MODEL, verbose_name='登记人'),
        ),
        migrations.AlterField(
            model_name='case',
            name='subsystem',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, to='estate.subsystem', verbose_name='子系统'),
        ),
        migrations.AddIndex(
            model_name='case',
            index=models.Index(condition=models.Q(('merged_into__isnull', False)), fields=['merged_into'], name='case_merged'),
        ),
        migrations.RunSQL(
            "DROP INDEX IF EXISTS desk_case_number_f604e836_like, desk_case_idempotency_key_7b98ee10_like",
            migrations.RunSQL.noop,
        ),
    ]
