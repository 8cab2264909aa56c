"""`simhospital …`: the simulated hospital by hand. Other parts add their groups of commands to `app`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from simhospital import settings as hospital_settings

app = typer.Typer(help="模拟医院：业务数据库、仪器、医保中心，按需出故障。", no_args_is_help=True)

Set = Annotated[list[str] | None, typer.Option("--set", help="改一项设置，如 traffic.haste=600；可写多次。")]
Where = Annotated[Path | None, typer.Option("--settings", help="医院设置文件，默认随程序的 hospital.yaml。")]
Url = Annotated[str, typer.Option("--database", envvar="SIMHOSPITAL_DATABASE_URL", help="PostgreSQL 地址。")]


def settings_of(where: Path | None, changes: list[str] | None) -> hospital_settings.Settings:
    """The settings that the options ask for; ends the command with a sentence where they cannot be used."""
    try:
        return hospital_settings.load(where, dict(c.split("=", 1) for c in changes or ()))
    except (hospital_settings.SettingsError, ValueError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None


@app.command()
def ddl(dialect: Annotated[str, typer.Option(help="postgres、mysql、oracle 或 sqlserver")] = "postgres") -> None:
    """写出五个业务库的建表语句。"""
    from simhospital import schema

    if dialect not in schema.DIALECTS:
        typer.echo(f"没有“{dialect}”这种数据库，可选：{'、'.join(schema.DIALECTS)}。", err=True)
        raise typer.Exit(2)
    for statement in schema.statements(dialect):
        typer.echo(f"{statement};")


@app.command()
def points() -> None:
    """列出运行中的医院可以出故障的位置。"""
    from simhospital.life.points import POINTS

    for name, text in POINTS.items():
        typer.echo(f"{name:<18}{text}")


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
