"""The lake of the demonstration's hospital: its five databases stand beside the product's own."""

from __future__ import annotations

from django.conf import settings

from xingwei.base.policy.engine import system_actor
from xingwei.base.runtime import config
from xingwei.base.runtime.setup import Report, step

from . import files
from .services.importer import import_lake

HOSPITAL = "simhospital"
READER = "data_reader"  # the account that the hospital's administrator makes


def places() -> dict[str, str]:
    """Where the simulated hospital keeps its databases, for the braces in the connections' file."""
    server = settings.DATABASES["default"]
    own = config.from_environment().database_url is None  # then we may expect the hospital to have made an account
    return {
        "hospital_host": str(server.get("HOST") or "localhost"),
        "hospital_port": str(server.get("PORT") or 5432),
        "hospital_database": HOSPITAL,
        "hospital_user": READER if own else str(server.get("USER", "")),
        "hospital_password": "" if own else str(server.get("PASSWORD", "")),
    }


@step(45, "配置数据湖", demo=True, files=(files.SHIPPED, files.DIRECTORY / "lake.schema.json"))
def lake(report: Report) -> None:
    """Connections, mappings and rules of the hospital that simhospital plays."""
    import_lake(system_actor("command"), files.SHIPPED, places=places(), progress=report)
