"""An index for each order in which the whole ledger can be shown, closed cases included."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('desk', '0004_search_text'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='case',
            index=models.Index(fields=['next_due_at', 'id'], name='case_due'),
        ),
        migrations.AddIndex(
            model_name='case',
            index=models.Index(fields=['-updated_at', '-id'], name='case_updated'),
        ),
    ]
