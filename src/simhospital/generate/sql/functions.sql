CREATE SCHEMA sim;
CREATE FUNCTION sim.h(id bigint, salt int) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT hashint8extended(id, :seed * 100000::bigint + salt) & 9223372036854775807 $$;
CREATE FUNCTION sim.n(id bigint, salt int, m int) RETURNS int LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT ((hashint8extended(id, :seed * 100000::bigint + salt) & 9223372036854775807) % m)::int $$;
CREATE FUNCTION sim.r(id bigint, salt int) RETURNS float8 LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT ((hashint8extended(id, :seed * 100000::bigint + salt) & 9223372036854775807) >> 10)::float8 / 9007199254740992 $$;
CREATE FUNCTION sim.s(seconds bigint) RETURNS interval LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT seconds * interval '1 second' $$;
CREATE FUNCTION sim.nature(brid bigint) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT (ARRAY['01','01','01','01','01','08','02','02','02','02','02','02','02','02','02','03','03','03','03','03','04','05','06','06','07'])
   [1 + ((hashint8extended(brid, :seed * 100000::bigint + 11) & 9223372036854775807) % 25)::int] $$;
CREATE FUNCTION sim.idcard(head text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT head || substr('10X98765432', 1 + (
   7*substr(head,1,1)::int + 9*substr(head,2,1)::int + 10*substr(head,3,1)::int + 5*substr(head,4,1)::int
 + 8*substr(head,5,1)::int + 4*substr(head,6,1)::int + 2*substr(head,7,1)::int + 1*substr(head,8,1)::int
 + 6*substr(head,9,1)::int + 3*substr(head,10,1)::int + 7*substr(head,11,1)::int + 9*substr(head,12,1)::int
 + 10*substr(head,13,1)::int + 5*substr(head,14,1)::int + 8*substr(head,15,1)::int + 4*substr(head,16,1)::int
 + 2*substr(head,17,1)::int) % 11, 1) $$;
CREATE TABLE sim.about (name text PRIMARY KEY, value text NOT NULL);
CREATE TABLE sim.defect (name text NOT NULL, tab text NOT NULL, key text NOT NULL);
CREATE TABLE sim.days (day date PRIMARY KEY, dayno int NOT NULL, visits int NOT NULL);
CREATE TABLE sim.stay (zyh bigint PRIMARY KEY, day date, brid bigint, ksdm text, bq text, cwh text, rysj timestamp, cysj timestamp, nights int, op boolean, icu boolean);
CREATE TABLE sim.clock (kind text, slot int, hour int, PRIMARY KEY (kind, slot));
CREATE TABLE sim.seat (kind text, slot int, ksdm text, ysdm text, zcdm text, kss text, PRIMARY KEY (kind, slot));
CREATE TABLE sim.staff (role text, slot int, ygdm text, PRIMARY KEY (role, slot));
CREATE TABLE sim.dx (slot int PRIMARY KEY, icd text, zdmc text, zhusu text);
CREATE TABLE sim.drug (kind text, slot int, ypxh bigint, ypmc text, dj numeric(12,4), sfxm text, yfdm text, jl numeric(12,4), jldw text, mzdw text, zfbl numeric(5,4), ybdj text, kss text, PRIMARY KEY (kind, slot));
CREATE TABLE sim.panel (slot int PRIMARY KEY, no int, name text, fyxh bigint, price numeric(12,4), tube text, specimen text, section int, tat int);
CREATE TABLE sim.exam (slot int PRIMARY KEY, fyxh bigint, name text, kind text, bw text, price numeric(12,4), zxks text)
