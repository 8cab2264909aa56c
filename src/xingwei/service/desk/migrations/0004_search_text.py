"""The words of a case themselves beside their numbers, so that the database rechecks what the index lets through."""

from typing import Any

from django.db import migrations, models

from xingwei.base.ui.grams import normal


def fill(apps: Any, schema_editor: Any) -> None:
    Case, CaseText = apps.get_model("desk", "Case"), apps.get_model("desk", "CaseText")
    for row in Case.objects.iterator(chunk_size=2_000):
        parts = [row.number, row.title, row.description, row.tried, row.cause, row.solution, row.reporter_name, *row.tags]
        CaseText.objects.filter(pk=row.pk).update(text=normal("\n".join(p for p in parts if p)))


class Migration(migrations.Migration):

    dependencies = [
        ('desk', '0003_text_apart'),
    ]

    operations = [
        migrations.AddField(
            model_name='casetext',
            name='text',
            field=models.TextField(default=''),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
