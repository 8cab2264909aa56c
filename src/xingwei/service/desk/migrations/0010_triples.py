"""Every three characters in a row among the numbers of a case's words: a word of three characters or more is one look
into the index, where its pairs let through thousands of texts that had to be read.

The statistics of the numbers reach further down: whether a word stands in every hundredth case or in every thousandth
decides how it is looked for.
"""

from typing import Any

import django.contrib.postgres.indexes
from django.db import migrations

from xingwei.base.ui.grams import triples

PORTION = 20_000
INDEX = django.contrib.postgres.indexes.GinIndex(fields=["grams"], name="case_grams", opclasses=["array_ops"])


def fill(apps: Any, schema_editor: Any) -> None:
    last, found = 0, True
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE desk_triples (case_id bigint, numbers integer[]) ON COMMIT DROP")
        while found:
            cursor.execute(
                "SELECT case_id, text FROM desk_casetext WHERE case_id > %s ORDER BY case_id LIMIT %s", [last, PORTION]
            )
            found = cursor.fetchall()
            with cursor.copy("COPY desk_triples FROM STDIN") as copy:
                for case_id, text in found:
                    copy.write_row((case_id, triples(text)))
            last = found[-1][0] if found else last
        cursor.execute(
            "UPDATE desk_casetext t SET grams = t.grams || s.numbers FROM desk_triples s WHERE s.case_id = t.case_id"
        )


class Migration(migrations.Migration):

    dependencies = [
        ('desk', '0009_clocks_apart'),
    ]

    operations = [
        migrations.RemoveIndex(model_name='casetext', name='case_grams'),  # made anew in a minute, changed in an hour
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.RunSQL("CLUSTER desk_casetext USING desk_casetext_pkey", migrations.RunSQL.noop),
        migrations.RunSQL(
            "ALTER TABLE desk_casetext ALTER grams SET STATISTICS 500",
            "ALTER TABLE desk_casetext ALTER grams SET STATISTICS -1",
        ),
        migrations.AddIndex(model_name='casetext', index=INDEX),
    ]
