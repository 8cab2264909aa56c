"""The account for those who may read."""

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from simhospital import schema
from simhospital.generate.reader import READER, let_read


def test_the_reader_reads_everything_and_writes_nothing(database_url):
    with psycopg.connect(database_url) as hospital:
        schema.create_all(hospital)
    assert let_read(database_url)
    assert let_read(database_url)
    with psycopg.connect(make_conninfo(database_url, user=READER), autocommit=True) as reader:
        assert reader.execute("SELECT count(*) FROM finance.cw_js").fetchone() == (0,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute("DELETE FROM finance.cw_js")
        assert reader.execute("SELECT count(*) > 0 FROM pg_stat_statements").fetchone() == (True,)
        assert reader.execute(
            "SELECT has_sequence_privilege(c.oid, 'SELECT') FROM pg_class c"
            " WHERE relkind = 'S' AND relnamespace = 'his'::regnamespace LIMIT 1"
        ).fetchone() in ((True,), None)
