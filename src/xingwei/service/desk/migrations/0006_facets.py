"""Systems, kinds, departments and people of the cases among the numbers of their words (engine/facets)."""

from typing import Any

import django.contrib.postgres.indexes
from django.db import migrations

from xingwei.service.desk.engine import facets

# as base/ui/grams.facet: the kind of facet in the upper half, the value in the lower, as a signed number
NUMBER = "(({kind}::bigint << 16 | ({value} & 65535)) - 4294967296)::integer"


def fill(apps: Any, schema_editor: Any) -> None:
    kinds = apps.get_model("desk", "Case").objects.order_by().values_list("kind", flat=True).distinct()
    of_kind = " ".join(f"WHEN '{key}' THEN {facets.kind(key)}" for key in kinds)
    if not of_kind:
        return
    schema_editor.execute(
        "UPDATE desk_casetext t SET grams = (SELECT array_agg(DISTINCT g ORDER BY g) FROM unnest(t.grams || ARRAY["
        f"{NUMBER.format(kind=0xFFF1, value='c.system_id')}, CASE c.kind {of_kind} END,"
        f" {NUMBER.format(kind=0xFFF3, value='c.department_id')}]"
        f" || ARRAY(SELECT {NUMBER.format(kind=0xFFF4, value='p')} FROM unnest(c.people) p)) g WHERE g IS NOT NULL)"
        " FROM desk_case c WHERE c.id = t.case_id"
    )


INDEX = django.contrib.postgres.indexes.GinIndex(fields=["grams"], name="case_grams", opclasses=["array_ops"])


class Migration(migrations.Migration):

    dependencies = [
        ('desk', '0005_orders_of_the_ledger'),
    ]

    operations = [
        migrations.RemoveIndex(model_name='casetext', name='case_grams'),  # made anew in a minute, changed in an hour
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.AddIndex(model_name='casetext', index=INDEX),
    ]
